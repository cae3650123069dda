import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller, refusalOf } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { rpcOf, send, type JsonObject } from '../support/raw-http.ts';
import { modernSent } from '../support/raw-clients.ts';

/** However a name is written, it stands for what policy knows under it, or for nothing. */

const gateway = await attackedForFile({
  servers: { It: fixtureEntry('legacy'), new: fixtureEntry('modern') },
  app: {
    toolGroups: [
      {
        name: 'blocked',
        // The server is configured as "It".
        services: { IT: ['fixture_echo', 'test_prompt_with_arguments'], NEW: ['fixture_echo'] },
      },
      { name: 'few', services: { it: ['test_simple_text', 'test_simple_prompt'] } },
    ],
    permissions: {
      consumers: { boss: { block: [] }, most: { block: ['blocked'] }, few: { allow: ['few'] } },
    },
  },
});
const { port } = gateway;
const boss = new Caller(port, { headers: { [KEY_HEADER]: await gateway.createKey('boss') } });
const most = new Caller(port, { headers: { [KEY_HEADER]: await gateway.createKey('most') } });
const few = new Caller(port, { headers: { [KEY_HEADER]: await gateway.createKey('few') } });
const sessions = {
  most: await Caller.open(port, { headers: most.headers }),
  few: await Caller.open(port, { headers: few.headers }),
};

const BLOCKED = 'fixture_echo';
const SPELLINGS = [
  'It__fixture_echo',
  'it__fixture_echo',
  'IT__fixture_echo',
  'It__Fixture_Echo',
  'It__FIXTURE_ECHO',
  'new__fixture_echo',
  BLOCKED,
  'It__fixture_echo ',
  ' It__fixture_echo',
  'It__fixture_echo\n',
  'It__fixture_echo\u0000',
  'It__fixture_echo\u200B',
  'It__fixture\u00ADecho',
  'It__fixture\uFF3Fecho',
  '\uFF29t__fixture_echo',
  '\u0406t__fixture_echo',
  'It__fixture_\u0435cho',
  'It__fixture_e\u0301cho',
  'It__\u202Eohce_erutxif',
  'It_fixture_echo',
  'It___fixture_echo',
  'It__It__fixture_echo',
  'It__new__fixture_echo',
  'It/fixture_echo',
  'It.fixture_echo',
  'It:fixture_echo',
  'It__*',
  '*',
  'It__fixture%5Fecho',
  'It__fixture&#95;echo',
  'It__fixture\\u005fecho',
  'mcpx://It/fixture_echo',
  'It__./fixture_echo',
  'It__../It__fixture_echo',
  'new__../It__fixture_echo',
  '["It","fixture_echo"]',
  '',
] as const;

async function callsStarted(): Promise<number> {
  const counts = ['It', 'new'].map(async (server) => {
    const { result } = rpcOf(await boss.modernCall(`${server}__fixture_state`));
    return Number((result?.['structuredContent'] as JsonObject | undefined)?.['callsStarted']);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

for (const [who, modern, legacy] of [
  ['who may not call it', most, sessions.most],
  ['who may call another one only', few, sessions.few],
] as const) {
  test(`no spelling of a tool's name calls it for somebody ${who}, in either era, and each attempt is recorded`, async () => {
    const before = await callsStarted();
    const from = gateway.audit().length;
    for (const name of SPELLINGS) {
      const params = { name, arguments: { here: 'it is' } };
      const sent = modernSent('tools/call', params, {
        headers: { 'mcp-name': `=?base64?${Buffer.from(name).toString('base64')}?=` },
      });
      const headers = { ...sent.headers, ...modern.headers };
      assertRefusal(await send(port, { ...sent, headers }), 'TARGET_UNKNOWN');
      assertRefusal(await legacy.ask('tools/call', params), 'TARGET_UNKNOWN');
    }
    assert.equal(await callsStarted(), before, 'a call has reached a server');
    const refusals = (): number =>
      gateway
        .audit()
        .slice(from)
        .filter(({ method, code }) => method === 'tools/call' && code === 'TARGET_UNKNOWN').length;
    await eventually('each is recorded', () => refusals() >= SPELLINGS.length * 2);
  });
}

test('of two names in one message the one that is judged is the one that is called', async () => {
  for (const [first, second] of [
    ['It__test_simple_text', 'It__fixture_echo'],
    ['It__fixture_echo', 'It__test_simple_text'],
  ]) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${first}","name":"${second}","arguments":{}}}`;
    const got = await sessions.few.post(body);
    assert.doesNotMatch(got.text, /"arguments"/u);
    const twice = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"${first}"},"params":{"name":"${second}"}}`;
    assert.doesNotMatch((await sessions.few.post(twice)).text, /"arguments"/u);
  }
});

test('a header that names what is allowed does not cover a body that names what is not', async () => {
  const sent = modernSent('tools/call', { name: 'It__fixture_echo', arguments: {} });
  const headers = { ...sent.headers, ...few.headers, 'mcp-name': 'It__test_simple_text' };
  assertRefusal(await send(port, { ...sent, headers }), 'HEADER_MISMATCH', 400);
});

test('no spelling of a prompt gets it, completes it or tells of it', async () => {
  const from = gateway.audit().length;
  for (const name of [
    'It__test_prompt_with_arguments',
    'IT__test_prompt_with_arguments',
    'it__test_prompt_with_arguments',
    'test_prompt_with_arguments',
    'It__Test_Prompt_With_Arguments',
    'It__test_prompt_with_arguments ',
    'It__test_prompt_with_argument\u017F',
  ]) {
    for (const [caller, session] of [
      [few, sessions.few],
      [most, sessions.most],
    ] as const) {
      const isOther = caller === most && name === 'test_prompt_with_arguments';
      // The other server has a prompt of that name, which is not blocked.
      const expected = isOther ? undefined : 'TARGET_UNKNOWN';
      const params = { name, arguments: { arg1: 'x', arg2: 'y' } };
      assert.equal(refusalOf(await session.ask('prompts/get', params)), expected, name);
      const argument = { name: 'arg1', value: 'p' };
      const ref = { type: 'ref/prompt', name };
      assert.equal(
        refusalOf(await session.ask('completion/complete', { ref, argument })),
        expected,
      );
      assert.equal(
        refusalOf(await caller.modern('completion/complete', { ref, argument })),
        expected,
      );
    }
  }
  await gateway.recorded(
    'the completion',
    ({ method, code }) => method === 'completion/complete' && code === 'TARGET_UNKNOWN',
    from,
  );
});

test('a tool is no prompt and a prompt is no tool, whatever is asked for it', async () => {
  for (const [method, params] of [
    ['prompts/get', { name: 'It__fixture_echo' }],
    ['prompts/get', { name: 'It__test_simple_text' }],
    ['tools/call', { name: 'It__test_simple_prompt' }],
    ['tools/call', { name: 'It__test_prompt_with_arguments' }],
    ['tools/call', { name: 'test://static-text' }],
  ] as const)
    assertRefusal(await sessions.few.ask(method, params), 'TARGET_UNKNOWN');
  for (const uri of ['It__fixture_echo', 'mcpx://It/fixture_echo', 'It__test_simple_text'])
    assertRefusal(await sessions.few.ask('resources/read', { uri }), 'RESOURCE_UNKNOWN');
});

test('lists show what may be called, and nothing else', async () => {
  assert.deepEqual(await few.listed('tools'), ['It__test_simple_text']);
  assert.deepEqual(await few.listed('prompts'), ['It__test_simple_prompt']);
  assert.deepEqual(await few.listed('resources'), []);
  assert.deepEqual(await few.listed('resourceTemplates'), []);
  const names = await most.listed('tools');
  assert.ok(names.length > 20);
  assert.ok(!names.some((name) => name.includes('fixture_echo')));
});

test('a tool that a server adds under a blocked name in another case is another tool; under the same name it is blocked at once', async () => {
  const add = (name: string) => boss.modernCall('new__fixture_add_tool', { name });
  await boss.modernCall('new__fixture_remove_tool', { name: BLOCKED });
  await add('Fixture_Echo');
  await add(BLOCKED);
  assertRefusal(await most.modernCall('new__fixture_echo'), 'TARGET_UNKNOWN');
  assertRefusal(await few.modernCall('new__Fixture_Echo'), 'TARGET_UNKNOWN');
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway, few.headers, 'It__test_simple_text');
  await assertServes(gateway, { [KEY_HEADER]: SHARED_KEY }, 'It__test_simple_text');
});
