import assert from 'node:assert/strict';
import test from 'node:test';
import type { ParamPlan } from '../../../src/kernel/access.ts';
import type { Json, JsonObject } from '../../../src/kernel/json.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { shapedArguments } from '../../../src/spine/shaping.ts';
import { fallback, fixed, HIDDEN, param } from '../../support/unit-custom.ts';

const ANN = Principal.prove({
  credential: 'token:issuer ann',
  proof: 'token',
  name: 'ann',
  consumer: 'ops',
  claims: {
    org: { team: 'core', ids: [1, 2], lead: true, none: null },
    'https://example.com/tenant': 't1',
    'a.b': 'whole',
    a: { b: 'parts' },
  },
});

function shaped(
  args: JsonObject | undefined,
  params: Readonly<Record<string, ParamPlan>>,
  closed: readonly (readonly string[])[] = [],
): JsonObject {
  return shapedArguments(args, { name: 'child', params, closed }, ANN);
}

function parsed(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}

test('arguments that the shape does not speak of are passed on as they are', () => {
  const args = { a: { b: [1] }, c: null };
  assert.equal(shaped(args, {}), args);
  const result = shaped(args, { x: fixed(1) });
  assert.deepEqual(result, { a: { b: [1] }, c: null, x: 1 });
  assert.equal(result['a'], args.a, 'nothing is copied that need not be');
  assert.deepEqual(shaped(undefined, {}), {});
});

test('renamed parameters go to the parent under the names it has for them', () => {
  const params = { path: param({ rename: 'file' }) };
  assert.deepEqual(shaped({ file: '/a', other: 1 }, params), { path: '/a', other: 1 });
  const swapped = { a: param({ rename: 'b' }), b: param({ rename: 'a' }) };
  assert.deepEqual(shaped({ a: 1, b: 2 }, swapped), { b: 1, a: 2 });
});

test('a default is sent where the caller gives nothing, and only there', () => {
  const params = { limit: fallback(10), kind: param({ rename: 'type', default: { value: 'x' } }) };
  assert.deepEqual(shaped({}, params), { limit: 10, kind: 'x' });
  assert.deepEqual(shaped({ limit: null, type: 'y' }, params), { limit: null, kind: 'y' });
});

test('nobody reaches a fixed, hidden or renamed parameter under the name its parent has for it', () => {
  const params = {
    channel: fixed('general'),
    secret: HIDDEN,
    owner: param({ isHidden: true, default: { value: 'me' } }),
    path: param({ rename: 'file' }),
    taken: param({ rename: 'secret' }),
  };
  const args = { channel: 'x', owner: 'you', path: '/etc', taken: 1 };
  assert.deepEqual(shaped(args, params), { channel: 'general', owner: 'me' });
  assert.deepEqual(shaped({ ...args, secret: 's' }, params), {
    channel: 'general',
    owner: 'me',
    taken: 's',
  });
});

test('a fixed object is laid over what is given: what is fixed wins, the rest stays', () => {
  const params = { options: fixed({ region: 'eu', owner: { team: 'ops' }, list: [1] }) };
  const given = { region: 'us', limit: 5, owner: { team: 'x', name: 'n' }, list: [2, 3] };
  assert.deepEqual(shaped({ options: given }, params), {
    options: { region: 'eu', limit: 5, owner: { team: 'ops', name: 'n' }, list: [1] },
  });
  assert.deepEqual(given.owner, { team: 'x', name: 'n' }, 'what the caller sent is not changed');
});

test('a fixed object stands alone where something else than an object is given', () => {
  const value = { region: 'eu', owner: { team: 'ops' } };
  for (const given of ['text', 7, null, [{ region: 'us' }], true] as Json[])
    assert.deepEqual(shaped({ options: given }, { options: fixed(value) }), { options: value });
  assert.deepEqual(shaped({ options: { owner: 'x' } }, { options: fixed(value) }), {
    options: value,
  });
  assert.deepEqual(shaped({}, { options: fixed(value) }), { options: value });
});

test('an empty object, a list or null is fixed as a whole', () => {
  for (const value of [{}, [], [{ a: 1 }], null] as Json[])
    assert.deepEqual(shaped({ p: { a: 2 } }, { p: fixed(value) }), { p: value });
});

test('nothing of a caller gets into an object that is closed', () => {
  const params = { options: fixed({ owner: { team: 'ops', rights: { read: true } } }) };
  const given = { options: { limit: 1, owner: { team: 'x', evil: 1, rights: { write: true } } } };
  assert.deepEqual(shaped(given, params, [['options', 'owner', 'rights']]), {
    options: { limit: 1, owner: { team: 'ops', evil: 1, rights: { read: true } } },
  });
  assert.deepEqual(shaped(given, params, [['options', 'owner']]), {
    options: { limit: 1, owner: { team: 'ops', rights: { read: true } } },
  });
});

test('a default is completed by what is fixed', () => {
  const plan = param({
    default: { value: { limit: 1, region: 'us' } },
    fixed: { value: { region: 'eu' } },
  });
  assert.deepEqual(shaped({}, { options: plan }), { options: { limit: 1, region: 'eu' } });
});

test('texts of fixed values and defaults say who calls', () => {
  const params = {
    path: fixed('/home/${principal.name}/${principal.consumer}/${claims.org.team}'),
    nested: fixed({
      list: ['${principal.name}', { team: '${claims.org.team}' }],
      plain: '${HOME} $',
    }),
    owner: fallback('${principal.name}'),
  };
  assert.deepEqual(shaped({}, params), {
    path: '/home/ann/ops/core',
    nested: { list: ['ann', { team: 'core' }], plain: '${HOME} $' },
    owner: 'ann',
  });
  assert.deepEqual(shaped({ owner: '${principal.consumer}' }, { owner: fallback('x') }), {
    owner: '${principal.consumer}',
  });
});

test('a text that is one claim and nothing else becomes that claim, whatever its type', () => {
  const params = {
    ids: fixed('${claims.org.ids}'),
    lead: fixed('${claims.org.lead}'),
    none: fixed('${claims.org.none}'),
    org: fixed({ is: '${claims.org}' }),
    url: fixed('${claims.https://example.com/tenant}'),
    dotted: fixed('${claims.a.b}'),
    text: fixed('lead: ${claims.org.lead}'),
  };
  const { org, ...rest } = shaped({ org: { is: { team: 'mine', more: 1 } } }, params);
  assert.deepEqual(rest, {
    ids: [1, 2],
    lead: true,
    none: null,
    url: 't1',
    dotted: 'whole',
    text: 'lead: true',
  });
  assert.deepEqual(org, { is: ANN.claims?.['org'] });
});

test('what a claim holds is never read as a reference again', () => {
  const tricky = Principal.prove({
    credential: 'c',
    proof: 'token',
    name: '${claims.x} $& $1',
    claims: { x: 'secret' },
  });
  const shape = { name: 'child', params: { p: fixed('by ${principal.name}') } };
  assert.deepEqual(shapedArguments({}, shape, tricky), { p: 'by ${claims.x} $& $1' });
});

const LACKING = [
  '${principal.consumer}',
  '${principal.key}',
  '${principal.__proto__}',
  '${claims.team}',
  '${claims.}',
  '${claims.constructor}',
  '${claims.org.team.length}',
  '${claims.org.ids.length}',
  'a ${claims.org} b',
  'a ${claims.org.ids} b',
  'a ${claims.org.none} b',
];

test('a caller of whom a value cannot be told is refused, without a word about the value', () => {
  const { name, claims } = ANN;
  const nobody = Principal.prove({ credential: 'c', proof: 'token', name, claims });
  for (const text of LACKING) {
    const shape = { name: 'child', params: { p: fixed({ deep: [text] }) } };
    assert.throws(
      () => shapedArguments({}, shape, nobody),
      (error) =>
        error instanceof Refusal && error.code === 'FORBIDDEN' && !error.message.includes('claims'),
      text,
    );
  }
});

test('a default that cannot be told is no obstacle to a caller who gives a value', () => {
  const params = { team: fallback('${claims.nothing}') };
  assert.deepEqual(shaped({ team: 'mine' }, params), { team: 'mine' });
  assert.throws(() => shaped({}, params), Refusal);
});

test('keys that objects have of their own are data, and change no object but the result', () => {
  const args = parsed('{"__proto__":{"polluted":1},"constructor":2,"toString":3}');
  const passed = shaped(args, { x: fixed(1) });
  assert.deepEqual(Object.keys(passed), ['__proto__', 'constructor', 'toString', 'x']);
  assert.equal(Object.getPrototypeOf(passed), Object.prototype);
  assert.equal(({} as JsonObject)['polluted'], undefined);

  const merged = shaped(parsed('{"p":{"__proto__":{"a":1},"b":2}}'), {
    p: fixed(parsed('{"__proto__":{"c":3}}')),
  });
  assert.equal(JSON.stringify(merged), '{"p":{"__proto__":{"a":1,"c":3},"b":2}}');

  const hidden = Object.fromEntries([['__proto__', HIDDEN]]);
  assert.equal(JSON.stringify(shaped(args, hidden)), '{"constructor":2,"toString":3}');
  assert.deepEqual(shaped({}, { toString: fallback(1) }), { toString: 1 });
});
