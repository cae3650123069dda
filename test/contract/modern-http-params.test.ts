import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { modernCall, modernSent } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { FIXTURE, freePort, startNode, stop } from '../support/conformance-processes.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import {
  assertRefused,
  partOf,
  rpcOf,
  send,
  type Got,
  type JsonObject,
} from '../support/raw-http.ts';

/** Arguments that are mirrored into headers, so that what stands between can route by them (R21). */

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

const TOOL = 'it__test_x_mcp_header';

function call(args: JsonObject, headers: Record<string, string | undefined>): Promise<Got> {
  return send(port, modernSent('tools/call', { name: TOOL, arguments: args }, { headers }));
}

async function headersSeen(): Promise<JsonObject> {
  const state = partOf(rpcOf(await modernCall(port, 'it__fixture_state')), 'structuredContent');
  return state['lastHeaders'] as JsonObject;
}

test('a call with the headers its tool asks for reaches the server with headers made anew (R21)', async () => {
  const args = { region: 'eu', priority: 3, urgent: true, query: 'q' };
  const mirrored = {
    'mcp-param-region': 'eu',
    'mcp-param-priority': '3',
    'mcp-param-urgent': 'true',
  };
  const got = await call(args, mirrored);
  assert.equal(got.status, 200, got.text);
  assert.match(got.text, /\\"region\\":\\"eu\\"/u);
  const seen = await headersSeen();
  for (const [name, value] of Object.entries(mirrored)) assert.equal(seen[name], value);
  assert.deepEqual(
    [seen['mcp-name'], seen['mcp-method'], seen['mcp-protocol-version']],
    ['test_x_mcp_header', 'tools/call', '2026-07-28'],
  );
});

test('a value HTTP cannot carry comes and goes in base64 (R21)', async () => {
  const encoded = `=?base64?${Buffer.from('Zürich\n').toString('base64')}?=`;
  const got = await call({ region: 'Zürich\n' }, { 'mcp-param-region': encoded });
  assert.equal(got.status, 200, got.text);
  assert.equal((await headersSeen())['mcp-param-region'], encoded);
});

for (const [what, args, headers] of [
  ['is missing', { region: 'eu' }, {}],
  ['differs from the argument', { region: 'eu' }, { 'mcp-param-region': 'us' }],
  ['has no argument', { region: 'eu' }, { 'mcp-param-region': 'eu', 'mcp-param-priority': '9' }],
] as const) {
  test(`a header the tool asks for that ${what} is refused with 400 and -32020 (R21)`, async () => {
    assertRefused(await call(args, headers), 400, -32020, 'HEADER_MISMATCH');
  });
}

test('a number may be written in another way, a text may not: what only counts the same is another text (R21)', async () => {
  const headers = { 'mcp-param-region': 'eu', 'mcp-param-priority': '3.0' };
  assert.equal((await call({ region: 'eu', priority: 3 }, headers)).status, 200);
  for (const sent of ['01', '1.0', '1e0'])
    assertRefused(
      await call({ region: '1' }, { 'mcp-param-region': sent }),
      400,
      -32020,
      'HEADER_MISMATCH',
    );
});

test('headers the client made up are not passed on to the server', async () => {
  const made = {
    'mcp-param-region': 'eu',
    'mcp-param-other': 'made-up',
    'x-made': 'up',
    authorization: 'Bearer t',
  };
  await call({ region: 'eu' }, made);
  const seen = await headersSeen();
  assert.deepEqual(
    [seen['mcp-param-other'], seen['x-made'], seen['authorization']],
    [undefined, undefined, undefined],
  );
});

for (const [what, header] of [
  ['is no header name', 'bad name\r\nx-evil: 1'],
  ['is empty', ''],
  ['is no text', 7],
] as const) {
  test(`a tool whose x-mcp-header ${what} is left out of the list, the others stay`, async () => {
    const inputSchema = {
      type: 'object',
      properties: { a: { type: 'string', 'x-mcp-header': header } },
    };
    const add = async (name: string, definition: object): Promise<void> => {
      await modernCall(port, 'it__fixture_add_tool', { name, definition });
    };
    await add('bad_header_tool', { inputSchema });
    await add('witness_tool', {});
    const list = async (): Promise<string> => (await send(port, modernSent('tools/list'))).text;
    await eventually('the list is read again', async () => (await list()).includes('witness_tool'));
    assert.ok(!(await list()).includes('bad_header_tool'));
    await modernCall(port, 'it__fixture_remove_tool', { name: 'witness_tool' });
    await modernCall(port, 'it__fixture_remove_tool', { name: 'bad_header_tool' });
    await eventually('it is gone', async () => !(await list()).includes('witness_tool'));
  });
}
