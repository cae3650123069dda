import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { ROOT, startNode } from '../support/conformance-processes.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { rpcOf } from '../support/raw-http.ts';
import { SmallDisk } from '../support/small-disk.ts';

const WAIT_MS = 20_000;

/** A gateway whose whole data folder is on a disk of 2 MiB. */
async function onSmallDisk(
  t: TestContext,
  onFailure: string,
): Promise<{ audited: AuditedGateway; disk: SmallDisk }> {
  const disk = await SmallDisk.make(t);
  const app = {
    audit: { onFailure, flushMs: 20 },
    usage: { flushMs: 50 },
    limits: { rules: [{ id: 'day', budget: { window: 'day', calls: 10_000 } }] },
  };
  const audited = await AuditedGateway.prepare(t, { app });
  symlinkSync(disk.folder, audited.gateway.dataDir);
  return { audited, disk };
}

async function refusalOf(audited: AuditedGateway): Promise<unknown> {
  return rpcOf(await audited.call(1)).error?.data?.['refusal'];
}

test('with no room in the data folder sessions begin and end, lists and health are answered, calls are refused, and all is well again when there is room (R22)', async (t) => {
  const { audited, disk } = await onSmallDisk(t, 'refuse');
  const { gateway } = audited;
  await audited.launch();
  const session = await RawSession.open(gateway.url);
  assert.match(textOf(await session.call('echo__echo', { text: 'before' })), /./u);
  disk.fill();
  await eventually('calls are refused', WAIT_MS, async () => {
    return (await refusalOf(audited)) === 'RECORD_UNAVAILABLE';
  });
  const begun = await RawSession.open(gateway.url);
  assert.deepEqual(await begun.tools(), ['echo__echo']);
  assert.equal((await begun.request('logging/setLevel', { level: 'debug' })).error, undefined);
  assert.equal(await begun.delete(), 204);
  assert.equal((await fetch(`${gateway.base}/healthcheck`)).status, 200);
  // A new server is started all the same, though what it offers cannot be remembered.
  await gateway.configure({ echo: echoServer(), more: echoServer() });
  await gateway.whenReady('more');
  disk.free();
  await eventually('calls are made', WAIT_MS, async () => {
    return (await refusalOf(audited)) === undefined;
  });
  assert.match(textOf(await session.call('echo__echo', { text: 'after' })), /./u);
  assert.equal(await gateway.end('SIGTERM'), 0);
  assert.deepEqual((await audited.verify()).findings, []);
  assert.match(gateway.output(), /ENOSPC|database or disk is full/u);
  assert.doesNotMatch(gateway.output(), /a request crashed|nobody handled/u);
});

test('with no room in the data folder calls go on where that is the configuration, and usage and budgets are saved when there is room', async (t) => {
  const { audited, disk } = await onSmallDisk(t, 'drop-and-count');
  const { gateway } = audited;
  await audited.launch();
  assert.equal(await refusalOf(audited), undefined);
  disk.fill();
  await eventually(
    'the log tells all that cannot be written',
    WAIT_MS,
    async () => {
      assert.equal(await refusalOf(audited), undefined);
      const log = gateway.output();
      return ['the audit is not in order', 'usage cannot be kept now'].every((text) =>
        log.includes(text),
      );
    },
    () => gateway.output(),
  );
  disk.free();
  await eventually('usage is kept again', WAIT_MS, () =>
    gateway.output().includes('usage is kept again'),
  );
  assert.equal(await refusalOf(audited), undefined);
  assert.equal(await gateway.end('SIGTERM'), 0);
  assert.deepEqual((await audited.verify()).findings, []);
});

test('a gateway that finds no room at its start says which file it could not write and what to do, and starts when there is', async (t) => {
  const { audited, disk } = await onSmallDisk(t, 'refuse');
  const { gateway } = audited;
  disk.fill();
  const started = startNode(['bin/mcpx.js', 'serve'], gateway.env);
  assert.equal(await started.exited, 1, started.output());
  const lines = started.output().trim().split('\n');
  assert.equal(lines.length, 1, started.output());
  assert.ok(lines[0]?.includes(gateway.dataDir), lines[0]);
  assert.match(lines[0] ?? '', /\.db.*Make room on that disk/u);
  disk.free();
  await audited.launch();
  assert.equal(await refusalOf(audited), undefined);
  assert.equal(await gateway.end('SIGTERM'), 0);
});

test('a key that cannot be written is not made, and its text is not shown', async (t) => {
  const { audited, disk } = await onSmallDisk(t, 'refuse');
  await audited.launch();
  disk.fill();
  const { code, output } = await audited.mcpx(
    'keys',
    'create',
    '--name',
    'x',
    '--consumer',
    'agents',
  );
  assert.equal(code, 1, output);
  assert.match(output, /^mcpx: .*full/u);
  assert.doesNotMatch(output, /mcpx_/u);
  disk.free();
  const { output: list } = await audited.mcpx('keys', 'list');
  assert.doesNotMatch(list, /agents/u);
});

test('a log that is written to a full disk costs lines, and neither the start nor calls nor the process', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: { echo: echoServer() } });
  const { PATH = '', HOME = '' } = process.env;
  // A warning is written before there is a log: app.yaml is missing here.
  const { APP_CONFIG_PATH: _unused, ...env } = gateway.env;
  const command = 'exec "$0" "$1" serve 2>/dev/full';
  const child = spawn('sh', ['-c', command, process.execPath, join(ROOT, 'bin/mcpx.js')], {
    cwd: gateway.folder,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const base = await eventually(
    'it listens',
    WAIT_MS,
    () => /listening on (http:\/\/\S+)\/mcp/u.exec(said)?.[1],
  );
  await eventually('its server is ready', WAIT_MS, () => said.includes('1 of 1 servers ready'));
  const session = await RawSession.open(`${base}/mcp`);
  for (let call = 0; call < 50; call += 1)
    assert.equal((await session.call('echo__echo', { text: 'on' })).error, undefined);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
