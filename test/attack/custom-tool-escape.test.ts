import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller, refusalOf } from '../support/attack-caller.ts';
import { assertServes, attackedForFile, KEY_HEADER } from '../support/attack-gateway.ts';
import { eventually } from '../support/raw-eventually.ts';
import { rpcOf, type JsonObject, type Rpc } from '../support/raw-http.ts';

/** What a custom tool fixes, hides or bounds holds whatever its caller sends; and blocking its parent blocks it. */

const DEFINITION = {
  inputSchema: {
    type: 'object',
    properties: {
      channel: { type: 'string' },
      text: { type: 'string' },
      limit: { type: 'number' },
      token: { type: 'string' },
      who: { type: 'string' },
      options: {
        type: 'object',
        properties: {
          safe: { type: 'boolean' },
          deep: {
            type: 'object',
            properties: { mode: { type: 'string' }, note: { type: 'string' } },
          },
          free: { type: 'string' },
        },
      },
    },
    required: ['channel', 'text'],
  },
};

const gateway = await attackedForFile({
  app: {
    toolGroups: [
      { name: 'parent', services: { it: ['post'] } },
      { name: 'children', services: { it: ['post_general', 'post_bounded'] } },
      { name: 'one-child', services: { it: ['post_general'] } },
      { name: 'everything', services: { it: '*' } },
    ],
    permissions: {
      consumers: {
        boss: { block: [] },
        child: { allow: ['children'] },
        blocked: { block: ['parent'] },
        parental: { allow: ['parent'] },
        ruled: { block: [] },
        named: {
          base: 'block',
          profiles: { allow: ['one-child', 'everything'], block: ['parent'] },
        },
      },
    },
    toolExtensions: {
      services: {
        IT: {
          post: {
            childTools: [
              {
                name: 'post_general',
                overrideParams: {
                  channel: 'general',
                  token: { hidden: true },
                  who: { value: '${principal.name}' },
                  text: { rename: 'message' },
                  options: { value: { safe: true, deep: { mode: 'read' } } },
                },
              },
              {
                name: 'post_bounded',
                overrideParams: {
                  channel: { enum: ['a', 'b'] },
                  text: { pattern: '^[a-z ]{1,20}$' },
                  limit: { minimum: 1, maximum: 5 },
                },
              },
            ],
          },
        },
      },
    },
    rules: [
      { id: 'no-post', effect: 'deny', consumers: ['ruled'], tools: ['it/post'] },
      {
        id: 'general-only',
        effect: 'deny',
        tools: ['it/post_general'],
        when: 'args.channel != "general"',
      },
    ],
  },
});
const { port } = gateway;

async function callerOf(consumer: string): Promise<Caller> {
  return new Caller(port, { headers: { [KEY_HEADER]: await gateway.createKey(consumer) } });
}

const [boss, child, blocked, parental, ruled, named] = await Promise.all(
  (['boss', 'child', 'blocked', 'parental', 'ruled', 'named'] as const).map(callerOf),
);
assert.ok(boss && child && blocked && parental && ruled && named);
await boss.modernCall('it__fixture_add_tool', { name: 'post', definition: DEFINITION });
await eventually('the custom tools are offered', async () => {
  return (await boss.listed('tools')).includes('it__post_general');
});

function argumentsIn({ result }: Rpc): JsonObject {
  const called = result?.['structuredContent'] as { arguments: JsonObject } | undefined;
  assert.ok(called, JSON.stringify(result));
  return called.arguments;
}

/** What the server got. */
async function posted(args: JsonObject, by = child): Promise<JsonObject> {
  const got = rpcOf(await by!.modernCall('it__post_general', args));
  return argumentsIn(got);
}

const FIXED = { channel: 'general', who: 'child', options: { safe: true, deep: { mode: 'read' } } };

/** Arguments that try to get past what is fixed or hidden. */
const ATTEMPTS: readonly JsonObject[] = [
  { channel: 'secret' },
  { channel: null },
  { channel: ['secret'] },
  { channel: { toString: 'secret' } },
  { who: 'boss' },
  { token: 'mine' },
  { text: 'under the old name' },
  { options: { safe: false } },
  { options: { deep: { mode: 'write' } } },
  { options: { deep: null } },
  { options: { deep: [] } },
  { options: null },
  { options: [] },
  { options: 'none' },
  JSON.parse('{"__proto__":{"channel":"secret"}}') as JsonObject,
  JSON.parse('{"options":{"__proto__":{"safe":false}}}') as JsonObject,
  JSON.parse('{"constructor":{"prototype":{"channel":"secret"}}}') as JsonObject,
  { 'options.safe': false, 'options[deep][mode]': 'write' },
];

for (const attempt of ATTEMPTS) {
  test(`${JSON.stringify(attempt)} changes nothing of what the custom tool fixes or hides`, async () => {
    const got = await child.modernCall('it__post_general', { message: 'hi', ...attempt });
    if (refusalOf(got) !== undefined) {
      assertRefusal(got, 'PARAMS_INVALID');
      return;
    }
    const sent = argumentsIn(rpcOf(got));
    const options = sent['options'] as typeof FIXED.options;
    assert.deepEqual([sent['channel'], sent['who'], sent['text']], ['general', 'child', 'hi']);
    assert.deepEqual([options.safe, options.deep.mode], [true, 'read']);
    assert.equal(sent['token'], undefined);
  });
}

test('what is fixed in part leaves the rest to the caller', async () => {
  const sent = await posted({ message: 'hi', options: { free: 'x', deep: { note: 'y' } } });
  const options = { safe: true, free: 'x', deep: { mode: 'read', note: 'y' } };
  assert.deepEqual(sent, { ...FIXED, text: 'hi', options });
});

test('rules judge what the server will get, not what a caller calls it', async () => {
  assert.deepEqual(await posted({ message: 'hi' }), { ...FIXED, text: 'hi' });
  const from = gateway.audit().length;
  await child.modernCall('it__post_general', { message: 'hi' });
  const line = await gateway.recorded('it', ({ custom }) => custom === 'post_general', from);
  assert.equal((line.judgedArguments as JsonObject)['channel'], 'general');
});

for (const args of [
  { channel: 'c', text: 'fine' },
  { channel: 'A', text: 'fine' },
  { channel: ['a'], text: 'fine' },
  { channel: 'a', text: 'NOT FINE' },
  { channel: 'a', text: 'fine\nNOT' },
  { channel: 'a', text: 'x'.repeat(21) },
  { channel: 'a', text: '' },
  { channel: 'a', text: null },
  { channel: 'a', text: 'fine', limit: 6 },
  { channel: 'a', text: 'fine', limit: 0 },
  { channel: 'a', text: 'fine', limit: '3' },
  { channel: 'a', text: 'fine', limit: null },
  { channel: 'a' },
  { text: 'fine' },
]) {
  test(`${JSON.stringify(args).slice(0, 80)} is outside the bounds, and refused before the server is asked (R21)`, async () => {
    const from = gateway.audit().length;
    assertRefusal(await child.modernCall('it__post_bounded', args), 'PARAMS_INVALID');
    await gateway.recorded(
      'it',
      ({ code, custom }) => code === 'PARAMS_INVALID' && custom === 'post_bounded',
      from,
    );
  });
}

test('within the bounds the call is made', async () => {
  const got = await child.modernCall('it__post_bounded', { channel: 'a', text: 'fine', limit: 3 });
  assert.match(got.text, /"called":"post"/u);
});

test('whoever may use a custom tool does not thereby get its parent, nor the other way round', async () => {
  assertRefusal(await child.modernCall('it__post', { channel: 'x', text: 'y' }), 'TARGET_UNKNOWN');
  for (const name of ['it__post_general', 'it__post_bounded', 'post_general'])
    assertRefusal(await parental.modernCall(name, { message: 'hi' }), 'TARGET_UNKNOWN');
  assert.deepEqual(await parental.listed('tools'), ['it__post']);
});

test('blocking the parent blocks what is made of it, by a group and by a rule alike, and is recorded', async () => {
  for (const caller of [blocked, ruled]) {
    const from = gateway.audit().length;
    for (const name of ['it__post', 'it__post_general', 'it__post_bounded', 'post_general'])
      assertRefusal(
        await caller.modernCall(name, { message: 'hi', channel: 'a', text: 'fine' }),
        'TARGET_UNKNOWN',
      );
    const tools = await caller.listed('tools');
    assert.ok(!tools.some((name) => name.includes('post')), String(tools));
    await gateway.recorded('it', ({ code }) => code === 'TARGET_UNKNOWN', from);
  }
});

test('a child allowed by its own name outlives the block of its parent; one that only "*" covers does not', async () => {
  assert.deepEqual((await posted({ message: 'hi' }, named))['channel'], 'general');
  assertRefusal(
    await named.modernCall('it__post_bounded', { channel: 'a', text: 'fine' }),
    'TARGET_UNKNOWN',
  );
  assertRefusal(
    await named.modernCall('it__post', { channel: 'a', text: 'fine' }),
    'TARGET_UNKNOWN',
  );
});

test('a server cannot take the place of a custom tool by listing one of its name', async () => {
  await boss.modernCall('it__fixture_add_tool', { name: 'post_general' });
  await boss.modernCall('it__fixture_add_tool', { name: 'zz_last' });
  await eventually('the list has changed', async () =>
    (await boss.listed('tools')).includes('it__zz_last'),
  );
  const names = (await boss.listed('tools')).filter((name) => name === 'it__post_general');
  assert.ok(names.length <= 1);
  const got = await child.modernCall('it__post_general', { message: 'hi', channel: 'secret' });
  assert.doesNotMatch(got.text, /"called":"post_general"|secret/u);
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
});
