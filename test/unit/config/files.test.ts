import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readEnvironment } from '../../../src/config/environment.ts';
import type { PlanResult } from '../../../src/config/load-plan.ts';
import { planReader } from '../../../src/config/read-plan.ts';
import { configChecks } from '../../../src/wiring/config-checks.ts';
import { lines, planOf } from './plan-from.ts';

const ROOT = join(import.meta.dirname, '../../..');

test('both files are read from where the environment says', async (t) => {
  const folder = await tempFolder(t);
  const env = {
    SERVERS_CONFIG_PATH: join(folder, 's.json'),
    APP_CONFIG_PATH: join(folder, 'a.yaml'),
  };
  await writeFile(env.SERVERS_CONFIG_PATH, '{"mcpServers": {"it": {"command": "${PROGRAM}"}}}');
  await writeFile(env.APP_CONFIG_PATH, 'naming: flat');
  const { plan } = read({ ...env, PROGRAM: 'node' });
  assert.equal(plan?.naming, 'flat');
  assert.deepEqual(
    plan?.servers[0]?.endpoint.kind === 'stdio' && plan.servers[0].endpoint.command,
    'node',
  );
});

test('a file missing at its default place is a warning, and the defaults hold', async (t) => {
  const folder = await tempFolder(t);
  const { surroundings } = readEnvironment({});
  const at = (path: string): string => join(folder, path);
  const moved = { ...surroundings, serversPath: at('mcp.json'), appPath: at('app.yaml') };
  const { plan, problems } = planReader(moved, { checks: configChecks, lookUp: () => undefined })();
  assert.deepEqual(plan?.servers, []);
  assert.deepEqual(
    problems.map(({ severity, file }) => [severity, file]),
    [
      ['warning', at('mcp.json')],
      ['warning', at('app.yaml')],
    ],
  );
});

test('a file missing where a variable names it is an error that names the variable', async (t) => {
  const folder = await tempFolder(t);
  const env = {
    SERVERS_CONFIG_PATH: join(folder, 's.json'),
    APP_CONFIG_PATH: join(folder, 'no/a.yaml'),
  };
  const { plan, problems } = read(env);
  assert.equal(plan, undefined);
  assert.match(problems[0]?.message ?? '', /SERVERS_CONFIG_PATH names it/);
  assert.match(problems[1]?.message ?? '', /APP_CONFIG_PATH names it/);
});

test('a file that was chosen must exist', async (t) => {
  const folder = await tempFolder(t);
  const { surroundings } = readEnvironment({});
  const appPath = join(folder, 'new.yaml');
  const moved = { ...surroundings, appPath, serversPath: join(folder, 'mcp.json') };
  const terms = { checks: configChecks, lookUp: () => undefined, required: [appPath] };
  const { plan, problems } = planReader(moved, terms)();
  assert.equal(plan, undefined);
  assert.equal(problems[0]?.file, appPath);
  assert.match(problems[0].message, /does not exist; correct its path/);
});

test('a file that cannot be read is an error, and the other one is still checked', async (t) => {
  const folder = await tempFolder(t);
  const env = { SERVERS_CONFIG_PATH: join(folder, 'dir'), APP_CONFIG_PATH: join(folder, 'a.yaml') };
  await mkdir(env.SERVERS_CONFIG_PATH);
  await writeFile(env.APP_CONFIG_PATH, 'naming: x');
  const result = read(env);
  assert.equal(result.plan, undefined);
  assert.match(lines(result)[0] ?? '', /dir : This file cannot be read \(EISDIR\)/);
  assert.match(lines(result)[1] ?? '', /naming: Give one of/);
});

test('a file that vanishes after it was read is an error, so that its rules do not vanish with it', async (t) => {
  const folder = await tempFolder(t);
  const at = (path: string): string => join(folder, path);
  const { surroundings } = readEnvironment({});
  const moved = { ...surroundings, serversPath: at('mcp.json'), appPath: at('app.yaml') };
  await writeFile(moved.appPath, 'naming: flat');
  const read = planReader(moved, { checks: configChecks, lookUp: () => undefined });
  assert.equal(read().plan?.naming, 'flat');
  await rm(moved.appPath);
  const { plan, problems } = read();
  assert.equal(plan, undefined);
  assert.deepEqual(
    problems.map(({ severity, file }) => [severity, file]),
    [
      ['error', moved.appPath],
      ['warning', moved.serversPath],
    ],
  );
  await writeFile(moved.appPath, 'naming: prefix');
  assert.equal(read().plan?.naming, 'prefix');
});

test('the servers the repository comes with are sound, and their programs are there', () => {
  const servers = readFileSync(join(ROOT, 'config/mcp.json'), 'utf8');
  const plan = planOf({ servers });
  assert.deepEqual(
    plan.servers.map(({ name }) => name),
    ['everything', 'filesystem', 'memory', 'sequential-thinking'],
  );
  for (const { endpoint, pendingInput } of plan.servers) {
    assert.equal(pendingInput, undefined);
    assert.ok(endpoint.kind === 'stdio');
    assert.ok(existsSync(join(ROOT, endpoint.args[0] ?? '')), endpoint.args[0]);
  }
});

test('schemas and reference pages are as the tables in the code make them', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.ts', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

function read(env: Readonly<Record<string, string>>): PlanResult {
  return planReader(readEnvironment(env).surroundings, {
    checks: configChecks,
    lookUp: (name) => env[name],
  })();
}

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-config-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
