import assert from 'node:assert/strict';
import test from 'node:test';
import { modernRequest, namesIn, textOf, type WireMessage } from '../support/gateway-session.ts';
import { TestGateway, type ServerEntry } from '../support/gateway.ts';
import { HeldServer, type HeldCall } from '../support/held-server.ts';
import { eventually } from '../support/processes.ts';
import { metricsOf, reportOf, type Report } from '../support/upstream-report.ts';
import { fileScope } from '../support/upstream-shared.ts';

const BREAK_MS = 600;
/** Nothing is sent again, so that each call counts once; pings of a silent server do not disturb. */
const LIMITS = { breakAfter: 3, breakMs: BREAK_MS, retries: 0, pingIntervalMs: 0 };
const ENTRIES: Readonly<Record<string, ServerEntry>> = {
  broken: LIMITS,
  hung: { ...LIMITS, callTimeoutMs: 300 },
  slow: { ...LIMITS, callTimeoutMs: 700, pingIntervalMs: 50, pingTimeoutMs: 5_000 },
  probed: { ...LIMITS, breakMs: 2 * BREAK_MS },
  mute: { ...LIMITS, pingTimeoutMs: 200 },
  fine: LIMITS,
  never: { ...LIMITS, breakAfter: 0 },
  waiting: { ...LIMITS, maxInFlight: 1 },
  long: LIMITS,
};

const scope = fileScope();
const servers = new Map<string, HeldServer>();
for (const name of Object.keys(ENTRIES)) servers.set(name, await HeldServer.open(scope));
const entries = [...servers].map(([name, { url }]) => [name, { url, ...ENTRIES[name] }]);
const gateway = await TestGateway.start(scope, {
  servers: Object.fromEntries(entries) as Record<string, ServerEntry>,
  app: { shutdown: { drainMs: 100 } },
});
await gateway.whenReady(...servers.keys());

function serverOf(name: string): HeldServer {
  return servers.get(name) as HeldServer;
}

function call(name: string, signal?: AbortSignal): Promise<WireMessage> {
  const params = { name: `${name}__hold`, arguments: { text: 'x' } };
  return modernRequest(gateway.url, 'tools/call', params, signal);
}

const fails = (one: HeldCall): void => one.status(500, 'on fire');
const answers = (one: HeldCall): void => one.answer();

function refusalOf({ error }: WireMessage): unknown {
  return error?.data?.['refusal'];
}

async function whenBreaker(name: string, wanted: Report['breaker']): Promise<Report> {
  return eventually(
    `the breaker of "${name}" was ${wanted}`,
    15_000,
    async () => {
      const report = await reportOf(gateway, name);
      return report.breaker === wanted && report;
    },
    () => reportOf(gateway, name),
  );
}

/** Has so many calls in a row fail. */
async function failCalls(name: string, count = 3): Promise<void> {
  serverOf(name).onCall = fails;
  for (let index = 0; index < count; index += 1)
    assert.equal(refusalOf(await call(name)), 'UPSTREAM_LOST');
}

test('a server that loses one call after the other is not called for a while: calls are refused at once, its tools stay listed, and it comes back by itself', async () => {
  const server = serverOf('broken');
  await failCalls('broken');
  const sent = server.texts.length;
  const refused = await call('broken');
  assert.equal(refused.error?.code, 1503, JSON.stringify(refused));
  assert.equal(refused.error.data?.['state'], 'open');
  const retryAfterMs = Number(refused.error.data['retryAfterMs']);
  assert.ok(retryAfterMs > 0 && retryAfterMs <= BREAK_MS, String(retryAfterMs));
  assert.match(
    refused.error.message,
    /"broken" is not called.*3 times in a row \(answered with HTTP 500\).*Try again in \d+ ms/u,
  );
  assert.equal(server.texts.length, sent, 'a call was sent all the same');
  const report = await reportOf(gateway, 'broken');
  assert.equal(report.phase, 'degraded');
  assert.match(report.reason ?? '', /HTTP 500/u);
  assert.equal(report.refused.open, 1);
  const metrics = await metricsOf(gateway);
  assert.match(metrics, /^mcpx_upstream_breaker\{server="broken",breaker="closed"\} 0$/mu);
  const listed = namesIn((await modernRequest(gateway.url, 'tools/list')).result);
  assert.ok(listed.includes('broken__hold'));

  server.onCall = answers;
  await whenBreaker('broken', 'half-open');
  assert.equal(textOf(await call('broken')), 'x');
  assert.equal((await reportOf(gateway, 'broken')).breaker, 'closed');
  await gateway.whenReady('broken');
  for (const said of [
    /not answered|failed 3 times/u,
    /one call is let through/u,
    /answers calls again/u,
  ])
    assert.ok(
      gateway.log('broken').some(({ msg }) => said.test(msg)),
      `${String(said)} was not logged`,
    );
});

test('only one call tries a server that answers a health check again; the others are refused until it is answered', async () => {
  await failCalls('probed');
  const server = serverOf('probed');
  server.onCall = undefined;
  await whenBreaker('probed', 'half-open');
  const probe = call('probed');
  await eventually('the one call was sent', 5_000, () => server.held.length === 1);
  const others = await Promise.all([call('probed'), call('probed')]);
  for (const other of others) assert.equal(refusalOf(other), 'UPSTREAM_UNAVAILABLE');
  assert.equal(server.held.length, 1);
  // Where it fails the next pause is longer.
  server.held[0]?.status(500);
  assert.equal(refusalOf(await probe), 'UPSTREAM_LOST');
  const next = await call('probed');
  assert.ok(Number(next.error?.data?.['retryAfterMs']) > BREAK_MS, JSON.stringify(next));
  await whenBreaker('probed', 'half-open');
  // One that its client gives up says nothing: the next one tries.
  const stop = new AbortController();
  const given = call('probed', stop.signal);
  await eventually('the one call was sent', 5_000, () => server.held.length === 1);
  stop.abort();
  await assert.rejects(given);
  await eventually('it was given up', 5_000, () => server.held.length === 0);
  server.onCall = answers;
  await eventually(
    'another call was let through',
    5_000,
    async () => textOf(await call('probed')) === 'x',
  );
  await whenBreaker('probed', 'closed');
});

test('a server that does not answer health checks gets no call at all, and the pauses grow', async () => {
  await failCalls('mute');
  const server = serverOf('mute');
  server.onCall = answers;
  server.isMute = true;
  const sent = server.texts.length;
  await eventually('a pause was longer than the first', 15_000, async () => {
    const { error } = await call('mute');
    return Number(error?.data?.['retryAfterMs']) > BREAK_MS;
  });
  assert.ok(server.methods.filter((method) => method === 'ping').length >= 1);
  assert.equal(server.texts.length, sent);
  server.isMute = false;
  await whenBreaker('mute', 'half-open');
  assert.equal(textOf(await call('mute')), 'x');
});

test('a server that is silent while calls time out is not called for a while', async () => {
  for (let index = 0; index < 3; index += 1)
    assert.equal(refusalOf(await call('hung')), 'UPSTREAM_TIMEOUT');
  assert.equal(refusalOf(await call('hung')), 'UPSTREAM_UNAVAILABLE');
  serverOf('hung').onCall = answers;
  await whenBreaker('hung', 'half-open');
  assert.equal(textOf(await call('hung')), 'x');
});

test('calls that take too long are no reason where their server is heard meanwhile, if only in health checks', async () => {
  for (let index = 0; index < 4; index += 1)
    assert.equal(refusalOf(await call('slow')), 'UPSTREAM_TIMEOUT');
  assert.equal((await reportOf(gateway, 'slow')).breaker, 'closed');
});

test('tool errors, JSON-RPC errors, calls that a server does not like and calls given up do not count', async () => {
  const server = serverOf('fine');
  const isError = { content: [{ type: 'text', text: 'no' }], isError: true };
  const ways: readonly ((one: HeldCall) => void)[] = [
    (one) => one.result(isError),
    (one) => one.error(-32603, 'internal'),
    (one) => one.status(429, 'slow down'),
  ];
  for (const way of ways) {
    server.onCall = way;
    for (let index = 0; index < 4; index += 1) await call('fine');
  }
  server.onCall = undefined;
  for (let index = 0; index < 4; index += 1) {
    const stop = new AbortController();
    const given = call('fine', stop.signal);
    await eventually('it was sent', 5_000, () => server.held.length === 1);
    stop.abort();
    await assert.rejects(given);
    await eventually('it was given up', 5_000, () => server.held.length === 0);
  }
  assert.equal((await reportOf(gateway, 'fine')).breaker, 'closed');
  // An answer between two failures begins the row anew.
  for (let index = 0; index < 4; index += 1) {
    await failCalls('fine', 2);
    server.onCall = answers;
    assert.equal(textOf(await call('fine')), 'x');
  }
});

test('with breakAfter 0 a server is called whatever it does', async () => {
  await failCalls('never', 8);
  assert.equal((await reportOf(gateway, 'never')).breaker, 'closed');
});

test('calls that wait for a place when a server is not called any more are refused at once', async () => {
  const server = serverOf('waiting');
  await failCalls('waiting', 2);
  server.onCall = undefined;
  const first = call('waiting');
  await eventually('it was sent', 5_000, () => server.held.length === 1);
  const second = call('waiting');
  await eventually(
    'the other waited',
    5_000,
    async () => (await reportOf(gateway, 'waiting')).queued === 1,
  );
  server.held[0]?.status(500);
  assert.equal(refusalOf(await first), 'UPSTREAM_LOST');
  assert.equal(refusalOf(await second), 'UPSTREAM_UNAVAILABLE');
  server.onCall = answers;
  await whenBreaker('waiting', 'half-open');
  assert.equal(textOf(await call('waiting')), 'x');
});

test('a call that takes long does not keep others from a server that is to be tried: each breakMs one more is let through', async () => {
  const server = serverOf('long');
  await failCalls('long');
  server.onCall = undefined;
  await whenBreaker('long', 'half-open');
  const first = call('long');
  await eventually('the first was sent', 5_000, () => server.held.length === 1);
  const [slow] = server.held;
  server.onCall = answers;
  assert.equal(refusalOf(await call('long')), 'UPSTREAM_UNAVAILABLE');
  await eventually(
    'another call was let through',
    5 * BREAK_MS,
    async () => textOf(await call('long')) === 'x',
  );
  assert.equal((await reportOf(gateway, 'long')).breaker, 'closed');
  // What becomes of the first one now is one failure among others.
  slow?.status(500);
  assert.equal(refusalOf(await first), 'UPSTREAM_LOST');
  assert.equal(textOf(await call('long')), 'x');
});
