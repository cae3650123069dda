import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  FIXTURE,
  freePort,
  startNode,
  stop,
  type Started,
} from '../support/conformance-processes.ts';
import { faulty } from '../support/faults.ts';
import { always, listenFault } from '../support/faults-http.ts';
import { jsonOf, modernRequest, RawSession, textOf } from '../support/gateway-session.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX } from '../support/processes.ts';

interface State {
  readonly pid: number;
  readonly methods: Readonly<Record<string, number | undefined>>;
}

async function stateOf(gateway: TestGateway, name: string): Promise<State> {
  const { era } = await gateway.server(name);
  const call = { name: `${name}__fixture_state`, arguments: {} };
  if (era === 'modern') return jsonOf<State>(await modernRequest(gateway.url, 'tools/call', call));
  const session = await RawSession.open(gateway.url);
  return jsonOf<State>(await session.call(call.name));
}

async function remote(t: TestContext, ...args: readonly string[]): Promise<string> {
  const port = await freePort();
  const server = startNode([FIXTURE, ...args, '--port', String(port)]);
  t.after(() => stop(server));
  return eventually(
    'the remote server listened',
    10_000,
    () => /http:\S+/u.exec(server.output())?.[0],
  );
}

const STDIO: Readonly<Record<string, { entry: ServerEntry; era: string }>> = {
  'answers a request before initialize as any other': { entry: fixture('legacy'), era: 'legacy' },
  'ends on a request before initialize': {
    entry: fixture('legacy', '--before-initialize', 'exit'),
    era: 'legacy',
  },
  'stays silent on a request before initialize': {
    entry: { ...fixture('legacy', '--before-initialize', 'silent'), probeTimeoutMs: 500 },
    era: 'legacy',
  },
  'answers discovery with an error': { entry: faulty(), era: 'legacy' },
  'is modern': { entry: fixture('modern'), era: 'modern' },
  'is modern and slower to start than the probe waits': {
    entry: { ...fixture('modern', '--start-delay', '1500'), probeTimeoutMs: 500 },
    era: 'modern',
  },
  'is legacy and slower to start than the probe waits': {
    entry: { ...fixture('legacy', '--start-delay', '1500'), probeTimeoutMs: 500 },
    era: 'legacy',
  },
};

test(
  'a stdio server of either era is recognised, whatever it does with a request it does not expect',
  ON_LINUX,
  async (t) => {
    const entries = Object.entries(STDIO);
    const servers = entries.map(([, { entry }], index) => [`s${index}`, entry] as const);
    const gateway = await TestGateway.start(t, { servers: Object.fromEntries(servers) });
    for (const [index, [name, { era }]] of entries.entries()) {
      const state = await gateway.whenServer(`s${index}`, ({ phase }) => phase === 'ready');
      assert.equal(state.era, era, `a server that ${name}`);
      assert.equal(state.version, era === 'modern' ? '2026-07-28' : '2025-11-25');
      assert.ok(state.counts['tools']);
    }
    // What probes leave behind: one process per server, and the watchdog.
    await eventually(
      'no process of a probe was left',
      10_000,
      () => descendantsOf(gateway.pid).length === entries.length + 1,
      () => descendantsOf(gateway.pid),
    );
  },
);

test('a remote server of either era and transport is recognised from its URL alone', async (t) => {
  const servers = {
    legacy: { url: await remote(t, '--era', 'legacy', '--transport', 'http') },
    modern: { url: await remote(t, '--era', 'modern', '--transport', 'http') },
    sse: { url: await remote(t, '--era', 'legacy', '--transport', 'sse') },
    named: { url: await remote(t, '--era', 'legacy', '--transport', 'sse'), type: 'sse' },
    http: { url: await remote(t, '--era', 'legacy', '--transport', 'http'), type: 'http' },
  };
  const gateway = await TestGateway.start(t, { servers });
  await gateway.whenReady(...Object.keys(servers));
  for (const name of Object.keys(servers)) {
    const { era } = await gateway.server(name);
    assert.equal(era, name === 'modern' ? 'modern' : 'legacy', name);
    const { pid } = await stateOf(gateway, name);
    assert.ok(pid > 0, name);
  }
});

test('access refused, server errors and silence say nothing about the era: the server is asked again, not taken for legacy', async (t) => {
  for (const status of [401, 403, 500, 502, 503]) {
    const fault = await listenFault(t, always(status, 'not now'));
    const gateway = await TestGateway.start(t, {
      servers: { remote: { url: fault.url } },
      app: { upstreams: { restartMinMs: 50, restartMaxMs: 100 } },
    });
    await eventually('three attempts were made', 10_000, () => fault.requests.length >= 3);
    const methods = fault.headers.map((headers) => headers['mcp-method']);
    assert.ok(
      methods.every((method) => method === 'server/discover'),
      `${status}: ${methods.join()}`,
    );
    assert.equal((await gateway.server('remote')).era, undefined);
    await gateway.end('SIGTERM');
  }
});

test('what was found out is remembered, and asked about anew when the gateway was restarted, where that costs no process', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { old: fixture('legacy'), picky: fixture('legacy', '--before-initialize', 'exit') },
  });
  await gateway.whenReady('old', 'picky');
  assert.equal((await stateOf(gateway, 'old')).methods['server/discover'], 1);
  await gateway.whenRecorded('old');
  assert.equal(gateway.log('picky').filter(({ msg }) => msg.startsWith('starting:')).length, 2);
  assert.equal(await gateway.end('SIGTERM'), 0);

  await gateway.launch();
  assert.equal((await gateway.server('old')).era, 'legacy');
  await gateway.whenReady('old', 'picky');
  const { methods } = await stateOf(gateway, 'old');
  assert.equal(methods['server/discover'], 1);
  assert.equal(methods['initialize'], 1);
  await gateway.whenRecorded('old');
  assert.equal(gateway.log('old').filter(({ msg }) => msg.startsWith('starting:')).length, 1);
  assert.equal(gateway.log('picky').filter(({ msg }) => msg.startsWith('starting:')).length, 1);
});

test('a legacy server that was killed is not probed when it is restarted, so it is back as fast as it can be', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { old: fixture('legacy', '--before-initialize', 'silent') },
    app: { upstreams: { probeTimeoutMs: 1_000 } },
  });
  await gateway.whenReady('old');
  const { pid } = await stateOf(gateway, 'old');
  process.kill(pid, 'SIGKILL');
  await gateway.whenServer('old', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
  const after = await stateOf(gateway, 'old');
  assert.notEqual(after.pid, pid);
  assert.equal(after.methods['server/discover'], undefined);
});

function startRemote(t: TestContext, era: 'legacy' | 'modern', port: number): Started {
  const args = ['--era', era, '--transport', 'http', '--port', String(port)];
  const server = startNode([FIXTURE, ...args]);
  t.after(() => stop(server));
  return server;
}

for (const isNoticed of [true, false]) {
  const how = isNoticed ? 'after a time-out of service' : 'between two breaths';
  test(`a remembered verdict can be wrong: a server that became modern ${how} is found out`, async (t) => {
    const port = await freePort();
    const first = startRemote(t, 'legacy', port);
    await eventually('it listened', 10_000, () => first.output().includes('listening'));
    const gateway = await TestGateway.start(t, {
      servers: { remote: { url: `http://127.0.0.1:${port}/mcp` } },
      app: { upstreams: { restartMaxMs: 500, pingIntervalMs: 1_000 } },
    });
    await gateway.whenServer('remote', ({ phase, era }) => phase === 'ready' && era === 'legacy');
    await stop(first);
    if (isNoticed) await gateway.whenServer('remote', ({ phase }) => phase !== 'ready');
    startRemote(t, 'modern', port);
    await gateway.whenServer('remote', ({ phase, era }) => phase === 'ready' && era === 'modern');
    const call = { name: 'remote__fixture_echo', arguments: { text: 'modern now' } };
    assert.match(textOf(await modernRequest(gateway.url, 'tools/call', call)), /modern now/u);
  });
}

test('a remembered verdict can be wrong: a server that became modern while the gateway was down is found out', async (t) => {
  const port = await freePort();
  const first = startRemote(t, 'legacy', port);
  await eventually('it listened', 10_000, () => first.output().includes('listening'));
  const gateway = await TestGateway.start(t, {
    servers: { remote: { url: `http://127.0.0.1:${port}/mcp` } },
  });
  await gateway.whenServer('remote', ({ phase, era }) => phase === 'ready' && era === 'legacy');
  assert.equal(await gateway.end('SIGTERM'), 0);
  await stop(first);
  const second = startRemote(t, 'modern', port);
  await eventually('it listened', 10_000, () => second.output().includes('listening'));
  await gateway.launch();
  await gateway.whenServer('remote', ({ phase, era }) => phase === 'ready' && era === 'modern');
});
