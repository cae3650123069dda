import assert from 'node:assert/strict';
import test from 'node:test';
import { Principal } from '../../../src/kernel/principal.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { newSecret, Seal } from '../../../src/seal/seal.ts';
import type { Echo } from '../../../src/spine/ports.ts';
import { parseRecord, Sealed } from '../../../src/wiring/sealed.ts';

const HOUR_MS = 60 * 60 * 1000;
const [alice, bob] = [
  Principal.prove({ credential: 'alice', proof: 'api-key' }),
  Principal.prove({ credential: 'bob', proof: 'api-key' }),
];
const clock = { ms: 1_000_000 };
const seal = new Seal([{ id: 1, secret: newSecret() }]);
const sealed = new Sealed(seal, () => clock.ms, 'this run');
const ECHO: Echo = { kind: 'upstream', callId: 'c-1', upstream: 'server', state: 'inner' };

function refuses(binding: string, state: string, why: RegExp): void {
  assert.throws(
    () => sealed.openState(binding, state),
    (error) =>
      error instanceof Refusal && error.code === 'PARAMS_INVALID' && why.test(error.message),
  );
}

test('a task id says where it belongs, always in the same words (R12)', () => {
  const id = sealed.sealTask('server', alice, 'task-1');
  assert.equal(sealed.sealTask('server', alice, 'task-1'), id);
  assert.deepEqual(sealed.openTask(id, alice), { upstream: 'server', taskId: 'task-1' });
  assert.ok(!id.includes('task-1') && !Buffer.from(id, 'base64url').includes('task-1'));
});

test('a task of one principal is unknown to another, and so is what was never sealed (R12)', () => {
  const id = sealed.sealTask('server', alice, 'task-1');
  assert.equal(sealed.openTask(id, bob), undefined);
  assert.equal(sealed.openTask('task-1', alice), undefined);
  assert.equal(sealed.openTask(sealed.sealState('x', ECHO), alice), undefined);
  assert.notEqual(sealed.sealTask('server', bob, 'task-1'), id);
  assert.notEqual(sealed.sealTask('other', alice, 'task-1'), id);
});

test('task ids are found where the protocol has them, and nothing else is touched (R12)', () => {
  const related = 'io.modelcontextprotocol/related-task';
  const params = {
    taskId: 't',
    status: 'working',
    _meta: { [related]: { taskId: 't' }, other: 1 },
  };
  const id = sealed.sealTask('server', alice, 't');
  assert.deepEqual(sealed.publicTasks('server', alice, params), {
    taskId: id,
    status: 'working',
    _meta: { [related]: { taskId: id }, other: 1 },
  });
  const plain = { status: 'working', _meta: { other: 1 } };
  assert.equal(sealed.publicTasks('server', alice, plain), plain);
  const answer = { action: 'accept', _meta: { [related]: { taskId: id } } };
  assert.deepEqual(sealed.ownTasks(alice, answer), {
    action: 'accept',
    _meta: { [related]: { taskId: 't' } },
  });
  assert.deepEqual(sealed.ownTasks(bob, answer), answer);
});

test('a state opens for the call it was made for, and for no other, all told in the same words (R11)', () => {
  const state = sealed.sealState('call of alice', ECHO);
  assert.deepEqual(sealed.openState('call of alice', state), ECHO);
  const notMade = /^params\.requestState was not made for this call\.$/;
  refuses('call of bob', state, notMade);
  refuses('', state, notMade);
  refuses('call of alice', 'inner', notMade);
  refuses('call of alice', sealed.sealTask('a', alice, 'b'), notMade);
  refuses('call of alice', `${state.slice(0, -2)}${state.endsWith('AA') ? 'BB' : 'AA'}`, notMade);
});

test('a state expires after an hour, or when it was said to (R11)', () => {
  const state = sealed.sealState('call', ECHO);
  const short = sealed.sealState('call', ECHO, clock.ms + 10);
  assert.deepEqual(sealed.openState('call', short), ECHO);
  clock.ms += 10;
  refuses('call', short, /has expired/);
  clock.ms += HOUR_MS - 11;
  assert.deepEqual(sealed.openState('call', state), ECHO);
  clock.ms += 1;
  refuses('call', state, /has expired/);
});

test('a state of a call that waits opens in the run of the gateway that it waits in alone (R3)', () => {
  const echo: Echo = { kind: 'parked', callId: 'c-3', id: 'p-1' };
  const state = sealed.sealState('call', echo);
  assert.deepEqual(sealed.openState('call', state), echo);
  const restarted = new Sealed(seal, () => clock.ms, 'next run');
  assert.throws(() => restarted.openState('call', state), /restarted/);
  const passedOn = sealed.sealState('call', ECHO);
  assert.deepEqual(restarted.openState('call', passedOn), ECHO);
});

test('a call that waits does so whatever the wall clock is set to', () => {
  const monotonic = { ms: 500 };
  const waits = new Sealed(
    seal,
    () => clock.ms,
    'this run',
    () => monotonic.ms,
  );
  const echo: Echo = { kind: 'parked', callId: 'c-4', id: 'p-2' };
  const state = waits.sealState('call', echo, monotonic.ms + 10);
  clock.ms += 48 * HOUR_MS;
  assert.deepEqual(waits.openState('call', state), echo);
  monotonic.ms += 10;
  clock.ms -= 96 * HOUR_MS;
  assert.throws(() => waits.openState('call', state), /has expired: its call was given up/);
});

test('a record that is no object, or damaged, is none', () => {
  assert.deepEqual(parseRecord('{"a":1}'), { a: 1 });
  for (const text of [undefined, '[]', 'null', '1', '"x"', '{"a":', 'x'])
    assert.equal(parseRecord(text), undefined);
});
