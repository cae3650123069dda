import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { KeyTable } from '../../../src/store/key-table.ts';
import { openDatabase } from '../../../src/store/open-database.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-open-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Another process that is about to write to a new file, for so many milliseconds; runs when this resolves. */
async function writerOf(t: TestContext, file: string, ms: number): Promise<void> {
  const code = `
    import { DatabaseSync } from 'node:sqlite';
    const database = new DatabaseSync(process.argv[1]);
    database.exec('BEGIN IMMEDIATE');
    console.log('begun');
    setTimeout(() => { database.exec('COMMIT'); database.close(); }, ${ms});`;
  const args = ['--input-type=module', '-e', code, file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

test('a new file that another process is about to write to is opened as soon as that has done', async (t) => {
  const file = join(folderFor(t), 'some.db');
  await writerOf(t, file, 300);
  const terms = { openWaitMs: 20_000, writeWaitMs: 50, prepare: () => undefined };
  const database = openDatabase(file, terms);
  const mode = database.prepare('PRAGMA journal_mode').get()?.['journal_mode'];
  database.close();
  assert.equal(mode, 'wal');
});

test('a file that stays locked is given up after the time for that, and said to be locked', (t) => {
  const folder = folderFor(t);
  const other = new DatabaseSync(join(folder, 'access.db'));
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  assert.throws(() => new KeyTable(folder, { now: () => 0 }), {
    message: /access\.db cannot be used: database is locked\. Another process keeps it locked/,
  });
});
