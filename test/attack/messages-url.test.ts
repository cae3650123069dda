import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { EventReader } from '../support/raw-events.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { assertRefused, send } from '../support/raw-http.ts';

/** The URL of an HTTP+SSE client is all that keeps others from speaking in its name: nobody may guess it. */

const { port } = await gatewayForFile({ servers: {} });

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

async function open(): Promise<{ stream: EventReader; token: string }> {
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse' });
  const { data = '' } = await stream.next(({ event }) => event === 'endpoint');
  return { stream, token: new URLSearchParams(data.split('?')[1]).get('sessionId') ?? '' };
}

async function assertUnknown(token: string): Promise<void> {
  const path = `/messages?sessionId=${encodeURIComponent(token)}`;
  assertRefused(await send(port, { path, body: PING }), 404, 1404, 'SESSION_UNKNOWN');
}

test('tokens hold at least 96 random bits, and no two share a beginning', async () => {
  const opened = await Promise.all(Array.from({ length: 50 }, () => open()));
  const tokens = opened.map(({ token }) => token);
  for (const token of tokens) assert.ok(Buffer.from(token, 'base64url').length >= 12, token);
  assert.equal(new Set(tokens.map((token) => token.slice(0, 8))).size, 50);
  assert.equal(new Set(tokens.map((token) => token.slice(-8))).size, 50);
  for (const { stream } of opened) stream.break();
});

test('a token changed, cut, lengthened or guessed opens nothing', async () => {
  const { stream, token } = await open();
  const changed = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`;
  for (const other of [
    changed,
    token.slice(1),
    token.slice(0, -1),
    `${token}A`,
    `${token}=`,
    token.toLowerCase().toUpperCase(),
    ` ${token}`,
    '',
    '0',
    'undefined',
  ]) {
    await assertUnknown(other);
  }
  for (let round = 0; round < 50; round += 1)
    await assertUnknown(randomBytes(12).toString('base64url'));
  assert.equal(stream.messages.length, 0);
  stream.break();
});

test('of two sessionIds in one URL no second one is tried', async () => {
  const { stream, token } = await open();
  const path = `/messages?sessionId=x&sessionId=${token}`;
  assertRefused(await send(port, { path, body: PING }), 404, 1404, 'SESSION_UNKNOWN');
  assert.equal(stream.messages.length, 0);
  stream.break();
});

test('messages of one URL are answered on the stream of that URL alone', async () => {
  const [mine, yours] = [await open(), await open()];
  await send(port, { path: `/messages?sessionId=${mine.token}`, body: PING });
  await mine.stream.nextMessage(({ id }) => id === 1);
  assert.equal(yours.stream.messages.length, 0);
  mine.stream.break();
  yours.stream.break();
});
