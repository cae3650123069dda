import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lunarEnvironment, preloadOption } from '../../src/upstream/lunar/child-environment.ts';
import { ROOT } from '../support/conformance-processes.ts';
import { listenFault } from '../support/faults-http.ts';
import { jsonOf, textOf } from '../support/gateway-session.ts';
import { callTool, lunarScene } from '../support/lunar-scene.ts';
import { eventually } from '../support/processes.ts';

const CHILD = fileURLToPath(new URL('../support/lunar-child.ts', import.meta.url));
const PRELOAD = join(ROOT, 'bin/lunar-preload.cjs');
/** A private address is left alone by the interceptor, a name is not. */
const EXTERNAL = 'localhost';

for (const level of ['info', 'debug']) {
  test(`the calls a stdio server on Node makes go through the Lunar Gateway, and the interceptor's ${level} log stays out of the MCP stream (R26)`, async (t) => {
    const site = await listenFault(t, (response) => response.end('hello from the site'));
    const host = `${EXTERNAL}:${new URL(site.url).port}`;
    const { gateway, lunar } = await lunarScene(t, {
      servers: { near: { command: process.execPath, args: [CHILD] } },
      env: { LUNAR_INTERCEPTOR_LOG_LEVEL: level },
    });
    const ways = ['http.get', 'http.request', 'a named import', 'fetch'];
    for (const [index, by] of ways.entries()) {
      const answer = await callTool(gateway, 'near__ask', { url: `http://${host}/${index}`, by });
      assert.equal(textOf(answer), 'hello from the site', by);
    }
    const seen = lunar.requests(host);
    assert.deepEqual(seen.map(({ path }) => path).toSorted(), ['/0', '/1', '/2', '/3']);
    const lines = (): string[] => gateway.log('near').map(({ msg }) => msg);
    const isLogged = (): boolean =>
      lines().some((line) => /^stderr: .*lunar-interceptor - DEBUG/u.test(line));
    // What a server says on its standard error comes by another way than its answers.
    if (level === 'debug') await eventually('its log was told', 5_000, isLogged, lines);
    await gateway.whenRecorded('near', ways.length);
    assert.deepEqual(
      lines().filter((line) => line.startsWith('stdout:')),
      [],
    );
    assert.equal(isLogged(), level === 'debug', 'its log is on the standard error');
  });
}

test('without the Lunar Gateway a stdio server runs all the same, and says on its standard error why its calls go directly', async (t) => {
  const site = await listenFault(t, (response) => response.end('hello from the site'));
  const { gateway, lunar } = await lunarScene(t, {
    servers: { near: { command: process.execPath, args: [CHILD] } },
    env: { LUNAR_HANDSHAKE_PORT: '1' },
  });
  const url = `http://${EXTERNAL}:${new URL(site.url).port}/`;
  const answer = await callTool(gateway, 'near__ask', { url, by: 'http.get' });
  assert.equal(textOf(answer), 'hello from the site');
  assert.deepEqual(lunar.requests(), []);
  const lines = (): string[] => gateway.log('near').map(({ msg }) => msg);
  await eventually(
    'it said why',
    5_000,
    () => lines().some((line) => /^stderr:.*Failed to connect/u.test(line)),
    lines,
  );
  await gateway.whenRecorded('near');
  assert.ok(!lines().some((line) => line.startsWith('stdout:')));
});

test('a stdio server is given LUNAR_PROXY_HOST and the preload beside its own NODE_OPTIONS; an entry can keep out of it', async (t) => {
  const child = { command: process.execPath, args: [CHILD] };
  const { gateway, lunar } = await lunarScene(t, {
    servers: {
      plain: child,
      own: { ...child, env: { NODE_OPTIONS: '--no-deprecation --max-old-space-size=300' } },
      out: { ...child, env: { LUNAR_PROXY_HOST: '' } },
    },
    env: { LUNAR_API_KEY: 'for the gateway alone' },
  });
  const given = async (server: string): Promise<unknown> =>
    jsonOf(await callTool(gateway, `${server}__ask`, { by: 'environment' }));
  const inherited = {
    LUNAR_PROXY_HOST: lunar.authority,
    LUNAR_HANDSHAKE_PORT: String(lunar.handshakePort),
  };
  assert.deepEqual(await given('plain'), { ...inherited, NODE_OPTIONS: `--require ${PRELOAD}` });
  assert.deepEqual(await given('own'), {
    ...inherited,
    NODE_OPTIONS: `--no-deprecation --max-old-space-size=300 --require ${PRELOAD}`,
  });
  assert.deepEqual(await given('out'), { ...inherited, LUNAR_PROXY_HOST: '' });
});

/** Command and what is in the script of that name, if one is to be made. */
const COMMANDS: readonly (readonly [command: string, script: string | undefined, on: boolean])[] = [
  ['node', undefined, true],
  ['/opt/node/bin/node', undefined, true],
  ['C:\\Program Files\\nodejs\\node.exe', undefined, true],
  ['npx', undefined, true],
  ['npm', undefined, true],
  ['pnpm', undefined, true],
  ['yarn', undefined, true],
  ['mcp-server', '#!/usr/bin/env node\n', true],
  ['./bin/mcp-local', '#!/usr/local/bin/node --no-warnings\n', true],
  ['mcp-split', '#!/usr/bin/env -S node --no-warnings\r\n', true],
  ['mcp-python', '#!/opt/node/bin/python3\n', false],
  ['mcp-shell', '#!/bin/sh\nexec node server.js\n', false],
  ['mcp-binary', '\u007fELF#!/usr/bin/env node\n', false],
  ['uvx', undefined, false],
  ['nodeish', undefined, false],
  ['docker', undefined, false],
];

test('the interceptor goes with Node, with what fetches packages for it, and with scripts whose first line names it', async (t) => {
  const folder = await temporary(t);
  await mkdir(join(folder, 'bin'));
  const seen: Record<string, boolean> = {};
  for (const [command, script] of COMMANDS) {
    if (script !== undefined) {
      const file = join(folder, 'bin', command.replace('./bin/', ''));
      await writeFile(`${file}.js`, script);
      await chmod(`${file}.js`, 0o755);
      // As npm installs them.
      await symlink(`${file}.js`, file);
    }
    const endpoint = { kind: 'stdio', command, args: [], env: {}, cwd: folder } as const;
    const env = lunarEnvironment(endpoint, { PATH: `/nowhere:${join(folder, 'bin')}` }, 'lunar:1');
    assert.equal(env['LUNAR_PROXY_HOST'], 'lunar:1');
    seen[command] = env['NODE_OPTIONS'] !== undefined;
  }
  assert.deepEqual(seen, Object.fromEntries(COMMANDS.map(([command, , on]) => [command, on])));
});

test('the preload is found by Node wherever the package lies', async (t) => {
  for (const name of ['plain', 'with space', 'with "quotes" and \\']) {
    const folder = join(await temporary(t), name);
    await mkdir(folder);
    const file = join(folder, 'preload.cjs');
    await writeFile(file, 'process.stdout.write("loaded, ")');
    const ran = spawnSync(process.execPath, ['-p', '"ran"'], {
      env: { NODE_OPTIONS: preloadOption(file) },
      encoding: 'utf8',
    });
    assert.equal(ran.stdout, 'loaded, ran\n', `${name}: ${ran.stderr}`);
  }
});

test('a package manager that starts a server makes its own downloads as ever', async (t) => {
  const folder = await temporary(t);
  const script = 'console.log(require("http").get.name)';
  for (const name of ['npx-cli.js', 'npm', 'pnpm.cjs', 'yarn.js', 'server.js']) {
    await writeFile(join(folder, name), script);
    const ran = spawnSync(process.execPath, ['--require', PRELOAD, join(folder, name)], {
      env: { LUNAR_PROXY_HOST: '127.0.0.1:1', LUNAR_HANDSHAKE_PORT: '1' },
      encoding: 'utf8',
    });
    const expected = name === 'server.js' ? 'bound httpHookGetFunc\n' : 'get\n';
    assert.equal(ran.stdout, expected, name);
  }
});

test('an interceptor that cannot be loaded, or kept off the standard output, does not keep a server from running', async (t) => {
  const folder = await temporary(t);
  await copyFile(PRELOAD, join(folder, 'preload.cjs'));
  await writeFile(join(folder, 'server.js'), 'console.log("ran")');
  const run = (): readonly [string, string] => {
    const ran = spawnSync(
      process.execPath,
      ['--require', join(folder, 'preload.cjs'), join(folder, 'server.js')],
      { env: { LUNAR_PROXY_HOST: '127.0.0.1:1' }, encoding: 'utf8' },
    );
    return [ran.stdout, ran.stderr];
  };
  const [out, err] = run();
  assert.equal(out, 'ran\n');
  assert.match(err, /^the Lunar interceptor is not in use: .*Cannot find module/u);

  const other = join(folder, 'node_modules/lunar-interceptor');
  await mkdir(join(other, 'dist'), { recursive: true });
  await writeFile(join(other, 'index.js'), 'console.log("noise")');
  await writeFile(
    join(other, 'dist/logger.js'),
    'exports.logger = { levels: { info: 0 }, transports: [{ name: "other" }] }',
  );
  const [quiet, told] = run();
  assert.equal(quiet, 'ran\n');
  assert.match(told, /its log would go to the standard output/u);
});

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-lunar-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
