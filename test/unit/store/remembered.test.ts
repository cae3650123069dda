import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { remembered } from '../../../src/store/remembered.ts';
import { SqliteStore } from '../../../src/store/sqlite-store.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-remembered-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(folder: string): SqliteStore {
  return new SqliteStore(folder, { now: 0, onError: (error) => assert.fail(String(error)) });
}

test('what a gateway keeps is read while it runs, and after it ended', (t) => {
  const folder = folderFor(t);
  const store = open(folder);
  store.put('inventory', 'a', 'one');
  store.put('verdict', 'b', 'other space');
  assert.deepEqual([...remembered(folder, 'inventory', ['a', 'b'])], [['a', 'one']]);
  store.put('inventory', 'a', 'two');
  assert.deepEqual([...remembered(folder, 'inventory', ['a'])], [['a', 'two']]);
  store.close();
  assert.deepEqual([...remembered(folder, 'inventory', ['a'])], [['a', 'two']]);
});

test('where there is nothing, nothing is found and nothing is made', (t) => {
  const folder = folderFor(t);
  assert.equal(remembered(folder, 'inventory', ['a']).size, 0);
  assert.equal(remembered(join(folder, 'none'), 'inventory', ['a']).size, 0);
  assert.deepEqual(readdirSync(folder), []);
});

test('reading forgets nothing, whatever version of the product wrote it', (t) => {
  const folder = folderFor(t);
  open(folder).close();
  const database = new DatabaseSync(join(folder, 'mcpx.db'));
  database.exec(
    "INSERT INTO record VALUES ('inventory', 'a', 'text', 1); PRAGMA user_version = 999;",
  );
  assert.deepEqual([...remembered(folder, 'inventory', ['a'])], [['a', 'text']]);
  assert.equal(database.prepare('SELECT count(*) AS n FROM record').get()?.['n'], 1);
  database.close();
});

test('a database of another shape has nothing, and what is none throws', (t) => {
  const folder = folderFor(t);
  const database = new DatabaseSync(join(folder, 'mcpx.db'));
  database.exec('CREATE TABLE record (other TEXT)');
  database.close();
  assert.equal(remembered(folder, 'inventory', ['a']).size, 0);
  const broken = folderFor(t);
  writeFileSync(join(broken, 'mcpx.db'), 'no database at all, but some text\n'.repeat(100));
  assert.throws(() => remembered(broken, 'inventory', ['a']), /database/u);
  assert.ok(existsSync(join(broken, 'mcpx.db')));
});
