import assert from 'node:assert/strict';
import { createHmac, KeyObject, sign } from 'node:crypto';
import test, { after, type TestContext } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair } from 'jose';
import type { IssuerPlan } from '../../../src/kernel/access.ts';
import type { RefusalCode } from '../../../src/kernel/refusals.ts';
import { bearer, credentials, issuerPlan, Scene } from '../../support/identity.ts';
import { AUDIENCE, TestProvider } from '../../support/oidc.ts';

const provider = await TestProvider.start();
const other = await TestProvider.start();
after(() => Promise.all([provider.stop(), other.stop()]));

let addresses = 0;

function sceneFor(t: TestContext, changes: Partial<IssuerPlan> = {}): Scene {
  return new Scene(t, { auth: { issuers: [issuerPlan(provider.issuer, changes)] } });
}

/** Each from an address of its own, so that none is refused for the ones before. */
function refused(scene: Scene, token: string, code: RefusalCode = 'UNAUTHENTICATED') {
  addresses += 1;
  const caller = credentials({ authorization: `Bearer ${token}` }, { address: `ip-${addresses}` });
  return scene.refused(caller, code);
}

function claimsOf(changes: object = {}) {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return { iss: provider.issuer, aud: AUDIENCE, sub: 'alice', exp, ...changes };
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('a token without a signature is refused, however it spells none, and nothing is fetched for it', async (t) => {
  const scene = sceneFor(t, { algorithms: ['none', 'None', 'RS256'] });
  const before = { ...provider.counts };
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', undefined, null, 0, ['RS256']])
    for (const signature of ['', 'AAAA'])
      await refused(scene, `${part({ alg, typ: 'at+jwt' })}.${part(claimsOf())}.${signature}`);
  assert.deepEqual(provider.counts, before);
});

test('a token signed with the public key as a shared secret is refused, even where the settings allow it', async (t) => {
  const jwk = await exportJWK(provider.key.publicKey);
  const pem = await exportSPKI(provider.key.publicKey);
  for (const algorithms of [['RS256'], ['RS256', 'HS256'], ['HS256']]) {
    const scene = sceneFor(t, { algorithms });
    for (const secret of [pem, pem.trim(), JSON.stringify(jwk), String(jwk.n)])
      for (const kid of [provider.key.kid, undefined]) {
        const signed = `${part({ alg: 'HS256', typ: 'at+jwt', kid })}.${part(claimsOf())}`;
        const mac = createHmac('sha256', secret).update(signed).digest('base64url');
        await refused(scene, `${signed}.${mac}`);
      }
  }
});

test('an algorithm outside the list of the issuer is refused before anything is fetched', async (t) => {
  const scene = sceneFor(t, { algorithms: ['ES256'] });
  const before = { ...provider.counts };
  await refused(scene, await provider.token());
  assert.deepEqual(provider.counts, before);
});

test('a token signed by another key is refused, by whatever name it calls the key', async (t) => {
  const scene = sceneFor(t);
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = await exportJWK(publicKey);
  const headers = [
    {},
    { kid: 'unknown' },
    { kid: undefined as unknown as string },
    { kid: '../../etc/passwd' },
    { jwk },
    { jku: `${other.issuer}/jwks` },
    { x5u: `${other.issuer}/jwks` },
    { kid: 'own', jwk },
  ];
  const before = { ...other.counts };
  for (const header of headers)
    await refused(scene, await provider.sign(claimsOf(), header, privateKey));
  assert.deepEqual(other.counts, before, 'no token says where keys are');
  await scene.identity.identify(bearer(await provider.sign(claimsOf())));
});

test('a token of a configured issuer is not accepted for another one', async (t) => {
  const issuers = [issuerPlan(provider.issuer), issuerPlan(other.issuer)];
  const scene = new Scene(t, { auth: { issuers } });
  await scene.identity.identify(bearer(await provider.token()));
  await scene.identity.identify(bearer(await other.token()));
  const crossed = claimsOf({ iss: other.issuer });
  await refused(scene, await provider.sign(crossed));
  await refused(scene, await other.sign(claimsOf()));
});

test('a changed or shortened token is refused', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ subject: 'bob' });
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const changed = [
    `${header}.${part({ ...claims, sub: 'alice' })}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature.slice(4)}`,
    `${header}.${payload}.${signature}.${signature}`,
    `${header}.${payload}`,
    `${payload}.${header}.${signature}`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}. ${signature}`,
    `${part({ alg: 'RS256', crit: ['x'], x: 1 })}.${payload}.${signature}`,
  ];
  for (const text of changed) await refused(scene, text);
  await scene.identity.identify(bearer(token));
});

test('a signed token that demands what is not understood here is refused', async (t) => {
  const scene = sceneFor(t);
  const key = KeyObject.from(provider.key.privateKey);
  const signed = (extra: object): string => {
    const header = { alg: 'RS256', kid: provider.key.kid, ...extra };
    const text = `${part(header)}.${part(claimsOf())}`;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  };
  await scene.identity.identify(bearer(signed({ 'x-more': true })));
  await refused(scene, signed({ 'x-more': true, crit: ['x-more'] }));
});

test('a token of an unknown issuer is refused and nobody is asked', async (t) => {
  const scene = sceneFor(t);
  const before = [{ ...provider.counts }, { ...other.counts }];
  const strange = [
    other.issuer,
    `${provider.issuer}/`,
    provider.issuer.toUpperCase(),
    '',
    undefined,
    null,
    7,
    [provider.issuer],
    'constructor',
    '__proto__',
  ];
  for (const iss of strange) {
    const token = await other.sign(claimsOf({ iss }));
    const { message } = await refused(scene, token);
    assert.match(message, /issuer that is not known/);
    assert.ok(!message.includes(other.issuer));
  }
  assert.deepEqual([provider.counts, other.counts], before);
});

test('texts that only look like tokens are refused', async (t) => {
  const scene = sceneFor(t);
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  const encode = (text: string): string => Buffer.from(text).toString('base64url');
  const texts = [
    '..',
    'a.b.c',
    `${part(null)}.${part(claimsOf())}.x`,
    `${part([])}.${part([])}.x`,
    `${part('x')}.${part(7)}.x`,
    `${part({ alg: 'RS256' })}.${encode(deep)}.x`,
    `${part({ alg: 'RS256' })}.${encode('{"iss":')}.x`,
    `${part({ alg: 'RS256' })}.${encode('\ufeff{}')}.x`,
  ];
  for (const text of texts) await refused(scene, text);
});

test('forged tokens are guesses: their address is slowed, a token known to be good is not', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token();
  const principal = await scene.identity.identify(bearer(token));
  const { privateKey } = await generateKeyPair('RS256');
  const forged = await provider.sign(claimsOf(), {}, privateKey);
  for (let count = 0; count < 10; count += 1)
    await scene.refused(bearer(forged), 'UNAUTHENTICATED');
  await scene.refused(bearer(forged), 'GUESSING');
  await scene.refused(bearer(await provider.token({ subject: 'bob' })), 'GUESSING');
  assert.equal(scene.at(bearer(token)), principal);
  scene.now += 59_999;
  for (let count = 0; count < 10; count += 1) {
    scene.now += 1000;
    await scene.refused(bearer(forged), 'UNAUTHENTICATED');
  }
  assert.equal(
    await scene.identity.identify(bearer(token)),
    principal,
    'verified anew, not slowed',
  );
});

test('tokens that were good once are no guesses', async (t) => {
  const scene = sceneFor(t);
  const expired = await provider.token({ lifeSec: 1 });
  const elsewhere = await provider.token({ audience: 'https://other.example/mcp' });
  scene.now += 5000;
  for (let count = 0; count < 12; count += 1) {
    await scene.refused(bearer(expired), 'UNAUTHENTICATED');
    await scene.refused(bearer(elsewhere), 'UNAUTHENTICATED');
  }
});
