import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { SqliteStore } from '../../../src/store/sqlite-store.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(folder: string, now = 0, errors: unknown[] = []): SqliteStore {
  return new SqliteStore(folder, { now, onError: (error) => errors.push(error) });
}

test('what is put is there after the process ends, each space with keys of its own', (t) => {
  const folder = folderFor(t);
  const first = open(folder);
  first.put('session', 'a', 'session text');
  first.put('verdict', 'a', 'verdict text');
  first.put('session', 'a', 'newer text');
  first.close();
  const second = open(folder);
  assert.equal(second.get('session', 'a'), 'newer text');
  assert.equal(second.get('verdict', 'a'), 'verdict text');
  assert.equal(second.get('inventory', 'a'), undefined);
  assert.equal(second.get('session', 'b'), undefined);
  second.close();
});

test('any text is kept as it is', (t) => {
  const store = open(folderFor(t));
  for (const text of ['', 'größe 🙂 \u2028', "'; DROP TABLE record; --", 'x'.repeat(5_000_000)]) {
    store.put('inventory', text.slice(0, 100), text);
    assert.equal(store.get('inventory', text.slice(0, 100)), text);
  }
  store.close();
});

test('at the next start what has expired is forgotten, what has not or never will is kept', (t) => {
  const folder = folderFor(t);
  const first = open(folder, 1000);
  first.put('tombstone', 'past', '', 2000);
  first.put('tombstone', 'now', '', 3000);
  first.put('tombstone', 'future', '', 3001);
  first.put('tombstone', 'never', '');
  first.close();
  const second = open(folder, 3000);
  const kept = ['past', 'now', 'future', 'never'].map((key) => second.get('tombstone', key));
  assert.deepEqual(kept, [undefined, undefined, '', '']);
  second.close();
});

test('two processes may use the same folder', (t) => {
  const folder = folderFor(t);
  const [one, other] = [open(folder), open(folder)];
  one.put('session', 'a', 'one');
  assert.equal(other.get('session', 'a'), 'one');
  other.put('session', 'a', 'other');
  assert.equal(one.get('session', 'a'), 'other');
  one.close();
  other.close();
});

test('records of another version of the product are forgotten, not read', (t) => {
  const folder = folderFor(t);
  open(folder).close();
  const database = new DatabaseSync(join(folder, 'mcpx.db'));
  database.exec(
    "INSERT INTO record VALUES ('session', 'a', 'old', NULL); PRAGMA user_version = 999;",
  );
  database.close();
  const store = open(folder);
  assert.equal(store.get('session', 'a'), undefined);
  store.put('session', 'a', 'new');
  assert.equal(store.get('session', 'a'), 'new');
  store.close();
});

test('what cannot be written is reported and lost, and nothing throws', (t) => {
  const errors: unknown[] = [];
  const store = open(folderFor(t), 0, errors);
  store.close();
  store.put('session', 'a', 'text');
  assert.equal(errors.length, 1);
});

test('a folder that cannot be used stops the start', (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.throws(() => open(join(file, 'below')));
  chmodSync(folder, 0o700);
});

test('the file is for its owner alone, whoever could read it before', (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'mcpx.db');
  writeFileSync(file, '', { mode: 0o644 });
  const store = open(folder);
  store.put('session', 'a', 'text');
  for (const path of [file, `${file}-wal`, `${file}-shm`])
    assert.equal(statSync(path).mode & 0o777, 0o600, path);
  store.close();
});

test('a file that is damaged is named, with what to do', (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'mcpx.db'), 'this is no database at all, only text'.repeat(50));
  assert.throws(() => open(folder), /mcpx\.db cannot be used: .* restore it, or move it away: /u);
});

test('what cannot be read any more is reported and not there, and may be there for whoever must be certain', (t) => {
  const folder = folderFor(t);
  const first = open(folder);
  for (let index = 0; index < 2000; index += 1)
    first.put('tombstone', `key ${index}`, 'x'.repeat(4000));
  first.close();
  const errors: unknown[] = [];
  const store = open(folder, 0, errors);
  truncateSync(join(folder, 'mcpx.db'), 8192);
  assert.equal(store.get('inventory', 'b'), undefined);
  assert.equal(store.get('tombstone', 'key 1000'), undefined);
  assert.ok(errors.length > 0);
  assert.equal(store.mayHave('tombstone', 'key 1000'), true);
  store.close();
});

test('several processes may open it for the first time at once', (t) => {
  const folder = folderFor(t);
  const stores = Array.from({ length: 3 }, () => open(folder));
  stores[0]?.put('session', 'a', 'text');
  assert.deepEqual(
    stores.map((store) => store.get('session', 'a')),
    ['text', 'text', 'text'],
  );
  for (const store of stores) store.close();
});
