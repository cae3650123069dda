import assert from 'node:assert/strict';
import type { JsonObject } from '../fixture/json-rpc.ts';
import { allOf, modernSent, RawSession } from './raw-clients.ts';
import { EventReader } from './raw-events.ts';
import { send, type Got, type Sent } from './raw-http.ts';
import { WAYS, type Way } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import type { Scenario } from './scenario.ts';

const LEGACY_HTTP: readonly Way[] = ['legacy-http'];
const HTTP: readonly Way[] = ['legacy-http', 'legacy-sse', 'modern-http'];

function callOf(
  scene: ScenarioScene,
  tool: string,
  args: JsonObject = {},
  meta: JsonObject = {},
): JsonObject {
  const _meta = Object.keys(meta).length === 0 ? {} : { _meta: meta };
  return { name: scene.name(tool), arguments: args, ..._meta };
}

function typeOf({ headers }: Pick<Got, 'headers'>): string {
  return String(headers['content-type']).split(';')[0] ?? '';
}

async function postsAreTaken(scene: ScenarioScene): Promise<void> {
  const session = await RawSession.open(scene.port);
  for (const body of [
    { jsonrpc: '2.0', method: 'notifications/nobody/knows' },
    { jsonrpc: '2.0', id: 'never-asked', result: {} },
  ]) {
    const { status, text } = await session.post(body);
    assert.deepEqual([status, text], [202, '']);
  }
  for (const body of ['{"half":', '42', JSON.stringify({ jsonrpc: '1.0', method: 'x', id: 1 })]) {
    const got = await session.post(body);
    assert.ok(got.status >= 400 && got.status < 500, got.text);
  }
}

async function batchesAreOfOneRevision(scene: ScenarioScene): Promise<void> {
  const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }));
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    const session = await RawSession.open(scene.port, { version });
    const got = await session.post(batch);
    if (version !== '2025-03-26') assert.equal(got.status, 400, version);
    else assert.deepEqual(new Set(allOf(got).map(({ id }) => id)), new Set([1, 2]));
    await session.end();
  }
}

async function legacyStreams(scene: ScenarioScene): Promise<void> {
  const session = await RawSession.open(scene.port);
  const plain = await session.post(session.body('tools/call', callOf(scene, 'test_simple_text')));
  assert.equal(typeOf(plain), 'application/json');
  const [one, two] = ['a', 'b'].map((token) =>
    session.body(
      'tools/call',
      callOf(scene, 'test_tool_with_progress', {}, { progressToken: token }),
    ),
  ) as [JsonObject & { id: number }, JsonObject & { id: number }];
  const get = await session.listen();
  const [first, second] = await Promise.all([session.stream(one), session.stream(two)]);
  await Promise.all([first.ended, second.ended]);
  for (const [reader, body, token] of [
    [first, one, 'a'],
    [second, two, 'b'],
  ] as const) {
    const told = reader.messages.filter(({ method }) => method === 'notifications/progress');
    assert.equal(told.length, 3);
    assert.ok(
      told.every(({ params }) => params?.['progressToken'] === token),
      'progress of another request',
    );
    assert.equal(reader.messages.at(-1)?.id, body.id);
    const [priming] = reader.events;
    assert.ok(priming?.id !== undefined && (priming.data ?? '') === '', 'no priming event');
    assert.ok(reader.events.some(({ retry }) => retry !== undefined));
  }
  assert.ok(
    get.messages.every(({ id, method }) => method !== 'notifications/progress' && id === undefined),
  );
  const ids = [first, second, get]
    .flatMap(({ events }) => events.map(({ id }) => id))
    .filter((id) => id !== undefined);
  assert.equal(new Set(ids).size, ids.length, 'event ids are used twice');
  get.break();
  await session.end();
}

async function disconnectIsNoCancel(scene: ScenarioScene): Promise<void> {
  const session = await RawSession.open(scene.port);
  const body = session.body(
    'tools/call',
    callOf(scene, 'fixture_slow', { ms: 150, progressEveryMs: 50 }, { progressToken: 1 }),
  );
  const reader = await session.stream(body);
  const { id } = await reader.next(({ id: event }) => event !== undefined);
  reader.break();
  const again = await session.listen(id);
  const answer = await again.nextMessage((message) => message.id === body.id);
  assert.ok(answer.result !== undefined);
  assert.deepEqual(scene.sent('notifications/cancelled'), []);
  assert.equal(
    new Set(again.messages.map((message) => JSON.stringify(message))).size,
    again.messages.length,
  );
  again.break();
  await session.end();
}

async function newsGoToOneStream(scene: ScenarioScene): Promise<void> {
  const session = await RawSession.open(scene.port);
  const get = await session.listen();
  const method = 'notifications/prompts/list_changed';
  const body = session.body('tools/call', callOf(scene, 'test_trigger_prompt_change'));
  const got = await session.post(body);
  await get.nextMessage((message) => message.method === method);
  assert.ok(allOf(got).every((message) => message.method !== method));
  await session.post(session.body('tools/call', callOf(scene, 'test_trigger_prompt_change')));
  get.break();
  await session.end();
}

async function sessionsLiveAndEnd(scene: ScenarioScene): Promise<void> {
  const one = await RawSession.open(scene.port);
  const two = await RawSession.open(scene.port);
  assert.match(one.id, /^[\x21-\x7e]{22,}$/u);
  assert.notEqual(one.id, two.id);
  const body = { jsonrpc: '2.0', id: 5, method: 'tools/list' };
  assert.equal((await send(scene.port, { body })).status, 400);
  assert.equal(
    (await send(scene.port, { body, headers: { 'mcp-session-id': `${one.id}x` } })).status,
    404,
  );
  assert.ok((await one.end()).status < 300);
  assert.equal((await one.post(body)).status, 404);
  assert.equal((await send(scene.port, { method: 'GET', headers: one.headers })).status, 404);
  assert.equal((await two.post(body)).status, 200);
  assert.equal((await two.post(body, { 'mcp-protocol-version': '1999-01-01' })).status, 400);
  const headers = { 'mcp-session-id': two.id };
  assert.equal((await send(scene.port, { body, headers })).status, 200);
  await two.end();
}

async function getOpensAStream(scene: ScenarioScene): Promise<void> {
  const session = await RawSession.open(scene.port);
  const reader = await session.listen();
  assert.equal(reader.status, 200);
  assert.equal(typeOf(reader.response), 'text/event-stream');
  reader.break();
  const refused = await send(scene.port, {
    method: 'GET',
    headers: { ...session.headers, accept: 'application/json' },
  });
  assert.equal(refused.status, 406);
  await session.end();
}

async function foreignOriginsAreRefused(scene: ScenarioScene): Promise<void> {
  const headers = { origin: 'https://attacker.example' };
  const sent: Record<string, Sent> = {
    'legacy-http': { body: { jsonrpc: '2.0', id: 1, method: 'ping' } },
    'legacy-sse': { method: 'GET', path: '/sse' },
    'modern-http': modernSent('tools/list'),
  };
  const one = sent[scene.door] ?? {};
  const got = await send(scene.port, { ...one, headers: { ...one.headers, ...headers } });
  assert.equal(got.status, 403);
  assert.match(scene.log(), /listening on http:\/\/127\.0\.0\.1:/u);
}

async function sseTellsWhere(scene: ScenarioScene): Promise<void> {
  const reader = await EventReader.open(scene.port, { method: 'GET', path: '/sse' });
  const first = await reader.next(() => true);
  assert.equal(first.event, 'endpoint');
  const path =
    new URL(first.data ?? '', 'http://x').pathname + new URL(first.data ?? '', 'http://x').search;
  const say = async (body: JsonObject): Promise<void> => {
    assert.equal((await send(scene.port, { path, body })).status, 202);
  };
  const clientInfo = { name: 'scenario', version: '1' };
  await say({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo },
  });
  await reader.nextMessage(({ id }) => id === 1);
  await say({ jsonrpc: '2.0', method: 'notifications/initialized' });
  await say({
    jsonrpc: '2.0',
    id: 2,
    method: 'tools/call',
    params: callOf(scene, 'test_tool_with_progress', {}, { progressToken: 9 }),
  });
  await reader.nextMessage(({ id }) => id === 2);
  for (const event of reader.events.slice(1))
    if (event.comment === undefined)
      assert.deepEqual(
        [event.event ?? 'message', typeof JSON.parse(event.data ?? '')],
        ['message', 'object'],
      );
  assert.equal(
    reader.messages.filter(({ method }) => method === 'notifications/progress').length,
    3,
  );
  reader.break();
}

/** The gateway as an HTTP server of the legacy era, and what both eras share. */
export const HTTP_SCENARIOS: readonly Scenario[] = [
  {
    name: 'what is taken is answered 202, what cannot be with an error',
    cites: ['legacy.http.post-taken', 'legacy.http.post-refused', 'legacy.http.one-endpoint'],
    doors: LEGACY_HTTP,
    run: postsAreTaken,
  },
  {
    name: 'batches are answered in 2025-03-26 and refused in every other revision',
    cites: ['legacy.http.batch', 'legacy.http.no-batch', 'legacy.init.version-respected'],
    doors: LEGACY_HTTP,
    run: batchesAreOfOneRevision,
  },
  {
    name: 'a POST is answered as JSON, or by a stream of its own messages that ends with the answer',
    cites: [
      'legacy.http.answer-type',
      'legacy.http.stream-has-answer',
      'legacy.http.stream-is-related',
      'legacy.http.priming',
      'legacy.http.retry',
      'legacy.http.event-ids',
      'legacy.http.get-has-no-answers',
    ],
    doors: LEGACY_HTTP,
    servers: WAYS,
    run: legacyStreams,
  },
  {
    name: 'a broken connection cancels nothing, and its stream is taken up again without loss or repetition',
    cites: ['legacy.http.disconnect-is-no-cancel', 'legacy.http.resume'],
    doors: LEGACY_HTTP,
    servers: WAYS,
    run: disconnectIsNoCancel,
  },
  {
    name: 'news go to the one stream that is for them',
    cites: ['legacy.http.one-stream-each', 'prompts.list-changed'],
    doors: LEGACY_HTTP,
    servers: WAYS,
    isAlone: true,
    run: newsGoToOneStream,
  },
  {
    name: 'a session is unguessable, required, and gone once it ended',
    cites: [
      'legacy.http.session-id',
      'legacy.http.session-required',
      'legacy.http.session-404',
      'legacy.http.session-delete',
      'legacy.http.version-header',
      'legacy.http.version-header-absent',
    ],
    doors: LEGACY_HTTP,
    run: sessionsLiveAndEnd,
  },
  {
    name: 'GET opens an event stream, for those who take one',
    cites: ['legacy.http.get-stream', 'legacy.http.get-accept', 'legacy.http.one-endpoint'],
    doors: LEGACY_HTTP,
    run: getOpensAStream,
  },
  {
    name: 'a foreign origin is refused, and no address but loopback listened on',
    cites: ['http.origin', 'http.loopback'],
    doors: HTTP,
    run: foreignOriginsAreRefused,
  },
  {
    name: 'a stream tells where to send first, and carries messages from then on',
    cites: [
      'sse.endpoint-first',
      'sse.message-events',
      'sse.post-accepted',
      'legacy.http.old-endpoints',
    ],
    doors: ['legacy-sse'],
    servers: WAYS,
    run: sseTellsWhere,
  },
  {
    name: 'the endpoints of HTTP+SSE are served beside the new one',
    cites: ['legacy.http.old-endpoints'],
    doors: LEGACY_HTTP,
    servers: ['legacy-http'],
    run: sseTellsWhere,
  },
];
