import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readAudit } from '../../../../src/record/audit/read-audit.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-read-audit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function read(path: string): Promise<unknown[]> {
  const lines = [];
  for await (const { file, number, record } of readAudit(path))
    lines.push([file.split(/[/\\]/u).at(-1), number, record]);
  return lines;
}

test('each line is a record with its file and number, what is no record is told by being none', async (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'a.jsonl');
  writeFileSync(file, '{"a":1}\r\n\n{"cut": \n[1]\n"größe"\n{"b":"🙂"}');
  assert.deepEqual(await read(file), [
    ['a.jsonl', 1, { a: 1 }],
    ['a.jsonl', 3, undefined],
    ['a.jsonl', 4, undefined],
    ['a.jsonl', 5, undefined],
    ['a.jsonl', 6, { b: '🙂' }],
  ]);
});

test('of a folder all files of lines are read by their dates, those of earlier versions too', async (t) => {
  const folder = folderFor(t);
  const names = [
    '2026-11-03-0123456789abcdef-0010.jsonl',
    '2026-11-03-0123456789abcdef-0009.jsonl',
  ];
  writeFileSync(join(folder, names[0] ?? ''), '{"n":4}\n');
  writeFileSync(join(folder, names[1] ?? ''), '{"n":3}\n');
  writeFileSync(join(folder, 'audit-2026-11-02.jsonl'), '{"n":2}\n');
  writeFileSync(join(folder, 'audit-2026-11-01.jsonl'), '{"n":1}\n');
  writeFileSync(join(folder, 'notes.txt'), '{"n":0}\n');
  mkdirSync(join(folder, 'old'));
  assert.deepEqual(await read(folder), [
    ['audit-2026-11-01.jsonl', 1, { n: 1 }],
    ['audit-2026-11-02.jsonl', 1, { n: 2 }],
    [names[1], 1, { n: 3 }],
    [names[0], 1, { n: 4 }],
  ]);
});

test('a line of many megabytes is no record, and the next one is read', async (t) => {
  const file = join(folderFor(t), 'a.jsonl');
  writeFileSync(file, `{"a":"${'x'.repeat(20_000_000)}"}\n{"b":1}\n`);
  assert.deepEqual(await read(file), [
    ['a.jsonl', 1, undefined],
    ['a.jsonl', 2, { b: 1 }],
  ]);
});

test('what does not exist rejects', async (t) => {
  await assert.rejects(read(join(folderFor(t), 'none')), /ENOENT/u);
});
