import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { RawSession } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { startRaw, type RawGateway } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';
import { residentMib } from '../support/raw-memory.ts';

/** What is kept for clients that come back is bounded, and what is large gets through all the same. */

const BIG = 'it__fixture_big';

async function start(t: TestContext, app: string): Promise<RawGateway> {
  const gateway = await startRaw({ app });
  t.after(() => gateway.stop());
  return gateway;
}

/** Makes calls of 20 kB in one session, many at a time, until so many answers have come. */
async function manyCalls(session: RawSession, count: number, type: string): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const params = { name: BIG, arguments: { bytes: 20_000 } };
      const got = await session.post(session.body('tools/call', params));
      assert.ok(got.text.length > 20_000);
      if (got.headers['content-type'] === type) left -= 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

/**
 * Makes rounds of 1,000 calls until the memory has stood still over two of them: 40 MB of answers. A heap grows at
 * first for reasons of its own; one that keeps the answers grows for ever.
 */
async function assertFlat(gateway: RawGateway, type: string): Promise<void> {
  const session = await RawSession.open(gateway.port);
  const sizes: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    await manyCalls(session, 1000, type);
    sizes.push(Math.round(residentMib(gateway.pid)));
    const before = sizes.at(-3);
    if (before !== undefined && (sizes.at(-1) ?? 0) - before < 15) return;
  }
  assert.fail(`memory after each 1,000 calls, in MiB: ${sizes.join(', ')}`);
}

test('thousands of answers of 20 kB in one session leave the memory of the gateway where it was', async (t) => {
  await assertFlat(await start(t, ''), 'application/json');
});

test('thousands of answers of 20 kB that came as streams are not kept beyond the bounds (R15)', async (t) => {
  const app = 'sse:\n  afterMs: 1\n  maxStoredBytes: 1000000\n';
  await assertFlat(await start(t, app), 'text/event-stream');
});

test('what exceeds sse.maxStoredMessages is lost to a client that comes back late, the newest is kept', async (t) => {
  const gateway = await start(t, 'sse:\n  maxStoredMessages: 3\n');
  const session = await RawSession.open(gateway.port);
  const body = session.body('tools/call', {
    name: 'it__fixture_slow',
    arguments: { ms: 500, progressEveryMs: 20 },
    _meta: { progressToken: 'p' },
  });
  const first = await session.stream(body);
  const primed = await first.next(({ id }) => id !== undefined);
  first.break();
  await first.ended;
  const waiting = await session.listen();
  await new Promise((resolve) => {
    setTimeout(resolve, 800);
  });
  waiting.break();
  const second = await session.listen(primed.id);
  await second.nextMessage(({ id }) => id === body.id);
  await second.ended;
  const progress = second.messages.flatMap(({ params }) => params?.['progress'] ?? []);
  assert.deepEqual(progress, [480, 500], 'three messages: two of progress and the result');
});

test('an answer larger than sse.maxStoredBytes still reaches a client that reads it as a stream', async (t) => {
  const gateway = await start(t, 'sse:\n  afterMs: 1\n  maxStoredBytes: 100000\n');
  const session = await RawSession.open(gateway.port);
  const params = { name: BIG, arguments: { bytes: 12_000_000 } };
  const body = session.body('tools/call', params);
  const stream = await session.stream(body);
  const { result } = await stream.nextMessage(({ id }) => id === body.id);
  assert.ok(JSON.stringify(result).length > 12_000_000);
});

test('an answer larger than sse.maxStoredBytes still reaches a client of HTTP+SSE', async (t) => {
  const gateway = await start(t, 'sse:\n  maxStoredBytes: 100000\n');
  const stream = await EventReader.open(gateway.port, { method: 'GET', path: '/sse' });
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  const post = (body: object) => send(gateway.port, { path, body: { jsonrpc: '2.0', ...body } });
  const clientInfo = { name: 'sse-big', version: '1' };
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo };
  await post({ id: 1, method: 'initialize', params });
  await stream.nextMessage(({ id }) => id === 1);
  await post({
    id: 2,
    method: 'tools/call',
    params: { name: BIG, arguments: { bytes: 3_000_000 } },
  });
  const { result } = await stream.nextMessage(({ id }) => id === 2);
  assert.ok(JSON.stringify(result).length > 3_000_000);
  stream.break();
});

test('sse.keepAliveMs 0 sends no keep-alives at all', async (t) => {
  const gateway = await start(t, 'sse:\n  keepAliveMs: 0\n');
  const session = await RawSession.open(gateway.port);
  const stream = await session.listen();
  await session.call('it__fixture_slow', { ms: 300 });
  await stream.next(({ retry }) => retry !== undefined);
  assert.equal(stream.events.filter(({ comment }) => comment !== undefined).length, 0);
  stream.break();
});
