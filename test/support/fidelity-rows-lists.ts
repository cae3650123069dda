import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import type { Peer } from './fidelity-peer.ts';
import {
  answersOf,
  EVERY_CAPABILITY,
  everyPage,
  withOwnUris,
  type Row,
  type Scene,
} from './fidelity-scene.ts';

/** The part of a list that is one server's, under the names that server gave. */
function partOf(items: readonly JsonObject[], server: string): JsonObject[] {
  const prefix = `${server}__`;
  return items
    .filter(({ name }) => String(name).startsWith(prefix))
    .map((item) => objectOf(withOwnUris(item, server)))
    .map((item) => ({ ...item, name: String(item['name']).slice(prefix.length) }));
}

async function namedAlike(scene: Scene, kind: 'tools' | 'prompts'): Promise<void> {
  const shown = await everyPage(await scene.client(), `${kind}/list`, kind);
  for (const server of scene.servers) {
    const own = await everyPage(await scene.direct(server), `${kind}/list`, kind);
    assert.deepEqual(partOf(shown, server), own);
  }
  const order = shown.map(({ name }) =>
    scene.servers.findIndex((one) => String(name).startsWith(`${one}__`)),
  );
  assert.deepEqual(
    order,
    order.toSorted((one, two) => one - two),
    'servers come in the order of the configuration',
  );
}

/** Lists that name things by URI: the first server keeps its URIs, the same ones of a later server name it. */
async function locatedAlike(scene: Scene, method: string, key: string): Promise<void> {
  const shown = await everyPage(await scene.client(), method, key);
  const own = await Promise.all(
    scene.servers.map(async (server) => everyPage(await scene.direct(server), method, key)),
  );
  const last = scene.servers.at(-1) ?? '';
  const plain = own.slice(0, -1).flat();
  assert.deepEqual(shown.slice(0, plain.length), plain);
  const rest = shown.slice(plain.length);
  for (const item of rest)
    assert.ok(String(item['uri'] ?? item['uriTemplate']).startsWith(`mcpx://${last}/`));
  assert.deepEqual(withOwnUris(rest, last), own.at(-1));
}

/** A definition with every field the specifications name for tools, and some that none does. */
export const RICH: JsonObject = {
  title: 'A rich tool',
  description: 'Its definition must arrive whole',
  inputSchema: {
    type: 'object',
    properties: { when: { type: 'string', format: 'date-time', 'x-future': [1, null] } },
    required: ['when'],
    additionalProperties: false,
  },
  outputSchema: { type: 'object', properties: { called: { type: 'string' } } },
  annotations: { title: 'Rich', readOnlyHint: true, openWorldHint: false, futureHint: 'yes' },
  icons: [
    { src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'], theme: 'dark' },
    { src: 'data:image/svg+xml;base64,PHN2Zy8+' },
  ],
  execution: { taskSupport: 'forbidden', futureMode: 'x' },
  futureField: { nested: [{ deep: null }] },
  _meta: { 'example.com/note': { list: [1, 2, 3] } },
};

const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** A client of each transport hears of a change within a second and then finds what changed. */
async function hearWithinASecond(peers: readonly Peer[], change: () => Promise<unknown>) {
  const starts = peers.map((peer) => peer.heard.length);
  // A server that is only starting takes its time: what counts is when the change was made.
  await change();
  const changedAt = performance.now();
  for (const [index, peer] of peers.entries()) {
    const { atMs } = await peer.next(({ method }) => method === TOOLS_CHANGED, starts[index]);
    assert.ok(atMs - changedAt < 1_000, `heard after ${atMs - changedAt} ms`);
  }
}

async function toolsComeAndGo(scene: Scene): Promise<void> {
  const client = await scene.open();
  const mute = { capabilities: {} };
  const others = [
    await scene.openAt('HTTP+SSE', mute),
    await scene.openAt('streamable HTTP', mute),
  ];
  const all = scene.sharesServers ? [client, ...others] : [client];
  const name = 'rich_tool';
  const find = async (peer: Peer): Promise<JsonObject | undefined> =>
    (await everyPage(peer, 'tools/list', 'tools')).find(
      (tool) => tool['name'] === `fixture__${name}`,
    );
  await hearWithinASecond(all, () =>
    client.call('fixture__fixture_add_tool', { name, definition: RICH }),
  );
  for (const peer of all) assert.deepEqual(await find(peer), { ...RICH, name: `fixture__${name}` });
  const called = await client.call(`fixture__${name}`, { when: 'now' });
  assert.deepEqual(called['structuredContent'], { called: name, arguments: { when: 'now' } });
  await hearWithinASecond(all, () => client.call('fixture__fixture_remove_tool', { name }));
  for (const peer of all) assert.equal(await find(peer), undefined);
}

async function promptsComeAndGo(scene: Scene): Promise<void> {
  const client = await scene.open();
  const dynamic = async (): Promise<JsonObject[]> =>
    (await everyPage(client, 'prompts/list', 'prompts')).filter(
      ({ name }) => name === 'fixture__test_dynamic_prompt',
    );
  for (const count of [1, 0]) {
    const start = client.heard.length;
    await client.call('fixture__test_trigger_prompt_change');
    const changedAt = performance.now();
    const { atMs } = await client.next(
      ({ method }) => method === 'notifications/prompts/list_changed',
      start,
    );
    assert.ok(atMs - changedAt < 1_000, `heard after ${atMs - changedAt} ms`);
    assert.equal((await dynamic()).length, count);
  }
}

async function introduces(scene: Scene): Promise<void> {
  const client = await scene.client();
  const { capabilities, instructions, protocolVersion } = client.welcome;
  assert.equal(protocolVersion, '2025-11-25');
  for (const server of scene.servers) {
    const own = (await scene.direct(server)).welcome;
    assert.ok(
      String(instructions).includes(`# ${server}\n\n${String(own['instructions']).trim()}`),
    );
    for (const [name, value] of Object.entries(objectOf(own['capabilities'])))
      assert.deepEqual(objectOf(objectOf(capabilities)[name]), value, `${server}: ${name}`);
  }
}

async function oldClientIsServed(scene: Scene): Promise<void> {
  const client = await scene.open({ version: '2024-11-05', capabilities: {} });
  assert.equal(client.welcome['protocolVersion'], '2024-11-05');
  const tools = await everyPage(client, 'tools/list', 'tools');
  assert.ok(tools.some(({ name }) => name === 'everything__echo'));
  const { content } = await client.call('everything__echo', { message: 'old' });
  assert.deepEqual(content, [{ type: 'text', text: 'Echo: old' }]);
  assert.deepEqual(await client.result('ping'), {});
}

/** A client that runs no tasks itself still sees all tools a server shows to a client that samples, elicits and has roots. */
async function showsConditionalTools(scene: Scene): Promise<void> {
  const { tasks: _own, ...capabilities } = EVERY_CAPABILITY;
  const answers = answersOf('plain');
  const plain = { name: 'plain', capabilities, answers };
  const own = await everyPage(await scene.openDirect('everything', plain), 'tools/list', 'tools');
  const bare = await everyPage(
    await scene.openDirect('everything', { capabilities: {} }),
    'tools/list',
    'tools',
  );
  assert.ok(own.length > bare.length, 'the server shows more to a client that can be asked');
  const shown = partOf(
    await everyPage(await scene.open(plain), 'tools/list', 'tools'),
    'everything',
  );
  const names = new Set(own.map(({ name }) => name));
  assert.deepEqual(
    shown.filter(({ name }) => names.has(name)),
    own,
  );
}

async function orderIsStable(scene: Scene): Promise<void> {
  const first = await scene.client();
  const second = await scene.open({ name: 'second' });
  for (const [method, key] of LISTS) {
    const lists = [first, second, first].map((peer) => everyPage(peer, method, key));
    const texts = (await Promise.all(lists)).map((items) => JSON.stringify(items));
    assert.equal(new Set(texts).size, 1, method);
  }
}

const LISTS = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
] as const;

/** What lists show, in both eras. */
export const LIST_ROWS: readonly Row[] = [
  {
    name: 'every tool of every server is listed as it is but for its name, also those only for clients that run tasks (R12)',
    run: (scene) => namedAlike(scene, 'tools'),
  },
  {
    name: 'every prompt is listed as it is but for its name',
    run: (scene) => namedAlike(scene, 'prompts'),
  },
  {
    name: 'every resource is listed as it is, under its server where two have the same URI',
    run: (scene) => locatedAlike(scene, 'resources/list', 'resources'),
  },
  {
    name: 'every resource template is listed as it is, under its server where two have the same',
    run: (scene) => locatedAlike(scene, 'resources/templates/list', 'resourceTemplates'),
  },
  { name: 'every list has the same order every time and for every client', run: orderIsStable },
];

/** Changes of lists, instructions and capabilities, as the legacy era has them. */
export const LEGACY_LIST_ROWS: readonly Row[] = [
  {
    name: 'tools that a server shows only to clients with sampling, elicitation and roots are all there',
    run: showsConditionalTools,
  },
  {
    name: 'a new tool is heard of within a second, listed with every field, callable, and gone when removed',
    run: toolsComeAndGo,
  },
  { name: 'a prompt that comes and goes is heard of within a second', run: promptsComeAndGo },
  {
    name: 'instructions of all servers arrive under their names, and their capabilities are united',
    run: introduces,
  },
  { name: 'a client of 2024-11-05 is served in its version', run: oldClientIsServed },
];
