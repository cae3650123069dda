import assert from 'node:assert/strict';
import test from 'node:test';
import type { Exchange } from '../../../src/kernel/exchange.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Permit } from '../../../src/kernel/permit.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { asksForTask, isRepeatable } from '../../../src/upstream/repeatable.ts';
import { callOf } from '../../support/upstream-link.ts';

const ANYBODY = Principal.prove({ credential: 'anybody', proof: 'local' });

function permitOf(annotations?: JsonObject): Permit {
  const item = annotations === undefined ? {} : { annotations };
  const target = { kind: 'tool', upstream: 'it', name: 'x', publicName: 'it__x', item } as const;
  return Permit.grant(ANYBODY, target, 'test');
}

function isSafe(
  method: string,
  annotations?: JsonObject,
  params: JsonObject = {},
  exchange: Exchange = callOf(),
): boolean {
  return isRepeatable(permitOf(annotations), { method, params }, exchange);
}

test('calls of tools that say themselves that twice is as good as once may be repeated, and no others', () => {
  assert.equal(isSafe('tools/call', { readOnlyHint: true }), true);
  assert.equal(isSafe('tools/call', { idempotentHint: true, readOnlyHint: false }), true);
  for (const hints of [
    undefined,
    {},
    { readOnlyHint: false },
    { readOnlyHint: 'true' },
    { title: 'x' },
  ])
    assert.equal(isSafe('tools/call', hints), false, JSON.stringify(hints));
});

test('what only reads may be repeated, everything else of a server may not, whatever it is called', () => {
  for (const method of ['prompts/get', 'resources/read', 'completion/complete'])
    assert.equal(isSafe(method), true, method);
  for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update', 'acme/read'])
    assert.equal(isSafe(method, { readOnlyHint: true }), false, method);
});

test('what goes on with an earlier round, or may become a task, may not', () => {
  for (const key of ['requestState', 'inputResponses'])
    assert.equal(isSafe('resources/read', undefined, { [key]: {} }), false, key);
  const extensions = { 'io.modelcontextprotocol/tasks': {} };
  const exchange = callOf({ capabilities: { extensions } });
  assert.equal(isSafe('tools/call', { readOnlyHint: true }, {}, exchange), false);
  assert.equal(isSafe('resources/read', undefined, {}, exchange), true);
  assert.equal(asksForTask({ method: 'tools/call', params: { task: {} } }), true);
  assert.equal(asksForTask({ method: 'tools/call', params: {} }), false);
});
