import assert from 'node:assert/strict';
import test from 'node:test';
import type { JWTPayload } from 'jose';
import { Caller } from '../support/attack-caller.ts';
import { assertServes } from '../support/attack-gateway.ts';
import { encoded, tokenSceneForFile } from '../support/attack-issuer.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { send } from '../support/raw-http.ts';

/** A token is good for as long as it says, to the second: also for a session, a stream and whatever was remembered of it. */

const { gateway, provider, claims, present, refused } = await tokenSceneForFile();
const { port } = gateway;

function now(): number {
  return Math.floor(Date.now() / 1000);
}

for (const [what, changes] of [
  ['that expired long ago', { exp: 1 }],
  ['that expired a moment ago', { exp: now() - 2 }],
  ['that never expires', { exp: undefined }],
  ['that expires at a text', { exp: String(now() + 600) }],
  ['that expires at null', { exp: null }],
  ['that expires at a list', { exp: [now() + 600] }],
  ['that expires before the beginning of time', { exp: -1 }],
  ['that is not valid yet', { nbf: now() + 600 }],
  ['that begins to be valid at a text', { nbf: 'now' }],
  ['without a subject', { sub: undefined }],
  ['with an empty subject', { sub: '' }],
  ['with a subject that is a list', { sub: ['alice'] }],
  ['with a subject that is a number', { sub: 1 }],
] as const) {
  test(`a token ${what} proves nobody`, async () => {
    await refused(await signed(changes));
  });
}

test('a token that expires at no number at all proves nobody', async () => {
  for (const exp of ['1e400', '-1e400', '1e5000']) {
    const body = JSON.stringify(claims()).replace(/"exp":\d+/u, `"exp":${exp}`);
    const header = encoded({ alg: 'RS256', kid: provider.key.kid, typ: 'at+jwt' });
    const text = `${header}.${Buffer.from(body).toString('base64url')}`;
    const { sign } = await import('node:crypto');
    const { exportPKCS8 } = await import('jose');
    const key = await exportPKCS8(provider.key.privateKey);
    await refused(`${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`);
  }
});

test('a token that runs out takes its session, its streams and its calls with it, and nothing of the others', async () => {
  const token = await signed({ exp: now() + 3, sub: 'brief' });
  const headers = { authorization: `Bearer ${token}` };
  const caller = await Caller.open(port, { headers });
  assert.equal((await caller.request('ping')).error, undefined);
  const stream = await caller.stream(undefined, { accept: 'text/event-stream' });
  const sse = await EventReader.open(port, { method: 'GET', path: '/sse', headers });
  const { data: path = '' } = await sse.next(({ event }) => event === 'endpoint');
  await eventually('the token has run out', async () => {
    const { status } = await caller.ask('ping');
    assert.ok(status === 200 || status === 401, `answered ${status}`);
    return status === 401;
  });
  assert.equal((await caller.modernCall('it__test_simple_text')).status, 401);
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  assert.equal((await send(port, { path, headers, body })).status, 401);
  await Promise.all([stream.ended, sse.ended]);
  const renewed = new Caller(port, {
    headers: { authorization: `Bearer ${await signed({ sub: 'brief' })}` },
  });
  renewed.useSession(caller.sessionId);
  assert.equal((await renewed.request('ping')).error, undefined, 'a new token of the same subject');
  const other = new Caller(port, {
    headers: { authorization: `Bearer ${await signed({ sub: 'other' })}` },
  });
  other.useSession(caller.sessionId);
  assert.equal((await other.ask('ping')).status, 404, 'a token of another subject');
});

test('a token that expired is as expired the second time, though it was remembered', async () => {
  const token = await signed({ exp: now() + 2, sub: 'remembered' });
  assert.equal((await present(token)).status, 200);
  await eventually('it has expired', async () => (await present(token)).status === 401);
  await refused(token);
  await assertServes(gateway);
});

function signed(changes: object): Promise<string> {
  return provider.sign(claims(changes as JWTPayload));
}
