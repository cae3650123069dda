import assert from 'node:assert/strict';
import test from 'node:test';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { ExtensionsPlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { suppliersOf, type Offering } from '../../support/unit-catalog.ts';
import { beside, childTool, fixed, HIDDEN, instead, param } from '../../support/unit-custom.ts';

const POST: JsonObject = {
  name: 'post',
  title: 'Post',
  description: 'Posts a message.',
  inputSchema: {
    type: 'object',
    properties: { channel: { type: 'string' }, text: { type: 'string' } },
    required: ['channel', 'text'],
  },
  outputSchema: { type: 'object', properties: { id: {} } },
  annotations: { title: 'Post anywhere', destructiveHint: true, openWorldHint: false },
  icons: [{ src: 'https://example.com/i.png' }],
  execution: { taskSupport: 'optional' },
  _meta: { other: 1 },
};

const GENERAL = childTool('post_to_general', { params: { channel: fixed('general') } });

function snapshotOf(
  servers: Record<string, Offering>,
  extensions: ExtensionsPlan,
  naming: 'prefix' | 'flat' = 'prefix',
): Snapshot {
  return new Snapshot(suppliersOf(servers), naming, extensions);
}

function namesOf(snapshot: Snapshot): string[] {
  return snapshot.offers.tools.map(({ item }) => String(item['name']));
}

/** The one custom tool made of a tool, as clients see it. */
function shownOf(parent: JsonObject, settings: Parameters<typeof childTool>[1]): JsonObject {
  const extensions = { s: { [String(parent['name'])]: instead(childTool('child', settings)) } };
  const snapshot = snapshotOf({ s: { tools: [parent] } }, extensions);
  assert.deepEqual([...snapshot.collisions], []);
  return snapshot.find('tools', 's__child')?.item ?? assert.fail('it is not offered');
}

test('custom tools come right after their parent, under names of their own', () => {
  const tools = ['a', POST, 'b'];
  const extensions = {
    slack: { post: beside(GENERAL, childTool('shout')), b: instead(childTool('c')) },
  };
  const snapshot = snapshotOf({ Slack: { tools } }, extensions);
  const names = ['a', 'post', 'post_to_general', 'shout', 'c'];
  assert.deepEqual(
    namesOf(snapshot),
    names.map((name) => `Slack__${name}`),
  );
  assert.deepEqual(namesOf(snapshotOf({ Slack: { tools } }, extensions, 'flat')), names);
  assert.deepEqual([...snapshot.collisions], []);
});

test('a call to a custom tool addresses its parent, and knows both definitions and how it was made', () => {
  const snapshot = snapshotOf({ slack: { tools: [POST] } }, { slack: { post: beside(GENERAL) } });
  const offer = snapshot.find('tools', 'slack__post_to_general');
  const { shape, shown, ...target } = offer?.target ?? assert.fail('it is not offered');
  assert.deepEqual(target, {
    kind: 'tool',
    upstream: 'slack',
    name: 'post',
    publicName: 'slack__post_to_general',
    item: POST,
  });
  assert.equal(shape?.name, 'post_to_general');
  assert.deepEqual(shape?.params['channel']?.fixed, { value: 'general' });
  assert.equal(shown, offer?.item);
});

test('a custom tool keeps all of its parent that its plan does not speak of', () => {
  assert.deepEqual(shownOf(POST, { params: { channel: fixed('general') } }), {
    ...POST,
    name: 's__child',
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string' } },
      required: ['text'],
    },
  });
});

test('a description is rewritten, or appended after an empty line', () => {
  const described = (parent: JsonObject, action: 'rewrite' | 'append'): unknown =>
    shownOf(parent, { description: { action, text: 'To #general.' } })['description'];
  assert.equal(described(POST, 'rewrite'), 'To #general.');
  assert.equal(described(POST, 'append'), 'Posts a message.\n\nTo #general.');
  assert.equal(described({ name: 'bare' }, 'append'), 'To #general.');
});

test('annotations are laid over those of the parent', () => {
  const { annotations } = shownOf(POST, { annotations: { destructiveHint: false, x: 1 } });
  assert.deepEqual(annotations, {
    title: 'Post anywhere',
    destructiveHint: false,
    openWorldHint: false,
    x: 1,
  });
  assert.deepEqual(
    shownOf({ name: 'bare' }, { annotations: { readOnlyHint: true } })['annotations'],
    {
      readOnlyHint: true,
    },
  );
  assert.ok(!Object.hasOwn(shownOf({ name: 'bare' }, {}), 'annotations'));
});

test('a title of its own stands wherever its parent has one, so that none of them misleads', () => {
  const titles = (settings: Parameters<typeof childTool>[1]): unknown[] => {
    const { title, annotations } = shownOf(POST, settings);
    return [title, (annotations as JsonObject)['title']];
  };
  assert.deepEqual(titles({}), ['Post', 'Post anywhere']);
  assert.deepEqual(titles({ title: 'T' }), ['T', 'T']);
  assert.deepEqual(titles({ annotations: { title: 'A' } }), ['A', 'A']);
  assert.deepEqual(titles({ title: 'T', annotations: { title: 'A' } }), ['T', 'A']);
});

test('a tool that is replaced is neither listed nor found, and leaves its name to a tool made from it', () => {
  const extensions = { s: { post: instead(childTool('post', { title: 'Tailored' })) } };
  const snapshot = snapshotOf({ s: { tools: [POST] } }, extensions);
  assert.deepEqual(namesOf(snapshot), ['s__post']);
  assert.equal(snapshot.find('tools', 's__post')?.target.shape?.name, 'post');
  const gone = snapshotOf({ s: { tools: [POST] } }, { s: { post: instead(GENERAL) } });
  assert.equal(gone.find('tools', 's__post'), undefined);
});

test('a tool that is replaced stays away even if nothing could be made of it', () => {
  const broken = childTool('broken', { params: { nothing: fixed(1) } });
  const snapshot = snapshotOf({ s: { tools: [POST] } }, { s: { post: instead(broken) } });
  assert.deepEqual(namesOf(snapshot), []);
  assert.deepEqual(snapshot.collisions.get('s'), [
    'custom tool "broken" is left out: its parent declares no parameter "nothing"',
  ]);
});

test('a custom tool never takes the name of a tool of its server, wherever that is listed', () => {
  const extensions = { s: { post: beside(childTool('later'), childTool('post'), GENERAL) } };
  const snapshot = snapshotOf({ s: { tools: [POST, 'later'] } }, extensions);
  assert.deepEqual(namesOf(snapshot), ['s__post', 's__post_to_general', 's__later']);
  assert.equal(snapshot.find('tools', 's__later')?.target.shape, undefined);
  assert.deepEqual(snapshot.collisions.get('s'), [
    'custom tool "later" is left out: its server has a tool of that name',
    'custom tool "post" is left out: its server has a tool of that name',
  ]);
});

test('of names that several would have, the first in the configuration has it (R17)', () => {
  const extensions = {
    one: { post: beside(GENERAL, GENERAL) },
    two: { post: beside(childTool('x')) },
  };
  const servers = { one: { tools: [POST, 'x'] }, two: { tools: [POST, 'post_to_general'] } };
  const snapshot = snapshotOf(servers, extensions, 'flat');
  assert.deepEqual(namesOf(snapshot), ['post', 'post_to_general', 'x']);
  assert.equal(snapshot.find('tools', 'post_to_general')?.target.upstream, 'one');
  assert.deepEqual(snapshot.collisions.get('one'), [
    'custom tool "post_to_general" is left out: server "one" already offers "post_to_general"',
  ]);
  assert.deepEqual(snapshot.collisions.get('two'), [
    'tool "post" is left out: server "one" already offers "post"',
    'custom tool "x" is left out: server "one" already offers "x"',
    'tool "post_to_general" is left out: server "one" already offers "post_to_general"',
  ]);
});

test('tools made from one that its server does not list are left out and told', () => {
  const extensions = { s: { posts: beside(GENERAL), toString: beside(childTool('t')) } };
  const snapshot = snapshotOf({ s: { tools: [POST, POST] } }, extensions);
  assert.deepEqual(namesOf(snapshot), ['s__post']);
  assert.deepEqual(snapshot.collisions.get('s')?.slice(1), [
    'custom tool "post_to_general" is left out: its server lists no tool "posts"',
    'custom tool "t" is left out: its server lists no tool "toString"',
  ]);
});

test('a tool that is listed twice is customised once', () => {
  const snapshot = snapshotOf({ s: { tools: [POST, POST] } }, { s: { post: beside(GENERAL) } });
  assert.deepEqual(namesOf(snapshot), ['s__post', 's__post_to_general']);
  assert.equal(snapshot.collisions.get('s')?.length, 1);
});

test('servers are known in any case, and nothing is made for one that the configuration does not name', () => {
  const plan = { post: beside(GENERAL) };
  const snapshot = snapshotOf(
    { SLACK: { tools: [POST] }, constructor: { tools: [POST] } },
    { slack: plan },
  );
  assert.deepEqual(namesOf(snapshot), [
    'SLACK__post',
    'SLACK__post_to_general',
    'constructor__post',
  ]);
});

test('what a parameter shows in a header is kept for those that are shown and gone for the others (R21)', () => {
  const parent = {
    name: 'query',
    inputSchema: {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        tenant: { type: 'string', 'x-mcp-header': 'Tenant' },
        kind: { type: 'string', 'x-mcp-header': 'Kind' },
      },
    },
  };
  const params = {
    region: param({ rename: 'where', description: 'W' }),
    tenant: fixed('t'),
    kind: HIDDEN,
  };
  assert.deepEqual(shownOf(parent, { params })['inputSchema'], {
    type: 'object',
    properties: { where: { type: 'string', 'x-mcp-header': 'Region', description: 'W' } },
  });
});

test('of a tool whose header annotation is not valid no other is made', () => {
  const inputSchema = { properties: { a: { type: 'string', 'x-mcp-header': 'a b' } } };
  const snapshot = snapshotOf(
    { s: { tools: [{ name: 'bad', inputSchema }] } },
    { s: { bad: beside(childTool('c')) } },
  );
  assert.deepEqual(namesOf(snapshot), []);
  assert.deepEqual(snapshot.collisions.get('s'), [
    'tool "bad" is left out: its x-mcp-header is not valid',
    'custom tool "c" is left out: its parent "bad" is',
  ]);
});

test('a custom tool names its view as it is offered, like its parent (MCP Apps)', () => {
  const tool = { name: 'x', _meta: { ui: { resourceUri: 'ui://view' } } };
  const servers = {
    one: { resources: ['ui://view'] },
    two: { resources: ['ui://view'], tools: [tool] },
  };
  const snapshot = snapshotOf(servers, { two: { x: beside(childTool('y')) } });
  for (const { item } of snapshot.offers.tools)
    assert.deepEqual(item['_meta'], { ui: { resourceUri: 'mcpx://two/ui%3A%2F%2Fview' } });
});

test('the schema of a custom tool is the same object as long as its parent and its plan are', () => {
  const suppliers = suppliersOf({ s: { tools: [POST] } });
  const plan: ExtensionsPlan = { s: { post: beside(GENERAL) } };
  const schemas = [plan, { s: { post: beside(GENERAL, childTool('other')) } }, plan].map(
    (extensions) =>
      new Snapshot(suppliers, 'prefix', extensions).find('tools', 's__post_to_general')?.item[
        'inputSchema'
      ],
  );
  assert.equal(new Set(schemas).size, 1);
});
