import assert from 'node:assert/strict';
import { objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { structured, type Peer } from './fidelity-peer.ts';
import { masked, withOwnUris, type Row, type Scene } from './fidelity-scene.ts';

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
const PROGRESS = 'notifications/progress';
const LOG = 'notifications/message';
const SERVERS = ['fixture', 'second'] as const;

/** A message without the name of the hop it came over. */
export function hopless(message: Message, server: string): unknown {
  const { result, error } = message;
  const { [SERVER_INFO]: hop, ...meta } = objectOf(result?.['_meta']);
  if (result !== undefined) assert.ok(hop !== undefined, 'results say who they come from');
  const bare = result === undefined ? undefined : { ...result, _meta: meta };
  return masked(withOwnUris({ result: bare, error }, server));
}

/** A request as the server knows it, and what makes it one to the gateway. */
interface Asked {
  readonly server: string;
  readonly method: string;
  readonly params: JsonObject;
  /** For requests that name something by URI: that URI as the gateway shows it. */
  readonly uri?: string;
}

/** The parameters under which the gateway knows what a server calls otherwise. */
export function publicParams({ server, params, uri }: Asked): JsonObject {
  const ref = objectOf(params['ref']);
  if (ref['type'] === 'ref/prompt')
    return { ...params, ref: { ...ref, name: `${server}__${String(ref['name'])}` } };
  if (ref['type'] === 'ref/resource') return { ...params, ref: { ...ref, uri: uri ?? ref['uri'] } };
  if (params['uri'] !== undefined) return { ...params, uri: uri ?? params['uri'] };
  return { ...params, name: `${server}__${String(params['name'])}` };
}

async function answersAlike(scene: Scene, asked: Asked): Promise<Message> {
  const client = await scene.client();
  const direct = await scene.direct(asked.server);
  const shown = await client.request(asked.method, publicParams(asked));
  const own = await direct.request(asked.method, asked.params);
  assert.deepEqual(hopless(shown, asked.server), hopless(own, asked.server));
  const info = objectOf(objectOf(shown.result?.['_meta'])[SERVER_INFO]);
  if (shown.result !== undefined) assert.equal(info['name'], 'mcpx', 'the gateway names itself');
  return shown;
}

function alike(name: string, all: readonly Asked[]): Row {
  return {
    name,
    run: async (scene) => {
      for (const asked of all) await answersAlike(scene, asked);
    },
  };
}

function call(name: string, args: JsonObject = {}, server = 'fixture'): Asked {
  return { server, method: 'tools/call', params: { name, arguments: args } };
}

function prompt(name: string, args: JsonObject, server = 'fixture'): Asked {
  return { server, method: 'prompts/get', params: { name, arguments: args } };
}

function qualified(uri: string): string {
  return `mcpx://second/${encodeURIComponent(uri)}`;
}

function reads(...uris: readonly string[]): Asked[] {
  const method = 'resources/read';
  return uris.flatMap((uri) => [
    { server: 'fixture', method, params: { uri } },
    { server: 'second', method, params: { uri }, uri: qualified(uri) },
  ]);
}

function completion(ref: JsonObject, argument: JsonObject, more: Partial<Asked> = {}): Asked {
  const params = { ref, argument, context: { arguments: { other: 'x' } } };
  return { server: 'fixture', method: 'completion/complete', params, ...more };
}

async function introduces(scene: Scene): Promise<void> {
  const client = await scene.client();
  const shown = await client.result('server/discover');
  assert.deepEqual(shown['supportedVersions'], ['2026-07-28']);
  assert.equal(shown['resultType'], 'complete');
  assert.equal(typeof shown['ttlMs'], 'number');
  assert.match(String(shown['cacheScope']), /^(public|private)$/);
  assert.equal(objectOf(objectOf(shown['_meta'])[SERVER_INFO])['name'], 'mcpx');
  for (const server of SERVERS) {
    const own = await (await scene.direct(server)).result('server/discover');
    assert.ok(
      String(shown['instructions']).includes(`# ${server}\n\n${String(own['instructions'])}`),
    );
    for (const [name, value] of Object.entries(objectOf(own['capabilities'])))
      assert.deepEqual(objectOf(shown['capabilities'])[name], value, name);
  }
}

/** What clients may keep, and for how long, is what the servers allow. */
async function cachingIsKept(scene: Scene): Promise<void> {
  const client = await scene.client();
  const direct = await scene.direct('fixture');
  for (const method of [
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
  ]) {
    const own = await direct.result(method);
    const shown = await client.result(method);
    assert.deepEqual(
      [shown['resultType'], shown['ttlMs'], shown['cacheScope']],
      [own['resultType'], own['ttlMs'], own['cacheScope']],
      method,
    );
  }
}

async function argumentsArrive(scene: Scene): Promise<void> {
  const client = await scene.client();
  const args = { text: 'žluťoučký \u{1f40e}', list: [null, 1e21, [[]]], long: 'y'.repeat(100_000) };
  const trace = { 'example.com/trace': { spans: [1, 2] }, plain: 'kept' };
  for (const server of SERVERS) {
    const more = { _meta: trace };
    const echoed = structured(await client.call(`${server}__fixture_echo`, args, more));
    assert.deepEqual(echoed['arguments'], args);
    const meta = objectOf(echoed['_meta']);
    assert.deepEqual({ ...meta, ...trace }, meta, 'unknown _meta is kept');
    const info = objectOf(meta['io.modelcontextprotocol/clientInfo']);
    assert.equal(info['name'], 'mcpx', 'the server sees the gateway as its client');
  }
}

async function progressArrives(scene: Scene): Promise<void> {
  const run = async (peer: Peer, name: string): Promise<JsonObject[]> => {
    const start = peer.heard.length;
    await peer.call(name, { ms: 300, progressEveryMs: 100 }, { _meta: { progressToken: 'mine' } });
    return peer.heardOf(PROGRESS, start);
  };
  const second = await scene.open({ name: 'second' });
  const [own, mine, theirs] = await Promise.all([
    run(await scene.direct('fixture'), 'fixture_slow'),
    run(await scene.client(), 'fixture__fixture_slow'),
    run(second, 'fixture__fixture_slow'),
  ]);
  assert.equal(own.length, 3);
  assert.deepEqual(mine, own);
  assert.deepEqual(theirs, own);
}

async function cancelArrives(scene: Scene): Promise<void> {
  const client = await scene.open();
  const state = async (): Promise<JsonObject> =>
    structured(await client.call('fixture__fixture_state'));
  const { cancelled } = await state();
  const begun = client.begin('tools/call', {
    name: 'fixture__fixture_slow',
    arguments: { ms: 20_000, progressEveryMs: 20 },
    _meta: { progressToken: 'p' },
  });
  await client.next(({ method }) => method === PROGRESS);
  await client.cancel(begun);
  const deadline = performance.now() + 1_000;
  while ((await state())['cancelled'] !== Number(cancelled) + 1)
    assert.ok(performance.now() < deadline, 'the server hears of it within a second');
  assert.deepEqual(client.strays, []);
}

/** Log messages come only to the request that set a level, and only from that level on. */
async function logsArrive(scene: Scene): Promise<void> {
  const run = async (peer: Peer, name: string, level: string | undefined) => {
    const start = peer.heard.length;
    const _meta = level === undefined ? {} : { 'io.modelcontextprotocol/logLevel': level };
    await peer.call(name, {}, { _meta });
    return peer.heardOf(LOG, start);
  };
  const client = await scene.open();
  const direct = await scene.direct('second');
  for (const [level, count] of [
    [undefined, 0],
    ['info', 3],
    ['error', 0],
    ['debug', 3],
  ] as const) {
    const own = await run(direct, 'test_logging_tool', level);
    assert.equal(own.length, count);
    assert.deepEqual(await run(client, 'second__test_logging_tool', level), own, level);
  }
}

/** A header that repeats an argument is checked, and made anew for the server (SEP-2243). */
async function paramHeadersArrive(scene: Scene): Promise<void> {
  const name = 'fixture__test_x_mcp_header';
  const args = { region: 'Česko', priority: 3, urgent: false, query: 'plain' };
  const headers = {
    'mcp-param-region': `=?base64?${Buffer.from(args.region).toString('base64')}?=`,
    'mcp-param-priority': '3',
    'mcp-param-urgent': 'false',
  };
  const client = await scene.client();
  const { result } = await client.request('tools/call', { name, arguments: args }, headers);
  assert.deepEqual(result?.['content'], [{ type: 'text', text: JSON.stringify(args) }]);
}

async function linksLead(scene: Scene): Promise<void> {
  const client = await scene.client();
  for (const server of SERVERS) {
    const { result } = await answersAlike(scene, call('fixture_resource_link', {}, server));
    const [link] = (result?.['content'] ?? []) as unknown[];
    const { uri } = objectOf(link);
    if (server === 'second') assert.match(String(uri), /^mcpx:\/\/second\//, 'not the other one');
    const { contents } = await client.result('resources/read', { uri });
    assert.equal(objectOf((contents as unknown[])[0])['uri'], uri);
  }
}

/** What calls, reads, prompts and completions bring back in the modern era. */
export const MODERN_RESULT_ROWS: readonly Row[] = [
  { name: 'discovery unites instructions, capabilities and extensions', run: introduces },
  { name: 'lists may be kept as long as the servers allow', run: cachingIsKept },
  alike('texts, images, audio, embedded resources and mixed content arrive as they are', [
    call('test_simple_text'),
    call('test_image_content'),
    call('test_audio_content'),
    call('test_embedded_resource'),
    call('test_embedded_resource', {}, 'second'),
    call('test_multiple_content_types', {}, 'second'),
    call('json_schema_2020_12_tool', { name: 'n', contactMethod: 'phone', phone: '1' }),
  ]),
  alike('structured content, result fields and content types that no specification names arrive', [
    call('fixture_unknown'),
    call('fixture_unknown', {}, 'second'),
  ]),
  { name: 'resource links arrive, and can be followed', run: linksLead },
  alike('errors of tools and of the protocol keep code, message and data', [
    call('test_error_handling'),
    call('fixture_rpc_error', { code: -32_603 }),
    call('fixture_rpc_error', { code: 4711 }, 'second'),
  ]),
  alike('resources are read as they are, with how long they may be kept', [
    ...reads('test://static-text', 'test://static-binary', 'test://template/7/data'),
    ...reads('ui://fixture/view'),
  ]),
  alike('prompts are got as they are, with resources and images inside', [
    prompt('test_prompt_with_arguments', { arg1: 'one', arg2: 'two' }),
    prompt('test_prompt_with_image', {}),
    prompt('test_prompt_with_embedded_resource', { resourceUri: 'test://static-text' }, 'second'),
  ]),
  alike('arguments of prompts and templates are completed', [
    completion(
      { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
      { name: 'arg1', value: 'par' },
    ),
    completion(
      { type: 'ref/resource', uri: 'test://template/{id}/data' },
      { name: 'id', value: '12' },
    ),
    completion(
      { type: 'ref/resource', uri: 'test://template/{id}/data' },
      { name: 'id', value: '12' },
      { server: 'second', uri: 'mcpx://second/test%3A%2F%2Ftemplate%2F{id}%2Fdata' },
    ),
  ]),
  { name: 'arguments and unknown _meta reach the server as they are', run: argumentsArrive },
  { name: 'headers that repeat arguments are made anew for the server', run: paramHeadersArrive },
  { name: 'progress comes to its own call under its own token (R10)', run: progressArrives },
  { name: 'a call given up is stopped in the server and not answered', run: cancelArrives },
  { name: 'log messages come as they are, only where a request set a level', run: logsArrive },
];
