import assert from 'node:assert/strict';
import test from 'node:test';
import { BareNameMemory } from '../../../src/wiring/bare-names.ts';

test('what a name meant to a client is remembered, by kind and client (R6)', () => {
  const memory = new BareNameMemory();
  memory.of('anne').keep('tools', 'x', 'one');
  assert.equal(memory.of('anne').get('tools', 'x'), 'one');
  assert.equal(memory.of('anne').get('prompts', 'x'), undefined);
  assert.equal(memory.of('anne').get('tools', 'y'), undefined);
  assert.equal(memory.of('bert').get('tools', 'x'), undefined);
});

test('what was remembered of a client that is gone is forgotten', () => {
  const memory = new BareNameMemory();
  for (const client of ['anne', 'bert']) memory.of(client).keep('tools', 'x', 'one');
  memory.forget('anne');
  memory.forget('nobody');
  assert.equal(memory.of('anne').get('tools', 'x'), undefined);
  assert.equal(memory.of('bert').get('tools', 'x'), 'one');
});

test('a client that makes up names, and many clients, do not fill the memory: the oldest are forgotten', () => {
  const memory = new BareNameMemory();
  const names = memory.of('anne');
  for (let count = 0; count < 5000; count += 1) names.keep('tools', `t${count}`, 'one');
  assert.equal(names.get('tools', 't0'), undefined);
  assert.equal(names.get('tools', 't4999'), 'one');
  for (let count = 0; count < 20_000; count += 1) memory.of(`c${count}`).keep('tools', 'x', 'one');
  assert.equal(memory.of('c0').get('tools', 'x'), undefined);
  assert.equal(memory.of('c19999').get('tools', 'x'), 'one');
});

test('names of every object are names like any other', () => {
  const names = new BareNameMemory().of('__proto__');
  assert.equal(names.get('tools', 'constructor'), undefined);
  names.keep('tools', '__proto__', 'one');
  assert.equal(names.get('tools', '__proto__'), 'one');
});
