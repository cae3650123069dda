import assert from 'node:assert/strict';
import test from 'node:test';
import { supposed, type Supposition } from '../../../src/identity/supposed.ts';
import type { AuthPlan, IssuerPlan } from '../../../src/kernel/access.ts';

const ISSUER: IssuerPlan = {
  issuer: 'https://id.example',
  audience: ['mcpx'],
  algorithms: ['RS256'],
  consumerClaim: 'azp',
  groupsClaim: 'roles',
  consumers: ['agents'],
  requiredScopes: [],
  jwksUri: undefined,
  clockToleranceSec: 30,
};

function authOf(changes: Partial<AuthPlan> = {}): AuthPlan {
  return {
    isOn: true,
    header: 'x-lunar-api-key',
    sharedKey: undefined,
    issuers: [ISSUER],
    admins: { consumers: [], groups: [] },
    hasPublicMetrics: false,
    ...changes,
  };
}

function seen(given: Supposition, auth = authOf()): unknown[] {
  const { proof, name, consumer, groups, scopes } = supposed(given, auth);
  return [proof, name, consumer, groups, scopes];
}

test('what is supposed of a caller tells how it would have been proven', () => {
  assert.deepEqual(seen({}), ['shared-key', 'shared', undefined, [], undefined]);
  assert.deepEqual(seen({ consumer: 'ci' }), ['api-key', 'ci', 'ci', [], undefined]);
  assert.deepEqual(seen({ groups: ['dev'] }), ['token', '', undefined, ['dev'], []]);
  assert.deepEqual(seen({ scopes: ['w'] }), ['token', '', undefined, [], ['w']]);
  assert.deepEqual(seen({ claims: { sub: 'ann' } }), ['token', 'ann', undefined, [], []]);
  const off = authOf({ isOn: false });
  assert.deepEqual(seen({}, off), ['local', 'local', undefined, [], undefined]);
  assert.deepEqual(seen({ consumer: 'ci' }, off), ['local', 'ci', 'ci', [], undefined]);
});

test('what is known of a recorded caller is taken as it is', () => {
  const recorded = { proof: 'api-key', name: 'build', consumer: 'ci', groups: [] } as const;
  assert.deepEqual(seen(recorded), ['api-key', 'build', 'ci', [], undefined]);
});

test('claims of an issuer of the plan say what they would in a token, unless it is said otherwise', () => {
  const claims = { iss: ISSUER.issuer, sub: 'ann', azp: 'agents', roles: ['dev'], scope: 'r w' };
  assert.deepEqual(seen({ claims }), ['token', 'agents', 'agents', ['dev'], ['r', 'w']]);
  assert.deepEqual(seen({ claims, groups: [], scopes: [], consumer: 'ci' }), [
    'token',
    'ci',
    'ci',
    [],
    [],
  ]);
  const foreign = { ...claims, iss: 'https://other.example' };
  assert.deepEqual(seen({ claims: foreign }), ['token', 'ann', undefined, [], []]);
});

test('claims no token could have are refused as the token would be', () => {
  const claims = { iss: ISSUER.issuer, azp: 'admins' };
  assert.throws(() => seen({ claims }), { code: 'CONSUMER_REFUSED' });
});

test('endpoint, claims and client are those supposed, and no two credentials are mixed up with a live one', () => {
  const claims = { sub: 'ann' };
  const principal = supposed({ claims, endpoint: 'ro', client: 'cursor' }, authOf());
  assert.deepEqual(
    [principal.endpoint, principal.claims, principal.client, principal.credential],
    ['ro', claims, 'cursor', 'supposed'],
  );
});
