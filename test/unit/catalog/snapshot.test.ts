import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import { suppliersOf, type Offering } from '../../support/unit-catalog.ts';

function snapshotOf(
  servers: Record<string, Offering>,
  naming: 'prefix' | 'flat' = 'prefix',
): Snapshot {
  return new Snapshot(suppliersOf(servers), naming);
}

function namesOf(
  snapshot: Snapshot,
  kind: 'tools' | 'prompts' | 'resources' | 'resourceTemplates',
): string[] {
  return snapshot.offers[kind].map(({ target }) => target.publicName);
}

test('tools and prompts are offered under their server, in the order of the configuration', () => {
  const snapshot = snapshotOf({ b: { tools: ['y', 'x'], prompts: ['p'] }, a: { tools: ['x'] } });
  assert.deepEqual(namesOf(snapshot, 'tools'), ['b__y', 'b__x', 'a__x']);
  assert.deepEqual(namesOf(snapshot, 'prompts'), ['b__p']);
  assert.equal(snapshot.find('tools', 'a__x')?.target.upstream, 'a');
  assert.equal(snapshot.find('tools', 'x'), undefined);
});

test('an item is as it came but for its name, unknown fields and all', () => {
  const tool = { name: 'x', title: 'T', future: { a: [1] }, _meta: { b: 2 } };
  const [offer] = snapshotOf({ a: { tools: [tool] } }).offers.tools;
  assert.deepEqual(offer?.item, { ...tool, name: 'a__x' });
  assert.equal(offer?.target.item, tool);
  assert.equal(snapshotOf({ a: { tools: [tool] } }, 'flat').offers.tools[0]?.item, tool);
});

test('with naming flat the first in the configuration has a name, the other is left out and says why (R17)', () => {
  const servers = { one: { tools: ['x', 'y'] }, two: { tools: ['x', 'z'], prompts: ['x'] } };
  const snapshot = snapshotOf(servers, 'flat');
  assert.deepEqual(namesOf(snapshot, 'tools'), ['x', 'y', 'z']);
  assert.equal(snapshot.find('tools', 'x')?.target.upstream, 'one');
  assert.deepEqual([...snapshot.collisions.keys()], ['two']);
  const [message] = snapshot.collisions.get('two') ?? [];
  assert.match(message ?? '', /tool "x".*"one"/u);
  assert.deepEqual(namesOf(snapshot, 'prompts'), ['x'], 'a prompt and a tool may share a name');
});

test('with prefixes two names of different servers can still be the same, and the first has it (R17)', () => {
  const snapshot = snapshotOf({ a: { tools: ['b__x'] }, a__b: { tools: ['x'] } });
  assert.deepEqual(namesOf(snapshot, 'tools'), ['a__b__x']);
  assert.equal(snapshot.find('tools', 'a__b__x')?.target.upstream, 'a');
  assert.deepEqual([...snapshot.collisions.keys()], ['a__b']);
});

test('a server that offers the same name twice is heard once and told so', () => {
  const snapshot = snapshotOf({ a: { tools: ['x', 'x'] } });
  assert.deepEqual(namesOf(snapshot, 'tools'), ['a__x']);
  assert.deepEqual([...snapshot.collisions.keys()], ['a']);
});

test('of very many collisions a few are named and the rest are counted', () => {
  const tools = Array.from({ length: 100 }, (_, index) => `t${index}`);
  const told = snapshotOf({ one: { tools }, two: { tools } }, 'flat').collisions.get('two') ?? [];
  assert.ok(told.length < 10);
  assert.match(told.at(-1) ?? '', /and 95 more/u);
});

test('items without a name that is a text are left out', () => {
  const tools = [{ name: 7 }, {}, { name: 'x' }] as never;
  assert.deepEqual(namesOf(snapshotOf({ a: { tools } }), 'tools'), ['a__x']);
});

test('a tool whose header annotation is not valid is left out and told', () => {
  const bad = {
    name: 'bad',
    inputSchema: { properties: { a: { type: 'string', 'x-mcp-header': 'a b' } } },
  };
  const snapshot = snapshotOf({ a: { tools: [bad, 'x'] } });
  assert.deepEqual(namesOf(snapshot, 'tools'), ['a__x']);
  assert.match(snapshot.collisions.get('a')?.[0] ?? '', /"bad".*x-mcp-header/u);
});

test('a resource that an earlier server lists too is offered as mcpx://<server>/<URI> (R17)', () => {
  const snapshot = snapshotOf({
    one: { resources: ['file:///a'] },
    two: { resources: ['file:///a', 'file:///b'] },
  });
  assert.deepEqual(namesOf(snapshot, 'resources'), [
    'file:///a',
    'mcpx://two/file%3A%2F%2F%2Fa',
    'file:///b',
  ]);
  assert.equal(snapshot.resolveUri('file:///a')?.upstream, 'one');
  const other = snapshot.resolveUri('mcpx://two/file%3A%2F%2F%2Fa');
  assert.deepEqual([other?.upstream, other?.name], ['two', 'file:///a']);
  assert.equal(snapshot.collisions.size, 0);
});

test('any resource can be addressed under its server, listed or not', () => {
  const snapshot = snapshotOf({ 'my server': { resources: ['x:1'] } });
  const target = snapshot.resolveUri('mcpx://my_server/x%3A2');
  assert.deepEqual(
    [target?.upstream, target?.name, target?.publicName],
    ['my server', 'x:2', 'mcpx://my_server/x%3A2'],
  );
  for (const uri of ['mcpx://none/x%3A2', 'mcpx://my_server/%', 'mcpx://my_server', 'x:2'])
    assert.equal(snapshot.resolveUri(uri), undefined, uri);
});

test('a URI of a template goes to the server of the template, filled in its own form', () => {
  const snapshot = snapshotOf({
    one: { templates: ['x://{id}/data'] },
    two: { templates: ['x://{id}/data', 'y://{id}'] },
  });
  assert.deepEqual(namesOf(snapshot, 'resourceTemplates'), [
    'x://{id}/data',
    'mcpx://two/x%3A%2F%2F{id}%2Fdata',
    'y://{id}',
  ]);
  assert.deepEqual(
    ['x://7/data', 'mcpx://two/x%3A%2F%2F7%2Fdata', 'y://8'].map((uri) => {
      const target = snapshot.resolveUri(uri);
      return [target?.upstream, target?.name];
    }),
    [
      ['one', 'x://7/data'],
      ['two', 'x://7/data'],
      ['two', 'y://8'],
    ],
  );
});

test('whatever is filled into a qualified template comes to its server as the same URI filled in (R17)', () => {
  const servers = {
    one: { templates: ['x://{id}/{name}'] },
    two: { templates: ['x://{id}/{name}'] },
  };
  const snapshot = snapshotOf(servers);
  const word = fc.string({
    unit: fc.constantFrom(...'abc019-_.~'.split('')),
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(word, word, (id, name) => {
      const [, qualified = ''] = namesOf(snapshot, 'resourceTemplates');
      const uri = qualified.replace('{id}', id).replace('{name}', name);
      const target = snapshot.resolveUri(uri);
      assert.deepEqual([target?.upstream, target?.name], ['two', `x://${id}/${name}`]);
    }),
  );
});

test("a server's URI is shown as it is where it leads back to that server, else under the server's name", () => {
  const snapshot = snapshotOf({
    one: { resources: ['x:1'], templates: ['t:{id}'] },
    two: { resources: ['x:1', 'x:2'] },
    mute: { tools: ['x'] },
  });
  assert.equal(snapshot.publicUri('one', 'x:1'), 'x:1');
  assert.equal(snapshot.publicUri('two', 'x:1'), 'mcpx://two/x%3A1');
  assert.equal(snapshot.publicUri('two', 'x:2'), 'x:2');
  assert.equal(snapshot.publicUri('one', 't:9'), 't:9');
  assert.equal(snapshot.publicUri('two', 't:9'), 'mcpx://two/t%3A9');
  assert.equal(snapshot.publicUri('two', 'unlisted:1'), 'mcpx://two/unlisted%3A1');
  for (const uri of ['https://example.com/x', 'http://example.com', 'ui://view'])
    assert.equal(snapshot.publicUri('two', uri), uri);
});

test('where one server alone has resources its URIs are shown as they are (R17)', () => {
  const snapshot = snapshotOf({ one: { resources: ['x:1'] }, mute: { tools: ['x'] } });
  assert.equal(snapshot.publicUri('one', 'unlisted:1'), 'unlisted:1');
});

test('whatever servers offer, every public name leads to one target, and back to what it stands for', () => {
  const name = fc.constantFrom('a', 'b', 'a__b', 'x', '__proto__', 'toString');
  const uri = fc.constantFrom('x:1', 'x:2', 'mcpx://one/x%3A1', 'mcpx://two/x%3A1', 'toString');
  const offering = fc.record({
    tools: fc.array(name),
    prompts: fc.array(name),
    resources: fc.array(uri),
  });
  fc.assert(
    fc.property(
      fc.record({ one: offering, two: offering, a: offering }),
      fc.constantFrom('flat' as const, 'prefix' as const),
      (servers, naming) => {
        const snapshot = snapshotOf(servers, naming);
        for (const kind of ['tools', 'prompts', 'resources'] as const) {
          const names = namesOf(snapshot, kind);
          assert.equal(new Set(names).size, names.length);
          for (const { target } of snapshot.offers[kind])
            assert.equal(snapshot.find(kind, target.publicName)?.target, target);
        }
        for (const { target } of snapshot.offers.resources) {
          assert.equal(snapshot.resolveUri(target.publicName), target);
          const shown = snapshot.publicUri(target.upstream, target.name);
          assert.equal(
            snapshot.resolveUri(shown)?.upstream,
            target.upstream,
            `${shown} of ${target.upstream}`,
          );
        }
      },
    ),
  );
});

test('a tool that names its view by a URI another server has names it as it is offered (MCP Apps)', () => {
  const tool = { name: 'x', _meta: { ui: { resourceUri: 'ui://view', csp: {} }, other: 1 } };
  const snapshot = snapshotOf({
    one: { resources: ['ui://view'], tools: [tool] },
    two: { resources: ['ui://view'], tools: [tool] },
  });
  const [first, second] = snapshot.offers.tools;
  assert.deepEqual(first?.item['_meta'], tool._meta);
  assert.deepEqual(second?.item['_meta'], {
    ui: { resourceUri: 'mcpx://two/ui%3A%2F%2Fview', csp: {} },
    other: 1,
  });
});

test('a resource is known by the template of its server that covers it, under whatever name it is asked for', () => {
  const servers = {
    one: { templates: ['x://{id}'], resources: ['x://listed', 'y:1'] },
    two: { templates: ['x://{id}', 'z://{a}/{b}'] },
  };
  const snapshot = snapshotOf(servers);
  const viaOf = (uri: string): string | undefined => snapshot.resolveUri(uri)?.via?.join(' ');
  for (const uri of [
    'x://7',
    'x://listed',
    'mcpx://one/x%3A%2F%2F7',
    'mcpx://one/x%3A%2F%2Flisted',
  ])
    assert.equal(viaOf(uri), 'x://{id}', uri);
  assert.equal(viaOf('mcpx://two/x%3A%2F%2F7'), 'x://{id}');
  assert.equal(snapshot.resolveUri('mcpx://two/x%3A%2F%2F7')?.upstream, 'two');
  for (const uri of ['z://1/2', 'mcpx://two/z%3A%2F%2F1%2F2'])
    assert.equal(viaOf(uri), 'z://{a}/{b}');
  for (const uri of ['y:1', 'mcpx://one/y%3A1', 'mcpx://one/z%3A%2F%2F1%2F2'])
    assert.deepEqual([snapshot.resolveUri(uri)?.upstream, viaOf(uri)], ['one', undefined], uri);
});
