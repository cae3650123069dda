import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import { assertServes, KEY_HEADER, SHARED_KEY, TAG_HEADER } from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { ROOT, startNode } from '../support/conformance-processes.ts';
import { rpcOf, type JsonObject } from '../support/raw-http.ts';

/** Names that every JavaScript object answers to open nothing: not as arguments, consumers, groups, clients, claims or scopes. */

const KEYS = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'];
const ALL = [...KEYS, '__proto__', 'prototype', '__defineGetter__'];

const { gateway, provider, claims } = await tokenSceneForFile({
  issuer: { groupsClaim: 'groups', consumers: ['nobody'] },
  app: {
    toolGroups: [
      { name: 'texts', services: { it: ['test_simple_text'] } },
      { name: 'constructor', services: { it: ['test_simple_text'] } },
      { name: 'toString', services: { it: ['test_error_handling'] } },
    ],
    permissions: {
      default: { allow: [] },
      consumers: { dev: { allow: ['texts'] }, valueOf: { allow: ['toString'] } },
      clientNames: { friendly: { block: [] } },
    },
    rules: [
      {
        id: 'has',
        effect: 'allow',
        consumers: ['dev'],
        tools: ['it/fixture_echo'],
        when: 'has(args.constructor) || has(args.toString)',
      },
      {
        id: 'is',
        effect: 'allow',
        consumers: ['dev'],
        tools: ['it/fixture_state'],
        when: 'args["__proto__"] == args["__proto__"] || "valueOf" in args',
      },
      {
        id: 'claim',
        effect: 'allow',
        tools: ['it/fixture_big'],
        when: 'has(claims.constructor) || has(claims.hasOwnProperty) || "toString" in claims',
      },
      {
        id: 'note',
        effect: 'allow',
        tools: ['it/fixture_slow'],
        when: 'has(tool.annotations.constructor) || "valueOf" in tool.annotations',
      },
      { id: 'mark', effect: 'allow', annotations: { constructor: true }, tools: ['it/*'] },
    ],
  },
});
const { port } = gateway;
const shared = { [KEY_HEADER]: SHARED_KEY };
const dev = new Caller(port, { headers: { ...shared, [TAG_HEADER]: 'dev' } });

test('no such name as a consumer tag selects an entry that nobody wrote', async () => {
  for (const tag of KEYS.filter((key) => key !== 'valueOf')) {
    const from = gateway.audit().length;
    const caller = new Caller(port, { headers: { ...shared, [TAG_HEADER]: tag } });
    assert.deepEqual(await caller.listed('tools'), [], tag);
    assertRefusal(await caller.modernCall('it__test_simple_text'), 'TARGET_UNKNOWN');
    await gateway.recorded('it', ({ code }) => code === 'TARGET_UNKNOWN', from);
  }
});

test('an entry that somebody did write under such a name is an entry like any other', async () => {
  const caller = new Caller(port, { headers: { ...shared, [TAG_HEADER]: 'valueOf' } });
  assert.deepEqual(await caller.listed('tools'), ['it__test_error_handling']);
});

test('no such name in a token is a group or a consumer that nobody wrote', async () => {
  for (const name of ALL.filter((key) => key !== 'valueOf'))
    for (const groups of [name, [name], [name, 'toString']]) {
      const token = await provider.sign(claims({ groups, [name]: 'x' }));
      const caller = new Caller(port, { headers: { authorization: `Bearer ${token}` } });
      const tools = await caller.listed('tools');
      // A claim of that name is one where the token has it as its own.
      const isClaimed = ['constructor', 'hasOwnProperty', 'toString'].includes(name);
      assert.deepEqual(tools, isClaimed ? ['it__fixture_big'] : [], name);
      assertRefusal(await caller.modernCall('it__test_simple_text'), 'TARGET_UNKNOWN');
    }
});

test('no such name as the name of a client is one that somebody wrote', async () => {
  for (const client of ALL) {
    const caller = new Caller(port, { headers: shared, client });
    assert.deepEqual(await caller.listed('tools'), [], client);
    const session = await Caller.open(port, { headers: shared, client });
    assertRefusal(
      await session.ask('tools/call', { name: 'it__test_simple_text' }),
      'TARGET_UNKNOWN',
    );
  }
});

test('conditions find such names in arguments only where a caller sent them', async () => {
  assertRefusal(await dev.modernCall('it__fixture_echo'), 'FORBIDDEN');
  assertRefusal(await dev.modernCall('it__fixture_echo', { other: 1 }), 'FORBIDDEN');
  assertRefusal(await dev.modernCall('it__fixture_state'), 'FORBIDDEN');
  for (const key of ['constructor', 'toString']) {
    const got = rpcOf(await dev.modernCall('it__fixture_echo', { [key]: 1 }));
    const echoed = got.result?.['structuredContent'] as JsonObject;
    assert.deepEqual(Object.keys(echoed['arguments'] as object), [key]);
  }
  const from = gateway.audit().length;
  const args = JSON.parse('{"__proto__":{"constructor":1,"toString":1}}') as JsonObject;
  assertRefusal(await dev.modernCall('it__fixture_echo', args), 'FORBIDDEN');
  await gateway.recorded('it', ({ code }) => code === 'FORBIDDEN', from);
});

test('no tool has such names among its annotations, and no rule is for those that would', async () => {
  const tools = await dev.listed('tools');
  for (const name of ['it__fixture_slow', 'it__fixture_big', 'it__fixture_exit'])
    assert.ok(!tools.includes(name), name);
  assertRefusal(await dev.modernCall('it__fixture_slow', { ms: 1 }), 'TARGET_UNKNOWN');
});

test('the endpoint of a group of such a name is that group where there is one, and nothing where there is none', async () => {
  for (const name of ALL) {
    const caller = new Caller(port, { headers: dev.headers, path: `/mcp/${name}` });
    const got = await caller.modern('tools/list');
    if (name === 'constructor' || name === 'toString') assert.equal(got.status, 200);
    else assertRefusal(got, 'PATH_UNKNOWN', 404);
  }
  const caller = new Caller(port, { headers: dev.headers, path: '/mcp/constructor' });
  assert.deepEqual(await caller.listed('tools'), ['it__test_simple_text']);
});

for (const [what, app] of [
  ['a consumer', { permissions: { consumers: { x: { allow: [] } } } }],
  ['a client', { permissions: { clientNames: { x: { allow: [] } } } }],
  ['a server of a group', { toolGroups: [{ name: 'g', services: { x: '*' } }] }],
  ['a server of custom tools', { toolExtensions: { services: { x: {} } } }],
  [
    'a parameter',
    {
      toolExtensions: {
        services: { it: { t: { childTools: [{ name: 'c', overrideParams: { x: 1 } }] } } },
      },
    },
  ],
  ['an annotation of a rule', { rules: [{ id: 'r', effect: 'deny', annotations: { x: true } }] }],
] as const) {
  test(`"__proto__" as the name of ${what} is refused when the file is read, and not left out in silence`, async () => {
    const text = JSON.stringify(app).replace('"x":', '"__proto__":');
    assert.match(text, /__proto__/u);
    const path = join(gateway.folder, 'other.yaml');
    await writeFile(path, text);
    const started = startNode([join(ROOT, 'bin/mcpx.js'), 'check'], {
      SERVERS_CONFIG_PATH: join(gateway.folder, 'mcp.json'),
      APP_CONFIG_PATH: path,
      MCPX_DATA_DIR: join(gateway.folder, 'data'),
    });
    assert.notEqual(await started.exited, 0, started.output());
    assert.match(started.output(), /__proto__/u);
  });
}

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway, dev.headers);
  assert.equal(({} as JsonObject)['polluted'], undefined);
});
