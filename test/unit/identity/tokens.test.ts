import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import type { IssuerPlan } from '../../../src/kernel/access.ts';
import {
  accessPlan,
  authPlan,
  bearer,
  credentials,
  issuerPlan,
  KEY,
  Scene,
  SHARED_KEY,
  TAG,
  type SceneTerms,
} from '../../support/identity.ts';
import { AUDIENCE, TestProvider } from '../../support/oidc.ts';
import type { TestContext } from 'node:test';

const provider = await TestProvider.start();
after(() => provider.stop());

function sceneFor(
  t: TestContext,
  changes: Partial<IssuerPlan> = {},
  terms: SceneTerms = {},
): Scene {
  return new Scene(t, { ...terms, auth: { issuers: [issuerPlan(provider.issuer, changes)] } });
}

test('a token from the token endpoint of a real provider proves its client', async (t) => {
  const scene = sceneFor(t);
  const principal = await scene.identity.identify(bearer(await provider.grant('read write')));
  assert.equal(principal.proof, 'token');
  assert.equal(principal.credential, `token:"${provider.issuer}" "agent"`);
  assert.equal(principal.name, 'agent');
  assert.equal(principal.consumer, undefined);
  assert.deepEqual(principal.scopes, ['read', 'write']);
  assert.equal(principal.claims?.['client_id'], 'agent');
});

test('groups and consumer come from the claims the issuer names', async (t) => {
  const scene = sceneFor(t, { consumerClaim: 'app.consumer', groupsClaim: 'realm_access.roles' });
  const claims = { app: { consumer: 'agents' }, realm_access: { roles: ['dev', 'ops'] } };
  const token = await provider.token({ subject: 'alice', scope: 'read', claims });
  const principal = await scene.identity.identify(bearer(token));
  assert.equal(principal.consumer, 'agents');
  assert.equal(principal.name, 'agents');
  assert.deepEqual(principal.groups, ['dev', 'ops']);
  assert.equal(principal.credential, `token:"${provider.issuer}" "alice"`);
  assert.equal(await scene.identity.identify(bearer(token, { [TAG]: 'agents' })), principal);
  await scene.refused(bearer(token, { [TAG]: 'others' }), 'CONSUMER_REFUSED');
});

test('a subject never goes by a tag: the tag may select a consumer, the name stays (R20)', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ subject: 'bob' });
  const principal = await scene.identity.identify(bearer(token, { [TAG]: 'alice' }));
  assert.equal(principal.consumer, 'alice');
  assert.equal(principal.proven.isTagged, true);
  assert.equal(principal.name, 'bob');
});

test('a token without a consumer cannot be tagged as one that tokens or keys prove (R20)', async (t) => {
  const consumers = ['team', 'agents'];
  const scene = new Scene(t, {
    auth: { issuers: [issuerPlan(provider.issuer, { consumerClaim: 'consumer' })] },
    consumers,
  });
  scene.makeKey('keyed');
  const token = await provider.token({ subject: 'bob' });
  for (const tag of ['team', 'keyed'])
    await scene.refused(bearer(token, { [TAG]: tag }), 'CONSUMER_REFUSED');
});

test('the second request with a token is answered at once, with the same object', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ subject: 'alice' });
  const first = scene.identity.identify(bearer(token));
  assert.ok(first instanceof Promise);
  const principal = await first;
  assert.equal(scene.at(bearer(token)), principal);
});

test('requests that carry a token at the same time are verified once, and get the same object', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ subject: 'alice' });
  const all = Array.from({ length: 20 }, async () => scene.identity.identify(bearer(token)));
  const found = await Promise.all(all);
  assert.equal(new Set(found).size, 1);
});

test('a token is verified anew after a minute, and its caller stays the same object', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ subject: 'alice' });
  const principal = await scene.identity.identify(bearer(token));
  scene.now += 59_999;
  assert.equal(scene.at(bearer(token)), principal);
  scene.now += 1;
  const again = scene.identity.identify(bearer(token));
  assert.ok(again instanceof Promise);
  assert.equal(await again, principal);
  assert.equal(scene.at(bearer(token)), principal);
});

test('two tokens for one subject are the same caller, each with claims of its own', async (t) => {
  const scene = sceneFor(t);
  const read = await provider.token({ subject: 'alice', scope: 'read' });
  const write = await provider.token({ subject: 'alice', scope: 'read write' });
  const [one, other] = await Promise.all([
    scene.identity.identify(bearer(read)),
    scene.identity.identify(bearer(write)),
  ]);
  assert.ok(one.is(other));
  assert.deepEqual(one.scopes, ['read']);
  assert.deepEqual(other.scopes, ['read', 'write']);
});

test('a token for another audience is refused', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ audience: 'https://other.example/mcp' });
  const { message, data } = await scene.refused(bearer(token), 'UNAUTHENTICATED');
  assert.match(message, /not meant for this gateway/);
  assert.deepEqual(data, { challenge: { error: 'invalid_token', description: message } });
});

test('a list of audiences needs one of this gateway; an audience that only looks like it is another one', async (t) => {
  const scene = sceneFor(t, { audience: [AUDIENCE, 'mcpx'] });
  const claims = { iss: provider.issuer, sub: 'alice', exp: Math.floor(scene.now / 1000) + 60 };
  for (const aud of ['mcpx', ['other', 'mcpx'], [AUDIENCE]])
    await scene.identity.identify(bearer(await provider.sign({ ...claims, aud })));
  const wrong = [undefined, '', [], 'MCPX', 'mcpx2', `${AUDIENCE}/`, [[AUDIENCE]], { mcpx: true }];
  for (const aud of wrong) {
    const token = await provider.sign({ ...claims, aud: aud as string });
    await scene.refused(bearer(token), 'UNAUTHENTICATED');
  }
  const nobody = sceneFor(t, { audience: [] });
  await nobody.refused(bearer(await provider.token()), 'UNAUTHENTICATED');
});

test('an expired token is refused, and a token known to be good expires on time', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token({ subject: 'alice', lifeSec: 30 });
  const principal = await scene.identity.identify(bearer(token));
  const expiresAt = Number(principal.claims?.['exp']) * 1000;
  assert.equal(principal.expiresAt, expiresAt);
  scene.now = expiresAt - 1;
  assert.equal(scene.at(bearer(token)), principal);
  assert.ok(scene.identity.holds(principal.withClient('Cursor')));
  scene.now = expiresAt;
  assert.ok(!scene.identity.holds(principal.withClient('Cursor')));
  const { message } = await scene.refused(bearer(token), 'UNAUTHENTICATED');
  assert.match(message, /expired/);
});

test('a token that is not valid yet is refused until it is', async (t) => {
  const scene = sceneFor(t);
  const nbf = Math.floor(scene.now / 1000) + 60;
  const token = await provider.token({ claims: { nbf } });
  const { message } = await scene.refused(bearer(token), 'UNAUTHENTICATED');
  assert.match(message, /not valid yet/);
  scene.now = nbf * 1000;
  await scene.identity.identify(bearer(token));
});

test('clocks may differ by what the issuer allows, and no more', async (t) => {
  const scene = sceneFor(t, { clockToleranceSec: 10 });
  const nowSec = Math.floor(scene.now / 1000);
  scene.now = nowSec * 1000;
  const claims = { iss: provider.issuer, aud: AUDIENCE, sub: 'alice' };
  const signed = async (times: object) => bearer(await provider.sign({ ...claims, ...times }));
  const principal = await scene.identity.identify(await signed({ exp: nowSec - 9 }));
  assert.ok(scene.identity.holds(principal));
  await scene.refused(await signed({ exp: nowSec - 10 }), 'UNAUTHENTICATED');
  await scene.identity.identify(await signed({ exp: nowSec + 60, nbf: nowSec + 10 }));
  await scene.refused(await signed({ exp: nowSec + 60, nbf: nowSec + 11 }), 'UNAUTHENTICATED');
});

test('a token without an expiry, or without a subject, is refused though its signature is good', async (t) => {
  const scene = sceneFor(t);
  const exp = Math.floor(scene.now / 1000) + 60;
  const good = { iss: provider.issuer, aud: AUDIENCE, sub: 'alice', exp };
  await scene.identity.identify(bearer(await provider.sign(good)));
  const wrong: object[] = [
    { exp: undefined },
    { exp: null },
    { exp: String(exp) },
    { sub: undefined },
    { sub: '' },
    { sub: 7 },
    { sub: null },
  ];
  for (const change of wrong) {
    const token = await provider.sign({ ...good, ...change });
    await scene.refused(bearer(token), 'UNAUTHENTICATED');
  }
});

test('a token of another type than an access token is refused', async (t) => {
  const scene = sceneFor(t);
  const exp = Math.floor(scene.now / 1000) + 60;
  const claims = { iss: provider.issuer, aud: AUDIENCE, sub: 'alice', exp };
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', 'jwt'])
    await scene.identity.identify(bearer(await provider.sign(claims, { typ })));
  for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', '', 7]) {
    const token = await provider.sign(claims, { typ: typ as string });
    const { message } = await scene.refused(bearer(token), 'UNAUTHENTICATED');
    assert.match(message, /no access token/);
  }
});

test('a token lacks a scope of its issuer: refused by name of the scope, and let in with it', async (t) => {
  const scene = sceneFor(t, { requiredScopes: ['write'] });
  const token = await provider.grant('read');
  const { data } = await scene.refused(bearer(token), 'INSUFFICIENT_SCOPE');
  assert.deepEqual(data, { scopes: ['write'] });
  const stepped = await scene.identity.identify(bearer(await provider.grant('read write')));
  assert.deepEqual(stepped.scopes, ['read', 'write']);
});

test('whoever sends nothing is told the scopes of the one issuer', async (t) => {
  const scene = sceneFor(t, { requiredScopes: ['read', 'write'] });
  const { data } = await scene.refused(credentials(), 'UNAUTHENTICATED');
  assert.deepEqual(data, { challenge: { scope: 'read write' } });
});

test('a token proves only as a bearer, never in the header for keys, known or not', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token();
  await scene.refused(credentials({ [KEY]: token }), 'UNAUTHENTICATED');
  const principal = await scene.identity.identify(bearer(token));
  await scene.refused(credentials({ [KEY]: token }), 'UNAUTHENTICATED');
  assert.equal(await scene.identity.identify(bearer(token)), principal);
});

test('beside a good key a token must be good too, and is the caller', async (t) => {
  const scene = sceneFor(t);
  const own = scene.makeKey('agents');
  const token = await provider.token({ subject: 'alice' });
  for (const key of [SHARED_KEY, own]) {
    const principal = await scene.identity.identify(bearer(token, { [KEY]: key }));
    assert.equal(principal.proof, 'token');
    assert.equal(principal.consumer, undefined);
  }
  await scene.refused(bearer(token, { [KEY]: 'wrong' }), 'UNAUTHENTICATED');
  const other = await provider.token({ audience: 'https://other.example/mcp' });
  await scene.refused(bearer(other, { [KEY]: own }), 'UNAUTHENTICATED');
});

test('with an issuer configured, keys are bearers all the same', (t) => {
  const scene = sceneFor(t);
  assert.equal(scene.at(bearer(SHARED_KEY)).proof, 'shared-key');
  assert.equal(scene.at(bearer(scene.makeKey('agents'))).consumer, 'agents');
});

test('a token longer than 16 kB is refused unread', async (t) => {
  const scene = sceneFor(t);
  const fits = await provider.token({ claims: { filler: 'x'.repeat(11_000) } });
  assert.ok(fits.length < 16_384);
  await scene.identity.identify(bearer(fits));
  const token = await provider.token({ claims: { filler: 'x'.repeat(12_500) } });
  assert.ok(token.length > 16_384);
  const { message } = await scene.refused(bearer(token), 'UNAUTHENTICATED');
  assert.match(message, /16 kB/);
});

test('an issuer that is removed, or believed for another audience, ends what its tokens proved', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token();
  const principal = await scene.identity.identify(bearer(token));
  const same = authPlan({ issuers: [issuerPlan(provider.issuer)], header: 'x-other' });
  scene.identity.apply(same, accessPlan());
  assert.ok(scene.identity.holds(principal));
  const plans = [[issuerPlan(provider.issuer, { audience: ['other'] })], []];
  for (const issuers of plans) {
    scene.identity.apply(authPlan({ issuers }), accessPlan());
    assert.ok(!scene.identity.holds(principal));
    await scene.refused(bearer(token), 'UNAUTHENTICATED');
  }
});

test('a token that is being verified while the settings change is judged by the new ones', async (t) => {
  const scene = sceneFor(t);
  const token = await provider.token();
  const underway = scene.identity.identify(bearer(token));
  scene.identity.apply(authPlan({ issuers: [] }), accessPlan());
  await assert.rejects(async () => underway, { code: 'UNAUTHENTICATED' });
});

test('a reload that leaves an issuer as it was fetches nothing anew', async (t) => {
  const scene = sceneFor(t);
  await scene.identity.identify(bearer(await provider.token()));
  const before = { ...provider.counts };
  scene.identity.apply(authPlan({ issuers: [issuerPlan(provider.issuer)] }), accessPlan('a', 'b'));
  await scene.identity.identify(bearer(await provider.token()));
  assert.deepEqual(provider.counts, before);
});
