import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
  TAG_HEADER,
} from '../support/attack-gateway.ts';
import { startNode } from '../support/conformance-processes.ts';

/** A client calls itself what it likes: where callers must prove themselves such a name takes rights away, and never gives any (R20). */

const gateway = await attackedForFile({
  app: {
    toolGroups: [
      { name: 'texts', services: { it: ['test_simple_text', 'test_image_content'] } },
      { name: 'images', services: { it: ['test_image_content'] } },
      { name: 'all', services: { it: '*' } },
    ],
    permissions: {
      default: { allow: ['texts'] },
      consumers: { dev: { allow: ['images'] } },
      clientNames: {
        Open: { block: [] },
        Wide: { allow: ['all'] },
        Narrow: { block: ['images'] },
        Shut: { allow: [] },
      },
    },
    rules: [{ id: 'no-noisy', effect: 'deny', clients: ['Noisy'] }],
  },
});
const { port } = gateway;
const shared = { [KEY_HEADER]: SHARED_KEY };

async function callersAs(
  client: string,
  headers: Record<string, string> = shared,
): Promise<Caller[]> {
  return [new Caller(port, { headers, client }), await Caller.open(port, { headers, client })];
}

for (const client of ['Open', 'Wide', 'open', 'Open ', 'attack-test', '', '*', 'x'.repeat(5000)]) {
  test(`a client that calls itself "${client.slice(0, 20)}" may no more than one without a name (R20)`, async () => {
    const from = gateway.audit().length;
    for (const caller of await callersAs(client)) {
      const tools = await caller.listed('tools');
      assert.deepEqual(tools.toSorted(), ['it__test_image_content', 'it__test_simple_text']);
      assertRefusal(await caller.modernCall('it__fixture_state'), 'TARGET_UNKNOWN');
      assertRefusal(
        await caller.modern('resources/read', { uri: 'test://static-text' }),
        'RESOURCE_UNKNOWN',
      );
    }
    const session = await Caller.open(port, { headers: shared, client });
    assertRefusal(await session.ask('tools/call', { name: 'it__fixture_state' }), 'TARGET_UNKNOWN');
    await gateway.recorded('it', ({ code }) => code === 'TARGET_UNKNOWN', from);
  });
}

test('a name that takes rights away does so', async () => {
  for (const caller of await callersAs('Narrow'))
    assert.deepEqual(await caller.listed('tools'), ['it__test_simple_text']);
  for (const client of ['Shut', 'Noisy'])
    for (const caller of await callersAs(client))
      assert.deepEqual(await caller.listed('tools'), []);
});

test('a name changes nothing for a caller whose consumer has an entry', async () => {
  for (const client of ['Open', 'Wide', 'Shut']) {
    const caller = new Caller(port, { headers: { ...shared, [TAG_HEADER]: 'dev' }, client });
    assert.deepEqual(await caller.listed('tools'), ['it__test_image_content']);
  }
});

test('a session keeps the name it began with, whatever its requests say later', async () => {
  const session = await Caller.open(port, { headers: shared, client: 'Shut' });
  const meta = { 'io.modelcontextprotocol/clientInfo': { name: 'Open', version: '1' } };
  const params = { name: 'it__test_simple_text', clientInfo: { name: 'Open' }, _meta: meta };
  assertRefusal(await session.ask('tools/call', params), 'TARGET_UNKNOWN');
  for (let round = 0; round < 3; round += 1)
    assertRefusal(
      await session.ask('tools/call', { name: 'it__test_simple_text' }),
      'TARGET_UNKNOWN',
    );
});

test('a name that is no text is no name', async () => {
  for (const name of [1, null, ['Open'], { name: 'Open' }, true]) {
    const caller = new Caller(port, { headers: shared });
    const meta = { 'io.modelcontextprotocol/clientInfo': { name, version: '1' } };
    assertRefusal(
      await caller.modern('tools/call', { name: 'it__fixture_state' }, meta),
      'TARGET_UNKNOWN',
    );
  }
});

test('hundreds of names fill no memory and no list of classes', async () => {
  await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const caller = new Caller(port, { headers: shared, client: `client-${index}` });
      assertRefusal(await caller.modernCall('it__fixture_state'), 'TARGET_UNKNOWN');
    }),
  );
  await assertServes(gateway);
});

for (const [what, rule] of [
  ['by its selector', { clients: ['Open'] }],
  ['by a condition', { when: 'client == "Open"' }],
  ['by a condition that hides it', { when: '[client].exists(x, x == "Open")' }],
  ['by a condition that asks for the opposite', { when: 'client != "Shut"' }],
] as const) {
  test(`a rule that would allow something ${what} on a client's name is refused with authentication on (R20)`, async () => {
    const path = join(gateway.folder, 'other.yaml');
    const rules = [{ id: 'by-name', effect: 'allow', tools: ['it/*'], ...rule }];
    await writeFile(path, JSON.stringify({ auth: { enabled: true }, rules }));
    const started = startNode(['bin/mcpx.js', 'check'], {
      SERVERS_CONFIG_PATH: join(gateway.folder, 'mcp.json'),
      APP_CONFIG_PATH: path,
      MCPX_DATA_DIR: join(gateway.folder, 'data'),
      API_KEY: SHARED_KEY,
    });
    assert.notEqual(await started.exited, 0, started.output());
    assert.match(started.output(), /client/u);
  });
}

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
});
