import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { FIXTURE, freePort, startNode, stop } from '../support/conformance-processes.ts';
import { initializeBody, modernCall, modernSent, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { parseRaw, partOf, rpcOf, send, speak, type JsonObject } from '../support/raw-http.ts';

/** CR and LF in what becomes a header, in either direction, never make a header of their own. */

const upstreamPort = await freePort();
const upstream = startNode([
  FIXTURE,
  '--era',
  'modern',
  '--transport',
  'http',
  '--port',
  String(upstreamPort),
]);
after(() => stop(upstream));
await eventually('the server listens', () => upstream.output().includes('listening'));
const { port } = await gatewayForFile({
  servers: { it: { url: `http://127.0.0.1:${upstreamPort}/mcp` } },
});

const BODY = JSON.stringify(initializeBody());
const EVIL = 'a\r\nx-injected: 1\r\n\r\nGET /evil HTTP/1.1';

async function seen(): Promise<JsonObject> {
  const state = partOf(rpcOf(await modernCall(port, 'it__fixture_state')), 'structuredContent');
  return state['lastHeaders'] as JsonObject;
}

for (const [what, line] of [
  ['a bare CR', 'mcp-session-id: a\rx: b'],
  ['a bare LF before a header that is none', 'mcp-session-id: a\n: b'],
  ['a NUL', 'mcp-session-id: a\0b'],
  ['a folded line', 'mcp-session-id: a\r\n b'],
  ['a space before the colon', 'mcp-session-id : a'],
] as const) {
  test(`a request with ${what} in a header is refused`, async () => {
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close`;
    const got = parseRaw(
      await speak(port, `${head}\r\n${line}\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`),
    );
    assert.ok(got.status === 400 || got.status === 404, `answered ${got.status}`);
    assert.doesNotMatch(got.text, /protocolVersion/u);
  });
}

test('a header of an answer never holds what a client sent in a header, but for an id it was given', async () => {
  const session = await RawSession.open(port);
  const probes = {
    origin: 'http://localhost:1',
    'x-probe': 'reflected-1',
    'mcp-name': 'reflected-2',
    'last-event-id': 'reflected-3',
  };
  for (const sent of [
    { headers: { ...session.headers, ...probes }, body: session.body('ping') },
    { headers: { ...probes, 'mcp-session-id': 'reflected-4' }, body: session.body('ping') },
    {
      method: 'OPTIONS',
      headers: { ...probes, 'access-control-request-headers': 'x-a, reflected 5 <b>' },
    },
    { method: 'OPTIONS', headers: { ...probes, 'access-control-request-method': 'REFLECTED' } },
  ]) {
    const { headers } = await send(port, sent);
    assert.doesNotMatch(JSON.stringify(headers), /reflected/iu);
  }
});

test('a name, URI or task id with CR and LF goes to the server in base64 and injects nothing', async () => {
  const encoded = `=?base64?${Buffer.from(EVIL).toString('base64')}?=`;
  const uri = `test://template/${encodeURIComponent(EVIL)}/data`;
  await send(port, modernSent('resources/read', { uri }));
  const raw = `test://template/${EVIL.replaceAll('/', '')}/data`;
  const headers = { 'mcp-name': `=?base64?${Buffer.from(raw).toString('base64')}?=` };
  const got = await send(port, modernSent('resources/read', { uri: raw }, { headers }));
  assert.equal(got.status, 200, got.text);
  assert.equal((await seen())['mcp-name'], headers['mcp-name']);
  for (const [method, params] of [
    ['tools/call', { name: EVIL }],
    ['prompts/get', { name: EVIL }],
    ['tasks/get', { taskId: EVIL }],
  ] as const) {
    const { error } = rpcOf(
      await send(port, modernSent(method, params, { headers: { 'mcp-name': encoded } })),
    );
    assert.ok(error?.code === -32602 || error?.code === -32021, `${method}: ${error?.code}`);
  }
  assert.equal((await seen())['x-injected'], undefined);
});

test('an argument that is mirrored into a header goes in base64 and injects nothing', async () => {
  const headers = { 'mcp-param-region': `=?base64?${Buffer.from(EVIL).toString('base64')}?=` };
  const params = { name: 'it__test_x_mcp_header', arguments: { region: EVIL } };
  const got = await send(port, modernSent('tools/call', params, { headers }));
  assert.equal(got.status, 200, got.text);
  const got2 = await seen();
  assert.deepEqual(
    [got2['mcp-param-region'], got2['x-injected']],
    [headers['mcp-param-region'], undefined],
  );
});

test('a tool whose header names are made of CR and LF can break its own call alone', async () => {
  const definition = {
    inputSchema: {
      type: 'object',
      properties: { a: { type: 'string', 'x-mcp-header': 'X\r\nx-injected: 1' } },
    },
  };
  await modernCall(port, 'it__fixture_add_tool', { name: 'injecting', definition });
  const params = { name: 'it__injecting', arguments: { a: 'b' } };
  await send(port, modernSent('tools/call', params));
  assert.equal((await seen())['x-injected'], undefined);
  assert.equal((await modernCall(port, 'it__test_simple_text')).status, 200);
});

test('a text that only looks like base64 is not decoded on its way to the server', async () => {
  const region = '=?base64?ZXZpbA==?=';
  const headers = { 'mcp-param-region': `=?base64?${Buffer.from(region).toString('base64')}?=` };
  const params = { name: 'it__test_x_mcp_header', arguments: { region } };
  await send(port, modernSent('tools/call', params, { headers }));
  assert.equal((await seen())['mcp-param-region'], headers['mcp-param-region']);
});
