import assert from 'node:assert/strict';
import test from 'node:test';
import { Catalog } from '../../../src/catalog/catalog.ts';
import type { CatalogPorts, ChangeKind } from '../../../src/catalog/ports.ts';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { CatalogView } from '../../../src/catalog/view.ts';
import type { ListKind } from '../../../src/kernel/methods.ts';
import type { Plan } from '../../../src/kernel/plan.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';
import {
  CALLER,
  inventoryOf,
  LISTS,
  portsOf,
  suppliersOf,
  viewOf as plainViewOf,
  type Offering,
} from '../../support/unit-catalog.ts';

interface Page {
  readonly names: string[];
  readonly cursor: string | undefined;
}

function viewOf(
  servers: Record<string, Offering>,
  changes: { pageSize?: number; ports?: CatalogPorts; naming?: 'flat' | 'prefix' } = {},
): CatalogView {
  const { ports = portsOf(), pageSize = 1000, naming = 'prefix' } = changes;
  const snapshot = new Snapshot(suppliersOf(servers), naming);
  return plainViewOf(snapshot, { ports, plan: { ...LISTS, pageSize } });
}

function pageOf(view: CatalogView, kind: ListKind, cursor?: string): Page | undefined {
  const text = view.list(kind, 'legacy', cursor)?.text;
  if (text === undefined) return undefined;
  const page = JSON.parse(text) as Record<string, unknown>;
  const items = page[kind] as { name: string }[];
  return { names: items.map(({ name }) => name), cursor: page['nextCursor'] as string | undefined };
}

function plan(servers: readonly string[], naming: 'flat' | 'prefix' = 'prefix'): Plan {
  const entry = { base: 'allow', allow: [], block: [] };
  const access = { default: entry, consumers: {}, clientNames: {}, rules: [] };
  const rest = { auth: { isOn: false }, access, extensions: {}, list: LISTS };
  return { naming, ...rest, servers: servers.map((name) => ({ name })) } as unknown as Plan;
}

/** What a name stands for to a client that has not used it before. */
function toolOf(view: CatalogView, name: string): Target | undefined {
  return view.listed('tools', name) ?? view.bare('tools', name, undefined);
}

function promptOf(view: CatalogView, name: string): Target | undefined {
  return view.listed('prompts', name) ?? view.bare('prompts', name, undefined);
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

test('pages follow one another by cursors until the last, and nothing is missed or comes twice', () => {
  const view = viewOf({ s: { tools: NAMES } }, { pageSize: 3 });
  const names: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = pageOf(view, 'tools', cursor);
    names.push(...(page?.names ?? []));
    cursor = page?.cursor;
    pages += 1;
  } while (cursor !== undefined);
  assert.deepEqual(
    names,
    NAMES.map((name) => `s__${name}`),
  );
  assert.equal(pages, 3);
});

test('a list that fits on a page has no cursor, also when it fits exactly or is empty', () => {
  assert.equal(
    pageOf(viewOf({ s: { tools: NAMES } }, { pageSize: 7 }), 'tools')?.cursor,
    undefined,
  );
  assert.deepEqual(pageOf(viewOf({ s: {} }), 'tools'), { names: [], cursor: undefined });
});

test('a cursor of another list, made up, or of something that is gone is none of this list', () => {
  const ports = portsOf();
  const servers = { s: { tools: NAMES, prompts: NAMES } };
  const view = viewOf(servers, { pageSize: 2, ports });
  const { cursor } = pageOf(view, 'tools') ?? {};
  assert.ok(cursor !== undefined);
  assert.equal(pageOf(view, 'prompts', cursor), undefined);
  for (const other of [
    '',
    'x',
    `${cursor}A`,
    ports.sealCursor('tools'),
    ports.sealCursor('tools none'),
    ports.sealCursor(''),
  ])
    assert.equal(pageOf(view, 'tools', other), undefined, other);
  const smaller = viewOf({ s: { tools: ['a', 'c'] } }, { pageSize: 2, ports });
  assert.equal(pageOf(smaller, 'tools', cursor), undefined);
  assert.equal(pageOf(viewOf(servers, { pageSize: 2 }), 'tools', cursor), undefined, 'another key');
});

test('a cursor goes on after its item when others have come or gone before it', () => {
  const ports = portsOf();
  const { cursor = '' } =
    pageOf(viewOf({ s: { tools: NAMES } }, { pageSize: 3, ports }), 'tools') ?? {};
  const changed = viewOf({ s: { tools: ['new', 'b', 'c', 'd'] } }, { pageSize: 3, ports });
  assert.deepEqual(pageOf(changed, 'tools', cursor)?.names, ['s__d']);
});

test('a list is written once per view: asked again it is the very same text', () => {
  const view = viewOf({ s: { tools: NAMES } }, { pageSize: 3 });
  const first = view.list('tools', 'modern', undefined)?.text ?? '';
  const again = view.list('tools', 'modern', undefined)?.text ?? '';
  // Cursors are sealed with a fresh nonce: only a text that was kept can be equal.
  assert.ok(first.includes('nextCursor'));
  assert.equal(again, first);
});

test('views are kept per snapshot: the same one for every request until something changes', () => {
  const catalog = new Catalog(portsOf(), plan(['s']));
  catalog.put('s', inventoryOf({ tools: ['a'] }));
  const view = catalog.view(CALLER);
  assert.equal(catalog.view(CALLER), view);
  catalog.put('s', inventoryOf({ tools: ['a', 'b'] }));
  assert.notEqual(catalog.view(CALLER), view);
  assert.ok(toolOf(catalog.view(CALLER), 's__b') !== undefined);
  assert.equal(toolOf(view, 's__b'), undefined, 'a view once given does not change');
});

test('the same servers give the same lists in the same order, whenever they came', () => {
  const names = ['one', 'two', 'three'];
  const texts = [names, names.toReversed()].map((order) => {
    const catalog = new Catalog(portsOf(), plan(names));
    for (const name of order) catalog.put(name, inventoryOf({ tools: [name, 'x'] }));
    return catalog.view(CALLER).list('tools', 'legacy', undefined);
  });
  assert.equal(texts[0]?.text, texts[1]?.text);
});

test('modern lists say for how long: as briefly as any server says, private if any is', () => {
  const fieldsOf = (servers: Record<string, Offering>): unknown[] => {
    const fields = JSON.parse(
      viewOf(servers).list('tools', 'modern', undefined)?.text ?? '',
    ) as Record<string, unknown>;
    return [fields['resultType'], fields['ttlMs'], fields['cacheScope']];
  };
  assert.deepEqual(fieldsOf({ a: {}, b: {} }), ['complete', 60_000, 'public']);
  assert.deepEqual(fieldsOf({ a: { ttlMs: 5000 }, b: { ttlMs: 90_000 } }), [
    'complete',
    5000,
    'public',
  ]);
  assert.deepEqual(fieldsOf({ a: { isPrivate: true }, b: {} }), ['complete', 60_000, 'private']);
  assert.deepEqual(
    Object.keys(
      JSON.parse(viewOf({ a: {} }).list('tools', 'legacy', undefined)?.text ?? '') as object,
    ),
    ['tools'],
  );
});

test('what a principal may not see is in no list, has no name and no URI, bare or whole (R5, R6)', () => {
  const ports = portsOf({
    sight: (_principal, { upstream }) => (upstream === 'hidden' ? 'hidden' : 'seen'),
  });
  const servers = {
    hidden: { tools: ['x', 'only'], prompts: ['p'], resources: ['x:1'], templates: ['t:{id}'] },
    shown: { tools: ['x'], resources: ['y:1'] },
  };
  const view = viewOf(servers, { ports });
  assert.deepEqual(pageOf(view, 'tools')?.names, ['shown__x']);
  assert.deepEqual(pageOf(view, 'resources')?.names, ['y:1']);
  for (const found of [
    toolOf(view, 'hidden__x'),
    toolOf(view, 'only'),
    promptOf(view, 'hidden__p'),
    promptOf(view, 'p'),
    view.resource('x:1'),
    view.resource('t:7'),
    view.resource('mcpx://hidden/x%3A1'),
    view.template('t:{id}'),
  ])
    assert.equal(found, undefined);
  assert.equal(toolOf(view, 'x')?.upstream, 'shown', 'a hidden namesake makes no name doubtful');
});

test('a bare name is resolved when one visible server alone has it (R6)', () => {
  const view = viewOf({ a: { tools: ['one', 'both'] }, b: { tools: ['both', 'two'] } });
  assert.deepEqual([toolOf(view, 'one')?.upstream, toolOf(view, 'two')?.upstream], ['a', 'b']);
  assert.equal(toolOf(view, 'both'), undefined);
  assert.equal(toolOf(view, 'a__both')?.upstream, 'a');
  assert.equal(toolOf(view, ''), undefined);
});

test('a bare name that has meant one server means that one or nothing (R6)', () => {
  const both = viewOf({ a: { tools: ['x'] }, b: { tools: ['x', 'y'] } });
  assert.equal(both.bare('tools', 'x', 'a')?.publicName, 'a__x');
  assert.equal(both.bare('tools', 'x', 'b')?.publicName, 'b__x');
  assert.equal(
    both.bare('tools', 'y', 'a'),
    undefined,
    'the other server has it, but it never meant that one',
  );
  assert.equal(both.bare('tools', 'x', 'gone'), undefined);
  const ports = portsOf({
    sight: (_principal, { upstream }) => (upstream === 'a' ? 'hidden' : 'seen'),
  });
  const hidden = viewOf({ a: { tools: ['x'] }, b: { tools: ['x'] } }, { ports });
  assert.equal(hidden.bare('tools', 'x', 'a'), undefined);
});

test('a name that is whole for one server is never taken for a bare one of another (R6)', () => {
  const view = viewOf({ a: { tools: ['x'] }, b: { tools: ['a__x'] } });
  assert.deepEqual([toolOf(view, 'a__x')?.upstream, toolOf(view, 'a__x')?.name], ['a', 'x']);
  assert.equal(toolOf(view, 'b__a__x')?.name, 'a__x');
});

test('a URI that nobody lists goes to the one server with resources, and to none where there are two (R17)', () => {
  const one = viewOf({ a: { resources: ['x:1'] }, b: { tools: ['t'] } });
  assert.deepEqual([one.resource('any:9')?.upstream, one.resource('any:9')?.name], ['a', 'any:9']);
  const two = viewOf({ a: { resources: ['x:1'] }, b: { resources: ['y:1'] } });
  assert.equal(two.resource('any:9'), undefined);
  assert.equal(viewOf({ b: { tools: ['t'] } }).resource('any:9'), undefined);
});

test('clients are told of the kinds of lists that differ as they see them, and of no others', () => {
  const told: ChangeKind[][] = [];
  const catalog = new Catalog(
    portsOf({
      onChanged: (changesFor) => {
        const kinds = [...changesFor(CALLER)].toSorted();
        if (kinds.length > 0) told.push(kinds);
      },
    }),
    plan(['a', 'b']),
  );
  catalog.put('a', inventoryOf({ tools: ['x'], resources: ['r:1'] }));
  catalog.put('a', inventoryOf({ tools: ['x'], resources: ['r:1'] }));
  catalog.put('a', inventoryOf({ tools: ['x'], resources: ['r:1'], templates: ['t:{id}'] }));
  catalog.put('b', inventoryOf({ prompts: ['p'] }));
  catalog.put('a', undefined);
  catalog.apply(plan(['a'], 'flat'));
  assert.deepEqual(told, [
    ['resources', 'tools'],
    ['resources'],
    ['prompts'],
    ['resources', 'tools'],
    ['prompts'],
  ]);
});

test('a server is told of its collisions, and told when they are over (R17)', () => {
  const told: [string, number][] = [];
  const ports = portsOf({
    onCollisions: (upstream, messages) => told.push([upstream, messages.length]),
  });
  const catalog = new Catalog(ports, plan(['a', 'b'], 'flat'));
  catalog.put('b', inventoryOf({ tools: ['x'] }));
  assert.deepEqual(told, []);
  catalog.put('a', inventoryOf({ tools: ['x'] }));
  assert.deepEqual(told, [['b', 1]]);
  catalog.put('a', undefined);
  assert.deepEqual(told.at(-1), ['b', 0]);
});

test('views belong to one principal each', () => {
  const ports = portsOf({
    sight: ({ key }, { upstream }) => (key === upstream ? 'seen' : 'hidden'),
  });
  const catalog = new Catalog(ports, plan(['alice', 'bob']));
  for (const name of ['alice', 'bob']) catalog.put(name, inventoryOf({ tools: ['x'] }));
  for (const name of ['alice', 'bob', 'alice']) {
    const view = catalog.view(Principal.prove({ credential: name, proof: 'api-key' }));
    assert.deepEqual(pageOf(view, 'tools')?.names, [`${name}__x`]);
  }
});
