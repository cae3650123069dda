import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { AnchorTable, readAnchors, type Anchored } from '../../../src/store/anchor-table.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-anchors-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function tableIn(t: TestContext, folder: string): AnchorTable {
  const table = new AnchorTable(folder);
  t.after(() => table.close());
  return table;
}

const AT: Anchored = {
  chain: 'a',
  state: 'open',
  segment: 0,
  seq: 5,
  hash: 'five',
  at: 1000,
  proof: 'line 5',
};

test('each chain is told the one that was begun before it, whichever process asks (R22)', (t) => {
  const folder = folderFor(t);
  const [one, two] = [tableIn(t, folder), tableIn(t, folder)];
  assert.equal(one.begin('a', 1), undefined);
  one.put(AT);
  const before = two.begin('b', 2);
  assert.deepEqual([before?.chain, before?.seq, before?.hash], ['a', 5, 'five']);
  assert.equal(one.begin('c', 3)?.chain, 'b');
  assert.deepEqual(
    readAnchors(folder).map(({ chain }) => chain),
    ['a', 'b', 'c'],
  );
});

test('an anchor never goes back, only what its chain has come to changes (R22)', (t) => {
  const table = tableIn(t, folderFor(t));
  table.begin('a', 1);
  table.put({ ...AT, seq: 9, hash: 'nine', proof: 'line 9' });
  table.put({ ...AT, state: 'lost' });
  const found = table.find('a');
  assert.deepEqual([found?.state, found?.seq, found?.proof], ['lost', 9, 'line 9']);
});

test('removals are kept beside the anchor, the last two of them (R22)', (t) => {
  const table = tableIn(t, folderFor(t));
  table.begin('a', 1);
  table.put(AT);
  for (const proof of ['one', 'two', 'three']) table.retire('a', proof, proof === 'three');
  const found = table.find('a');
  assert.deepEqual(
    [found?.retirements, found?.state, found?.proof],
    [['two', 'three'], 'retired', 'line 5'],
  );
});

test('where nothing was anchored, nothing is made by reading', (t) => {
  assert.deepEqual(readAnchors(join(folderFor(t), 'none')), []);
});

test('a table of a later version, and what is no table, are told by their file', (t) => {
  const folder = folderFor(t);
  tableIn(t, folder);
  const database = new DatabaseSync(join(folder, 'audit-anchors.db'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(
    () => new AnchorTable(folder),
    /audit-anchors\.db cannot be used: a newer version/u,
  );
  const other = folderFor(t);
  writeFileSync(
    join(other, 'audit-anchors.db'),
    'this is no database at all, only text'.repeat(50),
  );
  assert.throws(() => new AnchorTable(other), /audit-anchors\.db cannot be used/u);
});
