import assert from 'node:assert/strict';
import test from 'node:test';
import { Catalog } from '../../../src/catalog/catalog.ts';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { CatalogView } from '../../../src/catalog/view.ts';
import type { Era } from '../../../src/kernel/era.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import type { Plan } from '../../../src/kernel/plan.ts';
import {
  CALLER,
  inventoryOf,
  LISTS,
  portsOf,
  suppliersOf,
  viewOf,
  type Offering,
} from '../../support/unit-catalog.ts';

const WITH_TASKS = { tools: {}, tasks: { requests: { tools: { call: {} } } } };

function tool(name: string, taskSupport: string): JsonObject {
  return { name, execution: { taskSupport } };
}

const ALL: Offering = {
  tools: [tool('must', 'required'), tool('may', 'optional'), tool('not', 'forbidden'), 'plain'],
  capabilities: WITH_TASKS,
};

function namesIn(view: CatalogView, era: Era): unknown[] {
  return toolsIn(view, era).map(({ name }) => name);
}

function toolsIn(view: CatalogView, era: Era): JsonObject[] {
  const text = view.list('tools', era, undefined)?.text ?? '';
  return (JSON.parse(text) as { tools: JsonObject[] }).tools;
}

function viewsOf(servers: Record<string, Offering>): CatalogView {
  return viewOf(new Snapshot(suppliersOf(servers), 'prefix'));
}

test('a tool that can be called as a task alone does not exist for clients without tasks', () => {
  const view = viewsOf({ s: ALL });
  assert.deepEqual(namesIn(view, 'legacy'), ['s__must', 's__may', 's__not', 's__plain']);
  assert.notEqual(view.listed('tools', 's__must'), undefined);
  assert.notEqual(view.bare('tools', 'must', undefined), undefined);
  const { taskless } = view;
  for (const era of ['legacy', 'modern'] as const)
    assert.deepEqual(namesIn(taskless, era), ['s__may', 's__not', 's__plain']);
  assert.equal(taskless.listed('tools', 's__must'), undefined);
  assert.equal(taskless.concealed.listed('tools', 's__must'), undefined);
  assert.equal(taskless.bare('tools', 'must', undefined), undefined);
  assert.equal(taskless.bare('tools', 'must', 's'), undefined);
  assert.notEqual(taskless.listed('tools', 's__may'), undefined);
});

test('a name without prefix stands for the only tool of that name that the client can call (R6)', () => {
  const view = viewsOf({ a: ALL, b: { tools: ['must'] } });
  assert.equal(view.bare('tools', 'must', undefined), undefined);
  assert.equal(view.taskless.bare('tools', 'must', undefined)?.upstream, 'b');
});

test('a server with such tools alone is there for clients without tasks as for others', () => {
  const must = { ...ALL, tools: [tool('must', 'required')], instructions: 'Use tasks.' };
  const { taskless } = viewsOf({ s: must, t: { tools: ['plain'] } });
  assert.match(taskless.instructions ?? '', /Use tasks\./);
  assert.deepEqual(taskless.withCapability('tasks'), ['s']);
});

test('the views are the same one where no tool can be called as a task alone', () => {
  const view = viewsOf({ s: { tools: [tool('may', 'optional')], capabilities: WITH_TASKS } });
  assert.equal(view.taskless, view);
  const differing = viewsOf({ s: ALL });
  assert.equal(differing.taskless, differing.taskless);
});

for (const [who, offering] of [
  ['a legacy server that does not declare tasks of tools', { capabilities: { tools: {} } }],
  ['a modern server', { era: 'modern', capabilities: WITH_TASKS }],
] as const)
  test(`what tools of ${who} say of tasks hides none of them`, () => {
    const view = viewsOf({ s: { ...offering, tools: [tool('must', 'required')] } });
    assert.deepEqual(namesIn(view.taskless, 'modern'), ['s__must']);
  });

test('modern clients do not see what tools of legacy servers say of tasks, and all else', () => {
  const odd = { name: 'odd', title: 'Odd', execution: { taskSupport: 'optional' }, future: [1] };
  const view = viewsOf({ s: { ...ALL, tools: [odd] }, m: { tools: [odd], era: 'modern' } });
  assert.deepEqual(toolsIn(view, 'modern'), [
    { name: 's__odd', title: 'Odd', future: [1] },
    { ...odd, name: 'm__odd' },
  ]);
  assert.deepEqual(toolsIn(view, 'legacy')[0], { ...odd, name: 's__odd' });
});

test('custom tools made of one that can be called as a task alone are such tools too', () => {
  const child = { name: 'mine', params: {}, description: undefined };
  const extensions = { s: { must: { isReplaced: true, children: [child] } } };
  const snapshot = new Snapshot(suppliersOf({ s: ALL }), 'prefix', extensions as never);
  const view = viewOf(snapshot);
  assert.ok(namesIn(view, 'legacy').includes('s__mine'));
  assert.deepEqual(namesIn(view.taskless, 'modern'), ['s__may', 's__not', 's__plain']);
  assert.equal(view.taskless.listed('tools', 's__mine'), undefined);
});

test('of the protocol versions 2025-11-25 alone has tasks', () => {
  const entry = { base: 'allow', allow: [], block: [] };
  const plan = {
    naming: 'prefix',
    auth: { isOn: false },
    access: { default: entry, consumers: {}, clientNames: {}, rules: [] },
    extensions: {},
    list: LISTS,
    servers: [{ name: 's' }],
  } as unknown as Plan;
  const catalog = new Catalog(portsOf(), plan);
  catalog.put('s', inventoryOf(ALL));
  const has = (version: string): boolean =>
    catalog.viewFor(version, CALLER).listed('tools', 's__must') !== undefined;
  assert.equal(has('2025-11-25'), true);
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2026-07-28'])
    assert.equal(has(version), false, version);
  catalog.close();
});
