import assert from 'node:assert/strict';
import test from 'node:test';
import type { LimitPlan } from '../../../src/kernel/limits-plan.ts';
import { load, lines, planOf, serversNamed } from './plan-from.ts';

const NOTHING: LimitPlan = {
  id: 'x',
  mode: 'enforce',
  consumers: undefined,
  groups: undefined,
  clients: undefined,
  servers: undefined,
  tools: undefined,
  per: [],
  rate: undefined,
  concurrency: undefined,
  budget: undefined,
  maxResultBytes: undefined,
  warnAt: 0.8,
};

test('a limit that names nothing but its bound holds for all calls together', () => {
  const { limits } = planOf({ app: 'limits: { rules: [{ id: x, concurrency: 4 }] }' });
  assert.deepEqual(limits, { showsState: false, limits: [{ ...NOTHING, concurrency: 4 }] });
});

test('a limit can be set as a whole', () => {
  const app = `
limits:
  showState: true
  rules:
    - id: a.b-c_1
      mode: shadow
      consumers: [alice, "*"]
      groups: [developers]
      clients: [Cursor]
      servers: ["sl*"]
      tools: ["slack/post_*", "*"]
      per: [consumer, tool, consumer]
      rate: { calls: 100, per: 1m, burst: 10 }
      concurrency: 2
      budget: { window: month, calls: 5, tokens: 6, cost: 0.5 }
      maxResultBytes: 1
      warnAt: 1
    - { id: x, rate: { calls: 3, per: 1h } }
`;
  const { plan, problems } = load({ app, servers: serversNamed('slack') });
  assert.deepEqual(lines({ problems }), []);
  assert.deepEqual(plan?.limits, {
    showsState: true,
    limits: [
      {
        id: 'a.b-c_1',
        mode: 'shadow',
        consumers: ['alice', '*'],
        groups: ['developers'],
        clients: ['Cursor'],
        servers: ['sl*'],
        tools: ['slack/post_*', '*'],
        per: ['consumer', 'tool'],
        rate: { calls: 100, perMs: 60_000, burst: 10 },
        concurrency: 2,
        budget: { window: 'month', calls: 5, tokens: 6, cost: 0.5 },
        maxResultBytes: 1,
        warnAt: 1,
      },
      { ...NOTHING, rate: { calls: 3, perMs: 3_600_000, burst: 3 } },
    ],
  });
});

const TIMES = { '1s': 1000, '30s': 30_000, '1m': 60_000, '1h': 3_600_000, '2d': 172_800_000 };

for (const [text, perMs] of Object.entries(TIMES)) {
  test(`${text} is ${perMs} ms`, () => {
    const app = `limits: { rules: [{ id: x, rate: { calls: 1, per: ${text} } }] }`;
    assert.equal(planOf({ app }).limits.limits[0]?.rate?.perMs, perMs);
  });
}

const WANTED_TIME = 'Give a time of a number and s, m, h or d, such as 30s, 1m or 1h.';

/** One rule, and the whole of what is said about it; columns count from the start of the rule. */
const BAD: readonly [rule: string, ...expected: string[]][] = [
  [
    '{ id: x }',
    '{1} : This bounds nothing; give "rate", "concurrency", "budget" or "maxResultBytes".',
  ],
  ['{ concurrency: 1 }', '{1} .id: This is missing; give a text.'],
  ['{ id: a b, concurrency: 1 }', '{7} .id: Use letters, digits, ".", "_" and "-" alone.'],
  ['{ id: x, concurrency: 0 }', '{23} .concurrency: The least value allowed is 1.'],
  [
    '{ id: x, concurency: 1 }',
    '{1} : This bounds nothing; give "rate", "concurrency", "budget" or "maxResultBytes".',
    '{10} .concurency: "concurency" is no key known here. Did you mean "concurrency"?',
  ],
  ['{ id: x, mode: warn, concurrency: 1 }', '{16} .mode: Give one of: enforce, shadow.'],
  ['{ id: x, rate: { calls: 1, per: 60 } }', `{33} .rate.per: ${WANTED_TIME}`],
  ['{ id: x, rate: { calls: 1, per: 1.5m } }', `{33} .rate.per: ${WANTED_TIME}`],
  ['{ id: x, rate: { calls: 1, per: 0s } }', `{33} .rate.per: ${WANTED_TIME}`],
  ['{ id: x, rate: { calls: 1, per: minute } }', `{33} .rate.per: ${WANTED_TIME}`],
  ['{ id: x, rate: { calls: 1 } }', `{10} .rate.per: This is missing. ${WANTED_TIME}`],
  [
    '{ id: x, rate: { calls: 1, per: 1s, burst: 0 } }',
    '{44} .rate.burst: The least value allowed is 1.',
  ],
  [
    '{ id: x, budget: { window: day } }',
    '{10} .budget: No amount stands here; give "calls", "tokens" or "cost".',
  ],
  [
    '{ id: x, budget: { calls: 1 } }',
    '{10} .budget.window: This is missing; give one of: minute, hour, day, month.',
  ],
  [
    '{ id: x, budget: { window: week, calls: 1 } }',
    '{28} .budget.window: Give one of: minute, hour, day, month.',
  ],
  [
    '{ id: x, budget: { window: day, cost: 0 } }',
    '{39} .budget.cost: The value must be greater than 0.',
  ],
  [
    '{ id: x, budget: { window: day, cost: "5" } }',
    '{39} .budget.cost: Write a number, without quotes.',
  ],
  [
    '{ id: x, budget: { window: day, tokens: 1.5 } }',
    '{41} .budget.tokens: Expected a whole number, found a number.',
  ],
  ['{ id: x, warnAt: 80, concurrency: 1 }', '{18} .warnAt: The greatest value allowed is 1.'],
  [
    '{ id: x, per: [user], concurrency: 1 }',
    '{16} .per[0]: Give one of: caller, consumer, client, server, tool.',
  ],
  [
    '{ id: x, consumers: [], concurrency: 1 }',
    '{10} .consumers: This list is empty; name something, or remove the key.',
  ],
  [
    '{ id: x, tools: [post], concurrency: 1 }',
    '{18} .tools[0]: "post" names no server: write "<server>/post", or "*/post" for every server.',
  ],
  ['{ id: x, maxResultBytes: 0 }', '{26} .maxResultBytes: The least value allowed is 1.'],
];

for (const [rule, ...expected] of BAD) {
  test(`${rule} is an error in its place that says what to write`, () => {
    const start = 'limits: { rules: [';
    const { plan, problems } = load({ app: `${start}${rule}] }` });
    assert.equal(plan, undefined);
    const placed = expected.map((text) =>
      text.replace(/^\{(\d+)\} /, (_, column) => {
        return `error 1:${start.length + Number(column)} limits.rules[0]`;
      }),
    );
    assert.deepEqual(lines({ problems }), placed);
  });
}

test('two limits of one id are an error that names both lines', () => {
  const app = 'limits:\n  rules:\n    - { id: x, concurrency: 1 }\n    - { id: x, concurrency: 2 }';
  assert.deepEqual(lines(load({ app })), [
    'error 4:13 limits.rules[1].id: "x" is the limit of line 3 too; rename one of them.',
  ]);
});

test('a budget of tokens or cost needs tokens to be counted (R23)', () => {
  const budget = 'budget: { window: day, calls: 1, tokens: 5, cost: 1 }';
  const app = (tokens: string): string =>
    `limits: { rules: [{ id: x, ${budget} }] }\ntokens: { enabled: ${tokens} }`;
  assert.deepEqual(lines(load({ app: app('true') })), []);
  const advice =
    'No tokens are counted (tokens.enabled is false), so this would never be used up; switch counting on, or give "calls".';
  assert.deepEqual(lines(load({ app: app('false') })), [
    `error 1:61 limits.rules[0].budget.tokens: ${advice}`,
    `error 1:72 limits.rules[0].budget.cost: ${advice}`,
  ]);
});

test('servers nobody configured are warnings, as in rules', () => {
  const app = `
limits:
  rules:
    - { id: x, concurrency: 1, servers: [slak, "x*"], tools: ["calender/*", "*/a", "Slack/b"] }
`;
  assert.deepEqual(lines(load({ app, servers: serversNamed('slack', 'calendar') })), [
    'warning 4:42 limits.rules[0].servers[0]: No server is named "slak". Did you mean "slack"?',
    'warning 4:63 limits.rules[0].tools[0]: No server is named "calender". Did you mean "calendar"?',
  ]);
});

test('consumers and groups that look misspelt are warnings; others may come from keys, tokens and tags', () => {
  const app = `
permissions: { consumers: { alice: { consumerGroupKey: developers }, developers: { block: [] }, agent-1: { block: [] } } }
limits:
  rules:
    - { id: x, concurrency: 1, consumers: [alicce, bob, agent-2, "*", developers], groups: [develpers, core] }
tokens: { consumers: { Alice: openai/gpt-5, carol: openai/gpt-5 } }
`;
  assert.deepEqual(lines(load({ app })), [
    'warning 5:44 limits.rules[0].consumers[0]: No consumer of permissions is named "alicce". Did you mean "alice"?',
    'warning 5:93 limits.rules[0].groups[0]: No group of consumers of permissions is named "develpers". Did you mean "developers"?',
    'warning 6:24 tokens.consumers.Alice: No consumer of permissions is named "Alice". Did you mean "alice"?',
  ]);
});
