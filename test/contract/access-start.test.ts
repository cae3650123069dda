import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from 'node:tls';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, fetch as fetchWith } from 'undici';
import { selfSigned, type Certificate } from '../support/access-certificate.ts';
import { RawLegacy } from '../support/access-callers.ts';
import { accessGateway, keyed, refusedStart, SHARED_KEY } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { send } from '../support/raw-http.ts';

const folder = await mkdtemp(join(tmpdir(), 'mcpx-tls-'));
after(() => rm(folder, { recursive: true, force: true }));

const PATHS = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
const APP = `server: { tls: { cert: "${PATHS.cert}", key: "${PATHS.key}" } }\n`;

async function install({ cert, key }: Certificate): Promise<void> {
  await writeFile(PATHS.cert, cert);
  await writeFile(PATHS.key, key);
}

/** A POST over TLS that believes this certificate alone; resolves with its status. */
function post(port: number, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        ca,
        path: '/mcp',
        method: 'POST',
        agent: false,
        headers: {
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          ...keyed(),
        },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(initializeBody()));
  });
}

/** The common name of the certificate a port shows. */
function nameShown(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const { subject } = new X509Certificate(socket.getPeerCertificate().raw);
      socket.destroy();
      resolve(/CN=(.*)/u.exec(subject)?.[1]);
    });
    socket.on('error', reject);
  });
}

test('with server.tls both ports speak HTTPS alone; a certificate that does not go with its key is not taken over, and a renewed one is', async (t) => {
  const first = selfSigned('first');
  await install(first);
  const gateway = await accessGateway(
    {
      servers: { work: serverWith({ tools: ['search'] }) },
      app: APP,
      env: { API_KEY: SHARED_KEY },
    },
    t,
  );
  assert.match(gateway.output(), /listening on https:\/\//u);
  assert.equal(await post(gateway.port, first.cert), 200);
  assert.equal(await nameShown(gateway.port), 'first');
  assert.equal(await nameShown(gateway.metricsPort), 'first');
  await assert.rejects(send(gateway.port, { body: initializeBody(), headers: keyed() }));
  await assert.rejects(post(gateway.port, selfSigned('stranger').cert));

  const client = new Client({ name: 'tls', version: '1.0.0' });
  const dispatcher = new Agent({ connect: { ca: first.cert } });
  t.after(() => dispatcher.close());
  const transport = new StreamableHTTPClientTransport(
    new URL(`https://127.0.0.1:${gateway.port}/mcp`),
    {
      requestInit: { headers: keyed() },
      fetch: ((url: string, init: object) => fetchWith(url, { ...init, dispatcher })) as never,
    },
  );
  await client.connect(transport);
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['work__search'],
  );
  await client.close();

  const second = selfSigned('second');
  await install({ cert: second.cert, key: first.key });
  const said = await gateway.reloadBadly(`${APP}# half renewed\n`);
  assert.match(said, /error: server\.tls/u);
  assert.equal(await post(gateway.port, first.cert), 200);
  await install(second);
  await gateway.reload(`${APP}# renewed\n`);
  for (const port of [gateway.port, gateway.metricsPort])
    assert.equal(await nameShown(port), 'second');
  assert.equal(await post(gateway.port, second.cert), 200);
});

test('a certificate that is none is an error at the start that names the file', async () => {
  const { key } = selfSigned('x');
  await install({ cert: 'no certificate', key });
  const bad = await refusedStart({ servers: {}, app: APP });
  assert.match(bad.output, /error: server\.tls/u);
  assert.equal(bad.code, 1);
  await install({ cert: selfSigned('y').cert, key });
  const unpaired = await refusedStart({ servers: {}, app: APP });
  assert.match(unpaired.output, /error: server\.tls/u);
  assert.equal(unpaired.code, 1);
  const missing = await refusedStart({ servers: {}, app: APP.replace('cert.pem', 'gone.pem') });
  assert.match(missing.output, /app\.yaml:1:\d+: error: server\.tls\.cert: .*gone\.pem/u);
  assert.equal(missing.code, 1);
});

const TWO_LINES = [
  /^ {2}auth: \{ enabled: true \}$/mu,
  /^ {2}API_KEY=<a random text of at least 16 characters>$/mu,
];

for (const host of ['0.0.0.0', '::', 'mcpx.internal', '192.0.2.1']) {
  test(`bound to ${host} without authentication the gateway refuses to start, and prints the two lines that are missing`, async () => {
    const { code, output } = await refusedStart({ servers: {}, env: { MCPX_HOST: host } });
    assert.match(output, /MCPX_HOST: error: /u);
    for (const line of TWO_LINES) assert.match(output, line);
    assert.equal(code, 1);
  });
}

test('the two lines are enough: with them every other machine may knock, with the key alone', async (t) => {
  const gateway = await accessGateway(
    {
      servers: {},
      app: 'auth: { enabled: true }\n',
      env: { MCPX_HOST: '0.0.0.0', API_KEY: SHARED_KEY },
    },
    t,
  );
  assert.equal((await RawLegacy.initialize(gateway.port)).status, 401);
  assert.equal((await RawLegacy.initialize(gateway.port, { headers: keyed() })).status, 200);
  const metrics = await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`);
  assert.equal(metrics.status, 401);
});

test('a key together with auth.enabled: false is an error at the start (R19)', async () => {
  const app = 'auth: { enabled: false }\n';
  const { code, output } = await refusedStart({ servers: {}, app, env: { API_KEY: SHARED_KEY } });
  assert.match(output, /app\.yaml:1:\d+: error: auth\.enabled: .*API_KEY is set/u);
  assert.equal(code, 1);
});

test('an API_KEY and an AUTH_KEY that differ, and one set to nothing, are errors at the start', async () => {
  const differing = await refusedStart({
    servers: {},
    env: { API_KEY: SHARED_KEY, AUTH_KEY: `${SHARED_KEY}-other` },
  });
  assert.match(differing.output, /AUTH_KEY: error: This differs from API_KEY/u);
  const empty = await refusedStart({ servers: {}, env: { API_KEY: '' } });
  assert.match(empty.output, /API_KEY: error: This is set to nothing/u);
  assert.deepEqual([differing.code, empty.code], [1, 1]);
  for (const { output } of [differing, empty]) assert.ok(!output.includes(SHARED_KEY));
});
