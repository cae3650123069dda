import assert from 'node:assert/strict';
import test from 'node:test';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { CatalogView } from '../../../src/catalog/view.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { suppliersOf, viewOf, type Offering } from '../../support/unit-catalog.ts';

/** Views of MCP Apps: resources that tools name. */

function view(servers: Readonly<Record<string, Offering>>): CatalogView {
  return viewOf(new Snapshot(suppliersOf(servers), 'prefix'));
}

function showing(name: string, resourceUri: string): JsonObject {
  return {
    name,
    _meta: { ui: { resourceUri, visibility: ['app'] }, 'ui/resourceUri': resourceUri },
  };
}

function uiOf({ offers }: CatalogView): unknown[] {
  return offers.tools.map(({ item }) => item['_meta']);
}

const OTHER: Offering = { resources: ['file:///x'] };

test('a view that its server does not list is read under the URI its tool names', () => {
  const seen = view({ OTHER, more: OTHER, map: { tools: [showing('show', 'ui://map/app.html')] } });
  const { kind, upstream, name } = seen.resource('ui://map/app.html') ?? {};
  assert.deepEqual([kind, upstream, name], ['resource', 'map', 'ui://map/app.html']);
  assert.equal(seen.publicUri('map', 'ui://map/app.html'), 'ui://map/app.html');
  assert.equal(seen.resource('ui://map/other.html'), undefined);
});

test('a view of the same URI at two servers is named in full by the tools of the later one', () => {
  const one = { tools: [showing('show', 'ui://app')] };
  const two = { tools: [showing('show', 'ui://app')] };
  const seen = view({ one, two });
  const full = 'mcpx://two/ui%3A%2F%2Fapp';
  assert.deepEqual(uiOf(seen), [showing('', 'ui://app')['_meta'], showing('', full)['_meta']]);
  assert.equal(seen.resource('ui://app')?.upstream, 'one');
  const { upstream, name } = seen.resource(full) ?? {};
  assert.deepEqual([upstream, name], ['two', 'ui://app']);
});

test("a tool never shows another server's view, also when that one lists it and its own server does not", () => {
  const one = { resources: ['ui://app'] };
  const two = { tools: [showing('show', 'ui://app')] };
  const seen = view({ two, one });
  const full = 'mcpx://two/ui%3A%2F%2Fapp';
  assert.deepEqual(uiOf(seen), [showing('', full)['_meta']]);
  assert.equal(seen.resource('ui://app')?.upstream, 'one', 'what is listed comes first');
});

test('a tool that names anything but a view makes no resource of it', () => {
  const seen = view({ OTHER, evil: { tools: [showing('t', 'file:///etc/passwd')] }, more: OTHER });
  assert.equal(seen.resource('file:///etc/passwd'), undefined);
});
