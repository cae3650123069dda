import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  callWith,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
  TAG_HEADER,
  type AttackedGateway,
} from '../support/attack-gateway.ts';
import { modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { begin, send } from '../support/raw-http.ts';

/** A key that was revoked opens nothing any more: no call, no session, no stream that is open already, and no consumer. */

const gateway = await attackedForFile();
const { port } = gateway;

function idOf(key: string): string {
  return /^mcpx_([\w-]+)_[\w-]{43}$/u.exec(key)?.[1] ?? '';
}

async function revoke({ mcpx }: AttackedGateway, key: string): Promise<void> {
  await mcpx('keys', 'revoke', idOf(key));
}

test('a revoked key ends what was begun with it, within seconds, and is recorded', async () => {
  const key = await gateway.createKey('alice');
  const headers = { [KEY_HEADER]: key };
  await assertServes(gateway, headers);
  const session = await Caller.open(port, { headers });
  const standing = await session.stream(undefined, { accept: 'text/event-stream' });
  const sse = await EventReader.open(port, { method: 'GET', path: '/sse', headers });
  const { data: path = '' } = await sse.next(({ event }) => event === 'endpoint');
  const listen = modernSent('subscriptions/listen', { notifications: { toolsListChanged: true } });
  const listening = new EventReader(
    await begin(port, { ...listen, headers: { ...listen.headers, ...headers } }),
  );
  await listening.nextMessage(({ method }) => method?.includes('acknowledged') === true);
  const from = gateway.audit().length;
  await revoke(gateway, key);
  await eventually('it is refused', async () => {
    return (await callWith(port, headers, 'it__test_simple_text')).status === 401;
  });
  await Promise.all([standing.ended, sse.ended, listening.ended]);
  assertRefusal(await session.ask('ping'), 'UNAUTHENTICATED', 401);
  assertRefusal(await session.ask('tools/list'), 'UNAUTHENTICATED', 401);
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  assertRefusal(await send(port, { path, headers, body }), 'UNAUTHENTICATED', 401);
  for (const [method, target] of [
    ['GET', '/mcp'],
    ['GET', '/sse'],
    ['GET', '/admin/servers'],
    ['DELETE', '/mcp'],
  ] as const)
    assertRefusal(await send(port, { method, path: target, headers }), 'UNAUTHENTICATED', 401);
  await gateway.recorded(
    'it',
    ({ code, address }) => code === 'UNAUTHENTICATED' && address === session.address,
    from,
  );
});

test('the session of a revoked key opens with no other key of the same consumer', async () => {
  const [first, second] = [await gateway.createKey('bob'), await gateway.createKey('bob')];
  const session = await Caller.open(port, { headers: { [KEY_HEADER]: first } });
  await revoke(gateway, first);
  const other = new Caller(port, { headers: { [KEY_HEADER]: second } });
  other.useSession(session.sessionId);
  assertRefusal(await other.ask('ping'), 'SESSION_UNKNOWN', 404);
  await assertServes(gateway, { [KEY_HEADER]: second });
});

test('revoking the only key of a consumer does not open that consumer to others (R20)', async () => {
  const key = await gateway.createKey('carol');
  await revoke(gateway, key);
  const from = gateway.audit().length;
  const caller = new Caller(port, { headers: { [KEY_HEADER]: SHARED_KEY, [TAG_HEADER]: 'carol' } });
  assertRefusal(await caller.modernCall('it__test_simple_text'), 'CONSUMER_REFUSED', 403);
  await gateway.recorded(
    'it',
    ({ code, address }) => code === 'CONSUMER_REFUSED' && address === caller.address,
    from,
  );
});

test('no part of a key, and no key that is nearly one, is a key', async () => {
  const key = await gateway.createKey('dave');
  const id = idOf(key);
  const secret = key.slice(-43);
  const other = await gateway.createKey('erin');
  const last = secret.endsWith('A') ? 'E' : 'A';
  for (const wrong of [
    id,
    secret,
    `mcpx_${id}`,
    `mcpx_${id}_`,
    `mcpx__${secret}`,
    `mcpx_${id}_${secret.slice(0, -1)}`,
    `mcpx_${id}_${secret}A`,
    `mcpx_${id}_${secret.slice(0, -1)}${last}`,
    `MCPX_${id}_${secret}`,
    `mcpx_${id.toUpperCase()}_${secret}`,
    `mcpx_${id}_${secret.toLowerCase()}`,
    `mcpx_${id}_${other.slice(-43)}`,
    `mcpx_${idOf(other)}_${secret}`,
    `${key} ${key}`,
    `${key},${other}`,
    key.replace('mcpx_', ''),
    `mcpx_${id}_${'A'.repeat(43)}`,
    `mcpx_${'../'.repeat(3)}${id}_${secret}`,
    `mcpx_%_${secret}`,
    `mcpx_' OR 1=1 --_${secret}`,
  ]) {
    const headers = { ...elsewhere(), [KEY_HEADER]: wrong };
    assertRefusal(await callWith(port, headers, 'it__test_simple_text'), 'UNAUTHENTICATED', 401);
  }
  await assertServes(gateway, { [KEY_HEADER]: key });
});

test('a call in flight when its key is revoked ends as it began, and the next one does not begin', async () => {
  const key = await gateway.createKey('frank');
  const headers = { [KEY_HEADER]: key };
  const slow = callWith(port, headers, 'it__fixture_slow', { ms: 3000 });
  await revoke(gateway, key);
  await eventually('the next is refused', async () => {
    return (await callWith(port, headers, 'it__test_simple_text')).status === 401;
  });
  assert.match((await slow).text, /waited 3000 ms/u);
  await assertServes(gateway);
});
