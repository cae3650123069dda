import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { freePort } from '../support/conformance-processes.ts';
import { connectLegacy } from '../support/gateway-clients.ts';
import { jsonOf, RawSession, textOf, type WireMessage } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

interface State {
  readonly pid: number;
  readonly logLevel?: string;
  readonly subscriptions: readonly string[];
}

const WATCHED = 'test://watched-resource';

/** The same session at a gateway that was started anew, under another port. */
function again(gateway: TestGateway, session: RawSession): RawSession {
  return new RawSession(gateway.url, session.id);
}

async function restart(gateway: TestGateway, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  assert.equal(await gateway.end(signal), signal === 'SIGTERM' ? 0 : null);
  await gateway.launch();
}

async function assertUnknown(session: RawSession): Promise<void> {
  const response = await session.post({ id: 1, method: 'ping' });
  assert.equal(response.status, 404);
  const { error } = (await response.json()) as WireMessage;
  assert.equal(error?.code, 1404);
  assert.equal(error.data?.['refusal'], 'SESSION_UNKNOWN');
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`R13: a session goes on after a restart of the gateway (${signal}), with its log level and subscriptions`, async (t) => {
    const gateway = await TestGateway.start(t, { servers: { fx: fixture('legacy') } });
    await gateway.whenReady('fx');
    const before = await RawSession.open(gateway.url, { version: '2025-06-18' });
    await before.request('logging/setLevel', { level: 'warning' });
    await before.request('resources/subscribe', { uri: WATCHED });
    const tools = await before.tools();
    const { pid } = jsonOf<State>(await before.call('fx__fixture_state'));

    await restart(gateway, signal);
    const session = again(gateway, before);
    assert.deepEqual(await session.tools(), tools);
    const state = jsonOf<State>(await session.call('fx__fixture_state'));
    assert.notEqual(state.pid, pid);
    await eventually('its wishes were told to the new server', 5_000, async () => {
      const { logLevel, subscriptions } = jsonOf<State>(await session.call('fx__fixture_state'));
      return logLevel === 'warning' && subscriptions.join() === WATCHED;
    });
    const stream = new AbortController();
    t.after(() => stream.abort());
    await session.listen(stream.signal);
    await session.call('fx__fixture_touch_resource');
    await eventually('it heard of an update', 5_000, () =>
      session.heard.some(({ method }) => method === 'notifications/resources/updated'),
    );
  });
}

test('R13: a client of the SDK that keeps its session id goes on calling after a restart as if nothing had happened', async (t) => {
  const port = await freePort();
  const gateway = await TestGateway.start(t, {
    servers: { cheap: echoServer() },
    env: { MCPX_PORT: String(port) },
  });
  await gateway.whenReady('cheap');
  const client = await connectLegacy(t, gateway, 'http');
  assert.match(textOf({ result: await client.call('cheap__echo', { text: 'one' }) }), /^one/u);
  await restart(gateway, 'SIGTERM');
  const result = await eventually('the call was answered', 10_000, () =>
    client.call('cheap__echo', { text: 'two' }).catch(() => undefined),
  );
  assert.match(textOf({ result }), /^two/u);
});

test('R13: an ended session is unknown for ever: after DELETE, and after a restart too', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { cheap: echoServer() } });
  const [ended, kept] = [await RawSession.open(gateway.url), await RawSession.open(gateway.url)];
  assert.equal(await ended.delete(), 204);
  await assertUnknown(ended);
  assert.equal(await ended.delete(), 404);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await restart(gateway, signal);
    await assertUnknown(again(gateway, ended));
    assert.equal((await again(gateway, kept).request('ping')).error, undefined);
  }
});

test('R13: a session that idled too long is unknown, and stays so after a restart', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { cheap: echoServer() },
    app: { sessions: { idleMs: 400 } },
  });
  const session = await RawSession.open(gateway.url);
  // Looked at without using it: every use would begin its idle time anew.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await assertUnknown(session);
  await restart(gateway, 'SIGTERM');
  await assertUnknown(again(gateway, session));
});

test('R13: a session ends at its greatest age, used or not, also after a restart', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { cheap: echoServer() },
    app: { sessions: { maxAgeMs: 1_500 } },
  });
  const session = await RawSession.open(gateway.url);
  const begin = performance.now();
  assert.equal((await session.request('ping')).error, undefined);
  await eventually('it had ended', 10_000, async () => {
    const response = await session.post({ id: 'again', method: 'ping' });
    await response.text();
    return response.status === 404;
  });
  assert.ok(performance.now() - begin > 1_000);
  await restart(gateway, 'SIGTERM');
  await assertUnknown(again(gateway, session));
});

test('R13: an id that was altered, cut or made up is unknown', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { cheap: echoServer() } });
  const { id } = await RawSession.open(gateway.url);
  const altered = Array.from({ length: 24 }, (_, index) => {
    const place = Math.floor((index * id.length) / 24);
    const other = id[place] === 'A' ? 'B' : 'A';
    return id.slice(0, place) + other + id.slice(place + 1);
  });
  const forged = [
    ...altered,
    id.slice(1),
    id.slice(0, -1),
    `${id}A`,
    'made-up',
    'null',
    '%00',
    '0',
  ];
  for (const each of forged) await assertUnknown(new RawSession(gateway.url, each));
  assert.equal((await new RawSession(gateway.url, id).request('ping')).error, undefined);
});

test('R13: the id of one gateway means nothing to another', async (t) => {
  const [mine, other] = [
    await TestGateway.start(t, { servers: { cheap: echoServer() } }),
    await TestGateway.start(t, { servers: { cheap: echoServer() } }),
  ];
  await assertUnknown(again(other, await RawSession.open(mine.url)));
});

test('R13: keys are readable by their owner alone, and a session id tells nothing of what it carries', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { cheap: echoServer() } });
  const session = await RawSession.open(gateway.url, { name: 'a-telling-name' });
  const keys = join(gateway.dataDir, 'keys');
  assert.equal((await stat(keys)).mode & 0o777, 0o700);
  const names = await readdir(keys);
  assert.ok(names.length > 0);
  for (const name of names) assert.equal((await stat(join(keys, name))).mode & 0o777, 0o600, name);
  assert.equal((await stat(gateway.dataDir)).mode & 0o077, 0);
  const carried = Buffer.from(session.id, 'base64url').toString('latin1');
  assert.doesNotMatch(carried, /telling|2025-11-25|local/u);
  const secret = (
    JSON.parse(await readFile(join(keys, 'seal.json'), 'utf8')) as { secret: string }[]
  )[0]?.secret;
  assert.ok(secret);
  assert.ok(!gateway.output().includes(secret));
});

test('R13: what a private instance knew of its session is lost with a restart, and the gateway says so', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { fx: { ...fixture('legacy'), isolation: 'session' } },
  });
  await gateway.whenReady('fx');
  const session = await RawSession.open(gateway.url);
  const before = jsonOf<State>(await session.call('fx__fixture_state'));
  await restart(gateway, 'SIGTERM');
  await gateway.whenReady('fx');
  const after = jsonOf<State>(await again(gateway, session).call('fx__fixture_state'));
  assert.notEqual(after.pid, before.pid);
  await eventually(
    'the loss was logged',
    5_000,
    () => gateway.log().some(({ msg }) => /state .*(lost|gone)|lost .*state/iu.test(msg)),
    () => gateway.log(),
  );
});

async function sessionsOf(t: TestContext, count: number, maxCount: number): Promise<RawSession[]> {
  const gateway = await TestGateway.start(t, {
    servers: { cheap: echoServer() },
    app: { sessions: { maxCount } },
  });
  const sessions: RawSession[] = [];
  for (let opened = 0; opened < count; opened += 1)
    sessions.push(await RawSession.open(gateway.url));
  return sessions;
}

test('R13: above sessions.maxCount the one idle for longest leaves memory, and can still be taken up by its id', async (t) => {
  const sessions = await sessionsOf(t, 30, 10);
  for (const session of sessions) assert.equal((await session.request('ping')).error, undefined);
});
