import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { connectLegacy, stateOf } from '../support/gateway-clients.ts';
import { jsonOf, RawSession, textOf } from '../support/gateway-session.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import {
  eventually,
  isRunning,
  ON_LINUX,
  processOf,
  type ProcessInfo,
} from '../support/processes.ts';

interface State {
  readonly pid: number;
  readonly callsStarted: number;
}

/** Far below the defaults of whatever a test does not set. */
const GONE_MS = 8_000;

async function start(t: TestContext, app: Record<string, unknown>): Promise<TestGateway> {
  const servers = { fx: { ...fixture('legacy'), isolation: 'session', shutdownGraceMs: 500 } };
  const gateway = await TestGateway.start(t, { servers, app });
  await gateway.whenReady('fx');
  return gateway;
}

async function processFor(session: RawSession): Promise<ProcessInfo> {
  const { pid } = jsonOf<State>(await session.call('fx__fixture_state'));
  const found = processOf(pid);
  assert.ok(found);
  return found;
}

test(
  'R9: sessions.detachedMs after its last stream broke a client loses its private process, not its session',
  ON_LINUX,
  async (t) => {
    const gateway = await start(t, { sessions: { detachedMs: 300 } });
    const stream = new AbortController();
    const session = await RawSession.open(gateway.url);
    await session.listen(stream.signal);
    const own = await processFor(session);
    stream.abort();
    await eventually('its process was gone', GONE_MS, () => !isRunning(own));
    assert.notEqual((await processFor(session)).pid, own.pid);
  },
);

test(
  'R9: a client that comes back before sessions.detachedMs finds its private process again',
  ON_LINUX,
  async (t) => {
    const gateway = await start(t, { sessions: { detachedMs: 2_000 } });
    const session = await RawSession.open(gateway.url);
    let own: ProcessInfo | undefined;
    for (let round = 0; round < 4; round += 1) {
      const stream = new AbortController();
      await session.listen(stream.signal);
      const { pid } = (own ??= await processFor(session));
      stream.abort();
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.equal((await processFor(session)).pid, pid, `round ${round}`);
    }
  },
);

test(
  'R9: a private process is not ended while a call of its client is in flight, though the client is gone',
  ON_LINUX,
  async (t) => {
    const gateway = await start(t, {
      sessions: { detachedMs: 200 },
      upstreams: { instanceIdleMs: 200 },
    });
    const session = await RawSession.open(gateway.url);
    const stream = new AbortController();
    await session.listen(stream.signal);
    const call = session
      .call('fx__fixture_slow', { ms: 6_000 }, stream.signal)
      .catch(() => undefined);
    // Asked for only now: with no call in flight, a process may idle too long before a busy machine sends the next one.
    const { pid } = await eventually('the call ran', 5_000, async () => {
      const state = jsonOf<State>(await session.call('fx__fixture_state'));
      return state.callsStarted === 1 && state;
    });
    const own = processOf(pid);
    assert.ok(own);
    stream.abort();
    await call;
    const begin = performance.now();
    await eventually('its process was gone', GONE_MS, () => !isRunning(own));
    assert.ok(performance.now() - begin > 2_000, 'it was ended in mid-call');
  },
);

test(
  'R9: a private process unused for instanceIdleMs ends, and the next call gets a new one',
  ON_LINUX,
  async (t) => {
    const gateway = await start(t, { upstreams: { instanceIdleMs: 400 } });
    const session = await RawSession.open(gateway.url);
    // On a busy machine it may be gone before this reads the answer, so its pid is all there is to go by.
    const own = jsonOf<State>(await session.call('fx__fixture_state'));
    await eventually('its process was gone', GONE_MS, () => {
      const found = processOf(own.pid);
      return found === undefined || found.state === 'Z';
    });
    await eventually('the loss was logged', GONE_MS, () =>
      gateway.log('fx').some(({ msg }) => msg.includes('the state it kept for its client is lost')),
    );
    assert.notEqual((await processFor(session)).pid, own.pid);
  },
);

for (const transport of ['sse', 'http'] as const) {
  test(
    `R9: a client that says goodbye (${transport}) takes its private process along at once`,
    ON_LINUX,
    async (t) => {
      const gateway = await start(t, {});
      const client = await connectLegacy(t, gateway, transport);
      const { pid } = await stateOf<State>(client, 'fx__fixture_state');
      const own = processOf(pid);
      assert.ok(own);
      if (transport === 'http') await client.terminate();
      await client.close();
      await eventually('its process was gone', GONE_MS, () => !isRunning(own));
      assert.equal((await gateway.server('fx')).instances, 1);
    },
  );
}

test('R9: a real server that asks for roots as soon as it runs (server-everything) gives each client its own', async (t) => {
  const script = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
  const gateway = await TestGateway.start(t, {
    servers: { everything: { command: process.execPath, args: [script, 'stdio'] } },
  });
  // It asks 350 ms after the gateway's own `initialized`, when there is no client to ask yet.
  await gateway.whenServer(
    'everything',
    ({ phase, isInteractive }) => phase === 'ready' && isInteractive,
  );
  const roots = ['file:///home/anne', 'file:///home/bert'];
  const clients = await Promise.all(
    roots.map((root) => connectLegacy(t, gateway, 'http', { roots: [root] })),
  );
  for (let round = 0; round < 3; round += 1) {
    const texts = await Promise.all(
      clients.map(async (client) =>
        textOf({ result: await client.call('everything__get-roots-list') }),
      ),
    );
    for (const [index, text] of texts.entries()) {
      assert.ok(text.includes(roots[index] ?? ''), text);
      assert.ok(!text.includes(roots[1 - index] ?? ''), text);
    }
  }
});
