import assert from 'node:assert/strict';
import test from 'node:test';

import { contextBody, type ViewWish } from '../../../src/admin/context.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';

/** What the port was asked for a query, and what was answered. */
async function asked(query: string): Promise<{ wish: ViewWish | undefined; body: unknown }> {
  let wish: ViewWish | undefined;
  const viewCost = (given: ViewWish): Promise<object> => {
    wish = given;
    return Promise.resolve({ tokens: 7, servers: [] });
  };
  const text = await contextBody({ viewCost }, new URLSearchParams(query));
  return { wish, body: JSON.parse(text) as unknown };
}

test('the context cost is asked for a caller as the query describes it', async () => {
  const query = 'consumer=dev&group=a&group=b&client=cursor&endpoint=plain&model=OpenAI/gpt-5';
  const { wish, body } = await asked(query);
  const caller = { consumer: 'dev', groups: ['a', 'b'], client: 'cursor', endpoint: 'plain' };
  assert.deepEqual(wish, { ...caller, model: { provider: 'openai', id: 'gpt-5' } });
  assert.deepEqual(body, { caller, tokens: 7, servers: [] });
});

test('without a query it is that of a caller nobody knows anything of', async () => {
  const { wish } = await asked('');
  assert.deepEqual(wish, {
    consumer: undefined,
    groups: [],
    client: undefined,
    endpoint: undefined,
    model: undefined,
  });
});

test('a model may be named by its id alone, and its id may hold slashes', async () => {
  assert.deepEqual((await asked('model=gpt-5')).wish?.model, { provider: '', id: 'gpt-5' });
  const { wish } = await asked('model=openrouter/meta/llama');
  assert.deepEqual(wish?.model, { provider: 'openrouter', id: 'meta/llama' });
});

test('a query that cannot be answered is refused with what is wrong in it', async () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    [
      'consumers=dev',
      /consumers: is not known; known are consumer, client, endpoint, model, group/u,
    ],
    ['consumer=a&consumer=b', /consumer: may be given once/u],
    ['consumer=', /consumer: must have 1 to 100 visible characters/u],
    [`client=${'x'.repeat(101)}`, /client: must have/u],
    ['group=a%0Ab', /group: must have/u],
  ];
  for (const [query, what] of rows)
    await assert.rejects(
      () => asked(query),
      (error) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.code, 'PARAMS_INVALID');
        assert.match(error.message, what);
        return true;
      },
    );
});
