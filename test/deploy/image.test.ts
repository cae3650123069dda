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

const folder = fileURLToPath(new URL('../..', import.meta.url));
const ECHO_SERVER = `${folder}/bench/echo-server.ts`;
const BUILD_WITHIN = { timeout: 280_000 };
const HEALTHY_WITHIN_MS = 20_000;
const MEBIBYTE = 1024 ** 2;

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
    let gateway: ChildProcess;
    let environment: Record<string, string>;
    let printed = '';
    let untouched: string[];

    before(async () => {
      environment = { MCPX_PORT: await freePort(), SERVE_METRICS_PORT: await freePort() };
      const server = { command: process.execPath, args: [ECHO_SERVER] };
      mkdirSync(image.path('/config'));
      writeFileSync(
        image.path('/config/mcp.json'),
        JSON.stringify({ mcpServers: { echo: server } }),
      );
      writeFileSync(
        image.path('/config/app.yaml'),
        readFileSync(`${folder}/deploy/config/app.yaml`, 'utf8'),
      );
      untouched = image.contents(['data', 'tmp']);
    });

    after(() => gateway?.kill('SIGKILL'));

    test('it is unhealthy until the gateway answers, and healthy then', async () => {
      assert.equal(await image.health(environment), 1);
      gateway = image.start(environment);
      for (const stream of [gateway.stdout, gateway.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
      const deadline = performance.now() + HEALTHY_WITHIN_MS;
      while ((await image.health(environment)) !== 0) {
        assert.ok(gateway.exitCode === null && performance.now() < deadline, printed);
        await sleep(200);
      }
    });

    test('a client finds the tools of the servers in /config', async () => {
      const client = new Client({ name: 'test', version: '1.0.0' });
      const url = new URL(`http://127.0.0.1:${environment['MCPX_PORT']}/mcp`);
      await client.connect(new StreamableHTTPClientTransport(url));
      const { tools } = await client.listTools();
      await client.close();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['echo__echo'],
      );
    });

    test('SIGTERM ends it with 0', async () => {
      const gone = once(gateway, 'exit');
      gateway.kill('SIGTERM');
      assert.deepEqual(await gone, [0, null], printed);
    });

    test('it has written to /data and /tmp alone, so its file system can be read-only', () => {
      assert.deepEqual(image.contents(['data', 'tmp']), untouched);
      assert.ok(statSync(image.path('/data')).isDirectory());
    });
  });
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return String(typeof address === 'object' && address ? address.port : 0);
}
