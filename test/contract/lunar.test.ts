import assert from 'node:assert/strict';
import test from 'node:test';
import { selfSigned } from '../support/access-certificate.ts';
import { connectLegacy } from '../support/gateway-clients.ts';
import { textOf } from '../support/gateway-session.ts';
import { callTool, lunarScene } from '../support/lunar-scene.ts';
import { KINDS, RemoteServer } from '../support/lunar-servers.ts';
import { eventually } from '../support/processes.ts';

const KEY = 'a-key-of-the-callers-own';
const APP = {
  auth: { enabled: true },
  permissions: { default: { block: [] }, consumers: { developers: { block: [] } } },
};
/** All that may go to the Lunar Gateway: what HTTP and MCP need, and the contract. */
const CONTRACT =
  /^(?:host|connection|content-type|content-length|accept|mcp-protocol-version|mcp-session-id|mcp-method|mcp-name|traceparent|tracestate|x-lunar-host|x-lunar-scheme|x-lunar-consumer-tag)$/u;

for (const kind of KINDS) {
  test(`all requests to a ${kind} server go through the Lunar Gateway, and nothing of the caller's goes along but the consumer of a call`, async (t) => {
    const remote = await RemoteServer.start(t, kind);
    const { gateway, lunar } = await lunarScene(t, {
      servers: { far: remote.entry },
      app: APP,
      env: { API_KEY: KEY },
    });
    const answer = await callTool(
      gateway,
      'far__count',
      { n: 1 },
      {
        'x-lunar-api-key': KEY,
        'x-lunar-consumer-tag': 'developers',
        'x-lunar-llm-provider': 'anthropic',
        'x-custom': 'private',
      },
    );
    assert.equal(textOf(answer), 'ran 1', JSON.stringify(answer));

    const seen = await eventually('the proxy wrote all it saw', 5_000, () => {
      const requests = lunar.requests();
      return requests.length === remote.reached.length && requests;
    });
    assert.ok(seen.length >= 3, 'discovery, a list and a call');
    const tagged = seen.filter(({ headers }) => headers['x-lunar-consumer-tag'] !== undefined);
    assert.equal(tagged.length, 1, JSON.stringify(tagged));
    assert.equal(tagged[0]?.headers['x-lunar-consumer-tag'], 'developers');
    for (const { host, headers } of seen) {
      assert.equal(host, remote.host);
      assert.equal(headers['x-lunar-scheme'], 'http');
      assert.equal(headers['host'], lunar.authority);
      assert.deepEqual(
        Object.keys(headers).filter((name) => !CONTRACT.test(name)),
        [],
      );
      assert.doesNotMatch(JSON.stringify(headers), new RegExp(KEY, 'u'));
    }
  });

  test(`what a ${kind} server streams is passed on through the Lunar Gateway before the stream ends`, async (t) => {
    const remote = await RemoteServer.start(t, kind);
    const { gateway, lunar } = await lunarScene(t, { servers: { far: remote.entry } });
    const client = await connectLegacy(t, gateway);
    const progress = Promise.withResolvers<unknown>();
    const call = client.call('far__gated', {}, { onprogress: progress.resolve });
    // The server ends its stream only when it is told to, after this has come.
    assert.deepEqual(await progress.promise, { progress: 1, total: 2 });
    remote.release();
    assert.match(textOf({ result: await call }), /^ran/u);
    assert.ok(lunar.requests(remote.host).length > 0);
  });

  test(`a ${kind} server reached by https is asked for with that scheme, in plain HTTP up to the Lunar Gateway`, async (t) => {
    const certificate = selfSigned('remote');
    const remote = await RemoteServer.start(t, kind, certificate);
    // The gateway does not know the certificate: directly, the server would not be reached.
    const { gateway, lunar } = await lunarScene(
      t,
      { servers: { far: remote.entry } },
      { ca: certificate.cert },
    );
    assert.equal(textOf(await callTool(gateway, 'far__count', { n: 1 })), 'ran 1');
    const schemes = lunar.requests().map(({ headers }) => headers['x-lunar-scheme']);
    assert.deepEqual(new Set(schemes), new Set(['https']));
    assert.equal(lunar.requests().length, remote.reached.length);
  });
}

test('an endpoint that an HTTP+SSE server names is looked for at that server, not at the Lunar Gateway', async (t) => {
  const remote = await RemoteServer.start(t, 'HTTP+SSE');
  remote.endpoint = 'deeper/messages?session=1';
  const { gateway, lunar } = await lunarScene(t, { servers: { far: remote.entry } });
  assert.equal(textOf(await callTool(gateway, 'far__count', { n: 1 })), 'ran 1');
  const posts = remote.reached.filter(({ method, url }) => method === 'POST' && url !== '/sse');
  assert.deepEqual(new Set(posts.map(({ url }) => url)), new Set(['/deeper/messages?session=1']));
  assert.deepEqual(new Set(lunar.requests().map(({ host }) => host)), new Set([remote.host]));
});

test('headers of an entry pass, but cannot send a request elsewhere than to its own URL', async (t) => {
  const remote = await RemoteServer.start(t, 'legacy HTTP');
  const headers = {
    authorization: 'Bearer of-the-server',
    'X-Lunar-Host': '127.0.0.1:1',
    'X-Lunar-Consumer-Tag': 'somebody',
  };
  const { gateway, lunar } = await lunarScene(t, {
    servers: { far: { ...remote.entry, headers } },
  });
  assert.equal(textOf(await callTool(gateway, 'far__count', { n: 1 })), 'ran 1');
  for (const request of lunar.requests()) {
    assert.equal(request.headers['x-lunar-host'], remote.host);
    assert.equal(request.headers['authorization'], headers.authorization);
  }
});

test('without LUNAR_PROXY_HOST servers are reached directly, and told nothing of consumers', async (t) => {
  const remote = await RemoteServer.start(t, 'legacy HTTP');
  const { gateway, lunar } = await lunarScene(t, {
    servers: { far: remote.entry },
    env: { LUNAR_PROXY_HOST: '' },
  });
  assert.equal(textOf(await callTool(gateway, 'far__count', { n: 1 })), 'ran 1');
  assert.deepEqual(lunar.requests(), []);
  for (const { headers } of remote.reached)
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('x-lunar')),
      [],
    );
});
