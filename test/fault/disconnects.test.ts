import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { faulty } from '../support/faults.ts';
import { AbruptClient, eventIn } from '../support/gateway-abrupt.ts';
import { RawSession, textOf, type JsonObject } from '../support/gateway-session.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { INSPECTABLE, Inspector } from '../support/processes-inspector.ts';
import { descendantsOf, eventually, ON_LINUX, openHandles } from '../support/processes.ts';

const ROUNDS = 200;
const AT_ONCE = 4;
/** Large enough that keeping even every tenth answer would show. */
const BIG = { bytes: 200_000 };
const VERSION = '2026-07-28';
const MEBIBYTE = 2 ** 20;

/** One round: connects, calls, and leaves connections and calls for `vanish` to break. */
type Round = (client: AbruptClient, number: number) => Promise<void>;

const INITIALIZE = {
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: { roots: {} },
    clientInfo: { name: 'abrupt', version: '1.0.0' },
  },
};
const INITIALIZED = { method: 'notifications/initialized' };

function call(id: number, name: string, args: JsonObject = {}): JsonObject {
  return { id, method: 'tools/call', params: { name, arguments: args } };
}

async function legacySession(client: AbruptClient): Promise<Record<string, string>> {
  const { response } = await client.text({ method: 'POST', path: '/mcp', body: INITIALIZE });
  const headers = { 'mcp-session-id': String(response.headers['mcp-session-id']) };
  await client.text({ method: 'POST', path: '/mcp', headers, body: INITIALIZED });
  return headers;
}

async function callAndExpect(client: AbruptClient, body: JsonObject, headers = {}): Promise<void> {
  const { text } = await client.text({ method: 'POST', path: '/mcp', headers, body });
  assert.match(text, /"content":\[/u, text.slice(0, 500));
}

const legacy: Round = async (client) => {
  const headers = await legacySession(client);
  await callAndExpect(client, call(1, 'shared__fixture_big', BIG), headers);
};

const legacyInMidCall: Round = async (client) => {
  const headers = await legacySession(client);
  const body = call(1, 'shared__fixture_slow', { ms: 300 });
  await client.begin({ method: 'POST', path: '/mcp', headers, body });
};

const legacyWithStream: Round = async (client) => {
  const headers = await legacySession(client);
  await client.ask({ method: 'GET', path: '/mcp', headers });
  await callAndExpect(client, call(1, 'shared__fixture_big', BIG), headers);
  const body = { id: 2, method: 'resources/subscribe', params: { uri: 'test://watched-resource' } };
  await client.text({ method: 'POST', path: '/mcp', headers, body });
};

const legacyWithOwnInstance: Round = async (client) => {
  const headers = await legacySession(client);
  await client.ask({ method: 'GET', path: '/mcp', headers });
  await callAndExpect(client, call(1, 'own__pid'), headers);
};

async function sseSession(
  client: AbruptClient,
): Promise<{ path: string; next(pattern: RegExp): Promise<string> }> {
  const stream = await client.ask({ method: 'GET', path: '/sse' });
  const path = (await eventIn(stream, /\/messages\?sessionId=\S+/u)).trim();
  const opened = eventIn(stream, /"serverInfo"/u);
  await client.text({ method: 'POST', path, body: INITIALIZE });
  await opened;
  await client.text({ method: 'POST', path, body: INITIALIZED });
  return { path, next: (pattern) => eventIn(stream, pattern) };
}

const sse: Round = async (client) => {
  const { path, next } = await sseSession(client);
  const answered = next(/"content":\[/u);
  await client.text({ method: 'POST', path, body: call(1, 'shared__fixture_big', BIG) });
  await answered;
};

const sseInMidCall: Round = async (client) => {
  const { path } = await sseSession(client);
  await client.text({ method: 'POST', path, body: call(1, 'shared__fixture_slow', { ms: 300 }) });
};

const _meta = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
};

function modernAsk(method: string, params: JsonObject): Parameters<AbruptClient['ask']>[0] {
  const name = params['name'];
  const headers = {
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
  const body = { id: 1, method, params: { ...params, _meta } };
  return { method: 'POST', path: '/mcp', headers, body };
}

const modern: Round = async (client) => {
  const args = { name: 'shared__fixture_big', arguments: BIG };
  const { text } = await client.text(modernAsk('tools/call', args));
  assert.match(text, /"content":\[/u);
};

const modernInMidCall: Round = (client) =>
  client.begin(
    modernAsk('tools/call', { name: 'shared__fixture_slow', arguments: { ms: 60_000 } }),
  );

const modernListening: Round = async (client) => {
  const notifications = {
    toolsListChanged: true,
    resourceSubscriptions: ['test://watched-resource'],
  };
  const stream = await client.ask(modernAsk('subscriptions/listen', { notifications }));
  await eventIn(stream, /notifications\/subscriptions\/acknowledged/u);
};

const ROUNDS_OF_ALL: readonly Round[] = [
  legacy,
  sse,
  modern,
  legacyWithStream,
  legacyInMidCall,
  modernInMidCall,
  modernListening,
  sseInMidCall,
];

async function play(gateway: TestGateway, rounds: readonly Round[], count: number): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      const client = new AbruptClient(gateway.base);
      await rounds[number % rounds.length]?.(client, number);
      client.vanish(number % 2 === 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

interface Figures {
  readonly processes: number;
  readonly handles: number;
  readonly resources: Readonly<Record<string, number>>;
  readonly heapBytes: number;
}

async function measure(gateway: TestGateway, inspector: Inspector): Promise<Figures> {
  return {
    processes: descendantsOf(gateway.pid).length,
    handles: openHandles(gateway.pid),
    resources: await inspector.resources(),
    heapBytes: await inspector.heapBytes(),
  };
}

/**
 * The first call starts, once for the life of the process, the thread that counts tokens and the file that usage is kept in:
 * they are there from then on, so what is idle is measured after it.
 */
async function afterFirstCall(gateway: TestGateway): Promise<void> {
  const client = new AbruptClient(gateway.base);
  const headers = await legacySession(client);
  await callAndExpect(client, call(1, 'shared__fixture_echo', { text: 'first' }), headers);
  client.vanish(false);
  await gateway.whenRecorded('shared');
  await eventually('usage was written', 15_000, () =>
    existsSync(join(gateway.dataDir, 'usage.db-shm')),
  );
}

/** Plays rounds twice: what the first ones leave behind is warmth, what the second ones add is a leak. */
async function assertNothingLeft(
  t: TestContext,
  gateway: TestGateway,
  rounds: readonly Round[],
  bounds: { readonly graceMs: number; readonly heapMebibytes: number; readonly timers: number },
): Promise<void> {
  const inspector = await Inspector.open(gateway.output());
  t.after(() => inspector.close());
  await afterFirstCall(gateway);
  const idle = await measure(gateway, inspector);
  await play(gateway, rounds, ROUNDS / 2);
  const isCalm = async (): Promise<Figures | false> => {
    const now = await measure(gateway, inspector);
    const timers = (now.resources['Timeout'] ?? 0) - (idle.resources['Timeout'] ?? 0);
    return (
      now.processes <= idle.processes &&
      now.handles <= idle.handles &&
      timers <= bounds.timers &&
      now
    );
  };
  let last: Figures | undefined;
  const calm = (): Promise<Figures> =>
    eventually(
      'processes, handles and timers were where they had been',
      bounds.graceMs,
      async () => {
        last = await measure(gateway, inspector);
        return isCalm();
      },
      () => ({ idle, last }),
    );
  const before = await calm();
  await play(gateway, rounds, ROUNDS);
  const after = await calm();
  const grown = (after.heapBytes - before.heapBytes) / MEBIBYTE;
  t.diagnostic(
    `${after.processes} processes, ${after.handles} handles, heap ${(before.heapBytes / MEBIBYTE).toFixed(1)} MiB, ${grown.toFixed(2)} more after ${ROUNDS} rounds`,
  );
  assert.ok(grown < bounds.heapMebibytes, `the heap grew by ${grown} MiB`);
}

test(
  '200 rounds of connect, call and abrupt disconnect leave no process, handle, timer, session or memory behind',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { shared: fixture('legacy'), own: { ...faulty(), isolation: 'session' } },
      env: INSPECTABLE,
      app: {
        sessions: { idleMs: 600, detachedMs: 200 },
        sse: { resumableMs: 300 },
        upstreams: { instanceIdleMs: 600, shutdownGraceMs: 500, restartWaitMs: 30_000 },
      },
    });
    await gateway.whenReady('shared', 'own');
    const witness = new AbruptClient(gateway.base);
    const headers = await legacySession(witness);
    await assertNothingLeft(t, gateway, [...ROUNDS_OF_ALL, legacyWithOwnInstance], {
      graceMs: 15_000,
      heapMebibytes: 3,
      timers: 2,
    });
    assert.equal((await gateway.server('own')).instances, 1);
    assert.equal((await gateway.server('shared')).restarts, 0);
    // The sessions of the first clients, this one among them, have ended.
    const { response } = await witness.text({
      method: 'POST',
      path: '/mcp',
      headers,
      body: { id: 1, method: 'ping' },
    });
    assert.equal(response.statusCode, 404);
    witness.vanish(false);
    const session = await RawSession.open(gateway.url);
    let left: unknown;
    await eventually(
      'subscriptions of clients that are gone were ended',
      5_000,
      async () => {
        const state = textOf(await session.call('shared__fixture_state'));
        left = (JSON.parse(state) as { subscriptions: string[] }).subscriptions;
        return Array.isArray(left) && left.length === 0;
      },
      () => left,
    );
  },
);

test(
  '200 rounds under default settings leave no process or handle behind, and little memory for sessions that may come back',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { shared: fixture('legacy') },
      env: INSPECTABLE,
    });
    await gateway.whenReady('shared');
    await assertNothingLeft(t, gateway, ROUNDS_OF_ALL, {
      graceMs: 15_000,
      heapMebibytes: 12,
      timers: 4 * ROUNDS,
    });
    const session = await RawSession.open(gateway.url);
    assert.match(textOf(await session.call('shared__fixture_echo', { text: 'well' })), /well/u);
  },
);
