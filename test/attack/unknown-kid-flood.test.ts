import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { assertServes, callWith } from '../support/attack-gateway.ts';
import { forged, tokenSceneForFile } from '../support/attack-issuer.ts';
import { fakeServer } from '../support/fake-server.ts';
import { residentMib } from '../support/raw-memory.ts';

/** Tokens that name keys nobody has must not make the gateway fetch the issuer's keys again and again. */

const { gateway, provider, claims, present, refused } = await tokenSceneForFile();
const good = await provider.sign(claims());
const own = await generateKeyPair('RS256');

async function withKid(kid: string, more: JWTPayload = {}): Promise<string> {
  return new SignJWT(claims(more)).setProtectedHeader({ alg: 'RS256', kid }).sign(own.privateKey);
}

test('five hundred unknown keys from as many addresses cost the issuer a fetch or two', async () => {
  assert.equal((await present(good)).status, 200);
  const before = { ...provider.counts };
  const tokens = await Promise.all(
    Array.from({ length: 500 }, (_, index) => withKid(`nobody-has-this-${index}`)),
  );
  const from = gateway.audit().length;
  for (let index = 0; index < tokens.length; index += 50) {
    const got = await Promise.all(tokens.slice(index, index + 50).map((token) => present(token)));
    for (const { status } of got) assert.equal(status, 401);
  }
  const fetched = provider.counts.keys - before.keys;
  assert.ok(fetched <= 2, `the keys were fetched ${fetched} times`);
  assert.equal(provider.counts.discovery, before.discovery);
  await gateway.recorded('the flood', ({ code }) => code === 'UNAUTHENTICATED', from);
});

test('a good token is served in the middle of it, and the memory stays', async () => {
  const before = residentMib(gateway.pid);
  const flood = Array.from({ length: 200 }, async (_, index) =>
    present(await withKid(`x${index}`)),
  );
  assert.equal((await present(good)).status, 200);
  await Promise.all(flood);
  assert.equal((await present(good)).status, 200);
  assert.ok(residentMib(gateway.pid) - before < 100);
});

test('a flood of wrong signatures by a known key from one address is answered 429 after the first few', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.77' };
  const counts = new Map<number, number>();
  for (let index = 0; index < 60; index += 1) {
    const token = await withKid(provider.key.kid, { jti: String(index) });
    const authorization = `Bearer ${token}`;
    const { status } = await callWith(gateway.port, { ...headers, authorization }, 'it__x');
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  assert.ok((counts.get(401) ?? 0) <= 20, JSON.stringify([...counts]));
  assert.ok((counts.get(429) ?? 0) >= 40, JSON.stringify([...counts]));
  await gateway.recorded(
    'it',
    ({ code, address }) => code === 'GUESSING' && address === '203.0.113.77',
  );
});

test('issuers that tokens name are asked for nothing unless they are configured', async () => {
  const thief = await fakeServer({ after }, (_seen, response) => response.writeHead(200).end('{}'));
  for (const iss of [
    thief.origin,
    `${thief.origin}/.well-known/openid-configuration`,
    'file:///etc',
  ])
    await refused(forged({ alg: 'RS256', kid: 'x' }, claims({ iss }), 'signature'));
  assert.deepEqual(thief.seen, []);
});

test('keys of any length and kind are no key', async () => {
  for (const kid of [
    '',
    ' ',
    '\u0000',
    'x'.repeat(5000),
    '__proto__',
    'constructor',
    provider.key.kid,
  ])
    await refused(await withKid(kid));
  for (const kid of [null, 0, {}, []])
    await refused(forged({ alg: 'RS256', kid }, claims(), 'signature'));
});

test('a token of megabytes is not read', async () => {
  const got = await callWith(
    gateway.port,
    {
      'x-forwarded-for': '203.0.113.78',
      authorization: `Bearer ${'a'.repeat(9000)}.${'b'.repeat(4000)}.c`,
    },
    'it__x',
  );
  assert.equal(got.status, 401);
  const huge = forged({ alg: 'RS256', pad: 'x'.repeat(20_000) }, claims());
  const response = await fetch(`http://127.0.0.1:${gateway.port}/mcp`, {
    headers: { authorization: `Bearer ${huge}` },
  });
  assert.equal(response.status, 431);
  await assertServes(gateway);
});
