import assert from 'node:assert/strict';
import test from 'node:test';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { CatalogView } from '../../../src/catalog/view.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { portsOf, suppliersOf, viewOf, type Offering } from '../../support/unit-catalog.ts';

const UI = 'io.modelcontextprotocol/ui';
const TASKS = 'io.modelcontextprotocol/tasks';
const X = 'example.com/x';
const LISTED = { tools: { listChanged: true }, prompts: { listChanged: true } };

function view(servers: Readonly<Record<string, Offering>>): CatalogView {
  return viewOf(new Snapshot(suppliersOf(servers), 'prefix'));
}

function declaring(capabilities: JsonObject): Offering {
  return { capabilities: { tools: {}, ...capabilities } };
}

test('a legacy client is told at once of all that a server may come to need (R14)', () => {
  const base = {
    ...LISTED,
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {},
  };
  assert.deepEqual(view({}).capabilities('legacy'), base);
  const capabilities = { tasks: { list: {} }, extensions: { [X]: { a: 1 } } };
  assert.deepEqual(view({ a: declaring(capabilities), b: {} }).capabilities('legacy'), {
    ...base,
    ...capabilities,
  });
});

test('a modern client is told of what some server has, and of nothing that none has', () => {
  const lists = { ...LISTED, resources: { listChanged: true } };
  assert.deepEqual(view({ a: {} }).capabilities('modern'), lists);
  const a = declaring({ completions: {}, resources: { subscribe: true }, tasks: { list: {} } });
  const b = declaring({ logging: {} });
  assert.deepEqual(view({ a, b }).capabilities('modern'), {
    ...lists,
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {},
  });
});

test('what several servers say of tasks and of extensions told apart one by one is united', () => {
  const a = declaring({
    tasks: { list: {}, requests: { tools: { call: {} } } },
    extensions: { [UI]: { mimeTypes: ['a', 'b'] }, [TASKS]: {} },
  });
  const b = declaring({ tasks: { cancel: {} }, extensions: { [UI]: { mimeTypes: ['b', 'c'] } } });
  const legacy = view({ a, b }).capabilities('legacy');
  assert.deepEqual(legacy['tasks'], { list: {}, cancel: {}, requests: { tools: { call: {} } } });
  assert.deepEqual(legacy['extensions'], { [UI]: { mimeTypes: ['a', 'b', 'c'] } });
  const modern = view({ a, b }).capabilities('modern');
  assert.deepEqual(modern['extensions'], { [UI]: { mimeTypes: ['a', 'b', 'c'] }, [TASKS]: {} });
});

for (const era of ['legacy', 'modern'] as const) {
  test(`what nobody knows is told to a ${era} client where one server alone declares it`, () => {
    const unknown = {
      extensions: { [X]: { a: 1 } },
      experimental: { lab: { b: 2 } },
      telemetry: { c: 3 },
    };
    const one = view({ a: declaring(unknown), b: {} }).capabilities(era);
    const { extensions, experimental, telemetry } = one;
    assert.deepEqual({ extensions, experimental, telemetry }, unknown);
    const two = view({ a: declaring(unknown), b: declaring(unknown) }).capabilities(era);
    for (const key of Object.keys(unknown)) assert.equal(two[key], undefined, key);
  });
}

test('what is declared by anything but an object is not declared (spec, ServerCapabilities)', () => {
  const a = declaring({ extensions: { [X]: true, [UI]: [] }, experimental: { lab: null } });
  const { extensions, experimental } = view({ a }).capabilities('legacy');
  assert.deepEqual([extensions, experimental], [undefined, undefined]);
});

test('what a caller may not use is not declared to it', () => {
  const ports = portsOf({ sight: (_, { kind }) => (kind === 'extension' ? 'hidden' : 'seen') });
  const a = { ...declaring({ extensions: { [X]: {}, [UI]: {} }, lab: {} }), tools: ['t'] };
  const seen = viewOf(new Snapshot(suppliersOf({ a }), 'prefix'), { ports });
  assert.deepEqual(seen.capabilities('modern')['extensions'], { [UI]: {} });
  assert.equal(seen.capabilities('modern')['lab'], undefined);
  assert.equal(seen.extension('x/do'), undefined);
  assert.equal(seen.concealed.extension('x/do')?.upstream, 'a', 'the record says what it was');
});

test('a method leads to the only server that declares what it belongs to', () => {
  const a = declaring({ extensions: { [X]: {}, 'example.org/deep/one': {} } });
  const b = declaring({ experimental: { lab: {} }, telemetry: {}, extensions: { [TASKS]: {} } });
  const seen = view({ a, b });
  const owner = (method: string): string | undefined => seen.extension(method)?.upstream;
  assert.deepEqual(
    ['example.com/x/do', 'x/do', 'one/do', 'x/do/more', 'lab/do', 'telemetry/do'].map(owner),
    ['a', 'a', 'a', 'a', 'b', 'b'],
  );
  const strange = ['xx/do', 'x', 'example.com/do', 'deep/do', 'do', 'lab', `${TASKS}/do`, '/do'];
  for (const method of strange) assert.equal(owner(method), undefined, method);
  const target = seen.extension('x/do');
  assert.deepEqual(target, { kind: 'extension', upstream: 'a', name: 'x/do', publicName: 'x/do' });
});

test('a method that two servers could have leads to neither', () => {
  const servers = {
    a: declaring({ extensions: { 'example.com/x': {} } }),
    b: declaring({ extensions: { 'example.org/x': {} } }),
  };
  assert.equal(view(servers).extension('x/do'), undefined);
  assert.equal(view(servers).extension('example.org/x/do')?.upstream, 'b');
});
