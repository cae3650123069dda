import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { generateKeyPair } from 'jose';
import type { IssuerPlan } from '../../../src/kernel/access.ts';
import { keysUriOf } from '../../../src/identity/discovery.ts';
import type { IdentityTimes } from '../../../src/identity/ports.ts';
import type { Principal } from '../../../src/kernel/principal.ts';
import { Documents } from '../../support/documents.ts';
import { bearer, credentials, issuerPlan, Scene } from '../../support/identity.ts';
import { AUDIENCE, TestProvider } from '../../support/oidc.ts';
import { eventually } from '../../support/raw-eventually.ts';

async function provide(t: TestContext): Promise<TestProvider> {
  const provider = await TestProvider.start();
  t.after(() => provider.stop());
  return provider;
}

function sceneFor(t: TestContext, plan: IssuerPlan, times?: Partial<IdentityTimes>): Scene {
  return new Scene(t, { auth: { issuers: [plan] }, ...(times === undefined ? {} : { times }) });
}

/** Each from an address of its own. */
async function asksWith(scene: Scene, token: string, index: number): Promise<Principal> {
  const headers = { authorization: `Bearer ${token}` };
  return scene.identity.identify(credentials(headers, { address: `ip-${index}` }));
}

/** A token the provider signed that says it comes from somewhere else. */
function tokenFrom(provider: TestProvider, iss: string, header: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return provider.sign({ iss, aud: AUDIENCE, sub: 'alice', exp }, header);
}

test('an issuer is asked once where its keys are and once for them, however many tokens come', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer));
  assert.deepEqual(
    provider.counts,
    { discovery: 0, keys: 0 },
    'nothing is asked before a token comes',
  );
  const tokens = await Promise.all(
    Array.from({ length: 10 }, (_, index) => provider.token({ subject: `user-${index}` })),
  );
  await Promise.all(tokens.map((token, index) => asksWith(scene, token, index)));
  await asksWith(scene, await provider.token(), 99);
  assert.deepEqual(provider.counts, { discovery: 1, keys: 1 });
});

test('where the keys are is asked again after an hour', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer));
  await asksWith(scene, await provider.token({ lifeSec: 9000 }), 1);
  scene.now += 3_599_000;
  await asksWith(scene, await provider.token({ lifeSec: 9000 }), 2);
  assert.equal(provider.counts.discovery, 1);
  scene.now += 1000;
  await asksWith(scene, await provider.token({ lifeSec: 9000 }), 3);
  assert.equal(provider.counts.discovery, 2);
});

test('with a configured jwksUri nothing is discovered', async (t) => {
  const provider = await provide(t);
  const jwksUri = `${provider.issuer}/jwks`;
  const scene = sceneFor(t, issuerPlan('https://login.example', { jwksUri }));
  await asksWith(scene, await tokenFrom(provider, 'https://login.example'), 1);
  assert.deepEqual(provider.counts, { discovery: 0, keys: 1 });
});

test('a flood of tokens with unknown keys fetches the keys once per cool-down, not per token', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer));
  const { privateKey } = await generateKeyPair('RS256');
  const exp = Math.floor(Date.now() / 1000) + 600;
  const claims = { iss: provider.issuer, aud: AUDIENCE, sub: 'alice', exp };
  const flood = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      provider.sign(claims, { kid: `unknown-${index}` }, privateKey),
    ),
  );
  const results = await Promise.allSettled(
    flood.map((token, index) => asksWith(scene, token, index)),
  );
  assert.ok(results.every(({ status }) => status === 'rejected'));
  assert.deepEqual(provider.counts, { discovery: 1, keys: 1 });
  await asksWith(scene, await provider.token(), 999);
  assert.deepEqual(provider.counts, { discovery: 1, keys: 1 });
});

test('a flood with unknown keys goes on fetching only as often as the cool-down allows', async (t) => {
  const provider = await provide(t);
  const keysCooldownMs = 100;
  const scene = sceneFor(t, issuerPlan(provider.issuer), { keysCooldownMs });
  const token = await provider.sign(
    { iss: provider.issuer, aud: AUDIENCE, sub: 'a', exp: 4e9 },
    { kid: 'unknown' },
  );
  const startedAt = performance.now();
  for (let count = 0; provider.counts.keys < 4; count += 1)
    await assert.rejects(asksWith(scene, token, count), { code: 'UNAUTHENTICATED' });
  // The first fetch comes at once; each further one only after a whole cool-down.
  assert.ok(performance.now() - startedAt >= 2 * keysCooldownMs);
});

test('a token signed with a new key is accepted after a rotation, once the cool-down is over', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer), { keysCooldownMs: 50 });
  const old = await provider.token({ subject: 'old' });
  await asksWith(scene, old, 1);
  await provider.rotate({ keepOld: true });
  const fresh = await provider.token({ subject: 'fresh' });
  let tries = 1;
  await eventually('the new key is known', async () => {
    tries += 1;
    return asksWith(scene, fresh, tries).then(
      () => true,
      () => false,
    );
  });
  assert.equal(provider.counts.keys, 2);
  scene.now += 60_000;
  await asksWith(scene, old, 0);
});

test('a token of a key its issuer removed is refused when what was fetched is too old', async (t) => {
  const provider = await provide(t);
  const times = { keysMs: 100, keysCooldownMs: 0, tokenMs: 0 };
  const scene = sceneFor(t, issuerPlan(provider.issuer), times);
  const old = await provider.token({ subject: 'old' });
  await asksWith(scene, old, 1);
  await provider.rotate();
  await eventually('the removed key is forgotten', async () =>
    asksWith(scene, old, 1).then(
      () => false,
      (error: { code?: string }) => error.code === 'UNAUTHENTICATED',
    ),
  );
  await asksWith(scene, await provider.token({ subject: 'fresh' }), 2);
});

test('a token verified before a rotation is believed for a minute at most', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer), { keysMs: 0 });
  const token = await provider.token();
  const principal = await asksWith(scene, token, 1);
  await provider.rotate();
  assert.equal(scene.at(bearer(token)), principal);
  scene.now += 60_000;
  await scene.refused(bearer(token), 'UNAUTHENTICATED');
});

for (const mood of ['failing', 'breaking', 'silent'] as const)
  test(`while its issuer is ${mood} a token is refused in bounded time, without blame, and is good again later`, async (t) => {
    const provider = await provide(t);
    const scene = sceneFor(t, issuerPlan(provider.issuer), { fetchMs: 1000 });
    const token = await provider.token();
    provider.mood = mood;
    const { data, message } = await scene.refused(bearer(token), 'UNAUTHENTICATED');
    assert.match(message, /cannot be verified now/);
    assert.deepEqual(data, { challenge: { description: message } }, 'the client keeps its token');
    assert.match(JSON.stringify(scene.warnings), /"reason":".+"/);

    const asked = { ...provider.counts };
    for (let count = 0; count < 20; count += 1)
      await scene.refused(bearer(token), 'UNAUTHENTICATED');
    assert.deepEqual(provider.counts, asked, 'nobody is asked again and again');
    assert.equal(scene.warnings.length, 1);

    provider.mood = 'well';
    scene.now += 29_000;
    await scene.refused(bearer(token), 'UNAUTHENTICATED');
    scene.now += 1000;
    await scene.identity.identify(bearer(token));
  });

test('keys that cannot be fetched are asked for again only after five seconds', async (t) => {
  const provider = await provide(t);
  const jwksUri = `${provider.issuer}/jwks`;
  const scene = sceneFor(t, issuerPlan(provider.issuer, { jwksUri }));
  const token = await provider.token();
  provider.mood = 'failing';
  for (let count = 0; count < 20; count += 1) {
    await scene.refused(bearer(token), 'UNAUTHENTICATED');
    scene.now += 200;
  }
  assert.equal(provider.counts.keys, 1);
  provider.mood = 'well';
  scene.now += 1000;
  await scene.identity.identify(bearer(token));
  assert.equal(provider.counts.keys, 2);
});

test('a token known to be good is good while its issuer is away, until it is to be verified anew', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer));
  const token = await provider.token();
  const principal = await scene.identity.identify(bearer(token));
  provider.mood = 'breaking';
  scene.now += 59_000;
  assert.equal(scene.at(bearer(token)), principal);
  scene.now += 2000;
  assert.equal(await scene.identity.identify(bearer(token)), principal, 'the keys are still fresh');
});

test('an issuer with a path is found by either way of writing where its document is', async (t) => {
  const provider = await provide(t);
  const documents = await Documents.serve(t);
  const issuer = `${documents.origin}/tenant/one`;
  const body = { issuer, jwks_uri: `${provider.issuer}/jwks` };
  const places = [
    '/tenant/one/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/tenant/one',
  ];
  for (const [index, place] of places.entries()) {
    documents.pages.clear();
    documents.pages.set(place, { body });
    documents.asked.length = 0;
    await asksWith(sceneFor(t, issuerPlan(issuer)), await tokenFrom(provider, issuer), index);
    assert.deepEqual(documents.asked, places.slice(0, index + 1));
  }
});

test('an issuer that ends in a slash is found, and is not the one without', async (t) => {
  const provider = await provide(t);
  const documents = await Documents.serve(t);
  const issuer = `${documents.origin}/`;
  const jwks = { jwks_uri: `${provider.issuer}/jwks` };
  const place = '/.well-known/openid-configuration';
  documents.pages.set(place, { body: { issuer, ...jwks } });
  await asksWith(sceneFor(t, issuerPlan(issuer)), await tokenFrom(provider, issuer), 1);
  const scene = sceneFor(t, issuerPlan(documents.origin));
  const token = await tokenFrom(provider, documents.origin);
  await assert.rejects(asksWith(scene, token, 1), { code: 'UNAUTHENTICATED' });
});

test('a document that is wrong is not believed, and its keys are not fetched', async (t) => {
  const provider = await provide(t);
  const documents = await Documents.serve(t);
  const issuer = documents.origin;
  const jwks = `${provider.issuer}/jwks`;
  const place = '/.well-known/openid-configuration';
  const good = { issuer, jwks_uri: jwks };
  const wrong = [
    { body: { ...good, issuer: provider.issuer } },
    { body: { ...good, issuer: `${issuer}/` } },
    { body: { jwks_uri: jwks } },
    { body: { issuer } },
    { body: { ...good, jwks_uri: 'http://keys.example/jwks' } },
    { body: { ...good, jwks_uri: 'file:///etc/passwd' } },
    { body: { ...good, jwks_uri: 'data:application/json,{}' } },
    { body: { ...good, jwks_uri: 7 } },
    { body: [good] },
    { body: '{"issuer":' },
    { body: good, status: 201 },
    { body: `${JSON.stringify(good)}${' '.repeat(1024 * 1024)}` },
    { body: `${JSON.stringify(good)}${' '.repeat(1024 * 1024)}`, isEndless: true },
    { body: JSON.stringify(good), isEndless: true },
    { status: 302, headers: { location: `${provider.issuer}${place}` } },
    { status: 302, headers: { location: 'http://[' } },
  ];
  for (const [index, page] of wrong.entries()) {
    documents.pages.set(place, page);
    const scene = sceneFor(t, issuerPlan(issuer), { fetchMs: 300 });
    const token = await tokenFrom(provider, issuer);
    await assert.rejects(asksWith(scene, token, index), { code: 'UNAUTHENTICATED' });
  }
  assert.deepEqual(provider.counts, { discovery: 0, keys: 0 });
  const before = documents.asked.length;
  documents.pages.set(place, { status: 302, headers: { location: place } });
  const token = await tokenFrom(provider, issuer);
  const scene = sceneFor(t, issuerPlan(issuer));
  await assert.rejects(asksWith(scene, token, 1), { code: 'UNAUTHENTICATED' });
  assert.equal(
    documents.asked.length - before,
    5,
    'the page, three times more, and the other place',
  );
  documents.pages.set(place, { body: good });
  await asksWith(sceneFor(t, issuerPlan(issuer)), await tokenFrom(provider, issuer), 1);
});

test('keys over plain http are for issuers on this machine alone', () => {
  const http = 'http://127.0.0.1:9/jwks';
  const https = 'https://keys.example/jwks';
  const where = (issuer: string, uri: string) => keysUriOf({ issuer, jwks_uri: uri }, issuer).href;
  assert.equal(where('https://login.example', https), https);
  assert.equal(where('http://localhost:9', https), https);
  assert.equal(where('http://localhost:9', http), http);
  assert.throws(() => where('https://login.example', http), /jwks_uri/);
  for (const uri of ['http://keys.example/jwks', 'http://127.0.0.1.example/', 'file:///jwks'])
    assert.throws(() => where('http://localhost:9', uri), /jwks_uri/);
});

test('a clock that is set back does not keep a failure alive', async (t) => {
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer));
  const token = await provider.token();
  provider.mood = 'failing';
  await scene.refused(bearer(token), 'UNAUTHENTICATED');
  provider.mood = 'well';
  scene.now -= 3_600_000;
  await scene.identity.identify(bearer(token));
});

test('redirects are followed within the host of the issuer', async (t) => {
  const provider = await provide(t);
  const documents = await Documents.serve(t);
  const issuer = documents.origin;
  const place = '/.well-known/openid-configuration';
  documents.pages.set(place, { status: 301, headers: { location: '/elsewhere' } });
  documents.pages.set('/elsewhere', { status: 307, headers: { location: `${issuer}/here` } });
  documents.pages.set('/here', { body: { issuer, jwks_uri: `${provider.issuer}/jwks` } });
  await asksWith(sceneFor(t, issuerPlan(issuer)), await tokenFrom(provider, issuer), 1);
});

test('an issuer over plain http is asked only on this machine', async (t) => {
  const provider = await provide(t);
  for (const [index, issuer] of ['http://login.example', 'ftp://127.0.0.1', 'no url'].entries()) {
    const scene = sceneFor(t, issuerPlan(issuer));
    const token = await tokenFrom(provider, issuer);
    await assert.rejects(asksWith(scene, token, index), { code: 'UNAUTHENTICATED' });
    assert.match(JSON.stringify(scene.warnings), /neither https nor on this machine|Invalid URL/);
  }
});

test('a set of keys that is none, or too large, proves nothing and breaks nothing', async (t) => {
  const provider = await provide(t);
  const documents = await Documents.serve(t);
  const jwksUri = `${documents.origin}/jwks`;
  const filler = ' '.repeat(1024 * 1024);
  const oct = { kty: 'oct', k: 'AAAA', kid: provider.key.kid, alg: 'RS256' };
  const bodies = [
    {},
    { keys: 7 },
    [],
    'not json',
    { keys: [oct] },
    { keys: [] },
    `{"keys":[]${filler}}`,
  ];
  for (const [index, body] of bodies.entries()) {
    documents.pages.set('/jwks', { body });
    const scene = sceneFor(t, issuerPlan('https://login.example', { jwksUri }));
    const token = await tokenFrom(provider, 'https://login.example');
    await assert.rejects(asksWith(scene, token, index), { code: 'UNAUTHENTICATED' });
  }
});

test('a clock that is set back keeps no token from being verified again, and no key of the issuer from being found or forgotten', async (t) => {
  // The set of keys times itself by the clock of the process.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const provider = await provide(t);
  const scene = sceneFor(t, issuerPlan(provider.issuer));
  const token = await provider.token({ lifeSec: 90_000 });
  const principal = await asksWith(scene, token, 1);
  await provider.rotate();
  assert.equal(scene.at(bearer(token)), principal, 'it is believed for a minute');
  scene.now -= 5 * 3_600_000;
  t.mock.timers.setTime(scene.now);
  await scene.refused(bearer(token), 'UNAUTHENTICATED');
  await asksWith(scene, await provider.token(), 2);
  assert.equal(provider.counts.keys, 2);
});
