import assert from 'node:assert/strict';
import test from 'node:test';
import { limitedForFile } from '../support/limits-gateway.ts';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { begin, type Rpc } from '../support/raw-http.ts';

/** However a call ends, what it held of a limit on calls in flight is free again. */

const server = (era: 'legacy' | 'modern', more: object = {}): object => ({
  ...fixtureEntry(era),
  restartMinMs: 50,
  ...more,
});

const gateway = await limitedForFile({
  rules: [
    { id: 'one', per: ['server'], concurrency: 1 },
    { id: 'small', tools: ['*/fixture_big'], maxResultBytes: 100 },
  ],
  servers: {
    plain: server('legacy'),
    modern: server('modern'),
    hasty: server('legacy', { callTimeoutMs: 500 }),
    fragile: server('legacy'),
    gone: { command: process.execPath, args: ['-e', 'process.exit(1)'] },
  },
});
const { port } = gateway;

async function inFlight(server: string): Promise<number> {
  const { top } = await gateway.limit('one');
  const found = top.find(({ for: whose }) => whose !== 'other' && whose.server === server);
  return found?.inFlight ?? 0;
}

/** Waits until a call is in flight, and makes sure that it keeps others from being made. */
async function isHeld(session: RawSession, server: string): Promise<void> {
  await eventually('the call is in flight', async () => (await inFlight(server)) === 1);
  const { error } = await session.call(`${server}__test_simple_text`);
  assert.equal(error?.data?.['limit'], 'one', JSON.stringify(error));
}

/** Waits until nothing is in flight, and makes sure that calls can be made again. */
async function isFree(session: RawSession, server: string): Promise<void> {
  await eventually('nothing is in flight', async () => (await inFlight(server)) === 0);
  let last: Rpc | undefined;
  await eventually('a call is let through', async () => {
    last = await session.call(`${server}__test_simple_text`);
    assert.notEqual(last.error?.data?.['limit'], 'one');
    return last.result !== undefined;
  });
  assert.equal(await inFlight(server), 0);
}

const SLOW = { ms: 60_000 };

test('a call that is answered, by a result, a failing tool or an error, frees what it held', async () => {
  const session = await RawSession.open(port);
  const slow = session.call('plain__fixture_slow', { ms: 400 });
  await isHeld(session, 'plain');
  assert.ok((await slow).result);
  assert.equal((await session.call('plain__test_error_handling')).result?.['isError'], true);
  assert.ok((await session.call('plain__fixture_rpc_error')).error);
  assert.equal((await session.call('plain__fixture_big', { bytes: 500 })).error?.code, 1430);
  await isFree(session, 'plain');
});

test('a call that its client cancels does', async () => {
  const session = await RawSession.open(port);
  const body = session.body('tools/call', { name: 'plain__fixture_slow', arguments: SLOW });
  const posted = session.post(body);
  await isHeld(session, 'plain');
  await session.notify('notifications/cancelled', { requestId: body.id });
  await posted;
  await isFree(session, 'plain');
});

test('a modern call whose client goes away does', async () => {
  const session = await RawSession.open(port);
  const response = begin(
    port,
    modernSent('tools/call', { name: 'modern__fixture_slow', arguments: SLOW }),
  );
  await isHeld(session, 'modern');
  (await response).destroy();
  await isFree(session, 'modern');
});

test('a call whose session ends does', async () => {
  const session = await RawSession.open(port);
  const other = await RawSession.open(port);
  const posted = other.post(
    other.body('tools/call', { name: 'plain__fixture_slow', arguments: SLOW }),
  );
  await isHeld(session, 'plain');
  await other.end();
  await posted.catch(() => undefined);
  await isFree(session, 'plain');
});

test('a call that takes too long does', async () => {
  const session = await RawSession.open(port);
  const slow = session.call('hasty__fixture_slow', SLOW);
  await isHeld(session, 'hasty');
  assert.equal((await slow).error?.data?.['refusal'], 'UPSTREAM_TIMEOUT');
  await isFree(session, 'hasty');
});

test('a call whose server dies does', async () => {
  const session = await RawSession.open(port);
  const dying = session.call('fragile__fixture_exit', { afterMs: 500 });
  await isHeld(session, 'fragile');
  assert.ok((await dying).error);
  await isFree(session, 'fragile');
});

test('calls that never reach a server, or are refused by another limit, hold nothing', async () => {
  const session = await RawSession.open(port);
  for (let call = 0; call < 3; call += 1) {
    assert.ok((await session.call('gone__anything')).error);
    assert.ok((await session.request('prompts/get', { name: 'plain__none' })).error);
  }
  assert.equal(await inFlight('gone'), 0);
  assert.equal(await inFlight('plain'), 0);
});
