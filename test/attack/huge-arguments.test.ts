import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller, refusalOf } from '../support/attack-caller.ts';
import { assertServes, attackedForFile, KEY_HEADER } from '../support/attack-gateway.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { residentMib } from '../support/raw-memory.ts';
import { rpcOf, type JsonObject } from '../support/raw-http.ts';

/** Arguments as large as a body may be are decided, checked and recorded in bounded time and space; larger ones are not read. */

const gateway = await attackedForFile({
  servers: { it: fixtureEntry('legacy', '--extra-tools', '1') },
  app: {
    validateArguments: true,
    toolExtensions: {
      services: {
        it: {
          fixture_extra_0: {
            childTools: [
              { name: 'echo_for', overrideParams: { text: { value: '${principal.name}' } } },
            ],
          },
        },
      },
    },
    permissions: { consumers: { dev: { block: [] } } },
    rules: [
      { id: 'not-that', effect: 'deny', tools: ['it/*'], when: 'has(args.forbidden)' },
      {
        id: 'small-list',
        effect: 'deny',
        tools: ['it/*'],
        when: 'has(args.list) && args.list.size() > 1000000',
      },
    ],
  },
});
const { port } = gateway;
const caller = new Caller(port, { headers: { [KEY_HEADER]: await gateway.createKey('dev') } });
const MIB = 1024 * 1024;

test('a body above the bound is refused unread and recorded', async () => {
  const from = gateway.audit().length;
  const got = await caller.modernCall('it__fixture_echo', { text: 'x'.repeat(5 * MIB) });
  assertRefusal(got, 'BODY_TOO_LARGE', 413);
  await gateway.recorded(
    'it',
    ({ code, address }) => code === 'BODY_TOO_LARGE' && address === caller.address,
    from,
  );
});

const HUGE: readonly [string, JsonObject][] = [
  ['one long text', { text: 'x'.repeat(3.6 * MIB) }],
  ['a long text of escapes', { text: '\u0001'.repeat(600_000) }],
  ['a long text of surrogates', { text: '\ud800'.repeat(600_000) }],
  ['a long list of numbers', { list: Array.from({ length: 900_000 }, () => 1) }],
  ['a long list of empty objects', { list: Array.from({ length: 900_000 }, () => ({})) }],
  [
    'many keys',
    Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, index])),
  ],
  [
    'long keys',
    Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`${index}${'k'.repeat(100_000)}`, 1]),
    ),
  ],
  [
    'many texts that look like secrets',
    { list: Array.from({ length: 100_000 }, () => 'Bearer sk-aaaaaaaaaaaaaaaaaaaa') },
  ],
  ['a text made to be looked through', { text: 'eyJ'.repeat(1_000_000) }],
  ['another one', { text: 'https://'.repeat(450_000) }],
  ['and another', { text: 'password="'.repeat(350_000) }],
];

for (const [what, args] of HUGE) {
  test(`${what} is decided and recorded within bounds, under the tool's own name and that of one made from it`, async () => {
    const from = gateway.audit().length;
    const startedAt = performance.now();
    for (const name of ['it__fixture_echo', 'it__echo_for']) {
      const got = await caller.modernCall(name, args);
      assert.equal(got.status, 200, got.text.slice(0, 300));
      const refused = await caller.modernCall(name, { ...args, forbidden: true });
      assertRefusal(refused, 'FORBIDDEN');
    }
    assert.ok(performance.now() - startedAt < 20_000, `${performance.now() - startedAt} ms`);
    const { rule } = await gateway.recorded('the denial', ({ code }) => code === 'FORBIDDEN', from);
    assert.equal(rule, 'not-that');
    for (const line of gateway.auditText().split('\n'))
      assert.ok(line.length < 1_000_000, `a line of the audit has ${line.length} characters`);
  });
}

test('arguments nested as deep as a message may be are decided, and deeper ones are no message', async () => {
  const nest = (levels: number): JsonObject => {
    let value: JsonObject = { end: true };
    for (let level = 0; level < levels; level += 1) value = { a: value };
    return value;
  };
  const got = await caller.modernCall('it__echo_for', nest(60));
  assert.equal(got.status, 200, got.text.slice(0, 300));
  // What is checked against a schema may be less deep.
  assertRefusal(await caller.modernCall('it__echo_for', nest(450)), 'PARAMS_INVALID', 400);
  assertRefusal(await caller.modernCall('it__echo_for', nest(600)), 'MALFORMED_MESSAGE', 400);
});

for (const [what, args] of [
  ['a list', [1, 2]],
  ['a list of objects', [{ forbidden: true }]],
  ['a text', '{"forbidden":true}'],
  ['a number', 1],
  ['true', true],
  ['null', null],
] as const) {
  test(`arguments that are ${what} and no object are not judged as if there were none`, async () => {
    const session = await Caller.open(port, { headers: caller.headers });
    for (const name of ['it__fixture_echo', 'it__echo_for']) {
      const got = await session.ask('tools/call', { name, arguments: args });
      assert.ok(refusalOf(got) !== undefined, `it went to the server: ${got.text.slice(0, 300)}`);
      const modern = await caller.modern('tools/call', { name, arguments: args });
      assert.ok(
        refusalOf(modern) !== undefined,
        `it went to the server: ${modern.text.slice(0, 300)}`,
      );
    }
    const prompt = { name: 'it__test_prompt_with_arguments', arguments: args };
    assert.ok(refusalOf(await session.ask('prompts/get', prompt)) !== undefined);
    const ref = { type: 'ref/prompt', name: 'it__test_prompt_with_arguments' };
    const argument = { name: 'arg1', value: 'p' };
    const completed = { ref, argument, context: { arguments: args } };
    assert.ok(refusalOf(await session.ask('completion/complete', completed)) !== undefined);
  });
}

test('hundreds of large calls leave the memory where it was', async () => {
  const text = 'x'.repeat(200_000);
  for (let round = 0; round < 50; round += 1) await caller.modernCall('it__fixture_echo', { text });
  const before = residentMib(gateway.pid);
  for (let round = 0; round < 10; round += 1)
    await Promise.all(
      Array.from({ length: 20 }, () => caller.modernCall('it__fixture_echo', { text })),
    );
  assert.ok(residentMib(gateway.pid) - before < 250, `${residentMib(gateway.pid)} MiB`);
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
  await assertServes(gateway, caller.headers);
  const got = rpcOf(await caller.modernCall('it__echo_for', { more: 'small' }));
  assert.match(JSON.stringify(got.result), /extra 0: dev/u);
});
