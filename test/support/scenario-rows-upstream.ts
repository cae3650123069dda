import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { eventually } from './raw-eventually.ts';
import { WAYS, eraOf, transportOf, type Era, type Transport, type Way } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { freshNumber } from './scenario-speech.ts';
import type { Tapped } from './scenario-tap.ts';
import type { Scenario } from './scenario.ts';

const META = 'io.modelcontextprotocol/';
function ways(era: Era, ...transports: readonly Transport[]): Way[] {
  return WAYS.filter(
    (way) =>
      eraOf(way) === era && (transports.length === 0 || transports.includes(transportOf(way))),
  );
}

/** One of everything a server can be asked. */
async function useAll(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  await peer.call(scene.name('fixture_echo'), { a: 1 });
  await peer.result('prompts/get', { name: scene.name('test_simple_prompt') });
  await peer.result('resources/read', { uri: scene.uri('test://static-text') });
  const ref = { type: 'ref/prompt', name: scene.name('test_prompt_with_arguments') };
  await peer.result('completion/complete', { ref, argument: { name: 'arg1', value: 'pa' } });
}

function httpOf({ http }: Tapped): NonNullable<Tapped['http']> {
  assert.ok(http !== undefined);
  return http;
}

function decoded(value: unknown): string {
  const text = String(value);
  const [, encoded] = /^=\?base64\?(.*)\?=$/u.exec(text) ?? [];
  return encoded === undefined ? text : Buffer.from(encoded, 'base64').toString();
}

async function modernRequestsAreWhole(scene: ScenarioScene): Promise<void> {
  await useAll(scene);
  const requests = scene
    .receivedSince(0)
    .filter(({ message }) => message?.method !== undefined && message.id !== undefined);
  assert.ok(requests.length > 4);
  for (const { message } of requests) {
    const meta = objectOf(message?.params?.['_meta']);
    assert.equal(meta[`${META}protocolVersion`], '2026-07-28', message?.method);
    assert.equal(typeof meta[`${META}clientCapabilities`], 'object', message?.method);
    const name = objectOf(meta[`${META}clientInfo`])['name'];
    assert.ok(typeof name === 'string' && name !== 'scenario', message?.method);
    const trace = meta['traceparent'];
    if (trace !== undefined)
      assert.match(String(trace), /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/u);
  }
  const calls = scene.received().filter(({ message }) => message?.method === 'tools/call');
  for (const { message } of calls)
    assert.deepEqual(
      objectOf(objectOf(message?.params?.['_meta'])[`${META}clientCapabilities`]),
      {},
      'the client declared nothing',
    );
}

async function modernPostsAreWhole(scene: ScenarioScene): Promise<void> {
  await useAll(scene);
  const own: Record<string, string> = {
    'tools/call': 'fixture_echo',
    'prompts/get': 'test_simple_prompt',
    'resources/read': 'test://static-text',
  };
  for (const tapped of scene.receivedSince(0)) {
    const { method, headers } = httpOf(tapped);
    const { message } = tapped;
    assert.equal(method, 'POST');
    assert.ok(message?.method !== undefined, 'a response was posted');
    assert.match(headers.accept ?? '', /application\/json/u);
    assert.match(headers.accept ?? '', /text\/event-stream/u);
    assert.equal(headers['mcp-session-id'], undefined);
    assert.equal(headers['last-event-id'], undefined);
    assert.equal(
      headers['mcp-protocol-version'],
      objectOf(message.params?.['_meta'])[`${META}protocolVersion`],
    );
    assert.equal(headers['mcp-method'], message.method);
    const name = message.params?.['name'] ?? message.params?.['uri'];
    if (message.method in own) assert.equal(decoded(headers['mcp-name']), name);
  }
  await (
    await scene.client()
  ).call(scene.name('test_tool_with_progress'), {}, { _meta: { progressToken: 1 } });
  const types = scene.received().map(({ http }) => http?.response?.headers['content-type'] ?? '');
  assert.ok(types.some((type) => type.startsWith('application/json')));
  assert.ok(types.some((type) => type.startsWith('text/event-stream')));
  for (const [method, name] of Object.entries(own))
    assert.equal(decoded(httpOf(await scene.whenSent(method)).headers['mcp-name']), name);
}

async function paramsAreMade(scene: ScenarioScene): Promise<void> {
  const cases: readonly (readonly [JsonObject, Record<string, string | undefined>])[] = [
    [
      { region: 'eu', priority: -7, urgent: true },
      { region: 'eu', priority: '-7', urgent: 'true' },
    ],
    [
      { region: 'Zürich\n', priority: null },
      { region: '=?base64?WsO8cmljaAo=?=', priority: undefined, urgent: undefined },
    ],
    [{ region: ' padded ' }, { region: '=?base64?IHBhZGRlZCA=?=' }],
    [{ region: '=?base64?literal?=' }, { region: '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=' }],
  ];
  const peer = await scene.client();
  for (const [args, wanted] of cases) {
    const present = Object.entries(wanted).filter(([, value]) => value !== undefined);
    const own = present.map(([name, value]) => [`mcp-param-${name}`, String(value)]);
    const headers =
      scene.era === 'modern' ? (Object.fromEntries(own) as Record<string, string>) : {};
    const { error } = await peer.request(
      'tools/call',
      { name: scene.name('test_x_mcp_header'), arguments: args },
      headers,
    );
    assert.equal(error, undefined, JSON.stringify(error));
    const sent = httpOf(scene.sent('tools/call').at(-1) as Tapped).headers;
    for (const [name, value] of Object.entries(wanted))
      assert.equal(sent[`mcp-param-${name}`], value, name);
  }
}

async function namesAreEncoded(scene: ScenarioScene): Promise<void> {
  // A name of its own: another gateway may still be told that the last one is gone.
  const name = `prüfung ${freshNumber()}`;
  const peer = await scene.client();
  const names = async (): Promise<string[]> =>
    (await scene.listed(peer, 'tools/list', 'tools')).map((tool) => String(tool['name']));
  const before = await names();
  const fresh = async (): Promise<string | undefined> =>
    (await names()).find((one) => !before.includes(one));
  await scene.call('fixture_add_tool', { name });
  await eventually('the tool was there', async () => (await fresh()) !== undefined);
  const shown = (await fresh()) ?? '';
  const headers = { 'mcp-name': `=?base64?${Buffer.from(shown).toString('base64')}?=` };
  const params = { name: shown, arguments: {} };
  const { result } = await peer.request(
    'tools/call',
    params,
    scene.era === 'modern' ? headers : {},
  );
  assert.ok(result !== undefined);
  const sent = httpOf(scene.sent('tools/call').at(-1) as Tapped).headers;
  assert.equal(sent['mcp-name'], `=?base64?${Buffer.from(name).toString('base64')}?=`);
  await scene.call('fixture_remove_tool', { name });
  await eventually('the tool was gone', async () => (await fresh()) === undefined);
}

async function badToolsAreLeftOut(scene: ScenarioScene): Promise<void> {
  const definition = {
    inputSchema: {
      type: 'object',
      properties: { a: { type: 'string', 'x-mcp-header': 'not a token' } },
    },
  };
  await scene.call('fixture_add_tool', { name: 'fixture_bad_header', definition });
  await scene.call('fixture_add_tool', { name: 'fixture_good_one' });
  const peer = await scene.client();
  const names = async (): Promise<unknown[]> =>
    (await scene.listed(peer, 'tools/list', 'tools')).map(({ name }) => name);
  await eventually('the good tool was there', async () =>
    (await names()).includes(scene.name('fixture_good_one')),
  );
  assert.ok(!(await names()).includes(scene.name('fixture_bad_header')));
  if (scene.inbound === 'http')
    await eventually('the log said so', () => scene.log().includes('fixture_bad_header'));
  await scene.call('fixture_remove_tool', { name: 'fixture_bad_header' });
  await scene.call('fixture_remove_tool', { name: 'fixture_good_one' });
}

function acceptIsWhole({ http, message }: Tapped): void {
  const accepted = http?.headers.accept ?? '';
  if (http?.method === 'POST')
    assert.ok(message !== undefined && accepted.includes('application/json'));
  if (http?.method !== 'DELETE') assert.ok(accepted.includes('text/event-stream'));
}

async function legacyHttpIsKept(scene: ScenarioScene): Promise<void> {
  await useAll(scene);
  const all = scene.receivedSince(0).filter(({ message }) => message?.method !== 'server/discover');
  const given = new Set<unknown>();
  for (const tapped of all) {
    acceptIsWhole(tapped);
    const { headers, response } = httpOf(tapped);
    if (tapped.message?.method === 'initialize') {
      assert.equal(headers['mcp-session-id'], undefined);
      given.add(response?.headers['mcp-session-id']);
    } else {
      assert.ok(given.has(headers['mcp-session-id']), `${tapped.raw} without its session`);
      assert.equal(headers['mcp-protocol-version'], '2025-11-25');
    }
  }
  assert.ok(given.size > 0);
}

async function closedStreamsAreTakenUp(scene: ScenarioScene): Promise<void> {
  const result = await scene.call('test_reconnection');
  assert.match(JSON.stringify(result), /Reconnection test completed/u);
  const again = scene
    .received()
    .filter(({ http }) => http?.method === 'GET' && http.headers['last-event-id'] !== undefined);
  assert.ok(again.length > 0);
}

async function sessionsAreEnded(scene: ScenarioScene): Promise<void> {
  const client = await scene.open({
    capabilities: { elicitation: {} },
    answers: { 'elicitation/create': () => ({ action: 'decline' }) },
  });
  await client.request('tools/call', {
    name: scene.name('test_elicitation'),
    arguments: { message: 'x' },
  });
  await client.request('tools/call', {
    name: scene.name('test_elicitation'),
    arguments: { message: 'x' },
  });
  const begun = scene
    .sent('initialize')
    .map(({ http }) => http?.response?.headers['mcp-session-id']);
  await client.close();
  if (begun.length === 0) return;
  await eventually('the session was ended', () =>
    scene
      .received()
      .some(
        ({ http }) => http?.method === 'DELETE' && begun.includes(http.headers['mcp-session-id']),
      ),
  );
}

async function postsGoToTheEndpoint(scene: ScenarioScene): Promise<void> {
  await useAll(scene);
  const all = scene.receivedSince(0);
  const told = all.flatMap(({ http }) =>
    [...(http?.response?.text ?? '').matchAll(/event: endpoint\ndata: (\S+)/gu)].map(
      ([, path]) => path,
    ),
  );
  const posts = all.filter(
    ({ http, message }) =>
      http?.method === 'POST' && http.path !== '/sse' && message?.method !== 'server/discover',
  );
  assert.ok(posts.length > 4);
  for (const { http } of posts) assert.ok(told.includes(http?.path), http?.path);
}

async function linesAreMessages(scene: ScenarioScene): Promise<void> {
  await scene.call('fixture_echo', { text: 'one\ntwo\r\nthree\u2028four', emoji: '🚀' });
  for (const { raw, message } of scene.receivedSince(0)) assert.equal(message?.jsonrpc, '2.0', raw);
  const { message } = await scene.whenSent('tools/call');
  assert.deepEqual(message?.params?.['arguments'], {
    text: 'one\ntwo\r\nthree\u2028four',
    emoji: '🚀',
  });
}

async function complaintsAreNoFailure(scene: ScenarioScene): Promise<void> {
  const result = await scene.call('fixture_stderr', { text: 'ERROR: this is fine' });
  assert.notEqual(result['isError'], true);
  assert.ok(
    (await scene.ask('tools/call', { name: scene.name('test_simple_text'), arguments: {} }))
      .result !== undefined,
  );
}

async function noResponsesAreSent(scene: ScenarioScene): Promise<void> {
  await useAll(scene);
  await scene.ask('tools/call', {
    name: scene.name('test_elicitation'),
    arguments: { message: 'x' },
  });
  for (const { raw, message } of scene.receivedSince(0))
    assert.ok(message?.method !== undefined, raw);
}

async function pagesAreFollowed(scene: ScenarioScene): Promise<void> {
  await scene.listed(await scene.client(), 'tools/list', 'tools');
  const listed = scene.receivedSince(0).filter(({ message }) => message?.method === 'tools/list');
  const cursors = listed.map(({ message }) => message?.params?.['cursor']);
  assert.equal(cursors[0], undefined);
  // The fixture's cursors are the number of items before the page, seven on each.
  for (const cursor of cursors.slice(1))
    if (cursor !== undefined) assert.equal(Number(cursor) % 7, 0);
  const tools = await scene.listed(await scene.client(), 'tools/list', 'tools');
  assert.ok(tools.length > 14 && cursors.includes('14'), 'all pages were asked for');
}

async function tokensAreUnique(scene: ScenarioScene): Promise<void> {
  // On stdio every client has a gateway of its own.
  const isAlone = scene.inbound === 'stdio';
  const one = await scene.client();
  const start = one.heard.length;
  const own = freshNumber();
  const clients = isAlone
    ? ([
        [one, own],
        [one, `b ${own}`],
      ] as const)
    : ([
        [one, own],
        [await scene.open(), own],
      ] as const);
  await Promise.all(
    clients.map(([peer, progressToken]) =>
      peer.call(
        scene.name('fixture_slow'),
        { ms: 120, progressEveryMs: 40 },
        { _meta: { progressToken } },
      ),
    ),
  );
  const tokens = scene
    .sent('tools/call')
    .map(({ message }) => objectOf(message?.params?.['_meta'])['progressToken']);
  assert.equal(new Set(tokens).size, 2);
  for (const token of tokens) assert.ok(typeof token === 'string' || Number.isInteger(token));
  for (const [peer, token] of clients) {
    const told = peer
      .heardOf('notifications/progress', peer === one ? start : 0)
      .filter((heard) => heard['progressToken'] === token);
    assert.deepEqual(
      told.map(({ progress, total }) => [progress, total]),
      [
        [40, 120],
        [80, 120],
        [120, 120],
      ],
    );
  }
}

async function eraIsAsked(scene: ScenarioScene): Promise<void> {
  const all = scene.receivedSince(0).filter(({ message }) => message?.method !== undefined);
  assert.equal(all[0]?.message?.method, 'server/discover');
  assert.equal(
    objectOf(all[0]?.message?.params?.['_meta'])[`${META}protocolVersion`],
    '2026-07-28',
  );
  const probes = all.filter(({ message }) => message?.method === 'server/discover').length;
  await useAll(scene);
  const later = scene
    .receivedSince(0)
    .filter(({ message }) => message?.method === 'server/discover').length;
  assert.equal(later, probes, 'the server was asked again');
}

/** What the gateway sends as a client. */
export const UPSTREAM_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a server is first asked for its era, and not again while it runs',
    cites: ['modern.era.probe', 'modern.era.fallback', 'modern.era.remembered'],
    doors: ['modern-http'],
    servers: WAYS.filter((way) => way !== 'legacy-sse'),
    run: eraIsAsked,
  },
  {
    name: 'every request says its version, the gateway as the client, and no more capabilities than the client has',
    cites: [
      'modern.meta.sent',
      'modern.meta.client-info-sent',
      'modern.meta.capabilities-of-client',
      'modern.meta.trace-context',
    ],
    servers: ways('modern'),
    run: modernRequestsAreWhole,
  },
  {
    name: 'every POST to a modern server has the headers of its body, and there is nothing but POSTs',
    cites: [
      'modern.http.client.post',
      'modern.http.client.accept',
      'modern.http.client.both-answers',
      'modern.http.client.version',
      'modern.http.client.method',
      'modern.http.client.name',
      'modern.http.client.no-session',
    ],
    servers: ['modern-http'],
    run: modernPostsAreWhole,
  },
  {
    name: 'marked arguments become headers, encoded where HTTP cannot carry them, absent where they are',
    cites: [
      'modern.http.client.param',
      'modern.http.client.param-encoded',
      'modern.http.client.param-null',
    ],
    servers: ['modern-http'],
    run: paramsAreMade,
  },
  {
    name: 'a name that HTTP cannot carry is encoded',
    cites: ['modern.http.client.name-encoded'],
    servers: ['modern-http'],
    run: namesAreEncoded,
  },
  {
    name: 'a tool with a bad header is left out and the log says so',
    cites: ['modern.http.client.tool-rejected'],
    doors: ['modern-http', 'modern-stdio'],
    servers: ['modern-http'],
    run: badToolsAreLeftOut,
  },
  {
    name: 'every message to a legacy HTTP server is a POST of its own in its session, with its version',
    cites: [
      'legacy.http.client.post',
      'legacy.http.client.accept',
      'legacy.http.client.session',
      'legacy.http.client.version',
      'legacy.http.client.both-answers',
    ],
    servers: ['legacy-http'],
    run: legacyHttpIsKept,
  },
  {
    name: 'a stream that a server closed before its answer is taken up again',
    cites: ['legacy.http.client.resume'],
    doors: ['legacy-http'],
    servers: ['legacy-http'],
    run: closedStreamsAreTakenUp,
  },
  {
    name: 'a session that was for one client alone is ended with it',
    cites: ['legacy.http.client.delete'],
    doors: ['legacy-http'],
    servers: ['legacy-http'],
    run: sessionsAreEnded,
  },
  {
    name: 'every message to an HTTP+SSE server goes where its stream said',
    cites: ['sse.client.endpoint'],
    servers: ['legacy-sse'],
    run: postsGoToTheEndpoint,
  },
  {
    name: 'a server on stdio gets one message a line, whatever is in it',
    cites: ['stdio.input-is-messages'],
    servers: ['legacy-stdio', 'modern-stdio'],
    run: linesAreMessages,
  },
  {
    name: 'what a server writes to standard error is no failure',
    cites: ['stdio.errors-are-no-failure'],
    doors: ['legacy-http'],
    servers: ['legacy-stdio', 'modern-stdio'],
    run: complaintsAreNoFailure,
  },
  {
    name: 'a modern server is never sent a response',
    cites: ['modern.stdio.no-responses', 'modern.http.client.post'],
    servers: ways('modern'),
    run: noResponsesAreSent,
  },
  {
    name: 'the pages of a server are followed to the end with its own cursors',
    cites: ['pagination.client.followed', 'pagination.client.opaque'],
    doors: ['modern-http'],
    servers: WAYS,
    run: pagesAreFollowed,
  },
  {
    name: 'equal progress tokens of two clients are different ones to the server (R10)',
    cites: ['progress.client.unique', 'progress.token', 'progress.increases', 'progress.fields'],
    servers: WAYS,
    run: tokensAreUnique,
  },
];
