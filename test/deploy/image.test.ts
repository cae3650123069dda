import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readDockerfile } from './dockerfile.ts';
import { readDockerignore } from './dockerignore.ts';
import { PlayedImage } from './played-image.ts';
import { selfSigned } from '../support/access-certificate.ts';
import { eventually } from '../support/processes.ts';

const folder = fileURLToPath(new URL('../..', import.meta.url));
const ECHO_SERVER = `${folder}/bench/servers/echo-stdio.ts`;
const BUILD_WITHIN = { timeout: 280_000 };
const HEALTHY_WITHIN_MS = 20_000;
const MEBIBYTE = 1024 ** 2;
const KEY = 'a-key-for-this-test-alone';

const options = { skip: process.platform !== 'linux' && 'plays a Linux image' };

describe('the image, played in a scratch folder', options, () => {
  let image: PlayedImage;

  before(async () => {
    const ignores = readDockerignore(readFileSync(`${folder}/.dockerignore`, 'utf8'));
    const stages = readDockerfile(readFileSync(`${folder}/deploy/Dockerfile`, 'utf8'));
    image = await PlayedImage.build(stages, { folder, ignores });
  }, BUILD_WITHIN);

  after(() => image?.remove());

  test('holds what the gateway runs with and nothing of what made it', () => {
    for (const path of ['dist/main.js', 'bin/mcpx.js', 'package.json', 'LICENSE', 'node_modules'])
      assert.ok(existsSync(image.path(`/app/${path}`)), path);
    const traces = ['src', 'scripts', 'test', 'tools', 'node_modules/typescript'];
    for (const path of [...traces, 'node_modules/.bin/node', 'node_modules/@mcpx'])
      assert.ok(!existsSync(image.path(`/app/${path}`)), path);
  });

  test('adds less than 40 MiB to its base', () => {
    const sizes = image.contents([]).map((line) => Number(line.split(' ').at(-2)));
    const size = sizes.reduce((sum, one) => sum + one, 0) / MEBIBYTE;
    assert.ok(size < 40, `${size.toFixed(1)} MiB`);
  });

  describe('running', () => {
    let run: Run;
    let untouched: string[];

    before(() => {
      const server = { command: process.execPath, args: [ECHO_SERVER] };
      mkdirSync(image.path('/config'));
      writeFileSync(
        image.path('/config/mcp.json'),
        JSON.stringify({ mcpServers: { echo: server } }),
      );
      writeFileSync(image.path('/config/app.yaml'), 'naming: prefix\n');
    });

    after(() => run?.gateway.kill('SIGKILL'));

    test('without a key it does not start, and names the two lines it wants (R19)', async () => {
      run = await started(image);
      assert.deepEqual(await once(run.gateway, 'close'), [1, null], run.printed());
      assert.match(run.printed(), /^MCPX_HOST: error: "0\.0\.0\.0" is open to other machines/m);
      assert.match(run.printed(), /^ {2}auth: \{ enabled: true \}\n {2}API_KEY=/m);
      assert.equal(await image.health(run.environment), 1);
    });

    test('with a key it is unhealthy until the gateway answers, and healthy then', async () => {
      const settings = readFileSync(`${folder}/deploy/config/app.yaml`, 'utf8');
      writeFileSync(image.path('/config/app.yaml'), settings);
      untouched = image.contents(['data', 'tmp']);
      run = await started(image, { API_KEY: KEY });
      await healthy(image, run);
    });

    test('a client with the key finds the tools of the servers in /config', async () => {
      const client = new Client({ name: 'test', version: '1.0.0' });
      const headers = { 'x-lunar-api-key': KEY };
      const url = new URL(run.endpoint);
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
      const { tools } = await client.listTools();
      await client.close();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['echo__echo'],
      );
    });

    test('what a call used is counted to the token: nothing that counts was left out', async () => {
      const headers = { 'x-lunar-api-key': KEY };
      const client = new Client({ name: 'test', version: '1.0.0' });
      const url = new URL(run.endpoint);
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
      await client.callTool({
        name: 'echo__echo',
        arguments: { text: 'how many tokens are these' },
      });
      await client.close();
      const metrics = `http://127.0.0.1:${run.environment['SERVE_METRICS_PORT']}/metrics`;
      await eventually('its tokens were counted', HEALTHY_WITHIN_MS, async () =>
        /^mcpx_token_counts_total\{by="count"\} [1-9]/m.test(
          await (await fetch(metrics, { headers })).text(),
        ),
      );
    });

    test('without the key nobody is served, and the metrics are closed too', async () => {
      const metrics = `http://127.0.0.1:${run.environment['SERVE_METRICS_PORT']}/metrics`;
      assert.equal((await fetch(run.endpoint, { method: 'POST' })).status, 401);
      assert.equal((await fetch(metrics)).status, 401);
      assert.equal((await fetch(metrics, { headers: { 'x-lunar-api-key': KEY } })).status, 200);
    });

    test('SIGTERM ends it with 0', async () => {
      assert.deepEqual(await ended(run), [0, null], run.printed());
    });

    test('it has written to /data and /tmp alone, so its file system can be read-only', () => {
      assert.deepEqual(image.contents(['data', 'tmp']), untouched);
      assert.ok(statSync(image.path('/data')).isDirectory());
    });

    test('it is healthy over HTTPS too', async () => {
      const { cert, key } = selfSigned('mcpx.example');
      writeFileSync(image.path('/config/cert.pem'), cert);
      writeFileSync(image.path('/config/key.pem'), key);
      const paths = { cert: image.path('/config/cert.pem'), key: image.path('/config/key.pem') };
      const settings = { auth: { enabled: true }, server: { tls: paths } };
      writeFileSync(image.path('/config/app.yaml'), JSON.stringify(settings));
      run = await started(image, { API_KEY: KEY });
      await healthy(image, run);
      assert.deepEqual(await ended(run), [0, null], run.printed());
    });
  });
});

/** A process of the image, and what it was given. */
interface Run {
  gateway: ChildProcess;
  environment: Record<string, string>;
  endpoint: string;
  printed: () => string;
}

async function started(image: PlayedImage, more: Record<string, string> = {}): Promise<Run> {
  const MCPX_PORT = await freePort();
  const environment = { MCPX_PORT, SERVE_METRICS_PORT: await freePort(), ...more };
  assert.equal(await image.health(environment), 1);
  const gateway = image.start(environment);
  let printed = '';
  for (const stream of [gateway.stdout, gateway.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const endpoint = `http://127.0.0.1:${MCPX_PORT}/mcp`;
  return { gateway, environment, endpoint, printed: () => printed };
}

async function healthy(image: PlayedImage, { gateway, environment, printed }: Run): Promise<void> {
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  while ((await image.health(environment)) !== 0) {
    assert.ok(gateway.exitCode === null && performance.now() < deadline, printed());
    await sleep(200);
  }
}

async function ended({ gateway }: Run): Promise<unknown[]> {
  const gone = once(gateway, 'exit');
  gateway.kill('SIGTERM');
  return gone;
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return String(typeof address === 'object' && address ? address.port : 0);
}
