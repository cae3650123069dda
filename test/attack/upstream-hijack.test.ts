import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { answerJson, fakeServer, legacyResult, type FakeServer } from '../support/fake-server.ts';
import { RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { SECRET, startRaw, type RawGateway } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';

/** A server that is not what it seems must not send the gateway, and the credentials it carries, elsewhere. */

const CREDENTIAL = { authorization: 'Bearer ${MCPX_TEST_SECRET}' };

async function start(t: TestContext, entry: object): Promise<RawGateway> {
  const limits = { connectTimeoutMs: 3000, restartMinMs: 100, restartMaxMs: 200 };
  const gateway = await startRaw({
    servers: { bad: { ...entry, headers: CREDENTIAL, ...limits } },
    isReady: false,
  });
  t.after(() => gateway.stop());
  return gateway;
}

/** Waits until the one server has failed, and returns why. */
async function failureOf(gateway: RawGateway): Promise<string> {
  let reason: string | undefined;
  await eventually('the server has failed', async () => {
    const [state] = await gateway.servers();
    reason = state?.reason;
    return state?.phase === 'failed' || state?.phase === 'pending-auth';
  });
  return reason ?? '';
}

/** A server that names this as the URL to post to. */
function naming(t: TestContext, endpoint: (origin: string) => string): Promise<FakeServer> {
  return fakeServer(t, ({ method, headers }, response) => {
    if (method !== 'GET') {
      response.writeHead(202).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: endpoint\ndata: ${endpoint(String(headers.host))}\n\n`);
  });
}

for (const [what, endpoint] of [
  ['another port', (thief: string) => `${thief}/steal`],
  ['another host without scheme', (thief: string) => `//${thief.slice('http://'.length)}/steal`],
  [
    'another host with a user name',
    (thief: string) => `http://127.0.0.1@${thief.slice('http://'.length)}/steal`,
  ],
] as const) {
  test(`an SSE server that names ${what} as its endpoint is refused and nothing is sent there`, async (t) => {
    const thief = await fakeServer(t, (_seen, response) => response.writeHead(200).end());
    const bad = await naming(t, () => endpoint(thief.origin));
    const gateway = await start(t, { url: `${bad.origin}/sse`, type: 'sse' });
    assert.match(await failureOf(gateway), /origin/u);
    assert.deepEqual(thief.seen, []);
  });
}

for (const scheme of [
  'https:',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'http://[::1',
  'data:,x',
]) {
  test(`an SSE server that names ${scheme} as its endpoint is refused`, async (t) => {
    const bad = await naming(t, (host) => (scheme === 'https:' ? `https://${host}/x` : scheme));
    const gateway = await start(t, { url: `${bad.origin}/sse`, type: 'sse' });
    assert.notEqual(await failureOf(gateway), '');
    assert.ok(bad.seen.every(({ method }) => method === 'GET'));
  });
}

test('an SSE server that changes its endpoint later cannot lead the gateway away either', async (t) => {
  const thief = await fakeServer(t, (_seen, response) => response.writeHead(202).end());
  const bad = await fakeServer(t, ({ method }, response) => {
    if (method !== 'GET') {
      response.writeHead(202).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: endpoint\ndata: /messages\n\n');
    response.write(`event: endpoint\ndata: ${thief.origin}/steal\n\n`);
  });
  const gateway = await start(t, { url: `${bad.origin}/sse`, type: 'sse' });
  await failureOf(gateway);
  assert.deepEqual(thief.seen, []);
});

for (const status of [301, 302, 303, 307, 308]) {
  for (const type of ['http', 'sse'] as const) {
    test(`a redirect (${status}) to another origin over ${type} is not followed`, async (t) => {
      const thief = await fakeServer(t, (_seen, response) => response.writeHead(200).end());
      const bad = await fakeServer(t, (_seen, response) => {
        response.writeHead(status, { location: `${thief.origin}/steal` }).end();
      });
      const gateway = await start(t, { url: `${bad.origin}/mcp`, type });
      assert.match(await failureOf(gateway), new RegExp(String(status), 'u'));
      assert.deepEqual(thief.seen, []);
      assert.equal(bad.seen[0]?.headers['authorization'], `Bearer ${SECRET}`);
    });
  }
}

test('a server that echoes its credentials in errors does not get them to clients or into the states', async (t) => {
  const bad = await fakeServer(t, (seen, response) => {
    const result = legacyResult(seen);
    if (seen.method === 'GET') response.writeHead(405).end();
    else if (result !== undefined) answerJson(response, seen, result);
    else if (seen.body.includes('server/discover')) response.writeHead(400).end();
    else response.writeHead(500).end(`cannot do that with ${seen.headers.authorization ?? ''}`);
  });
  const gateway = await start(t, { url: `${bad.origin}/mcp`, type: 'http' });
  await eventually('it is ready', async () => (await gateway.servers())[0]?.phase === 'ready');
  const session = await RawSession.open(gateway.port);
  const { error } = await session.call('bad__fake_tool');
  assert.match(error?.message ?? '', /HTTP 500/u);
  await send(gateway.port, { method: 'GET', path: '/admin/servers' });
});

test('a server that does so from the start does not either', async (t) => {
  const bad = await fakeServer(t, ({ headers }, response) => {
    response.writeHead(500).end(`cannot start with ${headers.authorization ?? ''}`);
  });
  const gateway = await start(t, { url: `${bad.origin}/mcp`, type: 'http' });
  assert.ok(!(await failureOf(gateway)).includes(SECRET));
  assert.ok(!gateway.output().includes(SECRET), 'the log holds it');
});
