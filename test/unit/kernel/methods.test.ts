import assert from 'node:assert/strict';
import test from 'node:test';
import { HOUSEKEEPING, METHODS, type Road } from '../../../src/kernel/methods.ts';

const ROADS: Readonly<Record<Road, readonly string[]>> = {
  call: [
    'completion/complete',
    'prompts/get',
    'resources/read',
    'tasks/cancel',
    'tasks/get',
    'tasks/list',
    'tasks/result',
    'tasks/update',
    'tools/call',
  ],
  list: ['prompts/list', 'resources/list', 'resources/templates/list', 'tools/list'],
  subscription: ['resources/subscribe', 'resources/unsubscribe', 'subscriptions/listen'],
  session: ['initialize', 'logging/setLevel', 'ping', 'server/discover'],
  signal: [
    'notifications/cancelled',
    'notifications/initialized',
    'notifications/progress',
    'notifications/roots/list_changed',
    'notifications/tasks/status',
  ],
};

const MODERN_ONLY = ['server/discover', 'subscriptions/listen', 'tasks/update'];
const BOTH_ERAS = [
  'completion/complete',
  'notifications/cancelled',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'tasks/cancel',
  'tasks/get',
  'tools/call',
  'tools/list',
];

test('every inbound method has exactly one road (R1)', () => {
  for (const [road, methods] of Object.entries(ROADS)) {
    const found = [...METHODS].filter(([, row]) => row.road === road).map(([name]) => name);
    assert.deepEqual(found.toSorted(), methods, road);
  }
  assert.equal(METHODS.size, Object.values(ROADS).flat().length);
});

test('every method exists in the eras that the protocol has it in, and in no other (R1)', () => {
  for (const [name, { eras }] of METHODS) {
    const isModern = MODERN_ONLY.includes(name) || BOTH_ERAS.includes(name);
    assert.equal(eras.includes('modern'), isModern, name);
    assert.equal(eras.includes('legacy'), !MODERN_ONLY.includes(name), name);
  }
});

test('only what is a notification by its name is a signal, and every list names what it holds (R1)', () => {
  for (const [name, row] of METHODS) {
    assert.equal(name.startsWith('notifications/'), row.road === 'signal', name);
    assert.equal(row.list !== undefined, row.road === 'list', name);
  }
});

test('what the gateway may send to a server on its own behalf is this list and nothing else (R2)', () => {
  assert.deepEqual([...HOUSEKEEPING].toSorted(), [
    'initialize',
    'logging/setLevel',
    'notifications/cancelled',
    'notifications/initialized',
    'notifications/roots/list_changed',
    'ping',
    'prompts/list',
    'resources/list',
    'resources/subscribe',
    'resources/templates/list',
    'resources/unsubscribe',
    'server/discover',
    'subscriptions/listen',
    'tools/list',
  ]);
});

test('no call of a client is among what the gateway may send without a permit (R2)', () => {
  for (const [name, { road }] of METHODS)
    if (road === 'call') assert.equal(HOUSEKEEPING.has(name), false, name);
});
