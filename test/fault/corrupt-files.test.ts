import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { startNode } from '../support/conformance-processes.ts';
import { eventually } from '../support/processes.ts';
import { rpcOf } from '../support/raw-http.ts';

const WAIT_MS = 20_000;
const APP = {
  audit: { flushMs: 20, onFailure: 'refuse' },
  usage: { flushMs: 50 },
  limits: { rules: [{ id: 'day', budget: { window: 'day', calls: 10_000 } }] },
};

type Damage = (file: string) => void;

const random: Damage = (file) => writeFileSync(file, randomBytes(20_000));
const cut: Damage = (file) => truncateSync(file, Math.floor(statSync(file).size / 2));

/** A gateway that has kept something of every kind, and was ended. */
async function used(t: TestContext): Promise<AuditedGateway> {
  const audited = await AuditedGateway.start(t, { app: APP });
  await audited.call(1);
  const { gateway } = audited;
  await eventually('usage and budgets were saved', WAIT_MS, () =>
    ['usage.db', 'limits.db'].every((file) => existsSync(join(gateway.dataDir, file))),
  );
  assert.equal(await gateway.end('SIGTERM'), 0);
  cpSync(gateway.dataDir, whole(audited), { recursive: true });
  return audited;
}

function whole({ gateway }: AuditedGateway): string {
  return join(gateway.folder, 'whole');
}

/** The data folder as it was when all was well. */
function restore(audited: AuditedGateway): void {
  const { dataDir } = audited.gateway;
  rmSync(dataDir, { recursive: true });
  cpSync(whole(audited), dataDir, { recursive: true });
}

/** Damages a file of the data folder, and returns its path. */
function damaged(audited: AuditedGateway, name: string, damage: Damage): string {
  const file = join(audited.gateway.dataDir, name);
  for (const journal of ['-wal', '-shm']) rmSync(`${file}${journal}`, { force: true });
  damage(file);
  return file;
}

/** Starts a gateway that must not start, and returns the one line it says. */
async function refusedStart({ gateway }: AuditedGateway): Promise<string> {
  const started = startNode(['bin/mcpx.js', 'serve'], gateway.env);
  assert.equal(await started.exited, 1, started.output());
  const lines = started.output().trim().split('\n');
  assert.equal(lines.length, 1, started.output());
  return lines[0] ?? '';
}

/** Starts it on what was damaged, and returns what it says that names the file. */
async function startedWith(audited: AuditedGateway, file: string): Promise<string> {
  await audited.launch();
  return said(audited, file);
}

/** The first line of the log that names a file. */
async function said({ gateway }: AuditedGateway, file: string): Promise<string> {
  const line = await eventually(
    `${file} is named`,
    WAIT_MS,
    () => gateway.log().find((entry) => JSON.stringify(entry).includes(file)),
    () => gateway.output(),
  );
  return JSON.stringify(line);
}

test('a file that decides who may come in and is damaged stops the start with one line that names it and says what to do, and without it the gateway starts', async (t) => {
  const audited = await used(t);
  const damages = [
    ['mcpx.db', random],
    ['mcpx.db', cut],
    ['access.db', cut],
    ['keys/seal.json', random],
  ] as const;
  const files = new Set<string>();
  for (const [name, damage] of damages) {
    restore(audited);
    const file = damaged(audited, name, damage);
    const line = await refusedStart(audited);
    assert.ok(line.includes(file), line);
    assert.match(line, /restore it, or (?:move it away|delete it)/u);
    files.add(file);
  }
  // What it says can be done.
  for (const file of files) renameSync(file, `${file}.damaged`);
  await audited.launch();
  assert.equal(rpcOf(await audited.call(2)).error, undefined);
  assert.equal(await audited.gateway.end('SIGTERM'), 0);
});

test('with damaged anchors or keys of the audit no call is made, the file is named with what to do, and calls are made once that is done (R22)', async (t) => {
  const audited = await used(t);
  const damages = [
    ['audit-anchors.db', cut],
    ['keys/audit.json', random],
  ] as const;
  for (const [name, damage] of damages) {
    restore(audited);
    const file = damaged(audited, name, damage);
    const line = await startedWith(audited, file);
    assert.match(line, /restore it, or move it away/u);
    assert.equal(rpcOf(await audited.call(3)).error?.data?.['refusal'], 'RECORD_UNAVAILABLE');
    renameSync(file, `${file}.damaged`);
    await eventually('calls are made', WAIT_MS, async () => {
      return rpcOf(await audited.call(4)).error === undefined;
    });
    assert.equal(await audited.gateway.end('SIGTERM'), 0);
  }
});

test('with damaged budgets and usage calls go on, both files are named with what to do, and counts are kept once that is done', async (t) => {
  const audited = await used(t);
  const files = [damaged(audited, 'limits.db', random), damaged(audited, 'usage.db', cut)];
  await audited.launch();
  for (const file of files) {
    const named = said(audited, file);
    assert.equal(rpcOf(await audited.call(5)).error, undefined);
    assert.match(await named, /restore it, or move it away/u);
    renameSync(file, `${file}.damaged`);
  }
  for (const file of files)
    await eventually('it is there again', WAIT_MS, async () => {
      assert.equal(rpcOf(await audited.call(6)).error, undefined);
      return existsSync(file);
    });
  assert.equal(await audited.gateway.end('SIGTERM'), 0);
});

test('a damaged segment of a killed gateway is found by verifying, and no later gateway stumbles over it (R22)', async (t) => {
  const audited = await used(t);
  await audited.launch();
  await audited.call(7);
  await audited.line('it is recorded', ({ method }) => method === 'tools/call');
  await audited.gateway.end('SIGKILL');
  for (const file of audited.files())
    writeFileSync(join(audited.folder, file), randomBytes(5_000).toString('latin1'));
  await audited.launch();
  assert.equal(rpcOf(await audited.call(8)).error, undefined);
  assert.equal(await audited.gateway.end('SIGTERM'), 0);
  const { code, findings } = await audited.verify();
  assert.equal(code, 1);
  assert.ok(findings.length >= 2, JSON.stringify(findings));
});

test('nothing else than what is known lies in the data folder of a used gateway, and others may read none of it', async (t) => {
  const audited = await used(t);
  const { dataDir } = audited.gateway;
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true });
  for (const file of files) {
    const { mode } = statSync(join(file.parentPath, file.name));
    assert.equal(mode & 0o077, 0, file.name);
  }
  assert.ok(readFileSync(join(dataDir, 'keys/seal.json'), 'utf8').length > 0);
});
