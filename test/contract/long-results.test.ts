import assert from 'node:assert/strict';
import test from 'node:test';
import { MCPX } from '../support/clients-gateway.ts';
import { answerJson, fakeServer, legacyResult, type Seen } from '../support/fake-server.ts';
import { Peer } from '../support/fidelity-peer.ts';
import { RawSession } from '../support/gateway-session.ts';
import { TestGateway } from '../support/gateway.ts';

/** Long results, however their servers lay them out, and whatever has to be changed in them on the way. */

const LONG = 'all work and no play '.repeat(5_000);
const BIG = '12345678901234567890';

/** The text of a result by the name under which a tool gives it. */
const RESULTS: Readonly<Record<string, string>> = {
  compact: `{"content":[{"type":"text","text":"${LONG}","exact":${BIG}}]}`,
  spaced: `{ "content" : [ { "type" : "text" , "text" : "${LONG}" } ] , "isError" : false }`,
  lines: `{\r"content":[\r\t{"type":"text",\r"text":"${LONG}"}\r]\r}`,
  twice: `{"content":[{"type":"text","text":"${LONG}1"}],"content":[{"type":"text","text":"${LONG}2"}]}`,
  escaped: `{"content":[{"type":"text","text":"\\"${LONG}\\\\\\u00e9\\ud83d\\ude00 é 😀"}]}`,
  structured: `{"content":[],"structuredContent":{"rows":["${LONG}"],"result":{"id":7}}}`,
  failed: `{"isError":true,"content":[{"type":"text","text":"${LONG}"}]}`,
};

/** Answers with its result as it stands here, which none that uses JSON.stringify would. */
const SERVER = `
const RESULTS = JSON.parse(process.env.RESULTS.replaceAll('LONG', 'all work and no play '.repeat(5000)));
let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) receive(JSON.parse(line));
});
function receive({ id, method, params }) {
  if (id === undefined) return;
  const results = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'x', version: '1' },
    },
    'tools/list': {
      tools: Object.keys(RESULTS).map((name) => ({ name, inputSchema: { type: 'object' } })),
    },
  };
  const result =
    method === 'tools/call' ? RESULTS[params.name] : JSON.stringify(results[method]);
  const outcome = result === undefined ? '"error":{"code":-32601,"message":"no"}' : '"result":' + result;
  process.stdout.write('{' + outcome + ',"jsonrpc":"2.0","id":' + id + '}\\n');
}`;

const stdio = {
  command: process.execPath,
  args: ['-e', SERVER],
  env: { RESULTS: JSON.stringify(RESULTS).replaceAll(LONG, 'LONG') },
};

async function assertArrives(peer: Peer, name: string): Promise<void> {
  const result = await peer.call(`it__${name}`);
  assert.deepEqual(result, JSON.parse(RESULTS[name] ?? ''), name);
}

test('long results from a server on stdio arrive over HTTP, HTTP+SSE and stdio as their server meant them', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { it: stdio } });
  await gateway.whenReady('it');
  const clients = await Promise.all([
    Peer.open({ kind: 'http', url: gateway.url }),
    Peer.open({ kind: 'sse', url: `${gateway.base}/sse` }),
    Peer.open({ kind: 'stdio', args: [MCPX, 'stdio'], env: gateway.env, graceMs: 5_000 }),
  ]);
  for (const peer of clients) {
    t.after(() => peer.close());
    for (const name of Object.keys(RESULTS)) await assertArrives(peer, name);
  }
  const modern = await Peer.open(
    { kind: 'http', url: gateway.url },
    { era: 'modern', version: '2026-07-28' },
  );
  t.after(() => modern.close());
  const { content, resultType } = await modern.call('it__compact');
  assert.equal(resultType, 'complete');
  assert.deepEqual(content, (JSON.parse(RESULTS['compact'] ?? '') as { content: unknown }).content);
});

test('a long result that only passes through is the text that its server wrote', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { it: stdio } });
  await gateway.whenReady('it');
  const session = await RawSession.open(gateway.url);
  const response = await session.post({
    jsonrpc: '2.0',
    id: 5,
    method: 'tools/call',
    params: { name: 'it__compact', arguments: {} },
  });
  assert.equal(await response.text(), `{"jsonrpc":"2.0","id":5,"result":${RESULTS['compact']}}`);
});

test('long results from a server over HTTP arrive, also where its JSON is laid out over lines', async (t) => {
  const big = { content: [{ type: 'text', text: LONG }] };
  const laidOut = ({ body }: Seen): string | undefined => {
    const { id, method } = JSON.parse(body) as { id?: number; method?: string };
    return method === 'tools/call'
      ? JSON.stringify({ jsonrpc: '2.0', id, result: big }, undefined, 2)
      : undefined;
  };
  const remote = await fakeServer(t, (seen, response) => {
    const text = seen.body === '' ? undefined : laidOut(seen);
    const result = legacyResult(seen);
    if (text !== undefined)
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    else if (result === undefined) response.writeHead(405).end();
    else answerJson(response, seen, result);
  });
  const gateway = await TestGateway.start(t, {
    servers: { it: { url: `${remote.origin}/mcp`, type: 'streamable-http' } },
  });
  await gateway.whenReady('it');
  for (const place of [
    { kind: 'http', url: gateway.url } as const,
    { kind: 'sse', url: `${gateway.base}/sse` } as const,
  ]) {
    const peer = await Peer.open(place);
    t.after(() => peer.close());
    assert.deepEqual(await peer.call('it__fake_tool'), big);
  }
});
