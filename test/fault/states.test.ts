import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { freePort } from '../support/conformance-processes.ts';
import { faulty } from '../support/faults.ts';
import {
  always,
  legacyServer,
  listenFault,
  sendResult,
  type HttpFault,
} from '../support/faults-http.ts';
import { modernRequest, namesIn, RawSession, textOf } from '../support/gateway-session.ts';
import {
  echoServer,
  fixture,
  TestGateway,
  type ServerEntry,
  type ServerState,
} from '../support/gateway.ts';
import { descendantsOf, eventually } from '../support/processes.ts';

/** Far above what a healthy call takes on a busy machine, far below any timeout here. */
const PROMPT_MS = 2_000;
const FAST = { restartMinMs: 100, restartMaxMs: 500, probeTimeoutMs: 500, connectTimeoutMs: 1_000 };

/** What a state must say. */
interface Said {
  readonly phase: string;
  readonly reason: RegExp;
}

const BAD_COMMANDS: Readonly<Record<string, { entry: ServerEntry; said: Said }>> = {
  missing: {
    entry: { command: 'no-such-command-anywhere' },
    said: { phase: 'failed', reason: /no command "no-such-command-anywhere" on the PATH/u },
  },
  folderless: {
    entry: { ...echoServer(), cwd: '/no/such/folder' },
    said: { phase: 'failed', reason: /no folder "\/no\/such\/folder"/u },
  },
  lengthy: {
    entry: { ...echoServer(), env: { LENGTHY: 'x'.repeat(200_000) } },
    said: { phase: 'failed', reason: /"env" are longer than the system allows \(E2BIG\)/u },
  },
  exits: {
    entry: faulty('--exit-with', '3'),
    said: {
      phase: 'failed',
      reason: /exited with code 3; last on stderr: cannot open the database/u,
    },
  },
  hangs: {
    entry: fixture('legacy', '--start-delay', '2000000000'),
    said: { phase: 'failed', reason: /did not answer initialize within 1000 ms/u },
  },
  loops: {
    entry: faulty('--die-after', '300'),
    said: { phase: 'failed', reason: /exited with code 4/u },
  },
  unset: {
    entry: { ...echoServer(), env: { TOKEN: '${MCPX_TEST_UNSET_TOKEN}' } },
    said: { phase: 'pending-input', reason: /MCPX_TEST_UNSET_TOKEN/u },
  },
  unnamed: {
    entry: { ...echoServer(), env: { TOKEN: { fromEnv: 'MCPX_TEST_OTHER_TOKEN' } } },
    said: { phase: 'pending-input', reason: /MCPX_TEST_OTHER_TOKEN/u },
  },
  off: {
    entry: { ...echoServer(), disabled: true },
    said: { phase: 'stopped', reason: /switched off/u },
  },
  silent: {
    entry: { ...faulty('--silent-on', 'tools/list'), listTimeoutMs: 500 },
    said: { phase: 'degraded', reason: /lists cannot be read: .*tools\/list within 500 ms/u },
  },
};

async function badUrls(
  t: TestContext,
): Promise<Record<string, { entry: ServerEntry; said: Said }>> {
  const [locked, forbidden, broken, page, absent] = await Promise.all([
    listenFault(t, always(401, 'who are you?')),
    listenFault(t, always(403, 'not you')),
    listenFault(t, always(500, 'the database is on fire')),
    listenFault(t, always(200, '<html>Welcome</html>', 'text/html')),
    listenFault(t, always(404, 'nothing here')),
  ]);
  const port = await freePort();
  const url = (fault: HttpFault): ServerEntry => ({ url: fault.url });
  return {
    locked: { entry: url(locked), said: { phase: 'pending-auth', reason: /401.*headers/u } },
    forbidden: { entry: url(forbidden), said: { phase: 'pending-auth', reason: /403.*headers/u } },
    broken: {
      entry: url(broken),
      said: { phase: 'failed', reason: /HTTP 500.*the database is on fire/u },
    },
    page: { entry: url(page), said: { phase: 'failed', reason: /\w/u } },
    absent: { entry: url(absent), said: { phase: 'failed', reason: /HTTP 404/u } },
    closed: {
      entry: { url: `http://127.0.0.1:${port}/mcp` },
      said: { phase: 'failed', reason: /cannot be reached: ECONNREFUSED/u },
    },
    nowhere: {
      entry: { url: 'http://no-such-host.invalid/mcp' },
      said: { phase: 'failed', reason: /cannot be reached: (ENOTFOUND|EAI_AGAIN)/u },
    },
  };
}

function says(state: ServerState, { phase, reason }: Said): boolean {
  return state.phase === phase && reason.test(state.reason ?? '');
}

test('every way a server can be unwell has its state with the reason, and costs nothing but its own tools', async (t) => {
  const unwell = { ...BAD_COMMANDS, ...(await badUrls(t)) };
  const entries = Object.entries(unwell).map(([name, { entry }]) => [name, entry] as const);
  const gateway = await TestGateway.start(t, {
    servers: { first: echoServer(), ...Object.fromEntries(entries), last: fixture('legacy') },
    app: { upstreams: FAST, list: { firstWaitMs: 1_000 } },
  });
  await gateway.whenReady('first', 'last');
  for (const [name, { said }] of Object.entries(unwell))
    await gateway.whenServer(name, (state) => says(state, said));

  const begin = performance.now();
  const session = await RawSession.open(gateway.url);
  const names = await session.tools();
  assert.match(textOf(await session.call('first__echo', { text: 'fine' })), /^fine/u);
  assert.match(textOf(await session.call('last__fixture_echo', { text: 'fine' })), /fine/u);
  const tookMs = performance.now() - begin;
  assert.ok(tookMs < PROMPT_MS, `healthy servers took ${tookMs} ms`);
  // The one in a crash loop may be listed while it is up.
  const servers = new Set(
    names.map((name) => name.split('__')[0]).filter((name) => name !== 'loops'),
  );
  assert.deepEqual([...servers], ['first', 'last']);
  const modern = namesIn((await modernRequest(gateway.url, 'tools/list')).result);
  assert.ok(modern.includes('first__echo'));

  for (const { name, since, phase } of await gateway.servers()) {
    assert.match(since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u, name);
    assert.ok(
      Math.abs(Date.parse(since) - Date.now()) < 60_000,
      `${name} is ${phase} since ${since}`,
    );
  }
});

test('a server that refused access or was broken is ready as soon as it lets the gateway in', async (t) => {
  const fine = legacyServer((response, id) => sendResult(response, id, { content: [] }));
  const locked = await listenFault(t, always(401, 'who are you?'));
  const broken = await listenFault(t, always(500, 'down for maintenance'));
  const gateway = await TestGateway.start(t, {
    servers: { locked: { url: locked.url }, broken: { url: broken.url } },
    app: { upstreams: FAST },
  });
  const pending = await gateway.whenServer('locked', ({ phase }) => phase === 'pending-auth');
  await gateway.whenServer('broken', ({ phase }) => phase === 'failed');
  const session = await RawSession.open(gateway.url);
  assert.deepEqual(await session.tools(), []);
  locked.become(fine);
  broken.become(fine);
  await gateway.whenReady('locked', 'broken');
  const ready = await gateway.server('locked');
  assert.ok(ready.since >= pending.since);
  assert.equal(ready.reason, undefined);
  assert.deepEqual(await session.tools(), ['locked__fine', 'broken__fine']);
});

test('the headers of an entry are sent with every request to its server, and to no other', async (t) => {
  const fine = legacyServer((response, id) => sendResult(response, id, { content: [] }));
  const [mine, other] = [await listenFault(t, fine), await listenFault(t, fine)];
  const gateway = await TestGateway.start(t, {
    servers: {
      mine: { url: mine.url, headers: { authorization: 'Bearer ${MCPX_TEST_TOKEN}' } },
      other: { url: other.url },
    },
    env: { MCPX_TEST_TOKEN: 'secret-of-mine' },
  });
  await gateway.whenReady('mine', 'other');
  const session = await RawSession.open(gateway.url);
  await session.call('mine__fine');
  await session.call('other__fine');
  assert.ok(mine.headers.length > 2);
  for (const headers of mine.headers)
    assert.equal(headers['authorization'], 'Bearer secret-of-mine');
  for (const headers of other.headers) assert.equal(headers['authorization'], undefined);
  assert.doesNotMatch(gateway.output(), /secret-of-mine/u);
  assert.doesNotMatch(JSON.stringify(await gateway.servers()), /secret-of-mine/u);
});

test('a server in want of a variable runs once the entry is mended', async (t) => {
  const entry = { ...echoServer(), env: { TOKEN: '${MCPX_TEST_UNSET_TOKEN}' } };
  const gateway = await TestGateway.start(t, { servers: { asks: entry } });
  await gateway.whenServer('asks', ({ phase }) => phase === 'pending-input');
  assert.deepEqual(
    gateway.log('asks').filter(({ msg }) => msg.startsWith('starting:')),
    [],
  );
  await gateway.configure({ asks: { ...entry, env: { TOKEN: '${MCPX_TEST_UNSET_TOKEN:-none}' } } });
  await gateway.whenReady('asks');
});

test('a server in a crash loop counts as failed after a while, its tools leave the list, and it is tried again all the same', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { loops: faulty('--die-after', '200'), steady: echoServer() },
    app: { upstreams: { ...FAST, restartMaxMs: 2_000 } },
  });
  await gateway.whenServer('loops', ({ phase }) => phase === 'failed');
  const session = await RawSession.open(gateway.url);
  await eventually(
    'its tools left the list',
    10_000,
    async () => (await session.tools()).join() === 'steady__echo',
  );
  const { restarts } = await gateway.server('loops');
  await gateway.whenServer('loops', (state) => state.restarts > restarts);
});

test('a frozen server is degraded while it does not answer pings, and ready again when it does', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: {
      freezes: { ...echoServer(), pingIntervalMs: 200, pingTimeoutMs: 3_000 },
      steady: echoServer(),
    },
  });
  await gateway.whenReady('freezes', 'steady');
  const session = await RawSession.open(gateway.url);
  const { pid } = await eventually('its process was found', 5_000, () =>
    descendantsOf(gateway.pid).find(({ command }) => command.includes('echo-stdio')),
  );
  process.kill(pid, 'SIGSTOP');
  const degraded = await gateway.whenServer('freezes', ({ phase }) => phase === 'degraded');
  assert.match(degraded.reason ?? '', /does not answer pings/u);
  assert.match(textOf(await session.call('steady__echo', { text: 'fine' })), /^fine/u);
  process.kill(pid, 'SIGCONT');
  await gateway.whenReady('freezes');
  assert.equal((await gateway.server('freezes')).restarts, 0);
});

test('a server that stays frozen while nothing is asked of it is replaced', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { freezes: { ...echoServer(), pingIntervalMs: 200, pingTimeoutMs: 300 } },
    app: { upstreams: { shutdownGraceMs: 300 } },
  });
  await gateway.whenReady('freezes');
  const session = await RawSession.open(gateway.url);
  const frozen = await eventually('its process was found', 5_000, () =>
    descendantsOf(gateway.pid).find(({ command }) => command.includes('echo-stdio')),
  );
  process.kill(frozen.pid, 'SIGSTOP');
  await gateway.whenServer('freezes', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
  assert.match(textOf(await session.call('freezes__echo', { text: 'new' })), /^new/u);
  await eventually(
    'the frozen process was gone',
    5_000,
    () => !descendantsOf(gateway.pid).some(({ pid }) => pid === frozen.pid),
  );
});
