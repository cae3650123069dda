import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { rpcOf, type JsonObject } from '../support/raw-http.ts';

/** Conditions are fed by callers: arguments made to be expensive for one are refused in bounded time, and cost nobody else much. */

const NUMBERS = Array.from({ length: 200_000 }, (_, index) => index);
const LONG = 'a'.repeat(1_000_000);

/** Conditions an operator might write, and arguments that make the most of them. */
const TRAPS: readonly [name: string, when: string, args: JsonObject][] = [
  [
    'macros in macros',
    'args.a.all(x, args.a.all(y, args.a.all(z, x + y + z >= 0)))',
    { a: NUMBERS.slice(0, 3000) },
  ],
  ['a pair of every two', 'args.a.exists(x, args.a.exists(y, x == y + 1000000))', { a: NUMBERS }],
  [
    'a list in a list',
    'args.a.all(x, !(x in args.b))',
    { a: NUMBERS, b: NUMBERS.map((n) => -n - 1) },
  ],
  [
    'texts compared with texts',
    'args.a.all(x, args.b.all(y, x != y))',
    {
      a: Array.from({ length: 300 }, (_, index) => `${LONG.slice(0, 3000)}${index}`),
      b: Array.from({ length: 300 }, (_, index) => `${LONG.slice(0, 3000)}-${index}`),
    },
  ],
  ['a text that grows', 'args.a.map(x, args.t + args.t).size() >= 0', { a: NUMBERS, t: LONG }],
  [
    'lists that grow',
    'args.a.map(x, args.a + args.a).size() >= 0',
    { a: NUMBERS.slice(0, 20_000) },
  ],
  ['a pattern made to go back', 'args.t.matches("^(a+)+$")', { t: `${LONG.repeat(3)}!` }],
  [
    'a pattern of the caller’s own',
    'args.t.matches(args.p)',
    { t: LONG.repeat(3), p: '(a{1,50}){1,50}$' },
  ],
  [
    'patterns of the caller’s own, many of them',
    'args.p.all(x, args.t.matches(x))',
    { t: 'a'.repeat(1000), p: NUMBERS.slice(0, 50_000).map((n) => `(a|b|c){1,99}${n}?`) },
  ],
  [
    'a long text sought in a long text',
    'args.t.contains(args.n)',
    { t: LONG.repeat(2), n: `${LONG}b` },
  ],
  [
    'a long text sought in many places',
    'args.a.all(x, !args.t.contains(x))',
    { t: LONG, a: Array.from({ length: 2000 }, (_, index) => `b${index}`) },
  ],
  ['paths of a million folders', 'args.t.within("/srv")', { t: `/srv${'/x'.repeat(1_000_000)}` }],
  [
    'many such paths',
    'args.a.all(x, x.within("/srv"))',
    { a: Array.from({ length: 1000 }, () => `/srv${'/x'.repeat(1000)}`) },
  ],
  ['objects compared with objects', 'args.a == args.b', { a: wide(30_000), b: wide(30_000) }],
  ['what is nested deep', 'args.a == args.b', { a: deep(400), b: deep(400) }],
  [
    'numbers without end',
    'args.a.all(x, x * x * x * x * x * x >= 0.0)',
    { a: NUMBERS.map(() => 1e300) },
  ],
];

const gateway = await attackedForFile({
  app: {
    permissions: { default: { allow: [] }, consumers: { free: { block: [] } } },
    rules: TRAPS.flatMap(([, when], index) => [
      {
        id: `trap-${index}`,
        effect: 'deny',
        consumers: ['free'],
        tools: ['it/fixture_echo'],
        when: `has(args.trap) && args.trap == ${index} && !(${when})`,
      },
      {
        id: `gift-${index}`,
        effect: 'allow',
        tools: ['it/fixture_echo'],
        when: `args.trap == ${index} && ${when}`,
      },
    ]),
  },
});
const { port } = gateway;
const free = new Caller(port, { headers: { [KEY_HEADER]: await gateway.createKey('free') } });
const shared = new Caller(port, { headers: { [KEY_HEADER]: SHARED_KEY } });

for (const [index, [what, , args]] of TRAPS.entries()) {
  test(`${what}: the call is answered in bounded time, and the gateway goes on serving meanwhile`, async () => {
    const startedAt = performance.now();
    const attacks = [free, shared].map((caller) =>
      caller.modernCall('it__fixture_echo', { trap: index, ...args }),
    );
    await assertServes(gateway, free.headers);
    for (const got of await Promise.all(attacks))
      assert.ok(got.status < 500, got.text.slice(0, 300));
    assert.ok(performance.now() - startedAt < 10_000, `${performance.now() - startedAt} ms`);
  });
}

test('what takes more work than one decision may is refused by the rule that asks for it, and recorded', async () => {
  const from = gateway.audit().length;
  const args = { trap: 0, a: NUMBERS.slice(0, 3000) };
  // One of them denies, and cannot be evaluated; the other allows, and cannot either.
  for (const caller of [free, shared])
    assertRefusal(await caller.modernCall('it__fixture_echo', args), 'FORBIDDEN');
  await gateway.recorded(
    'the denial',
    ({ code, rule }) => code === 'FORBIDDEN' && rule === 'trap-0',
    from,
  );
  await gateway.recorded(
    'the missing leave',
    ({ code, rule }) => code === 'FORBIDDEN' && rule === 'gift-0',
    from,
  );
});

test('small arguments of the same conditions are decided as they say', async () => {
  const small = { trap: 0, a: [1, 2] };
  for (const caller of [free, shared]) {
    const got = await caller.modernCall('it__fixture_echo', small);
    assert.equal(got.status, 200);
    assert.equal(rpcOf(got).error, undefined, got.text);
  }
  const found = { trap: 6, t: 'aaab' };
  assertRefusal(await free.modernCall('it__fixture_echo', found), 'FORBIDDEN');
});

test('fifty such calls at once keep nobody waiting for long', async () => {
  const startedAt = performance.now();
  const args = { trap: 0, a: NUMBERS.slice(0, 3000) };
  const flood = Array.from({ length: 50 }, () => shared.modernCall('it__fixture_echo', args));
  await assertServes(gateway, free.headers);
  assert.ok(performance.now() - startedAt < 20_000);
  for (const got of await Promise.all(flood)) assertRefusal(got, 'FORBIDDEN');
  await assertServes(gateway, free.headers);
});

function wide(keys: number): JsonObject {
  return Object.fromEntries(Array.from({ length: keys }, (_, index) => [`key${index}`, index]));
}

function deep(levels: number): JsonObject {
  let value: JsonObject = {};
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
}
