import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import {
  FIXTURE,
  freePort,
  startNode,
  stop,
  type Started,
} from '../support/conformance-processes.ts';
import { connect, stateOf, TRANSPORTS, type TestClient } from '../support/gateway-clients.ts';
import { modernRequest, namesIn } from '../support/gateway-session.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

/** Five times what a restart may take, a second, and the second in which changes are to be told (docs/rules.md R24). */
const TOLD_MS = 10_000;
const TOOLS_CHANGED = 'notifications/tools/list_changed';

function connectAll(t: TestContext, gateway: TestGateway): Promise<TestClient[]> {
  return Promise.all(TRANSPORTS.map((transport) => connect(t, gateway, transport)));
}

function extras(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith('changing__fixture_extra_')).toSorted();
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `changing__fixture_extra_${index}`);
}

async function assertTold(
  client: TestClient,
  heardBefore: number,
  wanted: string[],
): Promise<void> {
  await eventually(
    `the ${client.transport} client was told of the change and saw it`,
    TOLD_MS,
    async () => {
      const isTold = client.heard.slice(heardBefore).some(({ method }) => method === TOOLS_CHANGED);
      return isTold && extras(await client.tools()).join() === wanted.join();
    },
    () => client.heard.slice(heardBefore).map(({ method }) => method),
  );
  // The other server was not touched.
  assert.ok((await client.tools()).includes('steady__echo'), client.transport);
}

async function startRemote(
  t: TestContext,
  era: 'legacy' | 'modern',
  port: number,
  tools: number,
): Promise<Started> {
  const args = ['--era', era, '--transport', 'http', '--port', String(port)];
  const remote = startNode([FIXTURE, ...args, '--extra-tools', String(tools)]);
  t.after(() => stop(remote));
  await eventually('the remote server listened', 10_000, () =>
    remote.output().includes('listening'),
  );
  return remote;
}

for (const era of ['legacy', 'modern'] as const) {
  test(`a ${era} HTTP server restarted with other tools: clients of all transports are told and see the new list`, async (t) => {
    const port = await freePort();
    const first = await startRemote(t, era, port, 2);
    const gateway = await TestGateway.start(t, {
      servers: { steady: echoServer(), changing: { url: `http://127.0.0.1:${port}/mcp` } },
    });
    await gateway.whenReady('steady', 'changing');
    const clients = await connectAll(t, gateway);
    for (const client of clients)
      await eventually(
        `the ${client.transport} client saw all`,
        TOLD_MS,
        async () => extras(await client.tools()).join() === numbered(2).join(),
      );
    const heard = clients.map((client) => client.heard.length);

    await stop(first);
    await startRemote(t, era, port, 5);
    const begin = performance.now();
    await Promise.all(
      clients.map((client, index) => assertTold(client, heard[index] ?? 0, numbered(5))),
    );
    t.diagnostic(`all were told within ${(performance.now() - begin).toFixed(0)} ms`);
    assert.equal((await gateway.server('steady')).restarts, 0);
  });
}

test('a killed stdio server comes back with other tools: clients of all transports are told and see the new list', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: {} });
  const count = join(gateway.folder, 'count');
  await writeFile(count, '2');
  const script = 'exec "$@" --extra-tools "$(cat "$0")"';
  const args = ['-c', script, count, process.execPath, FIXTURE, '--era', 'legacy'];
  await gateway.configure({ steady: echoServer(), changing: { command: '/bin/sh', args } });
  await gateway.launch();
  await gateway.whenReady('steady', 'changing');
  const clients = await connectAll(t, gateway);
  for (const client of clients) assert.deepEqual(extras(await client.tools()), numbered(2));
  const heard = clients.map((client) => client.heard.length);

  await writeFile(count, '4');
  // The gateway on stdio runs servers of its own.
  const pids = new Set<number>();
  for (const client of clients)
    pids.add((await stateOf<{ pid: number }>(client, 'changing__fixture_state')).pid);
  assert.equal(pids.size, 2);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await Promise.all(
    clients.map((client, index) => assertTold(client, heard[index] ?? 0, numbered(4))),
  );
});

test('a server that failed for good and comes back brings its tools back, and clients are told', async (t) => {
  const port = await freePort();
  const gateway = await TestGateway.start(t, {
    servers: { steady: echoServer(), changing: { url: `http://127.0.0.1:${port}/mcp` } },
    app: { upstreams: { restartMaxMs: 1_000 } },
  });
  await gateway.whenServer('changing', ({ phase }) => phase === 'failed');
  const clients = await connectAll(t, gateway);
  for (const client of clients) assert.deepEqual(await client.tools(), ['steady__echo']);
  const heard = clients.map((client) => client.heard.length);
  await startRemote(t, 'legacy', port, 3);
  await Promise.all(
    clients.map((client, index) => assertTold(client, heard[index] ?? 0, numbered(3))),
  );
});

test('what a server that is gone for good offered leaves the lists, and clients are told', async (t) => {
  const port = await freePort();
  const remote = await startRemote(t, 'legacy', port, 3);
  const gateway = await TestGateway.start(t, {
    servers: { steady: echoServer(), changing: { url: `http://127.0.0.1:${port}/mcp` } },
    app: { upstreams: { restartMaxMs: 300 } },
  });
  await gateway.whenReady('steady', 'changing');
  const client = await connect(t, gateway, 'http');
  assert.deepEqual(extras(await client.tools()), numbered(3));
  await stop(remote);
  await gateway.whenServer('changing', ({ phase }) => phase === 'failed');
  await assertTold(client, 0, []);
  assert.deepEqual(namesIn((await modernRequest(gateway.url, 'tools/list')).result), [
    'steady__echo',
  ]);
});
