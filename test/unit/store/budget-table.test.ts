import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { BudgetRow } from '../../../src/kernel/budget-row.ts';
import { BudgetTable } from '../../../src/store/budget-table.ts';

const NOW = Date.UTC(2026, 10, 4, 12);
const HOUR = 3_600_000;

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-budgets-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(t: TestContext, folder: string): BudgetTable {
  const table = new BudgetTable(folder);
  t.after(() => table.close());
  return table;
}

function row(fields: Partial<BudgetRow> = {}): BudgetRow {
  const span = { startsAt: NOW, endsAt: NOW + HOUR };
  return { counted: 'day', key: '["anna"]', ...span, calls: 1, tokens: 0, cost: 0, ...fields };
}

test('amounts are added up, and each process is told the sums that changed, once', (t) => {
  const folder = folderFor(t);
  const one = open(t, folder);
  const other = open(t, folder);
  assert.deepEqual(one.exchange([row({ tokens: 10, cost: 0.25 })], NOW), [
    row({ tokens: 10, cost: 0.25 }),
  ]);
  assert.deepEqual(other.exchange([row({ calls: 2, cost: 0.5 })], NOW), [
    row({ calls: 3, tokens: 10, cost: 0.75 }),
  ]);
  assert.deepEqual(one.exchange([], NOW), [row({ calls: 3, tokens: 10, cost: 0.75 })]);
  assert.deepEqual(one.exchange([], NOW), []);
  assert.deepEqual(other.exchange([], NOW), []);
});

test('rows are apart by what is counted, by key and by window', (t) => {
  const table = open(t, folderFor(t));
  const later = { startsAt: NOW + HOUR, endsAt: NOW + 2 * HOUR };
  const rows = [row(), row({ counted: 'hour' }), row({ key: '["bert"]' }), row(later)];
  table.exchange(rows, NOW);
  assert.deepEqual(table.load(['hour'], NOW), [row({ counted: 'hour' })]);
  assert.deepEqual(table.load(['day'], NOW), [row(), row(later), row({ key: '["bert"]' })]);
  assert.deepEqual(table.load(['day', 'none'], NOW + HOUR), [row(later)]);
});

test('what was never told is loaded: a process that begins later knows all of it', (t) => {
  const folder = folderFor(t);
  open(t, folder).exchange([row()], NOW);
  const later = open(t, folder);
  assert.deepEqual(later.load(['day'], NOW), [row()]);
  assert.deepEqual(later.exchange([], NOW), [], 'and is told only what changes from then on');
});

test('windows that are over are removed, and no change is missed by that', (t) => {
  const folder = folderFor(t);
  const one = open(t, folder);
  const other = open(t, folder);
  one.exchange([row()], NOW);
  assert.deepEqual(other.exchange([], NOW), [row()]);
  const after = NOW + 2 * HOUR;
  one.exchange([], after);
  assert.deepEqual(one.load(['day'], NOW), []);
  const next = row({ startsAt: after, endsAt: after + HOUR });
  one.exchange([next], after);
  assert.deepEqual(other.exchange([], after), [next]);
});

test('many windows that are over are removed little by little', (t) => {
  const table = open(t, folderFor(t));
  table.exchange(
    Array.from({ length: 12_000 }, (_, index) => row({ key: `["${index}"]` })),
    NOW,
  );
  const left = [1, 2, 3].map(() => {
    table.exchange([], NOW + 2 * HOUR);
    return table.load(['day'], NOW).length;
  });
  assert.deepEqual(left, [7_000, 2_000, 0]);
});

test('more changes than are read at once are told with the next exchanges', (t) => {
  const folder = folderFor(t);
  const one = open(t, folder);
  const other = open(t, folder);
  const many = Array.from({ length: 12_000 }, (_, index) => row({ key: `["${index}"]` }));
  one.exchange(many, NOW);
  const told = [1, 2, 3].flatMap(() => other.exchange([], NOW));
  assert.equal(new Set(told.map(({ key }) => key)).size, many.length);
  assert.equal(told.length, many.length);
});

test('while another process writes, nothing is added, and that is said at once', (t) => {
  const folder = folderFor(t);
  const table = open(t, folder);
  table.exchange([row()], NOW);
  const writer = new DatabaseSync(join(folder, 'limits.db'));
  writer.exec('BEGIN IMMEDIATE');
  assert.throws(() => table.exchange([row()], NOW), /locked|busy/iu);
  writer.exec('ROLLBACK');
  writer.close();
  assert.deepEqual(table.exchange([row()], NOW), [row({ calls: 2 })]);
});

test('the file is for its owner alone, and one of another version is left as it is', (t) => {
  const folder = folderFor(t);
  open(t, folder);
  const file = join(folder, 'limits.db');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const strange = folderFor(t);
  const database = new DatabaseSync(join(strange, 'limits.db'));
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => new BudgetTable(strange), /limits\.db cannot be used: another version/u);
  assert.throws(() => new BudgetTable('/dev/null/x'), /limits\.db cannot be used/u);
});
