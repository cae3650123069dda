import assert from 'node:assert/strict';
import test from 'node:test';
import { allOf, MODERN, modernCall, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, gatewayForFile } from '../support/raw-gateway.ts';
import { assertRefused, begin, rpcOf, send, type JsonObject } from '../support/raw-http.ts';

/** Streamable HTTP of the modern protocol: every request stands alone and says what it is. */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('modern') },
  app: 'sse:\n  afterMs: 300\n  keepAliveMs: 200\n',
});

const CALL = { name: 'it__test_simple_text', arguments: {} };
const SLOW = 'it__fixture_slow';
const META = 'io.modelcontextprotocol';

async function state(): Promise<JsonObject> {
  const { result } = rpcOf(await modernCall(port, 'it__fixture_state'));
  return result?.['structuredContent'] as JsonObject;
}

test('a modern call is answered as JSON that names this gateway alone as the server', async () => {
  const got = await modernCall(port, 'it__test_simple_text');
  assert.deepEqual([got.status, got.headers['content-type']], [200, 'application/json']);
  const { result } = rpcOf(got);
  assert.equal(result?.['resultType'], 'complete');
  const meta = result?.['_meta'] as JsonObject;
  assert.equal((meta[`${META}/serverInfo`] as { name: string }).name, 'mcpx');
  assert.ok(!got.text.includes('mcpx-fixture'));
  assert.equal(got.headers['mcp-session-id'], undefined);
});

test('every list and discovery says how long and for whom it holds', async () => {
  for (const method of [
    'server/discover',
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
  ]) {
    const { result } = rpcOf(await send(port, modernSent(method)));
    assert.equal(result?.['resultType'], 'complete', method);
    assert.ok(Number(result?.['ttlMs']) > 0, method);
    assert.match(String(result?.['cacheScope']), /^(?:public|private)$/u, method);
  }
});

test('discovery names the versions, capabilities and instructions', async () => {
  const { result } = rpcOf(await send(port, modernSent('server/discover')));
  assert.deepEqual(result?.['supportedVersions'], [MODERN]);
  const capabilities = result?.['capabilities'] as JsonObject;
  assert.deepEqual(capabilities['tools'], { listChanged: true });
  assert.equal(capabilities['tasks'], undefined, 'core tasks are legacy');
  assert.match(String(result?.['instructions']), /^# it\n/u);
});

for (const [what, meta] of [
  ['without _meta but with a modern version header (R8)', undefined],
  ['whose client capabilities are missing', { [`${META}/clientCapabilities`]: undefined }],
  ['whose client capabilities are no object', { [`${META}/clientCapabilities`]: 'all' }],
  ['whose version is no text', { [`${META}/protocolVersion`]: 20260728 }],
] as const) {
  test(`a request ${what} is refused with 400 and -32602`, async () => {
    const sent = modernSent('tools/call', CALL, meta === undefined ? {} : { meta });
    const body = sent.body as { params: JsonObject };
    if (meta === undefined) delete body.params['_meta'];
    assertRefused(await send(port, sent), 400, -32602, 'PARAMS_INVALID');
  });
}

test('a version that is not spoken is refused with 400 and -32022, naming those that are', async () => {
  const version = '2099-01-01';
  const got = await send(
    port,
    modernSent('tools/call', CALL, {
      meta: { [`${META}/protocolVersion`]: version },
      headers: { 'mcp-protocol-version': version },
    }),
  );
  assertRefused(got, 400, -32022, 'VERSION_UNSUPPORTED');
  const { supported, requested } = rpcOf(got).error?.data ?? {};
  assert.deepEqual([supported, requested], [[MODERN], version]);
});

for (const [what, headers] of [
  ['MCP-Protocol-Version missing', { 'mcp-protocol-version': undefined }],
  ['MCP-Protocol-Version of another version (R8)', { 'mcp-protocol-version': '2025-11-25' }],
  ['MCP-Protocol-Version nonsense', { 'mcp-protocol-version': 'x' }],
  ['Mcp-Method missing', { 'mcp-method': undefined }],
  ['Mcp-Method of another method', { 'mcp-method': 'tools/list' }],
  ['Mcp-Method in other letters', { 'mcp-method': 'Tools/Call' }],
  ['Mcp-Name missing', { 'mcp-name': undefined }],
  ['Mcp-Name of another tool', { 'mcp-name': 'it__fixture_state' }],
  ['Mcp-Name whose base64 says something else', { 'mcp-name': '=?base64?eA==?=' }],
  ['Mcp-Name whose base64 is none', { 'mcp-name': '=?base64?***?=' }],
] as const) {
  test(`the header ${what} is refused with 400 and -32020`, async () => {
    const got = await send(port, modernSent('tools/call', CALL, { headers }));
    assertRefused(got, 400, -32020, 'HEADER_MISMATCH');
    assert.equal(rpcOf(got).id, 1);
  });
}

test('Mcp-Name may come in base64, and must where HTTP cannot carry it', async () => {
  const encoded = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;
  const headers = { 'mcp-name': encoded('it__test_simple_text') };
  assert.equal((await send(port, modernSent('tools/call', CALL, { headers }))).status, 200);
  const uri = 'test://template/größe/data';
  const read = await send(
    port,
    modernSent('resources/read', { uri }, { headers: { 'mcp-name': encoded(uri) } }),
  );
  assert.match(read.text, /größe/u);
});

for (const method of [
  'no/such',
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'tasks/list',
  'notifications/initialized',
]) {
  test(`the method ${method}, which the modern protocol does not have, is answered 404 and -32601`, async () => {
    assertRefused(await send(port, modernSent(method)), 404, -32601, 'METHOD_UNKNOWN');
  });
}

test('an unknown tool, prompt and resource are -32602 in the body (R5)', async () => {
  for (const [method, params, refusal] of [
    ['tools/call', { name: 'it__none' }, 'TARGET_UNKNOWN'],
    ['prompts/get', { name: 'it__none' }, 'TARGET_UNKNOWN'],
    ['resources/read', { uri: 'none://at-all' }, undefined],
  ] as const) {
    const got = await send(port, modernSent(method, params));
    const { error } = rpcOf(got);
    assert.deepEqual([got.status, error?.code], [200, -32602], got.text);
    if (refusal !== undefined) assert.equal(error?.data?.['refusal'], refusal);
  }
});

test('a modern notification is taken with 202: its header decides the era (R8)', async () => {
  const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'notifications/cancelled' };
  const got = await send(port, { headers, body });
  assert.deepEqual([got.status, got.text], [202, '']);
  assertRefused(await send(port, { body }), 400, -32600, 'SESSION_REQUIRED');
});

test('the body decides the era: modern _meta under a legacy session is a modern request (R8)', async () => {
  const sent = modernSent('tools/call', CALL, { headers: { 'mcp-session-id': 'anything' } });
  assert.equal((await send(port, sent)).status, 200);
});

test('a call that needs a capability the client did not declare is refused with 400 and -32021', async () => {
  const got = await modernCall(port, 'it__test_missing_capability');
  const { error } = rpcOf(got);
  assert.deepEqual([got.status, error?.code], [400, -32021], got.text);
  assert.ok(error?.data?.['requiredCapabilities']);
});

test('what precedes the answer makes it a stream without event ids, which end with the answer (R15)', async () => {
  const params = { name: SLOW, arguments: { ms: 100, progressEveryMs: 25 } };
  const sent = modernSent('tools/call', params, { meta: { progressToken: 'p' } });
  const got = await send(port, sent);
  assert.match(String(got.headers['content-type']), /^text\/event-stream/u);
  assert.equal(got.headers['x-accel-buffering'], 'no');
  assert.doesNotMatch(got.text, /^id:|^retry:/mu);
  const kinds = allOf(got).map(({ method, result }) => method ?? (result ? 'result' : '?'));
  assert.deepEqual(kinds, [...Array.from({ length: 4 }, () => 'notifications/progress'), 'result']);
  assert.ok(
    allOf(got)
      .slice(0, 4)
      .every(({ params }) => params?.['progressToken'] === 'p'),
  );
});

test('an answer not ready after sse.afterMs becomes a stream with keep-alives (R15)', async () => {
  const params = { name: SLOW, arguments: { ms: 1000 } };
  const stream = await EventReader.open(port, modernSent('tools/call', params));
  await stream.next(({ comment }) => comment !== undefined);
  await stream.nextMessage(({ result }) => result !== undefined);
  await stream.ended;
});

test('a modern client that closes its stream cancels the call at the server (R15)', async () => {
  const before = Number((await state())['cancelled']);
  const params = { name: SLOW, arguments: { ms: 60_000, progressEveryMs: 20 } };
  const sent = modernSent('tools/call', params, { meta: { progressToken: 'p' } });
  const stream = await EventReader.open(port, sent);
  await stream.next(({ data }) => data?.includes('progress') === true);
  stream.break();
  await eventually('the server knows', async () => (await state())['cancelled'] === before + 1);
});

test('a modern client that goes away before a byte was sent cancels its call too (R15)', async () => {
  const { cancelled, callsStarted } = await state();
  const controller = new AbortController();
  const sent = modernSent('tools/call', { name: SLOW, arguments: { ms: 60_000 } });
  const gone = fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { ...(sent.headers as Record<string, string>), 'content-type': 'application/json' },
    body: JSON.stringify(sent.body),
    signal: controller.signal,
  });
  await eventually(
    'it has begun',
    async () => (await state())['callsStarted'] === Number(callsStarted) + 1,
  );
  controller.abort();
  await assert.rejects(gone);
  await eventually(
    'the server knows',
    async () => (await state())['cancelled'] === Number(cancelled) + 1,
  );
});

test('log messages come only where the request asked for a level, and only from that level on', async () => {
  const call = (logLevel?: string) =>
    send(
      port,
      modernSent(
        'tools/call',
        { name: 'it__test_tool_with_logging', arguments: {} },
        { meta: logLevel === undefined ? {} : { [`${META}/logLevel`]: logLevel } },
      ),
    );
  const logs = async (logLevel?: string): Promise<number> =>
    allOf(await call(logLevel)).filter(({ method }) => method === 'notifications/message').length;
  assert.deepEqual([await logs(), await logs('debug'), await logs('error')], [0, 3, 0]);
});

test('two modern requests may have the same id: nothing is kept between requests', async () => {
  const params = { name: SLOW, arguments: { ms: 200 } };
  const answers = await Promise.all(
    [1, 1, 1].map((id) => send(port, modernSent('tools/call', params, { id }))),
  );
  assert.ok(answers.every(({ text }) => text.includes('waited 200 ms')));
});

test('the server behind sees the gateway as its client, never the name the client gave itself', async () => {
  const meta = {
    'example.com/trace': 'kept',
    [`${META}/clientInfo`]: { name: 'hush', version: '1' },
  };
  await send(port, modernSent('tools/call', { name: 'it__fixture_echo', arguments: {} }, { meta }));
  const seen = await state();
  assert.equal((seen['clientInfo'] as { name: string }).name, 'mcpx');
  assert.equal((seen['lastMeta'] as JsonObject)['example.com/trace'], 'kept');
});

test('GET and DELETE are not part of the modern protocol: without a session they are refused', async () => {
  const headers = { 'mcp-protocol-version': MODERN };
  for (const method of ['GET', 'DELETE']) {
    const response = await begin(port, { method, headers });
    response.resume();
    assert.ok(Number(response.statusCode) >= 400 && Number(response.statusCode) < 500);
  }
});
