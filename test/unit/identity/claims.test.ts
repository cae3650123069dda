import assert from 'node:assert/strict';
import test from 'node:test';
import { claimAt, provenBy, scopesOf } from '../../../src/identity/claims.ts';
import type { IssuerPlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { issuerPlan } from '../../support/identity.ts';

function proven(claims: JsonObject, changes: Partial<IssuerPlan> = {}) {
  return provenBy({ sub: 'alice', ...claims }, issuerPlan('https://login.example', changes), 5000);
}

function refusal(claims: JsonObject, changes: Partial<IssuerPlan>): Refusal {
  try {
    proven(claims, changes);
  } catch (error) {
    if (error instanceof Refusal) return error;
  }
  return assert.fail('nothing was refused');
}

test('a claim is found by its name, by a path, and by a name that holds dots', () => {
  const claims = {
    sub: 'alice',
    realm_access: { roles: ['dev'] },
    'https://a.example/roles': ['x'],
    'https://b.example/app': { roles: ['y'] },
    'a.b': 'whole',
    a: { b: 'path', 'c.d': { e: 'deep' } },
  };
  const found: Readonly<Record<string, unknown>> = {
    sub: 'alice',
    'realm_access.roles': ['dev'],
    'https://a.example/roles': ['x'],
    'https://b.example/app.roles': ['y'],
    'a.b': 'whole',
    'a.c.d.e': 'deep',
    'a.c': undefined,
    'sub.length': undefined,
    'realm_access.roles.0': undefined,
    '.sub': undefined,
    '': undefined,
  };
  for (const [path, value] of Object.entries(found))
    assert.deepEqual(claimAt(claims, path), value, path);
});

test('what every object has is no claim', () => {
  for (const path of ['constructor', '__proto__', 'toString', 'a.constructor', '__proto__.a'])
    assert.equal(claimAt({ a: {} }, path), undefined);
});

test('groups come from a list or from words separated by spaces', () => {
  const groupsOf = (groups: JsonObject[string]) =>
    proven({ groups }, { groupsClaim: 'groups' }).groups;
  assert.deepEqual(groupsOf(['dev', 'two words']), ['dev', 'two words']);
  assert.deepEqual(groupsOf(' dev  ops '), ['dev', 'ops']);
  assert.deepEqual(groupsOf(['dev', 7, null, '', ['ops']]), ['dev']);
  for (const none of [undefined, null, 7, true, {}, '', []]) assert.deepEqual(groupsOf(none), []);
  assert.deepEqual(proven({ groups: ['dev'] }).groups, [], 'no claim is configured');
});

test('scopes come from scope and from scp, as text or as a list', () => {
  assert.deepEqual(scopesOf({ scope: 'a b' }), ['a', 'b']);
  assert.deepEqual(scopesOf({ scp: ['a', 'b'] }), ['a', 'b']);
  assert.deepEqual(scopesOf({ scp: 'a b', scope: 'b c' }), ['b', 'c', 'a']);
  assert.deepEqual(scopesOf({}), []);
});

test('the consumer is the claim the issuer names; without one the subject is the name', () => {
  const named = proven({ azp: 'agents' }, { consumerClaim: 'azp' });
  assert.equal(named.consumer, 'agents');
  assert.equal(named.name, 'agents');
  const plain = proven({ azp: 'agents', preferred_username: 'root' });
  assert.equal(plain.consumer, undefined);
  assert.equal(plain.name, 'alice');
  for (const azp of [undefined, null])
    assert.equal(proven({ azp }, { consumerClaim: 'azp' }).consumer, undefined);
});

test('a consumer claim that is no name is refused, not taken for none', () => {
  for (const azp of [7, '', true, ['agents'], { name: 'agents' }]) {
    const { code, message } = refusal({ azp }, { consumerClaim: 'azp' });
    assert.equal(code, 'CONSUMER_REFUSED');
    assert.ok(!message.includes('agents'));
  }
});

test('an issuer with a list of consumers speaks for those alone (R20)', () => {
  const changes = { consumerClaim: 'azp', consumers: ['agents'] };
  assert.equal(proven({ azp: 'agents' }, changes).consumer, 'agents');
  assert.equal(refusal({ azp: 'admins' }, changes).code, 'CONSUMER_REFUSED');
  assert.equal(refusal({ azp: 'Agents' }, changes).code, 'CONSUMER_REFUSED');
});

test('a token that lacks a scope of its issuer is refused with all that it needs', () => {
  const changes = { requiredScopes: ['mcp', 'read'] };
  assert.deepEqual(proven({ scope: 'read other mcp' }, changes).scopes, ['read', 'other', 'mcp']);
  for (const scope of ['mcp', 'mcp-read read', '']) {
    const { code, data } = refusal({ scope }, changes);
    assert.equal(code, 'INSUFFICIENT_SCOPE');
    assert.deepEqual(data, { scopes: ['mcp', 'read'] });
  }
});

test('the credential of a token tells issuer and subject apart however they are written', () => {
  const credential = (issuer: string, sub: string) =>
    provenBy({ sub }, issuerPlan(issuer), 0).credential;
  assert.equal(credential('https://a', 'b'), 'token:"https://a" "b"');
  const pairs: readonly (readonly [string, string])[] = [
    ['https://a', 'b" "c'],
    ['https://a" "b', 'c'],
    ['https://a', 'b c'],
    ['https://a b', 'c'],
  ];
  assert.equal(new Set(pairs.map(([issuer, sub]) => credential(issuer, sub))).size, pairs.length);
});
