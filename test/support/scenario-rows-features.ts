import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { structured, type Peer } from './fidelity-peer.ts';
import { everyPage } from './fidelity-scene.ts';
import { eventually } from './raw-eventually.ts';
import { WAYS } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { codeOf, requestIn } from './scenario-speech.ts';
import { LEGACY_WAYS, MODERN_WAYS, type Scenario } from './scenario.ts';

const LISTS: readonly (readonly [method: string, key: string, id: string])[] = [
  ['tools/list', 'tools', 'name'],
  ['prompts/list', 'prompts', 'name'],
  ['resources/list', 'resources', 'uri'],
  ['resources/templates/list', 'resourceTemplates', 'uriTemplate'],
];

function named(items: readonly JsonObject[], key: string, value: string): JsonObject {
  const found = items.find((item) => item[key] === value);
  assert.ok(found !== undefined, `${value} is not listed`);
  return found;
}

async function listsAreWhole(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const tools = await scene.listed(peer, 'tools/list', 'tools');
  const text = named(tools, 'name', scene.name('test_simple_text'));
  assert.deepEqual(
    { ...text, name: '' },
    { name: '', description: 'Returns one text', inputSchema: { type: 'object', properties: {} } },
  );
  const view = named(tools, 'name', scene.name('fixture_view'));
  assert.equal(
    objectOf(objectOf(view['_meta'])['ui'])['resourceUri'],
    scene.uri('ui://fixture/view'),
  );
  const prompts = await everyPage(peer, 'prompts/list', 'prompts');
  const prompt = named(prompts, 'name', scene.name('test_prompt_with_arguments'));
  assert.deepEqual(
    (prompt['arguments'] as JsonObject[]).map((one) => one['name']),
    ['arg1', 'arg2'],
  );
  const resources = await everyPage(peer, 'resources/list', 'resources');
  const { uri, ...rest } = named(resources, 'uri', scene.uri('test://static-text'));
  assert.equal(uri, scene.uri('test://static-text'));
  assert.deepEqual(
    [rest['description'], rest['mimeType']],
    ['A text that never changes', 'text/plain'],
  );
  const templates = await everyPage(peer, 'resources/templates/list', 'resourceTemplates');
  assert.ok(
    templates.some((one) =>
      String(one['uriTemplate']).includes(
        scene.server === WAYS[0] ? 'test://template/{id}' : scene.server,
      ),
    ),
    JSON.stringify(templates),
  );
}

async function listsAreClean(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  for (const [method, key, id] of LISTS) {
    const items = await everyPage(peer, method, key);
    const ids = items.map((item) => String(item[id]));
    assert.equal(new Set(ids).size, ids.length, `${method} has something twice`);
    assert.ok(ids.length > 4);
    if (id === 'uri')
      for (const uri of ids) assert.ok(URL.canParse(uri) && /^[\x21-\x7e]+$/u.test(uri), uri);
    if (key === 'tools')
      for (const tool of items) {
        assert.match(String(tool['name']), /^[\w.-]{1,128}$/u);
        assert.equal(objectOf(tool['inputSchema'])['type'], 'object');
      }
  }
}

async function orderIsKept(scene: ScenarioScene): Promise<void> {
  const names = async (peer: Peer): Promise<unknown[]> =>
    (await everyPage(peer, 'tools/list', 'tools')).map(({ name }) => name);
  const client = await scene.client();
  const first = await names(client);
  await client.request('tools/call', { name: 'legacy-http__test_simple_text', arguments: {} });
  assert.deepEqual(await names(client), first);
  assert.deepEqual(await names(await scene.open()), first);
}

async function contentPasses(scene: ScenarioScene): Promise<void> {
  const kinds = async (tool: string): Promise<unknown[]> =>
    ((await scene.call(tool))['content'] as JsonObject[]).map(({ type }) => type);
  assert.deepEqual(await kinds('test_multiple_content_types'), ['text', 'image', 'resource']);
  assert.deepEqual(await kinds('test_audio_content'), ['audio']);
  const { content } = await scene.call('test_image_content');
  assert.match(String((content as JsonObject[])[0]?.['data']), /^iVBORw0KGgo/u);
  const failing = await scene.call('test_error_handling');
  assert.equal(failing['isError'], true);
  const result = await scene.call('fixture_echo', { deep: [{ a: null }] });
  assert.deepEqual(structured(result)['arguments'], { deep: [{ a: null }] });
  const [text] = result['content'] as JsonObject[];
  assert.deepEqual(objectOf(JSON.parse(String(text?.['text'])))['arguments'], {
    deep: [{ a: null }],
  });
  assert.equal(
    codeOf(await scene.ask('tools/call', { name: scene.name('TEST_SIMPLE_TEXT'), arguments: {} })),
    -32602,
  );
}

async function linksCanBeRead(scene: ScenarioScene): Promise<void> {
  const { content } = await scene.call('fixture_resource_link');
  const uri = String((content as JsonObject[])[0]?.['uri']);
  const { contents } = await (await scene.client()).result('resources/read', { uri });
  const [item] = contents as JsonObject[];
  assert.deepEqual([item?.['text'], item?.['uri']], ['Watched resource content', uri]);
}

async function resourcesAreRead(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const read = async (own: string): Promise<JsonObject> => {
    const uri = scene.uri(own);
    const { contents } = await peer.result('resources/read', { uri });
    const [item = {}] = contents as JsonObject[];
    assert.equal(item['uri'], uri);
    return item;
  };
  assert.match(String((await read('test://static-text'))['text']), /static text resource/u);
  assert.match(String((await read('test://static-binary'))['blob']), /^iVBORw0KGgo/u);
  assert.match(String((await read('test://template/7/data'))['text']), /"id":"7"/u);
  const missing = await peer.request('resources/read', { uri: scene.uri('test://nothing-here') });
  assert.equal(codeOf(missing), scene.era === 'modern' ? -32602 : -32002);
}

async function promptsComeFilled(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const get = async (name: string, args: JsonObject): Promise<string> =>
    JSON.stringify(
      (await peer.result('prompts/get', { name: scene.name(name), arguments: args }))['messages'],
    );
  assert.match(
    await get('test_prompt_with_arguments', { arg1: 'eins', arg2: 'zwei' }),
    /arg1='eins', arg2='zwei'/u,
  );
  assert.match(await get('test_prompt_with_image', {}), /"type":"image","data":"iVBOR/u);
  const embedded = await get('test_prompt_with_embedded_resource', {
    resourceUri: 'test://example',
  });
  assert.match(embedded, /Embedded resource content for testing/u);
}

async function argumentsAreCompleted(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const ask = (ref: JsonObject, value: string) =>
    peer.request('completion/complete', { ref, argument: { name: 'arg1', value } });
  const name = scene.name('test_prompt_with_arguments');
  const { result } = await ask({ type: 'ref/prompt', name }, 'par');
  assert.deepEqual(objectOf(result?.['completion']), {
    values: ['paris', 'park', 'party'],
    total: 3,
    hasMore: false,
  });
  const templates = await everyPage(peer, 'resources/templates/list', 'resourceTemplates');
  const own = templates.map((one) => String(one['uriTemplate']));
  const uri = own.find((one) => one.includes(scene.server)) ?? 'test://template/{id}/data';
  const completed = await ask({ type: 'ref/resource', uri }, '12');
  assert.deepEqual(objectOf(completed.result?.['completion'])['values'], ['123', '124']);
  assert.equal(codeOf(await ask({ type: 'ref/prompt', name: scene.name('nobody') }, 'x')), -32602);
}

async function malformedIsRefused(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  for (const [method, params] of [
    ['tools/call', {}],
    ['tools/call', { name: 7 }],
    ['tools/call', { name: 'legacy-http__test_simple_text', arguments: 'x' }],
    ['completion/complete', {}],
    ['completion/complete', { ref: { type: 'ref/nobody' }, argument: { name: 'x', value: '' } }],
  ] as const) {
    const [message, headers] = requestIn(scene.era, method, params);
    const code = codeOf(await talk.ask(message, headers));
    assert.ok([-32600, -32602, -32020].includes(code), `${JSON.stringify(params)}: ${code}`);
  }
}

async function pagesHold(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const first = await peer.result('tools/list');
  const cursor = String(first['nextCursor']);
  const page = async (): Promise<unknown> => (await peer.result('tools/list', { cursor }))['tools'];
  assert.deepEqual(await page(), await page());
  const items = await everyPage(peer, 'tools/list', 'tools');
  const names = items.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const bad of ['nobody-made-this', `${cursor}x`, ''])
    assert.equal(codeOf(await peer.request('tools/list', { cursor: bad })), -32602, bad);
}

async function hintsAreGiven(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const results = [
    await peer.result('server/discover'),
    ...(await Promise.all(LISTS.map(([method]) => peer.result(method)))),
    await peer.result('resources/read', { uri: 'test://static-text' }),
  ];
  for (const { ttlMs, cacheScope } of results) {
    assert.ok(Number.isInteger(ttlMs) && Number(ttlMs) >= 0);
    assert.ok(cacheScope === 'public' || cacheScope === 'private');
  }
}

async function privateStaysPrivate(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const { ttlMs, cacheScope } = await peer.result('resources/read', {
    uri: scene.uri('test://static-text'),
  });
  assert.equal(cacheScope, 'private');
  assert.ok(Number(ttlMs) <= 5_000);
  for (const [method] of LISTS)
    assert.ok(Number((await peer.result(method))['ttlMs']) <= 60_000, method);
}

/** Changes the tools of a server; a legacy client hears of it without asking. */
async function changesAreTold(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const isThere = async (): Promise<boolean> =>
    (await scene.listed(peer, 'tools/list', 'tools')).some(
      ({ name }) => name === scene.name('test_dynamic_tool'),
    );
  const flags = { toolsListChanged: true, promptsListChanged: true };
  const stream =
    scene.era === 'modern'
      ? peer.begin('subscriptions/listen', { notifications: flags })
      : undefined;
  stream?.response.catch(() => undefined);
  if (stream !== undefined) await peer.next(({ method }) => method.endsWith('acknowledged'));
  const heard = async (kind: string, act: () => Promise<unknown>): Promise<void> => {
    const start = peer.heard.length;
    await act();
    await peer.next(({ method }) => method === `notifications/${kind}/list_changed`, start);
  };
  await heard('tools', () => scene.call('test_trigger_tool_change'));
  await eventually('the tool was listed', isThere);
  await heard('tools', () => scene.call('test_trigger_tool_change'));
  await eventually('the tool was gone', async () => !(await isThere()));
  await heard('prompts', () => scene.call('test_trigger_prompt_change'));
  await heard('prompts', () => scene.call('test_trigger_prompt_change'));
  if (stream !== undefined) await peer.cancel(stream);
}

async function updatesAreTold(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const uri = scene.uri('test://watched-resource');
  const touch = (): Promise<JsonObject> =>
    scene.call('fixture_touch_resource', { uri: 'test://watched-resource' });
  await peer.result('resources/subscribe', { uri });
  const start = peer.heard.length;
  await touch();
  const told = await peer.next(({ method }) => method === 'notifications/resources/updated', start);
  assert.equal(told.params['uri'], uri);
  await peer.result('resources/unsubscribe', { uri });
  const after = peer.heard.length;
  await touch();
  await scene.call('test_simple_text');
  assert.deepEqual(peer.heardOf('notifications/resources/updated', after), []);
}

/** What servers offer, as clients see it. */
export const FEATURE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'lists show what each server has, whole, under names and URIs that are good here',
    cites: ['tools.list', 'prompts.list', 'resources.list', 'resources.templates'],
    servers: WAYS,
    run: listsAreWhole,
  },
  {
    name: 'nothing is listed twice, and names, URIs and schemas are as they must be',
    cites: [
      'tools.unique-names',
      'tools.name-characters',
      'tools.schema-object',
      'resources.unique-uris',
      'resources.uri-valid',
    ],
    run: listsAreClean,
  },
  {
    name: 'the list has one order, on any connection, whatever was called before',
    cites: ['modern.tools.deterministic', 'modern.tools.not-by-connection'],
    doors: MODERN_WAYS,
    run: orderIsKept,
  },
  {
    name: 'calls and their results pass whole, failing ones too',
    cites: [
      'tools.call',
      'tools.content-kinds',
      'tools.execution-error',
      'tools.structured-content',
      'tools.structured-text',
      'tools.case-sensitive',
    ],
    servers: WAYS,
    run: contentPasses,
  },
  {
    name: 'a link in a result can be read by who got it',
    cites: ['tools.resource-link'],
    servers: WAYS,
    run: linksCanBeRead,
  },
  {
    name: 'resources are read by what they are listed under, and missing ones told by the code of the era',
    cites: [
      'resources.read',
      'resources.read-template',
      'resources.binary',
      'legacy.resources.not-found',
      'modern.resources.not-found',
      'modern.error.accept-resource-code',
    ],
    servers: WAYS,
    run: resourcesAreRead,
  },
  {
    name: 'prompts come with their arguments filled in',
    cites: ['prompts.get', 'prompts.embedded'],
    servers: WAYS,
    run: promptsComeFilled,
  },
  {
    name: 'arguments of prompts and templates are completed',
    cites: ['completion.prompt', 'completion.resource', 'completion.limit', 'completion.unknown'],
    servers: WAYS,
    run: argumentsAreCompleted,
  },
  {
    name: 'calls and completions that are malformed are errors of the protocol',
    cites: ['tools.malformed', 'completion.malformed'],
    run: malformedIsRefused,
  },
  {
    name: 'pages bring every item once and stay the same; a cursor nobody made is refused',
    cites: ['pagination.pages', 'pagination.stable', 'pagination.invalid'],
    run: pagesHold,
  },
  {
    name: 'lists, reads and discovery say how long and for whom they hold',
    cites: ['modern.caching.hints', 'modern.caching.ttl', 'modern.caching.scope'],
    doors: MODERN_WAYS,
    run: hintsAreGiven,
  },
  {
    name: 'what a server calls private, or short-lived, stays so',
    cites: ['modern.caching.private-kept'],
    doors: MODERN_WAYS,
    servers: MODERN_WAYS,
    run: privateStaysPrivate,
  },
  {
    name: 'a changed list of tools or prompts is told',
    cites: [
      'tools.list-changed',
      'prompts.list-changed',
      'modern.listen.tools',
      'modern.listen.prompts',
    ],
    servers: WAYS,
    isAlone: true,
    run: changesAreTold,
  },
  {
    name: 'an update is told to who subscribed, until it unsubscribes',
    cites: ['legacy.resources.subscribe'],
    doors: LEGACY_WAYS,
    servers: WAYS,
    isAlone: true,
    run: updatesAreTold,
  },
];
