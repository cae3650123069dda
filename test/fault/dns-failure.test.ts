import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROMPT_MS } from '../support/fault-scene.ts';
import { FaultyRemote, KINDS } from '../support/faulty-remote.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

const LOOKUP = fileURLToPath(new URL('../support/dns-hosts.ts', import.meta.url));
const LIMITS = {
  restartMinMs: 100,
  restartMaxMs: 300,
  restartWaitMs: 500,
  connectTimeoutMs: 1_000,
};

/** Names that resolve to what a file says at the moment. */
class Names {
  readonly env: Record<string, string>;
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, 'hosts.json');
    this.env = { NODE_OPTIONS: `--import=${LOOKUP}`, FAULT_HOSTS: this.#file };
  }

  static async create(t: TestContext): Promise<Names> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-names-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const names = new Names(folder);
    await names.are({});
    return names;
  }

  async are(hosts: Readonly<Record<string, string>>): Promise<void> {
    await writeFile(this.#file, JSON.stringify(hosts));
  }
}

test('a server whose name does not resolve, or is never answered for, has failed with that reason, and is ready once it does', async (t) => {
  const names = await Names.create(t);
  await names.are({ 'silent.test': 'silence' });
  const remotes = await Promise.all(KINDS.map((kind) => FaultyRemote.listen(t, kind)));
  const servers = Object.fromEntries(
    remotes.map((remote, index) => [
      `far${index}`,
      remote.entry({ url: `http://far${index}.test:${remote.port}/mcp` }),
    ]),
  );
  const silent = { url: `http://silent.test:${remotes[0]?.port}/mcp` };
  const gateway = await TestGateway.start(t, {
    servers: { ...servers, silent, near: echoServer() },
    app: { upstreams: LIMITS },
    env: names.env,
  });
  const session = await RawSession.open(gateway.url);
  for (const name of Object.keys(servers)) {
    const { reason } = await gateway.whenServer(name, ({ phase }) => phase === 'failed');
    assert.match(reason ?? '', /cannot be reached: ENOTFOUND/u);
  }
  const { reason } = await gateway.whenServer('silent', ({ phase }) => phase === 'failed');
  assert.match(reason ?? '', /cannot be reached: UND_ERR_CONNECT_TIMEOUT|within 1000 ms/u);
  await gateway.whenReady('near');
  assert.match(textOf(await session.call('near__echo', { text: 'well' })), /^well/u);
  const all = [...Object.keys(servers), 'silent'];
  await names.are(Object.fromEntries(all.map((name) => [`${name}.test`, '127.0.0.1'])));
  await gateway.whenReady(...all);
  for (const name of all) assert.equal(textOf(await session.call(`${name}__fine`)), 'fine');
});

test('a name that stops resolving while its server is in use costs calls only when a new connection is needed, and they say why', async (t) => {
  const names = await Names.create(t);
  await names.are({ 'far.test': '127.0.0.1' });
  const remote = await FaultyRemote.listen(t);
  const gateway = await TestGateway.start(t, {
    servers: { far: { url: `http://far.test:${remote.port}/mcp` }, near: echoServer() },
    app: { upstreams: LIMITS },
    env: names.env,
  });
  await gateway.whenReady('far', 'near');
  const session = await RawSession.open(gateway.url);
  assert.equal(textOf(await session.call('far__fine')), 'fine');
  await names.are({});
  for (const socket of remote.sockets) socket.destroy();
  await eventually('its connections were gone', PROMPT_MS, () => remote.sockets.size === 0);
  const seen = remote.calls;
  await eventually('a call was told', PROMPT_MS, async () => {
    const { error } = await session.call('far__fine');
    return error?.data?.['refusal'] === 'UPSTREAM_UNAVAILABLE' && /ENOTFOUND/u.test(error.message);
  });
  assert.match(textOf(await session.call('near__echo', { text: 'well' })), /^well/u);
  assert.equal(remote.calls, seen);
  await names.are({ 'far.test': '127.0.0.1' });
  await gateway.whenReady('far');
  assert.equal(textOf(await session.call('far__fine')), 'fine');
});
