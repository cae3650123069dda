import assert from 'node:assert/strict';
import test from 'node:test';
import { RawLegacy, RawModern, type Told } from '../support/access-callers.ts';
import { tagged } from '../support/access-gateway.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX } from '../support/processes.ts';
import type { JsonObject } from '../support/raw-http.ts';

const ASKS = { name: 'it__test_input_required_result_elicitation', arguments: {} };
const ECHO = { name: 'it__fixture_echo', arguments: { text: 'served' } };
const PLACES = 3;
const CAPABILITIES = { elicitation: { form: {} } };

/** A gateway to a server that serves each client apart, in so many places. */
async function start(t: Parameters<typeof TestGateway.start>[0]): Promise<TestGateway> {
  const it = { ...fixture('legacy'), isolation: 'session', maxInstances: PLACES };
  const gateway = await TestGateway.start(t, {
    servers: { it },
    app: { shutdown: { drainMs: 100 }, upstreams: { restartWaitMs: 6_000 } },
  });
  await gateway.whenReady('it');
  return gateway;
}

const portOf = (gateway: TestGateway): number => Number(new URL(gateway.base).port);

function session(gateway: TestGateway, who: string): Promise<RawLegacy> {
  return RawLegacy.open(portOf(gateway), { headers: tagged(who), capabilities: CAPABILITIES });
}

/** Waits until so many calls are under way and so many wait for a place. */
async function whenBusy(gateway: TestGateway, inFlight: number, queued = 0): Promise<void> {
  await gateway.whenServer('it', (state) => {
    const { inFlight: now, queued: waiting } = state as unknown as Record<string, number>;
    return now === inFlight && waiting === queued;
  });
}

function codeOf({ error }: Told): unknown {
  return error?.data?.['refusal'] ?? error;
}

test('a caller whose calls wait for people in every place gives one up to another caller, the one that has waited longest (R9)', async (t) => {
  const gateway = await start(t);
  const calls: Promise<Told>[] = [];
  for (let place = 1; place <= PLACES; place += 1) {
    const call = (await session(gateway, 'anne')).request('tools/call', ASKS);
    // Those that keep their places are ended with the gateway.
    call.catch(() => undefined);
    calls.push(call);
    await whenBusy(gateway, place);
  }
  const bert = await session(gateway, 'bert');
  const served = await bert.request('tools/call', ECHO);
  assert.match(JSON.stringify(served.result), /served/u);
  const lost = await (calls[0] as Promise<Told>);
  assert.equal(codeOf(lost), 'UPSTREAM_LOST');
  assert.match(lost.error?.message ?? '', /its place to another caller.*waited.*maxInstances/u);
  await whenBusy(gateway, PLACES - 1);
});

test('the same holds for parked calls of modern clients, whose retry is told (R3, R9)', async (t) => {
  const gateway = await start(t);
  const anne = new RawModern(portOf(gateway), {
    headers: tagged('anne'),
    capabilities: CAPABILITIES,
  });
  const parked: JsonObject[] = [];
  for (let place = 1; place <= PLACES; place += 1)
    parked.push((await anne.request('tools/call', ASKS)).result ?? {});
  const bert = new RawModern(portOf(gateway), {
    headers: tagged('bert'),
    capabilities: CAPABILITIES,
  });
  assert.match(JSON.stringify((await bert.request('tools/call', ECHO)).result), /served/u);
  const outcomes = [];
  for (const { requestState, inputRequests } of parked) {
    const [key = ''] = Object.keys(inputRequests as JsonObject);
    const inputResponses = { [key]: { action: 'accept', content: { name: 'Ada' } } };
    const told = await anne.request('tools/call', { ...ASKS, requestState, inputResponses });
    outcomes.push(told.result === undefined ? codeOf(told) : 'answered');
  }
  assert.deepEqual(outcomes, ['UPSTREAM_LOST', 'answered', 'answered']);
});

test(
  'hundreds of waiting calls of one caller do not keep another one waiting, and leave no process behind (R9)',
  ON_LINUX,
  async (t) => {
    const gateway = await start(t);
    const anne = new RawModern(portOf(gateway), {
      headers: tagged('anne'),
      capabilities: CAPABILITIES,
    });
    const slow = { name: 'it__fixture_slow', arguments: { ms: 500 } };
    const flood = Array.from({ length: 150 }, () => anne.request('tools/call', slow));
    let ended = 0;
    for (const call of flood) void call.then(() => (ended += 1));
    await gateway.whenServer('it', (state) => {
      const { queued } = state as unknown as Record<string, number>;
      return (queued ?? 0) > 100;
    });
    const endedBefore = ended;
    const bert = new RawModern(portOf(gateway), {
      headers: tagged('bert'),
      capabilities: CAPABILITIES,
    });
    const { result } = await bert.request('tools/call', ECHO);
    assert.match(JSON.stringify(result), /served/u);
    assert.ok(ended - endedBefore <= 4 * PLACES, `${ended - endedBefore} calls went before`);
    const outcomes = (await Promise.all(flood)).map((told) =>
      told.result === undefined ? codeOf(told) : 'answered',
    );
    assert.deepEqual([...new Set(outcomes.map(String))].toSorted(), ['UPSTREAM_BUSY', 'answered']);
    // The shared one, the watchdog, and none of those that served one call each.
    await eventually('only the shared process was left', 15_000, () => {
      return descendantsOf(gateway.pid).length === 2;
    });
  },
);

test('a client that goes away while its call waits for a place gets none (R9, R15)', async (t) => {
  const gateway = await start(t);
  for (let place = 1; place <= PLACES; place += 1) {
    const held = (await session(gateway, 'anne')).request('tools/call', ASKS);
    held.catch(() => undefined);
    await whenBusy(gateway, place);
  }
  const leaving = new AbortController();
  const url = gateway.url;
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': ECHO.name,
    ...tagged('anne'),
  };
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': CAPABILITIES,
  };
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...ECHO, _meta } };
  const request = { method: 'POST', headers, body: JSON.stringify(body), signal: leaving.signal };
  const waiting = fetch(url, request).then(
    () => 'answered',
    () => 'gone',
  );
  await whenBusy(gateway, PLACES, 1);
  leaving.abort();
  assert.equal(await waiting, 'gone');
  await whenBusy(gateway, PLACES, 0);
});
