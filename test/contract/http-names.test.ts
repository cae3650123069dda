import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, startRaw } from '../support/raw-gateway.ts';
import { partOf } from '../support/raw-http.ts';

/** Names without their prefix, as hosts of MCP Apps call tools. */

const WORKS = { ...fixtureEntry('legacy'), env: { FIXTURE_WHO: 'one' } };
const OTHER = { ...fixtureEntry('legacy'), env: { FIXTURE_WHO: 'two' } };

async function who(session: RawSession, name: string): Promise<string> {
  const answer = await session.call(name);
  if (answer.error !== undefined) return answer.error.message;
  const { environment } = partOf<{ environment: { FIXTURE_WHO: string } }>(
    answer,
    'structuredContent',
  );
  return environment.FIXTURE_WHO;
}

test('a bare name once resolved stays with its server for that session, also when another server comes to have it (R6)', async (t) => {
  const gateway = await startRaw({ servers: { one: WORKS } });
  t.after(() => gateway.stop());
  const session = await RawSession.open(gateway.port);
  assert.equal(await who(session, 'fixture_state'), 'one');
  const both = JSON.stringify({ mcpServers: { one: WORKS, two: OTHER } });
  await writeFile(join(gateway.folder, 'mcp.json'), both);
  await eventually('the second server is ready', async () =>
    (await gateway.servers()).some(({ name, phase }) => name === 'two' && phase === 'ready'),
  );
  assert.equal(await who(session, 'two__fixture_state'), 'two');
  assert.equal(await who(session, 'fixture_state'), 'one');
});

test('a bare name never moves to another server by itself, also when its own server is gone (R6)', async (t) => {
  const gateway = await startRaw({ servers: { one: WORKS } });
  t.after(() => gateway.stop());
  const session = await RawSession.open(gateway.port);
  assert.equal(await who(session, 'fixture_state'), 'one');
  const other = JSON.stringify({ mcpServers: { two: OTHER } });
  await writeFile(join(gateway.folder, 'mcp.json'), other);
  await eventually('the second server alone is there', async () => {
    const states = await gateway.servers();
    return (
      states.length === 1 && states.every(({ name, phase }) => name === 'two' && phase === 'ready')
    );
  });
  assert.match(await who(session, 'fixture_state'), /Unknown tool/u);
  assert.equal(await who(session, 'two__fixture_state'), 'two');
  assert.equal(await who(await RawSession.open(gateway.port), 'fixture_state'), 'two');
});

test('a bare name that two servers have is unknown to whoever has not used it before (R6)', async (t) => {
  const gateway = await startRaw({ servers: { one: WORKS, two: OTHER } });
  t.after(() => gateway.stop());
  const session = await RawSession.open(gateway.port);
  assert.match(await who(session, 'fixture_state'), /Unknown tool/u);
  assert.equal(await who(session, 'one__fixture_state'), 'one');
});

test('with naming flat the name of an earlier server stays its own, and the later one is degraded and says so (R17)', async (t) => {
  const gateway = await startRaw({ servers: { one: WORKS, two: OTHER }, app: 'naming: flat\n' });
  t.after(() => gateway.stop());
  const session = await RawSession.open(gateway.port);
  assert.equal(await who(session, 'fixture_state'), 'one');
  const two = (await gateway.servers()).find(({ name }) => name === 'two');
  assert.equal(two?.phase, 'degraded');
  assert.match(two.reason ?? '', /"one".*fixture|fixture.*"one"|server "one"/u);
  const names = partOf<{ name: string }[]>(await session.request('tools/list'), 'tools').map(
    ({ name }) => name,
  );
  assert.equal(new Set(names).size, names.length);
});

test('with naming flat an earlier server that is slow to start has its names as soon as it is there (R17)', async (t) => {
  const slow = { ...fixtureEntry('legacy', '--start-delay', '700'), env: { FIXTURE_WHO: 'one' } };
  const gateway = await startRaw({
    servers: { one: slow, two: OTHER },
    app: 'naming: flat\n',
    isReady: false,
  });
  t.after(() => gateway.stop());
  await eventually('both are settled', async () =>
    (await gateway.servers()).every(({ phase }) => phase !== 'starting'),
  );
  const session = await RawSession.open(gateway.port);
  assert.equal(await who(session, 'fixture_state'), 'one');
  await eventually('the later one is degraded', async () =>
    (await gateway.servers()).some(({ name, phase }) => name === 'two' && phase === 'degraded'),
  );
});
