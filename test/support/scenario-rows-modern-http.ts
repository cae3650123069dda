import assert from 'node:assert/strict';
import type { JsonObject } from '../fixture/json-rpc.ts';
import { modernSent } from './raw-clients.ts';
import { EventReader } from './raw-events.ts';
import { eventually } from './raw-eventually.ts';
import { assertClean, begin, rpcOf, send, type Got, type Sent } from './raw-http.ts';
import { WAYS, type Way } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import type { Scenario } from './scenario.ts';

const MODERN_HTTP: readonly Way[] = ['modern-http'];

function modernCallOf(
  scene: ScenarioScene,
  tool: string,
  args: JsonObject = {},
  meta: JsonObject = {},
): Sent {
  return modernSent('tools/call', { name: scene.name(tool), arguments: args }, { meta });
}

function typeOf({ headers }: Pick<Got, 'headers'>): string {
  return String(headers['content-type']).split(';')[0] ?? '';
}

async function modernPosts(scene: ScenarioScene): Promise<void> {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'notifications/x' };
  const taken = await send(scene.port, {
    headers,
    body: { jsonrpc: '2.0', method: 'notifications/x' },
  });
  assert.deepEqual([taken.status, taken.text], [202, '']);
  const [one] = [modernSent('tools/list')];
  for (const body of ['{', [one.body, one.body], { jsonrpc: '2.0' }]) {
    const got = await send(scene.port, { headers: one.headers ?? {}, body });
    assert.equal(got.status, 400, got.text);
  }
  const response = { jsonrpc: '2.0', id: 1, result: {} };
  const refused = await send(scene.port, {
    headers: { 'mcp-protocol-version': '2026-07-28' },
    body: response,
  });
  assert.ok(refused.status >= 400, String(refused.status));
}

async function modernStreams(scene: ScenarioScene): Promise<void> {
  const plain = await send(scene.port, modernCallOf(scene, 'test_simple_text'));
  assert.equal(typeOf(plain), 'application/json');
  const sent = modernCallOf(scene, 'test_tool_with_progress', {}, { progressToken: 'x' });
  const old = { 'last-event-id': 'abc', 'mcp-session-id': 'nobody' };
  const other = send(
    scene.port,
    modernCallOf(scene, 'test_tool_with_progress', {}, { progressToken: 'y' }),
  );
  const reader = await EventReader.open(scene.port, {
    ...sent,
    headers: { ...sent.headers, ...old },
  });
  assert.equal(reader.response.headers['x-accel-buffering'], 'no');
  assert.equal(reader.response.headers['mcp-session-id'], undefined);
  await reader.ended;
  await other;
  assert.ok(
    reader.messages
      .slice(0, -1)
      .every(
        ({ method, id, params }) =>
          method === 'notifications/progress' &&
          id === undefined &&
          params?.['progressToken'] === 'x',
      ),
  );
  assert.ok(reader.messages.at(-1)?.result !== undefined);
  assert.ok(
    reader.events.every(({ id }) => id === undefined),
    'events have ids',
  );
}

async function closingCancels(scene: ScenarioScene): Promise<void> {
  const sent = modernCallOf(
    scene,
    'fixture_slow',
    { ms: 20_000, progressEveryMs: 30 },
    { progressToken: 'z' },
  );
  const reader = await EventReader.open(scene.port, sent);
  await reader.next(() => true);
  const { message, http } = await scene.whenSent('tools/call');
  reader.break();
  if (scene.server === 'modern-http') {
    await eventually('the request was closed', () => http?.isAbandoned === true);
    return;
  }
  const cancelled = await scene.whenSent('notifications/cancelled');
  assert.equal(cancelled.message?.params?.['requestId'], message?.id);
}

function refused(got: Got, what: string): void {
  assert.equal(got.status, 400, `${what}: ${got.text}`);
  assert.equal(rpcOf(got).error?.code, -32020, what);
}

async function headersAreChecked(scene: ScenarioScene): Promise<void> {
  const good = modernSent('tools/list');
  const params = { name: scene.name('test_simple_text'), arguments: {} };
  const call = modernSent('tools/call', params);
  const sent = (base: Sent, change: Record<string, string | undefined>): Promise<Got> => {
    const merged = Object.entries({ ...base.headers, ...change }).filter(
      ([, value]) => value !== undefined,
    );
    return send(scene.port, {
      ...base,
      headers: Object.fromEntries(merged) as Record<string, string>,
    });
  };
  refused(await sent(good, { 'mcp-protocol-version': undefined }), 'no version');
  refused(await sent(good, { 'mcp-protocol-version': '2025-11-25' }), 'another version');
  refused(await sent(good, { 'mcp-method': undefined }), 'no method');
  refused(await sent(good, { 'mcp-method': 'prompts/list' }), 'another method');
  refused(await sent(good, { 'mcp-method': 'TOOLS/LIST' }), 'the method in capitals');
  refused(await sent(call, { 'mcp-name': undefined }), 'no name');
  refused(await sent(call, { 'mcp-name': scene.name('test_image_content') }), 'another name');
  refused(await sent(call, { 'mcp-name': '=?base64?!!!?=' }), 'a name that cannot be decoded');
  const encoded = `=?base64?${Buffer.from(params.name).toString('base64')}?=`;
  assert.equal((await sent(call, { 'mcp-name': encoded })).status, 200);
  const { 'mcp-method': method = '', ...rest } = (good.headers ?? {}) as Record<string, string>;
  assert.equal(
    (await send(scene.port, { ...good, headers: { ...rest, 'MCP-METHOD': method } })).status,
    200,
  );
  const read = modernSent('resources/read', { uri: scene.uri('test://static-text') });
  refused(await sent(read, { 'mcp-name': 'test://other' }), 'another URI');
  assert.equal((await sent(call, { 'mcp-param-nobody': 'knows' })).status, 200);
}

async function paramsAreChecked(scene: ScenarioScene): Promise<void> {
  const args = { region: 'eu', priority: 3, urgent: null };
  const sent = (change: Record<string, string>, given: JsonObject = args): Promise<Got> =>
    send(
      scene.port,
      modernSent(
        'tools/call',
        { name: scene.name('test_x_mcp_header'), arguments: given },
        { headers: change },
      ),
    );
  const good = { 'mcp-param-region': 'eu', 'mcp-param-priority': '3' };
  assert.equal((await sent(good)).status, 200, 'as it is');
  assert.equal(
    (await sent({ ...good, 'mcp-param-priority': '3.0' })).status,
    200,
    'the same number',
  );
  refused(await sent({ ...good, 'mcp-param-region': 'us' }), 'another value');
  refused(await sent({ 'mcp-param-region': 'eu' }), 'a missing one');
  refused(await sent({ ...good, 'mcp-param-priority': '4' }), 'another number');
  refused(
    await sent({ ...good, 'mcp-param-region': '=?base64?%%%?=' }),
    'one that cannot be decoded',
  );
}

async function modernHasNoSessions(scene: ScenarioScene): Promise<void> {
  const headers = { 'mcp-protocol-version': '2026-07-28', accept: 'text/event-stream' };
  for (const method of ['GET', 'DELETE']) {
    const response = await begin(scene.port, { method, headers });
    assert.ok((response.statusCode ?? 0) >= 400, method);
    response.resume();
  }
  const got = await send(
    scene.port,
    modernSent('tools/list', {}, { headers: { 'mcp-session-id': 'nobody' } }),
  );
  assertClean(got);
  assert.deepEqual([got.status, got.headers['mcp-session-id']], [200, undefined]);
  const unknown = await send(scene.port, modernSent('no/such/method'));
  assert.deepEqual([unknown.status, rpcOf(unknown).error?.code], [404, -32601]);
}

/** The gateway as an HTTP server of the modern era. */
export const MODERN_HTTP_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a notification is taken with 202; batches, responses and what is no message are not taken',
    cites: ['modern.http.notification', 'modern.http.not-taken', 'modern.http.responses-refused'],
    doors: MODERN_HTTP,
    run: modernPosts,
  },
  {
    name: 'a request is answered as JSON or by a stream of its own, without event ids, ended by the answer',
    cites: [
      'modern.http.answer-type',
      'modern.http.stream-is-related',
      'modern.http.no-requests',
      'modern.http.stream-ends',
      'modern.http.no-buffering',
      'modern.http.not-resumable',
    ],
    doors: MODERN_HTTP,
    servers: WAYS,
    run: modernStreams,
  },
  {
    name: 'closing the stream of a request cancels it down to its server',
    cites: [
      'modern.http.close-cancels',
      'cancel.stops-work',
      'modern.http.client.close-cancels',
      'cancel.client.own-requests',
    ],
    doors: MODERN_HTTP,
    servers: WAYS,
    run: closingCancels,
  },
  {
    name: 'headers must be there and say what the body says',
    cites: [
      'modern.http.version-header',
      'modern.http.mcp-method',
      'modern.http.mcp-name',
      'modern.http.name-decoded',
      'modern.http.header-names-any-case',
      'modern.http.param-unknown',
    ],
    doors: MODERN_HTTP,
    servers: WAYS,
    run: headersAreChecked,
  },
  {
    name: 'Mcp-Param headers must say what the arguments say',
    cites: [
      'modern.http.param-checked',
      'modern.http.param-missing',
      'modern.http.param-null',
      'modern.http.param-number',
    ],
    doors: MODERN_HTTP,
    servers: ['modern-stdio', 'modern-http'],
    run: paramsAreChecked,
  },
  {
    name: 'there are no sessions, no GET, no DELETE, and unknown methods are 404',
    cites: ['modern.http.no-sessions', 'modern.http.get-delete', 'modern.http.method-unknown'],
    doors: MODERN_HTTP,
    run: modernHasNoSessions,
  },
];
