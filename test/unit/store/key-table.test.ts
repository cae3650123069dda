import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import type { KeyRecord } from '../../../src/kernel/key-record.ts';
import { KeyTable } from '../../../src/store/key-table.ts';
import { eventually } from '../../support/raw-eventually.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(t: TestContext, folder: string, now = () => 0, errors: unknown[] = []): KeyTable {
  const table = new KeyTable(folder, { now, onError: (error) => errors.push(error) });
  t.after(() => table.close());
  return table;
}

function record(id: string, changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id,
    name: `name of ${id}`,
    digest: new Uint8Array(32).fill(7),
    consumer: 'agents',
    createdAt: 1000,
    expiresAt: undefined,
    revokedAt: undefined,
    lastUsedAt: undefined,
    ...changes,
  };
}

/** Runs some code on a table of another process; the result is what it prints. */
async function inAnotherProcess(folder: string, code: string): Promise<string> {
  const module = new URL('../../../src/store/key-table.ts', import.meta.url).href;
  const whole = `import { KeyTable } from '${module}';
    const table = new KeyTable(process.argv[1], { now: () => 0 });
    ${code}
    table.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', whole, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0);
  return said;
}

test('a key is kept as it was made, and outlives the process', (t) => {
  const folder = folderFor(t);
  const digest = Uint8Array.from({ length: 32 }, (_, index) => index * 8);
  const odd = { name: "größe 🙂 '; DROP TABLE access_key; --", consumer: '__proto__', digest };
  const full = record('full', { ...odd, expiresAt: 8.64e15, revokedAt: 3000, lastUsedAt: 2000 });
  const first = new KeyTable(folder, { now: () => 0 });
  first.create(record('plain'));
  first.create(full);
  assert.deepEqual(first.find('full'), full);
  first.close();
  const second = open(t, folder);
  assert.deepEqual(second.list(), [full, record('plain')]);
  assert.deepEqual(second.find('plain'), record('plain'));
  assert.equal(second.find('PLAIN'), undefined);
  assert.equal(second.find(''), undefined);
});

test('keys are listed oldest first', (t) => {
  const table = open(t, folderFor(t));
  for (const [id, createdAt] of [
    ['b', 2],
    ['a', 3],
    ['c', 1],
  ] as const)
    table.create(record(id, { createdAt }));
  assert.deepEqual(
    table.list().map(({ id }) => id),
    ['c', 'b', 'a'],
  );
});

test('a consumer is bound by any key it ever had (R20)', (t) => {
  const table = open(t, folderFor(t), () => 5000);
  table.create(record('live'));
  table.create(record('expired', { consumer: 'ci', expiresAt: 10 }));
  table.create(record('revoked', { consumer: 'ops' }));
  table.revoke('revoked', 20);
  assert.deepEqual([...table.boundConsumers()].sort(), ['agents', 'ci', 'ops']);
});

test('a name is free again when the key that had it is revoked or expired', (t) => {
  let now = 0;
  const table = open(t, folderFor(t), () => now);
  table.create(record('one', { name: 'ci', expiresAt: 100 }));
  assert.throws(() => table.create(record('two', { name: 'ci' })), /"ci" exists.*revoke/s);
  assert.equal(table.find('two'), undefined);
  now = 100;
  table.create(record('two', { name: 'ci' }));
  assert.throws(() => table.create(record('three', { name: 'ci' })));
  table.revoke('ci', 200);
  table.create(record('three', { name: 'ci' }));
  assert.equal(table.list().length, 3);
});

test('a second key with the id of another one is refused, and the first one stays', (t) => {
  const table = open(t, folderFor(t));
  table.create(record('one', { consumer: 'first' }));
  assert.throws(() => table.create(record('one', { name: 'other', consumer: 'second' })));
  assert.deepEqual(
    table.list().map(({ consumer }) => consumer),
    ['first'],
  );
  table.create(record('two'));
});

test('a key is revoked by its id or by its name, once and for all', (t) => {
  const table = open(t, folderFor(t));
  table.create(record('one'));
  table.create(record('two'));
  assert.deepEqual(table.revoke('one', 50), record('one', { revokedAt: 50 }));
  assert.deepEqual(table.find('one'), record('one', { revokedAt: 50 }));
  assert.equal(table.revoke('one', 60)?.revokedAt, 50);
  assert.equal(table.revoke('name of two', 70)?.id, 'two');
  assert.equal(table.revoke('three', 80), undefined);
  assert.deepEqual(
    table.list().map(({ revokedAt }) => revokedAt),
    [50, 70],
  );
});

test('of several keys with one name the one that holds is revoked, and an id goes before a name', (t) => {
  let now = 0;
  const table = open(t, folderFor(t), () => now);
  table.create(record('old', { name: 'ci', createdAt: 1, expiresAt: 10 }));
  now = 20;
  table.create(record('new', { name: 'ci', createdAt: 2 }));
  table.create(record('odd', { name: 'old', createdAt: 3 }));
  assert.equal(table.revoke('ci', now)?.id, 'new');
  assert.equal(table.revoke('ci', now)?.id, 'old');
  assert.equal(table.revoke('old', now)?.id, 'old');
  assert.equal(table.find('odd')?.revokedAt, undefined);
});

test('what one table writes another one on the same folder sees within a second, not at once', (t) => {
  const folder = folderFor(t);
  let now = 0;
  const gateway = open(t, folder, () => now);
  const command = open(t, folder);
  command.create(record('one'));
  assert.equal(gateway.find('one'), undefined);
  now = 1000;
  assert.deepEqual(gateway.find('one'), record('one'));
  command.revoke('one', 77);
  now = 1999;
  assert.equal(gateway.find('one')?.revokedAt, undefined);
  now = 2000;
  assert.equal(gateway.find('one')?.revokedAt, 77);
  command.create(record('two', { consumer: 'ci' }));
  now = 3000;
  assert.ok(gateway.boundConsumers().has('ci'));
});

test('a clock that is set back does not keep an old reading alive', (t) => {
  const folder = folderFor(t);
  let now = 1_000_000;
  const gateway = open(t, folder, () => now);
  open(t, folder).create(record('one'));
  now = 0;
  assert.deepEqual(gateway.find('one'), record('one'));
});

test('what another process revokes is seen within about a second by a real clock', async (t) => {
  const folder = folderFor(t);
  const gateway = open(t, folder, () => Date.now());
  gateway.create(record('one'));
  const said = await inAnotherProcess(folder, "console.log(table.revoke('one', 77).revokedAt);");
  assert.equal(said, '77\n');
  await eventually('the key is revoked', () => gateway.find('one')?.revokedAt === 77, 5000);
});

test('processes may make keys at the same time, and no name is given twice', async (t) => {
  const folder = folderFor(t);
  const code = `
    const make = (id, name) => table.create({ id, name, digest: new Uint8Array(32), consumer: 'ci', createdAt: 1 });
    let won = 0;
    for (let index = 0; index < 100; index += 1) {
      make(process.pid + ' ' + index, process.pid + ' ' + index);
      try {
        make(process.pid + ' same ' + index, 'same ' + index);
        won += 1;
      } catch (error) {
        if (!/exists/.test(error.message)) throw error;
      }
    }
    console.log(won);`;
  const won = await Promise.all([1, 2, 3].map(() => inAnotherProcess(folder, code)));
  const shared = won.reduce((sum, text) => sum + Number(text), 0);
  assert.equal(shared, 100);
  assert.equal(open(t, folder).list().length, 400);
});

test('the last use is written later, to the minute, and the newest one wins', async (t) => {
  const folder = folderFor(t);
  const one = open(t, folder);
  const other = open(t, folder);
  one.create(record('one'));
  const lastUsedAt = () => one.list()[0]?.lastUsedAt;
  one.used('one', 500_000);
  one.used('one', 559_999);
  one.used('unknown', 500_000);
  assert.equal(lastUsedAt(), undefined);
  await eventually('the use is written', () => lastUsedAt() === 500_000);
  other.used('one', 400_000);
  other.used('one', 460_000);
  other.close();
  assert.equal(lastUsedAt(), 500_000);
  one.used('one', 560_000);
  one.close();
  assert.equal(open(t, folder).find('one')?.lastUsedAt, 560_000);
});

test('a use that cannot be written is reported and stops nothing', async (t) => {
  const folder = folderFor(t);
  const errors: unknown[] = [];
  const table = open(t, folder, () => 0, errors);
  table.create(record('one'));
  const blocker = new DatabaseSync(join(folder, 'access.db'));
  blocker.exec('BEGIN IMMEDIATE');
  table.used('one', 100_000);
  await eventually('the failure is reported', () => errors.length === 1);
  assert.deepEqual(table.find('one'), record('one'));
  blocker.exec('ROLLBACK');
  blocker.close();
  table.used('one', 200_000);
  await eventually('the next one is written', () => table.list()[0]?.lastUsedAt === 200_000);
});

test('when the keys cannot be read no key holds, and no consumer is opened by that (R20)', (t) => {
  const folder = folderFor(t);
  let now = 0;
  const errors: unknown[] = [];
  const table = open(t, folder, () => now, errors);
  table.create(record('one'));
  const vandal = new DatabaseSync(join(folder, 'access.db'));
  vandal.exec('ALTER TABLE access_key RENAME TO gone');
  now = 1000;
  assert.equal(table.find('one'), undefined);
  assert.deepEqual([...table.boundConsumers()], ['agents']);
  assert.equal(errors.length, 1);
  vandal.exec('ALTER TABLE gone RENAME TO access_key');
  vandal.close();
  now = 2000;
  assert.deepEqual(table.find('one'), record('one'));
});

test('nobody but its owner can read the table, its journals, or a folder made for it', (t) => {
  const folder = join(folderFor(t), 'data', 'inner');
  const table = open(t, folder);
  table.create(record('one'));
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  assert.equal(modeOf(folder), 0o700);
  for (const end of ['', '-wal', '-shm'])
    assert.equal(modeOf(join(folder, `access.db${end}`)), 0o600);
  table.close();
  chmodSync(join(folder, 'access.db'), 0o644);
  open(t, folder);
  assert.equal(modeOf(join(folder, 'access.db')), 0o600);
});

test('a table of a later version is left as it is, and the error says what to do', (t) => {
  const folder = folderFor(t);
  const first = new KeyTable(folder, { now: () => 0 });
  first.create(record('one'));
  first.close();
  const file = join(folder, 'access.db');
  const later = new DatabaseSync(file);
  later.exec('PRAGMA user_version = 99; ALTER TABLE access_key ADD COLUMN more TEXT;');
  assert.throws(() => new KeyTable(folder, { now: () => 0 }), /access\.db.*newer version/s);
  assert.equal(later.prepare('PRAGMA user_version').get()?.['user_version'], 99);
  assert.equal(later.prepare('SELECT count(*) AS n FROM access_key').get()?.['n'], 1);
  later.close();
});

test('a file that is no table of keys is named, and not touched', (t) => {
  const folder = folderFor(t);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'access.db'),
    'this is something else, and longer than a page header '.repeat(10),
  );
  assert.throws(() => new KeyTable(folder, { now: () => 0 }), /access\.db cannot be used: /);
});

test('closing twice does nothing more, and a closed table answers from memory', (t) => {
  const table = open(t, folderFor(t));
  table.create(record('one'));
  table.close();
  table.close();
  table.used('one', 100_000);
  assert.deepEqual(table.find('one'), record('one'));
});
