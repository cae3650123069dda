import assert from 'node:assert/strict';
import { constants, sign } from 'node:crypto';
import test, { after } from 'node:test';
import {
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';
import { encoded, forged, tokenSceneForFile, withSecret } from '../support/attack-issuer.ts';
import { assertServes } from '../support/attack-gateway.ts';
import { fakeServer } from '../support/fake-server.ts';

/** What a token says of its own signature is believed in nothing: neither the algorithm, nor the key, nor where to find one. */

const { gateway, provider, claims, present, refused } = await tokenSceneForFile();
const good = await provider.sign(claims());
const key = await exportPKCS8(provider.key.privateKey);
const own = await generateKeyPair('RS256', { extractable: true });
const [goodHeader = '', goodClaims = '', goodSignature = ''] = good.split('.');
const thief = await fakeServer({ after }, (_seen, response) => {
  void keysOfThief().then((keys) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(keys);
  });
});

async function keysOfThief(): Promise<string> {
  const jwk = await exportJWK(own.publicKey);
  return JSON.stringify({ keys: [{ ...jwk, kid: provider.key.kid, alg: 'RS256', use: 'sig' }] });
}

test('a token of the provider is good, so that what follows is refused for what it is', async () => {
  assert.equal((await present(good)).status, 200);
});

for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'null']) {
  test(`a token with the algorithm "${alg}" proves nobody`, async () => {
    for (const signature of ['', 'x', goodSignature])
      await refused(
        forged({ alg, typ: 'at+jwt' }, claims(), signature),
        forged({ alg, kid: provider.key.kid }, claims(), signature),
      );
  });
}

test('a token without an algorithm, or with one that is no text, proves nobody', async () => {
  const tokens = [undefined, null, 0, true, ['RS256'], { toString: 'RS256' }].map((alg) =>
    forged({ alg, kid: provider.key.kid }, claims(), goodSignature),
  );
  await refused(...tokens);
});

test('a token signed with the public key as if it were a secret proves nobody (key confusion)', async () => {
  const { publicKey, kid } = provider.key;
  const pem = await exportSPKI(publicKey);
  const jwk = await exportJWK(publicKey);
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/gu, ''), 'base64');
  const secrets = [
    pem,
    pem.trim(),
    `${pem}\n`,
    der,
    JSON.stringify(jwk),
    jwk.n ?? '',
    Buffer.from(jwk.n ?? '', 'base64url'),
    kid,
    '',
  ];
  const tokens = secrets.flatMap((secret) =>
    ['HS256', 'HS512'].flatMap((alg) => [
      withSecret({ alg, kid, typ: 'at+jwt' }, claims(), secret),
      withSecret({ alg }, claims(), secret),
    ]),
  );
  await refused(...tokens);
});

test('an algorithm nobody listed proves nobody, though the key is the right one', async () => {
  const tokens = ['RS384', 'RS512', 'PS384', 'PS512', 'RS1', 'rs256', 'RS256 ', 'EdDSA'].map(
    (alg) => {
      const isPss = alg.startsWith('PS');
      const padding = isPss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
      return signedWith({ alg }, { hash: alg.endsWith('384') ? 'sha384' : 'sha512', padding });
    },
  );
  await refused(...tokens);
});

test('a signature with a key of one’s own proves nobody, whatever names the key', async () => {
  const jwk = await exportJWK(own.publicKey);
  const url = `${thief.origin}/keys`;
  const { kid } = provider.key;
  const tokens: string[] = [];
  for (const header of [
    {},
    { kid },
    { jwk },
    { kid, jwk },
    { jku: url },
    { kid, jku: url },
    { x5u: url },
    { x5c: [Buffer.from('x').toString('base64')], kid },
    { kid: '../../../../dev/null' },
    { kid: `${kid}' OR '1'='1` },
    { kid: url },
  ]) {
    const whole: JWTHeaderParameters = { alg: 'RS256', ...(header as object) };
    tokens.push(await new SignJWT(claims()).setProtectedHeader(whole).sign(own.privateKey));
  }
  await refused(...tokens);
  assert.deepEqual(thief.seen, [], 'keys were fetched from where a token said');
});

test('a good signature proves nothing but the token it was made for', async () => {
  const more = encoded(claims({ sub: 'admin' }));
  const changed = Buffer.from(goodSignature, 'base64url');
  changed[0] = (changed[0] ?? 0) ^ 1;
  await refused(
    `${goodHeader}.${more}.${goodSignature}`,
    `${encoded({ alg: 'RS256', kid: provider.key.kid })}.${goodClaims}.${goodSignature}`,
    `${goodHeader}.${goodClaims}.${changed.toString('base64url')}`,
    `${goodHeader}.${goodClaims}.${goodSignature.slice(0, -4)}`,
    `${goodHeader}.${goodClaims}.`,
    `${goodHeader}.${goodClaims}`,
    `${goodHeader}..${goodSignature}`,
    `.${goodClaims}.${goodSignature}`,
    `${good}.${goodSignature}`,
    `${good}..`,
    `${goodClaims}.${goodHeader}.${goodSignature}`,
  );
});

test('an empty elliptic signature of zeros proves nobody', async () => {
  const tokens = [0, 64, 72, 96].flatMap((length) =>
    ['ES256', 'ES384', 'ES512'].map((alg) =>
      forged({ alg, kid: provider.key.kid }, claims(), new Uint8Array(length)),
    ),
  );
  await refused(...tokens);
});

test('a header that changes how the token is to be read proves nobody, however well it is signed', async () => {
  const tokens = [
    { b64: false, crit: ['b64'] },
    { crit: ['exp'] },
    { crit: [] },
    { crit: 'b64', b64: false },
    { crit: ['mcpx'], mcpx: true },
    { alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' },
    { typ: 'dpop+jwt' },
    { typ: 'logout+jwt' },
    { typ: 'secevent+jwt' },
    { typ: ['at+jwt'] },
    { typ: 'JWE', cty: 'JWT' },
  ].map((header) => signedWith(header));
  await refused(...tokens);
  assert.equal((await present(signedWith({}))).status, 200, 'such tokens are fine otherwise');
});

test('a token as an API key proves nobody, and neither does one with a scheme of its own', async () => {
  for (const headers of [
    { 'x-lunar-api-key': good },
    { authorization: good },
    { authorization: `JWT ${good}` },
    { authorization: `DPoP ${good}` },
  ]) {
    const got = await fetch(`http://127.0.0.1:${gateway.port}/mcp`, {
      headers: { ...headers } as Record<string, string>,
    });
    assert.equal(got.status, 401);
  }
});

test('after all of this a good token is as good as before', async () => {
  assert.equal((await present(good)).status, 200);
  assert.equal((await present(await provider.grant())).status, 200);
  await assertServes(gateway);
});

/** A token with a header of anybody's choice, signed with the provider's key. */
function signedWith(
  header: object,
  { hash = 'sha256', padding = constants.RSA_PKCS1_PADDING } = {},
): string {
  const text = `${encoded({ alg: 'RS256', kid: provider.key.kid, ...header })}.${encoded(claims())}`;
  return `${text}.${sign(hash, Buffer.from(text), { key, padding }).toString('base64url')}`;
}
