import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { RawSession } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { startRaw, type RawGateway } from '../support/raw-gateway.ts';
import { begin, send } from '../support/raw-http.ts';

/** Streams of a session that outlived its gateway. */

interface Restarted {
  readonly gateway: RawGateway;
  readonly headers: Record<string, string>;
  readonly oldIds: string[];
}

/** A session whose client saw some events before its gateway was restarted. */
async function restarted(t: TestContext): Promise<Restarted> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-streams-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const first = await startRaw({ folder });
  const session = await RawSession.open(first.port);
  const stream = await session.listen();
  for (const name of ['one', 'two', 'three']) {
    const before = stream.messages.length;
    await session.call('it__fixture_add_tool', { name: `before_${name}` });
    await stream.next(() => stream.messages.length > before);
  }
  const post = await session.stream(
    session.body('tools/call', {
      name: 'it__fixture_slow',
      arguments: { ms: 60, progressEveryMs: 20 },
      _meta: { progressToken: 'p' },
    }),
  );
  await post.ended;
  const oldIds = [stream, post].map(({ events }) => events.findLast(({ id }) => id)?.id ?? '');
  await first.stop();
  const gateway = await startRaw({ folder });
  t.after(() => gateway.stop());
  return { gateway, headers: session.headers, oldIds };
}

function call(name: string, args: object, id: number): object {
  const params = { name, arguments: args, _meta: { progressToken: id } };
  return { jsonrpc: '2.0', id, method: 'tools/call', params };
}

test('what is told after a restart reaches a client that comes back with an event id from before (R13)', async (t) => {
  const { gateway, headers, oldIds } = await restarted(t);
  const { port } = gateway;
  await send(port, { headers, body: call('it__fixture_add_tool', { name: 'after' }, 1) });
  await new Promise((resolve) => {
    setTimeout(resolve, 500);
  });
  const resume = { ...headers, 'last-event-id': oldIds[0] ?? '' };
  const stream = await EventReader.open(port, { method: 'GET', headers: resume });
  await stream.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
  stream.break();
});

test('an event id from before a restart takes no stream away from the one who reads it (R13)', async (t) => {
  const { gateway, headers, oldIds } = await restarted(t);
  const { port } = gateway;
  const body = call('it__fixture_slow', { ms: 600, progressEveryMs: 50 }, 2);
  const reading = new EventReader(await begin(port, { headers, body }));
  await reading.nextMessage(({ method }) => method === 'notifications/progress');
  const resume = { ...headers, 'last-event-id': oldIds[1] ?? '' };
  const other = await EventReader.open(port, { method: 'GET', headers: resume });
  await reading.nextMessage(({ id, result }) => id === 2 && result !== undefined);
  assert.ok(other.messages.every(({ method }) => method !== 'notifications/progress'));
  other.break();
});
