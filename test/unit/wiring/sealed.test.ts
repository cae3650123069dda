import assert from 'node:assert/strict';
import test from 'node:test';
import { Principal } from '../../../src/kernel/principal.ts';
import { newSecret, Seal } from '../../../src/seal/seal.ts';
import { parseRecord, Sealed } from '../../../src/wiring/sealed.ts';

const HOUR_MS = 60 * 60 * 1000;
const [alice, bob] = [
  Principal.prove({ credential: 'alice', proof: 'api-key' }),
  Principal.prove({ credential: 'bob', proof: 'api-key' }),
];
const clock = { ms: 1_000_000 };
const sealed = new Sealed(new Seal([{ id: 1, secret: newSecret() }]), () => clock.ms);

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
  assert.equal(sealed.openTask(sealed.sealState('x', 'y'), alice), undefined);
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

test('a state opens for the call it was made for, and for no other (R11)', () => {
  const state = sealed.sealState('call of alice', 'inner');
  assert.equal(sealed.openState('call of alice', state), 'inner');
  assert.equal(sealed.openState('call of bob', state), undefined);
  assert.equal(sealed.openState('', state), undefined);
  assert.equal(sealed.openState('call of alice', 'inner'), undefined);
  assert.equal(sealed.openState('call of alice', sealed.sealTask('a', alice, 'b')), undefined);
});

test('a state expires after an hour (R11)', () => {
  const state = sealed.sealState('call', 'inner');
  clock.ms += HOUR_MS - 1;
  assert.equal(sealed.openState('call', state), 'inner');
  clock.ms += 1;
  assert.equal(sealed.openState('call', state), undefined);
});

test('a record that is no object is none', () => {
  assert.deepEqual(parseRecord('{"a":1}'), { a: 1 });
  for (const text of [undefined, '[]', 'null', '1', '"x"'])
    assert.equal(parseRecord(text), undefined);
});
