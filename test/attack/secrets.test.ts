import assert from 'node:assert/strict';
import test from 'node:test';
import { modernCall, modernSent, RawSession } from '../support/raw-clients.ts';
import { freePort } from '../support/conformance-processes.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, gatewayForFile, SECRET, startRaw } from '../support/raw-gateway.ts';
import { partOf, send, speak, type JsonObject } from '../support/raw-http.ts';

/** What the operator entrusts to the gateway for its servers is for the servers alone; every answer here is looked through. */

const metricsPort = await freePort();
const refusedPort = await freePort();
const script = (text: string): string[] => ['-e', text];
const gateway = await gatewayForFile({
  servers: {
    it: { ...fixtureEntry('legacy'), env: { FIXTURE_TOKEN: { fromEnv: 'MCPX_TEST_SECRET' } } },
    loud: {
      command: process.execPath,
      args: script(`console.error('bad token ' + process.env.TOKEN); process.exit(3)`),
      env: { TOKEN: '${MCPX_TEST_SECRET}' },
      restartMinMs: 50,
      restartMaxMs: 100,
    },
    args: {
      command: 'no-such-command',
      args: ['--token', '${MCPX_TEST_SECRET}'],
      restartMinMs: 50,
      restartMaxMs: 100,
    },
    away: {
      url: `http://127.0.0.1:${refusedPort}/mcp?key=${SECRET}`,
      headers: { authorization: `Bearer ${SECRET}` },
      restartMinMs: 50,
      restartMaxMs: 100,
    },
    waiting: { command: 'x', env: { OTHER: '${NO_SUCH_VARIABLE}', TOKEN: '${MCPX_TEST_SECRET}' } },
  },
  env: {
    ENABLE_METRICS: 'true',
    SERVE_METRICS_PORT: String(metricsPort),
    LOG_LEVEL: 'debug',
    ANOTHER_SECRET: `${SECRET}-2`,
  },
});
const { port } = gateway;
const session = await RawSession.open(port);

test('the states of servers that fail in every way name no secret', async () => {
  await eventually('all have failed', async () => {
    const states = await gateway.servers();
    return states.filter(({ phase }) => phase === 'failed').length >= 3;
  });
  const { text } = await send(port, { method: 'GET', path: '/admin/servers' });
  assert.match(text, /"phase":"failed"/u);
  assert.match(text, /"phase":"pending-input"/u);
  assert.match(text, /NO_SUCH_VARIABLE/u);
});

test('the log names no secret that it was not told to log', () => {
  const lines = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes(SECRET));
  // The command of a server is shown exactly as it is run: what stands in its arguments is no secret.
  const others = lines.filter((line) => !line.includes('no-such-command'));
  assert.deepEqual(others, []);
});

test('calls to servers that fail are refused without a secret, in either era', async () => {
  for (const name of ['loud__x', 'args__x', 'away__x', 'waiting__x', 'none__x']) {
    const { error } = await session.call(name);
    assert.ok(error !== undefined, name);
    await modernCall(port, name);
  }
  for (const uri of [
    'mcpx://loud/x',
    'mcpx://away/x',
    `mcpx://waiting/${encodeURIComponent('file:///x')}`,
  ]) {
    const { error } = await session.request('resources/read', { uri });
    assert.ok(error !== undefined, uri);
  }
});

test('every kind of request is answered without a secret', async () => {
  for (const [method, params] of [
    ['tools/list', {}],
    ['prompts/list', {}],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['logging/setLevel', { level: 'debug' }],
    ['tools/call', { name: 'it__fixture_rpc_error', arguments: {} }],
    ['tools/call', { name: 'it__test_error_handling', arguments: {} }],
    ['resources/read', { uri: 'file:///proc/self/environ' }],
    ['no/such', {}],
  ] as [string, JsonObject][]) {
    await session.request(method, params);
    await send(port, modernSent(method, params));
  }
  await send(port, modernSent('server/discover'));
  for (const path of ['/', '/healthcheck', '/mcp', '/sse', '/metrics', '/admin', '/admin/config']) {
    if (path !== '/sse') await send(port, { method: 'GET', path });
  }
});

test('metrics name no secret', async () => {
  const raw = await speak(
    metricsPort,
    'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  assert.match(raw, /tool_call_duration_ms/u);
  assert.ok(!raw.includes(SECRET));
});

test('a server gets the variables its entry names, and none of the others of the gateway', async () => {
  const { result } = await session.request('tools/call', {
    name: 'it__fixture_echo',
    arguments: {},
  });
  assert.ok(result !== undefined);
  const environment = (await rawState())['environment'];
  assert.deepEqual(Object.keys(environment as object), ['FIXTURE_TOKEN']);
});

test('a server that was not given a secret cannot find it in its environment', async (t) => {
  const spy = `
    const has = JSON.stringify(process.env).includes('hush');
    process.stdin.on('data', (chunk) => {
      for (const line of String(chunk).split('\\n').filter(Boolean)) {
        const { id, method } = JSON.parse(line);
        if (id === undefined) continue;
        const result = method === 'initialize'
          ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'spy', version: '1' } }
          : { tools: [{ name: has ? 'found' : 'nothing', inputSchema: { type: 'object' } }] };
        const answer = method === 'server/discover' ? { error: { code: -32601, message: 'no' } } : { result };
        process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n');
      }
    });`;
  const other = await startRaw({
    servers: { spy: { command: process.execPath, args: script(spy) } },
  });
  t.after(() => other.stop());
  const listed = await (await RawSession.open(other.port)).request('tools/list');
  assert.deepEqual(
    partOf<{ name: string }[]>(listed, 'tools').map(({ name }) => name),
    ['spy__nothing'],
  );
});

/** What the fixture has seen, without looking through it: it may know its own token. */
async function rawState(): Promise<JsonObject> {
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { ...session.headers, 'content-type': 'application/json' },
    body: JSON.stringify(session.body('tools/call', { name: 'it__fixture_state' })),
    signal: AbortSignal.timeout(5000),
  });
  const { result } = (await response.json()) as { result: { structuredContent: JsonObject } };
  return result.structuredContent;
}
