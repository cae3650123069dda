import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { jsonOf, modernRequest, RawSession, textOf } from '../support/gateway-session.ts';
import { fixture, TestGateway, type ServerEntry, type ServerState } from '../support/gateway.ts';

const TURNING = join(ROOT, 'test/support/upstream-turning.ts');
const FAST = { restartMinMs: 50, restartMaxMs: 500, probeTimeoutMs: 1_000 };

interface State {
  readonly pid: number;
  readonly methods: Readonly<Record<string, number | undefined>>;
}

interface Dated extends ServerState {
  readonly eraSince?: string;
}

async function stateOf(gateway: TestGateway, name: string): Promise<State> {
  const session = await RawSession.open(gateway.url);
  return jsonOf<State>(await session.call(`${name}__fixture_state`));
}

async function sinceOf(gateway: TestGateway, name: string): Promise<number> {
  const { eraSince = 'none' } = (await gateway.server(name)) as Dated;
  assert.match(eraSince, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u);
  return Date.parse(eraSince);
}

function starts(gateway: TestGateway, name: string): number {
  return gateway.log(name).filter(({ msg }) => msg.startsWith('starting:')).length;
}

/** Kills a server's process and waits until another one serves. */
async function restart(gateway: TestGateway, name: string, pid: number): Promise<void> {
  const { restarts } = await gateway.server(name);
  process.kill(pid, 'SIGKILL');
  await gateway.whenServer(name, (state) => state.phase === 'ready' && state.restarts > restarts);
}

test('a legacy server that becomes modern with an update is found out when it is restarted, and one that goes back too', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: {}, app: { upstreams: FAST } });
  const file = join(gateway.folder, 'era');
  const turning: ServerEntry = { command: process.execPath, args: [TURNING, file] };
  await writeFile(file, 'legacy');
  await gateway.configure({ turning });
  await gateway.launch();
  await gateway.whenServer('turning', ({ phase, era }) => phase === 'ready' && era === 'legacy');
  const since = await sinceOf(gateway, 'turning');
  const { pid } = await stateOf(gateway, 'turning');

  await writeFile(file, 'modern');
  process.kill(pid, 'SIGKILL');
  const modern = await gateway.whenServer(
    'turning',
    ({ phase, era }) => phase === 'ready' && era === 'modern',
  );
  assert.equal(modern.version, '2026-07-28');
  assert.ok((await sinceOf(gateway, 'turning')) > since);
  const call = { name: 'turning__fixture_state', arguments: {} };
  const answered = await modernRequest(gateway.url, 'tools/call', call);
  assert.match(textOf(answered), /"methods"/u);

  await writeFile(file, 'legacy');
  process.kill(jsonOf<State>(answered).pid, 'SIGKILL');
  const back = await gateway.whenServer(
    'turning',
    ({ phase, era }) => phase === 'ready' && era === 'legacy',
  );
  assert.equal(back.version, '2025-11-25');
});

test('a server that ends on a question before initialize and becomes modern is found out too, within the age of its verdict', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: {}, app: { upstreams: FAST } });
  const file = join(gateway.folder, 'era');
  const args = [TURNING, file, '--before-initialize', 'exit'];
  await writeFile(file, 'legacy');
  await gateway.configure({ picky: { command: process.execPath, args } });
  await gateway.launch();
  await gateway.whenServer('picky', ({ phase, era }) => phase === 'ready' && era === 'legacy');
  await writeFile(file, 'modern');
  process.kill((await stateOf(gateway, 'picky')).pid, 'SIGKILL');
  await gateway.whenServer('picky', ({ phase, era }) => phase === 'ready' && era === 'modern');
});

test('within the age of its verdict a restarted legacy server is not asked for its era, later it is', async (t) => {
  const entry = fixture('legacy');
  const gateway = await TestGateway.start(t, {
    servers: { young: entry, old: { ...entry, eraMaxAgeMs: 0 } },
    app: { upstreams: FAST },
  });
  await gateway.whenReady('young', 'old');
  const before = { young: await sinceOf(gateway, 'young'), old: await sinceOf(gateway, 'old') };
  for (const name of ['young', 'old'])
    await restart(gateway, name, (await stateOf(gateway, name)).pid);
  const asked = async (name: string): Promise<number | undefined> =>
    (await stateOf(gateway, name)).methods['server/discover'];
  assert.deepEqual([await asked('young'), await asked('old')], [undefined, 1]);
  assert.equal(await sinceOf(gateway, 'young'), before.young);
  assert.ok((await sinceOf(gateway, 'old')) > before.old);
});

test('where asking for the era costs a process it is asked once in the age of its verdict, also across restarts of the gateway', async (t) => {
  const picky = fixture('legacy', '--before-initialize', 'exit');
  const silent = fixture('legacy', '--before-initialize', 'silent');
  const gateway = await TestGateway.start(t, {
    servers: { picky, silent, anew: { ...picky, eraMaxAgeMs: 1 } },
    app: { upstreams: FAST },
  });
  const names = ['picky', 'silent', 'anew'];
  await gateway.whenReady(...names);
  assert.deepEqual(
    names.map((name) => starts(gateway, name)),
    [2, 1, 2],
  );
  const before = await Promise.all(names.map((name) => sinceOf(gateway, name)));
  assert.equal(await gateway.end('SIGTERM'), 0);

  await gateway.launch();
  await gateway.whenReady(...names);
  assert.equal((await stateOf(gateway, 'silent')).methods['server/discover'], undefined);
  await gateway.whenRecorded('silent');
  assert.deepEqual(
    names.map((name) => starts(gateway, name)),
    [1, 1, 2],
  );
  const after = await Promise.all(names.map((name) => sinceOf(gateway, name)));
  assert.deepEqual(after.slice(0, 2), before.slice(0, 2), 'the verdict keeps its date');
  assert.ok((after[2] ?? 0) > (before[2] ?? 0));
});

test('the state of a server tells its era, since when that is known, and the version in use', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: {
      legacy: fixture('legacy'),
      modern: fixture('modern'),
      absent: { command: 'no-such-command-anywhere' },
    },
    app: { upstreams: FAST },
  });
  await gateway.whenReady('legacy', 'modern');
  await gateway.whenServer('absent', ({ phase }) => phase === 'failed');
  const told = (await gateway.servers()).map(({ era, version }) => [era, version]);
  assert.deepEqual(told, [
    ['legacy', '2025-11-25'],
    ['modern', '2026-07-28'],
    [undefined, undefined],
  ]);
  for (const name of ['legacy', 'modern'])
    assert.ok(Math.abs((await sinceOf(gateway, name)) - Date.now()) < 60_000);
  assert.equal(((await gateway.server('absent')) as Dated).eraSince, undefined);
});
