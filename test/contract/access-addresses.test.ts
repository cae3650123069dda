import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { RawLegacy } from '../support/access-callers.ts';
import {
  AccessGateway,
  accessGateway,
  keyed,
  refusedStart,
  SHARED_KEY,
} from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { assertRefused, rpcOf, send, type Got, type JsonObject } from '../support/raw-http.ts';

/** Every address of 127.0.0.0/8 is this machine, and can be one's own, on Linux alone. */
const ON_LINUX =
  process.platform === 'linux' ? {} : { skip: 'needs further addresses on loopback' };

/** Sends a request from one of this machine's addresses. */
function sendFrom(
  localAddress: string,
  port: number,
  {
    path = '/mcp',
    method = 'POST',
    headers = {},
  }: {
    readonly path?: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const body = method === 'POST' ? JSON.stringify(initializeBody()) : undefined;
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        localAddress,
        path,
        method,
        agent: false,
        headers: {
          accept: 'application/json, text/event-stream',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function assertTurnedAway(got: Got): void {
  assertRefused(got, 403, -32600, 'ADDRESS_REFUSED');
}

describe('ALLOWED_IP_RANGES', ON_LINUX, () => {
  let gateway: AccessGateway;
  before(async () => {
    gateway = await AccessGateway.start({
      servers: { work: serverWith({ tools: ['search'] }) },
      env: { ALLOWED_IP_RANGES: '127.0.0.1, 127.9.0.0/16', API_KEY: SHARED_KEY },
    });
  });
  after(() => gateway.close());

  test('callers of other addresses are turned away at every door, before their key is looked at', async () => {
    const headers = keyed();
    for (const address of ['127.0.0.1', '127.9.8.7'])
      assert.equal((await sendFrom(address, gateway.port, { headers })).status, 200);
    for (const [path, method] of [
      ['/mcp', 'POST'],
      ['/mcp', 'GET'],
      ['/mcp', 'DELETE'],
      ['/mcp', 'OPTIONS'],
      ['/sse', 'GET'],
      ['/messages', 'POST'],
      ['/admin/servers', 'GET'],
      ['/metrics', 'GET'],
      ['/nowhere', 'GET'],
    ] as const)
      for (const each of [headers, {}])
        assertTurnedAway(
          await sendFrom('127.0.0.2', gateway.port, { path, method, headers: each }),
        );
  });

  test('the metrics port turns them away too, and /healthcheck nobody', async () => {
    const scrape = { path: '/metrics', method: 'GET', headers: keyed() };
    assert.equal((await sendFrom('127.0.0.2', gateway.metricsPort, scrape)).status, 403);
    assert.equal((await sendFrom('127.0.0.1', gateway.metricsPort, scrape)).status, 200);
    const health = { path: '/healthcheck', method: 'GET' };
    assert.equal((await sendFrom('127.0.0.2', gateway.port, health)).status, 200);
  });

  test('what a caller says of its own address is not believed', async () => {
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'client-ip'])
      assertTurnedAway(
        await sendFrom('127.0.0.2', gateway.port, { headers: { ...keyed(), [name]: '127.0.0.1' } }),
      );
    const forwarded = { ...keyed(), 'x-forwarded-for': '10.0.0.1' };
    assert.equal((await sendFrom('127.0.0.1', gateway.port, { headers: forwarded })).status, 200);
  });

  test('those turned away are recorded with their address', async () => {
    const [line] = await gateway.audited(1, (each) => each['code'] === 'ADDRESS_REFUSED');
    assert.deepEqual([line?.['outcome'], line?.['address']], ['turned-away', '127.0.0.2']);
  });
});

test(
  'of trusted proxies it is believed for whom they call, the nearest address that is no proxy',
  ON_LINUX,
  async (t) => {
    const own = await accessGateway(
      {
        servers: {},
        app: 'server: { trustedProxies: [127.0.0.2, 127.0.3.0/24] }\n',
        env: { ALLOWED_IP_RANGES: '10.1.0.0/16,2001:db8::/32' },
      },
      t,
    );
    const from = (address: string, forwarded?: string): Promise<Got> =>
      sendFrom(address, own.port, {
        headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
      });
    for (const forwarded of [
      '10.1.2.3',
      '203.0.113.9, 10.1.2.3',
      '10.1.2.3, 127.0.3.4',
      '10.1.2.3:5555',
      '2001:db8::1',
      '[2001:db8::1]:443',
    ])
      assert.equal((await from('127.0.0.2', forwarded)).status, 200, forwarded);
    for (const forwarded of [
      '203.0.113.9',
      '10.1.2.3, 203.0.113.9',
      '10.2.0.1',
      'unknown',
      '10.1.2.3, nonsense',
      undefined,
    ])
      assertTurnedAway(await from('127.0.0.2', forwarded));
    assertTurnedAway(await from('127.0.0.9', '10.1.2.3'));
  },
);

test('an address that is none is an error at the start that says so', async () => {
  const { code, output } = await refusedStart({
    servers: {},
    env: { ALLOWED_IP_RANGES: '10.0.0.0/8, everybody' },
  });
  assert.match(output, /ALLOWED_IP_RANGES: error: "everybody" is no address; give IP addresses/u);
  assert.equal(code, 1);
});

const APP_ORIGIN = 'https://app.example.com';

describe('CORS_ORIGINS', () => {
  const HEADERS = [
    'content-type',
    'authorization',
    'x-lunar-api-key',
    'x-lunar-consumer-tag',
    'x-lunar-llm-provider',
    'x-lunar-llm-model-id',
    'mcp-session-id',
    'mcp-protocol-version',
    'mcp-method',
    'mcp-name',
    'mcp-param-region',
    'last-event-id',
  ];
  let gateway: AccessGateway;
  before(async () => {
    gateway = await AccessGateway.start({
      servers: {},
      env: { CORS_ORIGINS: `${APP_ORIGIN}, http://other.example:8080`, API_KEY: SHARED_KEY },
    });
  });
  after(() => gateway.close());

  test('a page of an allowed origin may ask with every header MCP and Lunar have, without a key', async () => {
    for (const path of ['/mcp', '/mcp/any-group', '/sse', '/messages']) {
      const got = await send(gateway.port, {
        method: 'OPTIONS',
        path,
        headers: {
          origin: APP_ORIGIN,
          'access-control-request-method': 'POST',
          'access-control-request-headers': HEADERS.join(', '),
        },
      });
      assert.equal(got.status, 204);
      assert.equal(got.headers['access-control-allow-origin'], APP_ORIGIN);
      assert.match(String(got.headers['vary']), /origin/iu);
      const methods = String(got.headers['access-control-allow-methods']);
      for (const method of ['GET', 'POST', 'DELETE']) assert.ok(methods.includes(method));
      const allowed = String(got.headers['access-control-allow-headers']).toLowerCase();
      for (const name of HEADERS) assert.ok(allowed.split(/,\s*/u).includes(name), name);
    }
  });

  test('its requests are answered so that the page may read them, refusals too', async () => {
    const origin = { origin: 'http://other.example:8080' };
    const good = await RawLegacy.initialize(gateway.port, { headers: { ...keyed(), ...origin } });
    const refused = await RawLegacy.initialize(gateway.port, { headers: origin });
    assert.deepEqual([good.status, refused.status], [200, 401]);
    for (const { headers } of [good, refused]) {
      assert.equal(headers['access-control-allow-origin'], origin.origin);
      const exposed = String(headers['access-control-expose-headers']).toLowerCase();
      for (const name of ['mcp-session-id', 'www-authenticate']) assert.ok(exposed.includes(name));
    }
  });

  test('pages of all other origins are refused, whatever their key', async () => {
    for (const origin of [
      'https://evil.example',
      'http://app.example.com',
      'https://app.example.com.evil.example',
      'https://app.example.com:444',
      'null',
    ]) {
      const headers = { ...keyed(), origin };
      for (const method of ['OPTIONS', 'GET', 'DELETE'])
        assertRefused(await send(gateway.port, { method, headers }), 403, -32600, 'ORIGIN_REFUSED');
      const got = await RawLegacy.initialize(gateway.port, { headers });
      assertRefused(got, 403, -32600, 'ORIGIN_REFUSED');
      assert.equal(got.headers['access-control-allow-origin'], undefined);
    }
  });

  test('with authentication "*" allows every origin; without it is an error at the start', async (t) => {
    const own = await accessGateway(
      { servers: {}, env: { CORS_ORIGINS: '*', API_KEY: SHARED_KEY } },
      t,
    );
    const headers = { ...keyed(), origin: 'https://any.example' };
    const got = await RawLegacy.initialize(own.port, { headers });
    assert.equal(got.headers['access-control-allow-origin'], 'https://any.example');
    const { code, output } = await refusedStart({ servers: {}, env: { CORS_ORIGINS: '*' } });
    assert.match(output, /CORS_ORIGINS: error: "\*" lets every web page/u);
    assert.equal(code, 1);
  });
});

test('no answer to a page tells it more than that it is refused', async (t) => {
  const own = await accessGateway({ servers: {}, env: { API_KEY: SHARED_KEY } }, t);
  const headers = { origin: 'https://evil.example', ...keyed() };
  const got = await RawLegacy.initialize(own.port, { headers });
  const data = rpcOf(got).error?.data as JsonObject;
  assert.deepEqual(Object.keys(data).toSorted(), ['refusal', 'remedy']);
});
