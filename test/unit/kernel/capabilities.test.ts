import assert from 'node:assert/strict';
import test from 'node:test';
import {
  canBeAsked,
  FULL_CAPABILITIES,
  instanceKey,
  missingFor,
  MUTE,
} from '../../../src/kernel/capabilities.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';

const form = { method: 'elicitation/create', params: { message: 'x' } };
const url = { method: 'elicitation/create', params: { mode: 'url' } };
const sample = { method: 'sampling/createMessage', params: {} };
const sampleTools = { method: 'sampling/createMessage', params: { tools: [] } };
const roots = { method: 'roots/list' };

test('a question that needs nothing undeclared may be asked', () => {
  for (const [question, declared] of [
    [form, { elicitation: {} }],
    [form, { elicitation: { form: {} } }],
    [form, { elicitation: { form: {}, url: {} } }],
    [url, { elicitation: { url: {} } }],
    [sample, { sampling: {} }],
    [sample, { sampling: { tools: {} } }],
    [sampleTools, { sampling: { tools: {} } }],
    [roots, { roots: {} }],
    [{ method: 'of-the-future/ask' }, {}],
  ] as const) {
    assert.equal(missingFor(question, declared), undefined, JSON.stringify([question, declared]));
  }
});

test('what a question needs and the client did not declare is named as it would be declared (R16)', () => {
  for (const [question, declared, missing] of [
    [form, {}, { elicitation: {} }],
    [form, { elicitation: { url: {} } }, { elicitation: { form: {} } }],
    [url, { elicitation: {} }, { elicitation: { url: {} } }],
    [url, { elicitation: { form: {} } }, { elicitation: { url: {} } }],
    [sample, { elicitation: {} }, { sampling: {} }],
    [sampleTools, { sampling: {} }, { sampling: { tools: {} } }],
    [roots, { roots: null }, { roots: {} }],
    [roots, { roots: true }, { roots: {} }],
  ] as const) {
    assert.deepEqual(missingFor(question, declared as JsonObject), missing);
  }
});

test('what is declared by way of the prototype is not declared', () => {
  const declared = JSON.parse('{"__proto__":{"elicitation":{},"roots":{}}}') as JsonObject;
  assert.deepEqual(missingFor(form, declared), { elicitation: {} });
  assert.equal(canBeAsked(declared), false);
});

test('everything the gateway passes on may be asked where it declared it itself', () => {
  for (const question of [form, url, sample, sampleTools, roots])
    assert.equal(missingFor(question, FULL_CAPABILITIES), undefined);
});

test('clients that declared nothing a server could ask share one key, all others have their own (R9)', () => {
  const key = 'session-1';
  for (const capabilities of [{}, { experimental: {} }, { elicitation: null }, { tasks: {} }])
    assert.equal(instanceKey({ key, capabilities }), MUTE);
  for (const capabilities of [
    { elicitation: {} },
    { sampling: {} },
    { roots: { listChanged: true } },
  ])
    assert.equal(instanceKey({ key, capabilities }), key);
});
