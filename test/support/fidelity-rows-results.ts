import assert from 'node:assert/strict';
import { isObject, objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import type { Peer } from './fidelity-peer.ts';
import { structured, textOf } from './fidelity-peer.ts';
import { able, everyPage, masked, withOwnUris, type Row, type Scene } from './fidelity-scene.ts';

/** A request by the name the server gave, and what makes it public. */
interface Asked {
  readonly server: string;
  readonly method: string;
  readonly params: JsonObject;
}

/** The same request as a client of the gateway sends it. */
function named({ server, params }: Asked): JsonObject {
  const ref = objectOf(params['ref']);
  if (ref['type'] === 'ref/prompt')
    return { ...params, ref: { ...ref, name: `${server}__${String(ref['name'])}` } };
  return params['name'] === undefined
    ? params
    : { ...params, name: `${server}__${String(params['name'])}` };
}

function bare({ result, error }: Message, server: string): unknown {
  return masked(withOwnUris({ result, error }, server));
}

/** The answer through the gateway is the answer of the server, result or error. */
async function answersAlike(scene: Scene, asked: Asked): Promise<Message> {
  const client = await scene.client();
  const direct = await scene.direct(asked.server);
  const [shown, own] = await Promise.all([
    client.request(asked.method, named(asked)),
    direct.request(asked.method, asked.params),
  ]);
  assert.deepEqual(bare(shown, asked.server), bare(own, asked.server));
  return shown;
}

function call(server: string, name: string, args: JsonObject = {}): Asked {
  return { server, method: 'tools/call', params: { name, arguments: args } };
}

function read(server: string, uri: string): Asked {
  return { server, method: 'resources/read', params: { uri } };
}

function prompt(server: string, name: string, args?: JsonObject): Asked {
  const params = args === undefined ? { name } : { name, arguments: args };
  return { server, method: 'prompts/get', params };
}

/** A row of requests that must all be answered alike. */
function alike(name: string, all: readonly Asked[]): Row {
  return {
    name,
    run: async (scene) => {
      for (const asked of all) await answersAlike(scene, asked);
    },
  };
}

function typesIn({ result }: Message): string[] {
  const content = (result?.['content'] ?? []) as JsonObject[];
  return content.map(({ type }) => String(type));
}

async function linksLead(scene: Scene): Promise<void> {
  const client = await scene.client();
  const all = [
    call('everything', 'get-resource-links', { count: 4 }),
    call('fixture', 'fixture_resource_link'),
    call('apart', 'fixture_resource_link'),
  ];
  for (const asked of all) {
    const { result } = await answersAlike(scene, asked);
    const links = ((result?.['content'] ?? []) as JsonObject[]).filter(
      ({ type }) => type === 'resource_link',
    );
    assert.ok(links.length > 0);
    for (const { uri } of links) {
      if (asked.server === 'apart')
        assert.match(String(uri), /^mcpx:\/\/apart\//, 'not the other one');
      const { contents } = await client.result('resources/read', { uri });
      assert.equal(objectOf((contents as unknown[])[0])['uri'], uri, 'a link leads where it says');
    }
  }
}

/** A resource that comes and goes with a call: the link to it must lead back to the server that made it. */
async function sessionResourceCanBeRead(scene: Scene): Promise<void> {
  const client = await scene.open();
  const direct = await scene.openDirect('everything');
  const data = `data:text/plain,${encodeURIComponent('to be compressed')}`;
  const name = 'gzip-file-as-resource';
  const embedded = { name: 'embedded.gz', data, outputType: 'resource' };
  assert.deepEqual(
    withOwnUris(await client.call(`everything__${name}`, embedded), 'everything'),
    await direct.call(name, embedded),
  );
  const args = { name: 'small.gz', data, outputType: 'resourceLink' };
  const { content } = await client.call(`everything__${name}`, args);
  const link = objectOf((content as unknown[])[0]);
  assert.equal(withOwnUris(link['uri'], 'everything'), 'demo://resource/session/small.gz');
  const { contents } = await client.result('resources/read', { uri: link['uri'] });
  const item = objectOf((contents as unknown[])[0]);
  assert.deepEqual([item['uri'], item['mimeType']], [link['uri'], 'application/gzip']);
  assert.ok(String(item['blob']).length > 20);
}

async function argumentsArrive(scene: Scene): Promise<void> {
  const client = await scene.client();
  const message = 'žluťoučký \u{1f40e} \u2028 \u0000 \ud800 "quoted" \\ back\r\n';
  const echoed = await client.call('everything__echo', { message });
  assert.deepEqual(echoed['content'], [{ type: 'text', text: `Echo: ${message}` }]);
  const args = {
    text: 'žluťoučký \u{1f40e} "quoted" \\ back\r\n',
    empty: {},
    list: [null, true, -0.5, 1e21, 9_007_199_254_740_991, [[]]],
    __proto: 'x',
    long: 'y'.repeat(100_000),
  };
  const trace = { 'example.com/trace': { spans: [1, 2], baggage: null }, plain: 'kept' };
  for (const server of ['fixture', 'apart'] as const) {
    const echoed = structured(await client.call(`${server}__fixture_echo`, args, { _meta: trace }));
    assert.deepEqual(echoed, { arguments: args, _meta: trace });
  }
}

async function bigAnswersArrive(scene: Scene): Promise<void> {
  const client = await scene.client();
  const bytes = 5_000_000;
  const { content } = await client.call('fixture__fixture_big', { bytes });
  assert.equal(String(objectOf((content as unknown[])[0])['text']).length, bytes);
}

const PROGRESS = 'notifications/progress';

/** Progress comes in order, before the answer, under the client's own token, for its own call alone. */
async function progressArrives(scene: Scene): Promise<void> {
  const args = { ms: 300, progressEveryMs: 100 };
  const run = async (peer: Peer, name: string, progressToken: string | number) => {
    const start = peer.heard.length;
    await peer.call(name, args, { _meta: { progressToken } });
    return peer.heardOf(PROGRESS, start);
  };
  const expected = async (token: string | number): Promise<JsonObject[]> =>
    run(await scene.direct('fixture'), 'fixture_slow', token);
  const client = await scene.client();
  const second = await scene.open(able('second'));
  const [own, mine, theirs] = await Promise.all([
    expected('mine'),
    run(client, 'fixture__fixture_slow', 'mine'),
    run(second, 'fixture__fixture_slow', 'mine'),
  ]);
  assert.equal(own.length, 3);
  assert.deepEqual(mine, own);
  assert.deepEqual(theirs, own);
  const start = client.heard.length;
  const duration = { duration: 0.2, steps: 2 };
  const _meta = { progressToken: 77 };
  await client.call('everything__trigger-long-running-operation', duration, { _meta });
  assert.deepEqual(client.heardOf(PROGRESS, start), [
    { progress: 1, total: 2, progressToken: 77 },
    { progress: 2, total: 2, progressToken: 77 },
  ]);
}

/** A client that gives a call up is never answered, and the server stops. */
async function cancelArrives(scene: Scene): Promise<void> {
  for (const server of ['fixture', 'apart'] as const) {
    const client = await scene.open();
    const state = async (): Promise<JsonObject> =>
      structured(await client.call(`${server}__fixture_state`));
    const { cancelled } = await state();
    const begun = client.begin('tools/call', {
      name: `${server}__fixture_slow`,
      arguments: { ms: 20_000, progressEveryMs: 20 },
      _meta: { progressToken: 'p' },
    });
    await client.next(({ method }) => method === PROGRESS);
    await client.cancel(begun);
    const deadline = performance.now() + 1_000;
    while ((await state())['cancelled'] !== Number(cancelled) + 1)
      assert.ok(performance.now() < deadline, 'the server hears of it within a second');
    assert.deepEqual(client.strays, [], 'a call that was given up is not answered');
  }
}

/** Errors keep their code, their text and their data. */
const ERRORS: readonly Asked[] = [
  call('fixture', 'fixture_rpc_error', { code: -32_603 }),
  call('fixture', 'fixture_rpc_error', { code: 4711 }),
  call('apart', 'fixture_rpc_error', { code: -32_042 }),
  call('fixture', 'test_error_handling'),
  call('everything', 'get-sum', { a: 'no number' }),
  call('everything', 'get-structured-content', {}),
  read('everything', 'demo://resource/dynamic/text/none'),
  prompt('everything', 'args-prompt', {}),
  prompt('everything', 'resource-prompt', { resourceType: 'Odd', resourceId: '1' }),
];

const CALLS: readonly Asked[] = [
  call('everything', 'echo', { message: 'hello' }),
  call('everything', 'get-sum', { a: 2, b: 3.5 }),
  call('everything', 'get-annotated-message', { messageType: 'error', includeImage: true }),
  call('fixture', 'test_simple_text'),
  call('fixture', 'json_schema_2020_12_tool', { name: 'n', contactMethod: 'phone', phone: '1' }),
  call('apart', 'test_multiple_content_types'),
];

const UNKNOWN: readonly Asked[] = [
  call('fixture', 'fixture_unknown'),
  call('apart', 'fixture_unknown'),
];

const EMBEDDED: readonly Asked[] = [
  call('fixture', 'test_embedded_resource'),
  call('apart', 'test_embedded_resource'),
  call('everything', 'get-resource-reference', { resourceType: 'Text', resourceId: 3 }),
  call('everything', 'get-resource-reference', { resourceType: 'Blob', resourceId: 4 }),
];

const READS: readonly Asked[] = [
  read('everything', 'demo://resource/static/document/features.md'),
  read('everything', 'demo://resource/dynamic/text/7'),
  read('everything', 'demo://resource/dynamic/blob/8'),
  read('fixture', 'test://static-text'),
  read('fixture', 'test://static-binary'),
  read('fixture', 'test://template/a%20b/data'),
  read('fixture', 'ui://fixture/view'),
];

const PROMPTS: readonly Asked[] = [
  prompt('everything', 'simple-prompt'),
  prompt('everything', 'args-prompt', { city: 'Brno', state: 'Moravia' }),
  prompt('everything', 'resource-prompt', { resourceType: 'Text', resourceId: '2' }),
  prompt('fixture', 'test_simple_prompt'),
  prompt('fixture', 'test_prompt_with_arguments', { arg1: 'one', arg2: 'two' }),
  prompt('fixture', 'test_prompt_with_embedded_resource', { resourceUri: 'test://static-text' }),
  prompt('apart', 'test_prompt_with_embedded_resource', { resourceUri: 'test://static-text' }),
  prompt('fixture', 'test_prompt_with_image'),
];

function completion(server: string, ref: JsonObject, argument: JsonObject, more = {}): Asked {
  return { server, method: 'completion/complete', params: { ref, argument, ...more } };
}

const TEAM = { type: 'ref/prompt', name: 'completable-prompt', title: 'kept' };
const COMPLETIONS: readonly Asked[] = [
  completion('everything', TEAM, { name: 'department', value: 'S' }),
  completion(
    'everything',
    TEAM,
    { name: 'name', value: '' },
    { context: { arguments: { department: 'Sales' } } },
  ),
  completion(
    'everything',
    { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
    { name: 'resourceId', value: '12' },
  ),
  completion(
    'fixture',
    { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
    { name: 'arg1', value: 'par' },
  ),
  completion(
    'fixture',
    { type: 'ref/resource', uri: 'test://template/{id}/data' },
    { name: 'id', value: '12' },
  ),
];

/** What two servers know under one URI is read from the one whose URI it is. */
async function sharedUrisAreKeptApart(scene: Scene): Promise<void> {
  const client = await scene.client();
  const direct = await scene.direct('apart');
  for (const own of ['test://static-text', 'test://template/9/data', 'ui://fixture/view']) {
    const uri = `mcpx://apart/${encodeURIComponent(own)}`;
    const shown = await client.request('resources/read', { uri });
    const expected = await direct.request('resources/read', { uri: own });
    assert.deepEqual(bare(shown, 'apart'), bare(expected, 'apart'));
    const [first] = (shown.result?.['contents'] ?? []) as unknown[];
    assert.ok(isObject(first));
    assert.equal(first['uri'], uri);
  }
  const ref = { type: 'ref/resource', uri: 'mcpx://apart/test%3A%2F%2Ftemplate%2F{id}%2Fdata' };
  const argument = { name: 'id', value: '12' };
  const shown = await client.request('completion/complete', { ref, argument });
  assert.deepEqual(objectOf(shown.result?.['completion'])['values'], ['123', '124']);
}

/** Nobody knows it: the answer is the one a server gives. */
async function unknownIsUnknown(scene: Scene): Promise<void> {
  const client = await scene.client();
  const direct = await scene.direct('fixture');
  const uri = 'test://nobody-has-this';
  const [shown, own] = [
    await client.request('resources/read', { uri }),
    await direct.request('resources/read', { uri }),
  ];
  assert.equal(shown.error?.code, own.error?.code);
  assert.equal(objectOf(shown.error?.data)['uri'], objectOf(own.error?.data)['uri']);
  const tool = await client.request('tools/call', { name: 'fixture__nothing' });
  const ownTool = await direct.request('tools/call', { name: 'nothing' });
  assert.equal(tool.error?.code, ownTool.error?.code);
}

function showing(name: string, type: string, all: readonly Asked[]): Row {
  return {
    name,
    run: async (scene) => {
      for (const asked of all)
        assert.ok(typesIn(await answersAlike(scene, asked)).includes(type), asked.method);
    },
  };
}

/** The view of a tool is the one of its own server; its host may call tools by the names the server gave. */
async function viewsLead(scene: Scene): Promise<void> {
  const client = await scene.client();
  const tools = await everyPage(client, 'tools/list', 'tools');
  for (const [server, uri] of [
    ['fixture', 'ui://fixture/view'],
    ['apart', `mcpx://apart/${encodeURIComponent('ui://fixture/view')}`],
  ] as const) {
    const tool = tools.find(({ name }) => name === `${server}__fixture_view`);
    assert.deepEqual(tool?.['_meta'], { ui: { resourceUri: uri } });
    const { contents } = await client.result('resources/read', { uri });
    const [view] = contents as unknown[];
    assert.equal(objectOf(view)['mimeType'], 'text/html;profile=mcp-app');
    assert.equal(objectOf(view)['uri'], uri);
  }
  assert.match(textOf(await client.call('echo', { message: 'bare' })), /Echo: bare/);
  const ofTwo = await client.request('tools/call', { name: 'fixture_view', arguments: {} });
  assert.equal(ofTwo.error?.code, -32_602);
}

/** What calls, reads, prompts and completions bring back. */
export const RESULT_ROWS: readonly Row[] = [
  alike('texts, annotations of content and mixed content arrive as they are', CALLS),
  {
    name: 'structured content arrives as it is',
    run: async (scene) => {
      const city = { location: 'Chicago' };
      const asked = call('everything', 'get-structured-content', city);
      const { result } = await answersAlike(scene, asked);
      assert.ok(isObject(result?.['structuredContent']));
    },
  },
  showing('an image arrives as it is', 'image', [
    call('everything', 'get-tiny-image'),
    call('fixture', 'test_image_content'),
  ]),
  showing('audio arrives as it is', 'audio', [call('fixture', 'test_audio_content')]),
  { name: 'resource links arrive, and can be followed', run: linksLead },
  {
    name: 'a link to a resource made for one client can be followed by it',
    run: sessionResourceCanBeRead,
  },
  showing('embedded resources arrive as they are', 'resource', EMBEDDED),
  alike('result fields and content types that no specification names arrive as they are', UNKNOWN),
  { name: 'arguments and unknown _meta reach the server as they are', run: argumentsArrive },
  { name: 'an answer of five megabytes arrives', run: bigAnswersArrive },
  alike('errors of tools and of the protocol keep code, message and data', ERRORS),
  alike('resources are read as they are, listed ones and those of a template', READS),
  { name: 'the view of a tool (MCP Apps) leads to its own server', run: viewsLead },
  {
    name: 'what two servers have under one URI is read from the right one',
    run: sharedUrisAreKeptApart,
  },
  { name: 'what nobody has is answered as a server answers it', run: unknownIsUnknown },
  alike('prompts are got as they are, with resources and images inside', PROMPTS),
  alike('arguments of prompts and templates are completed, with their context', COMPLETIONS),
  { name: 'progress comes to its own call under its own token (R10)', run: progressArrives },
  { name: 'a cancelled call is stopped in the server and not answered', run: cancelArrives },
];
