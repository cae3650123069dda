import assert from 'node:assert/strict';
import test from 'node:test';

import { contextCost, type Definition } from '../../../../src/record/tokens/context-cost.ts';
import { Counter } from '../../../../src/record/tokens/counter.ts';
import type { Counted } from '../../../../src/record/tokens/token-desk.ts';
import { priceOf, tokensPlan } from './plans.ts';
import { referenceCount } from '../../../support/reference-count.ts';

const counter = new Counter();

async function count(texts: readonly string[], encoding: 'o200k_base'): Promise<Counted> {
  const counts: number[] = [];
  for (const text of texts) counts.push(await counter.count({ encoding, kind: 'text', text }));
  return { counts, isEstimate: false };
}

function tool(server: string, name: string, words: number): Definition {
  const item = { name, description: 'word '.repeat(words), annotations: { title: 'not read' } };
  return { server, kind: 'tools', name, item };
}

const DEFINITIONS: readonly Definition[] = [
  tool('small', 'small__one', 5),
  tool('large', 'large__one', 50),
  tool('large', 'large__two', 200),
  { server: 'small', kind: 'prompts', name: 'small__p', item: { name: 'small__p' } },
  { server: 'small', kind: 'resources', name: 'a:b', item: { uri: 'a:b', name: 'b' } },
];

const plan = tokensPlan({ prices: [priceOf('gpt-5', { input: 1000 })] });

test('the context cost of a view is that of its tool definitions, the largest first', async () => {
  const model = { provider: 'openai', id: 'gpt-5' };
  const cost = await contextCost({ definitions: DEFINITIONS, model, plan, count });
  const tokensOf = (name: string, words: number): number =>
    referenceCount(JSON.stringify({ name, description: 'word '.repeat(words) }));
  const [two, one, small] = [
    tokensOf('large__two', 200),
    tokensOf('large__one', 50),
    tokensOf('small__one', 5),
  ];
  const all = one + two + small;
  const nothing = { count: 0, tokens: 0 };
  assert.deepEqual(cost, {
    model: 'openai/gpt-5',
    encoding: 'o200k_base',
    isEstimate: false,
    tokens: all,
    cost: all / 1000,
    servers: [
      {
        server: 'large',
        tokens: one + two,
        share: (one + two) / all,
        tools: [
          { name: 'large__two', tokens: two, share: two / all },
          { name: 'large__one', tokens: one, share: one / all },
        ],
        others: { prompts: nothing, resources: nothing, resourceTemplates: nothing },
      },
      {
        server: 'small',
        tokens: small,
        share: small / all,
        tools: [{ name: 'small__one', tokens: small, share: small / all }],
        others: {
          prompts: { count: 1, tokens: referenceCount('{"name":"small__p"}') },
          resources: { count: 1, tokens: referenceCount('{"uri":"a:b","name":"b"}') },
          resourceTemplates: nothing,
        },
      },
    ],
  });
});

test('without a model the count is an estimate that has no price', async () => {
  const cost = await contextCost({ definitions: DEFINITIONS, model: undefined, plan, count });
  assert.deepEqual([cost.model, cost.isEstimate, cost.cost], [undefined, true, undefined]);
  const id = await contextCost({
    definitions: [],
    model: { provider: '', id: 'gpt-5' },
    plan,
    count,
  });
  assert.deepEqual([id.model, id.tokens, id.cost, id.servers], ['gpt-5', 0, 0, []]);
});
