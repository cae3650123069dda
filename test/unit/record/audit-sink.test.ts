import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditPlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { append } from '../../../src/record/append.ts';
import { AuditSink } from '../../../src/record/audit-sink.ts';
import { entryOf } from './entries.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const FILE = 'audit-2026-11-22.jsonl';

interface Scene {
  readonly folder: string;
  readonly sink: AuditSink;
  readonly errors: unknown[];
  now: number;
  plan: AuditPlan;
}

function sceneFor(t: TestContext, below = 'audit'): Scene {
  const root = mkdtempSync(join(tmpdir(), 'mcpx-audit-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const errors: unknown[] = [];
  const scene: Scene = {
    folder: join(root, below),
    errors,
    now: NOON,
    plan: { isOn: true, arguments: 'full' },
    sink: new AuditSink({
      folder: join(root, below),
      plan: () => scene.plan,
      now: () => scene.now,
      onError: (error) => errors.push(error),
    }),
  };
  return scene;
}

function linesOf(folder: string, file = FILE): JsonObject[] {
  const text = readFileSync(join(folder, file), 'utf8');
  assert.ok(text.endsWith('\n'), 'the last line is whole');
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject);
}

/** Ends of lines in a file that may be being written right now. */
function endsOf(folder: string): number {
  const file = join(folder, FILE);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'waited for ten seconds');
    await sleep(10);
  }
}

test('what is taken is written in its order, one line each, and readable by the owner alone', async (t) => {
  const { sink, folder, errors } = sceneFor(t);
  for (let index = 0; index < 1000; index += 1) sink.take(entryOf({ args: { index } }));
  await sink.close();
  const written = linesOf(folder).map((line) => (line['arguments'] as JsonObject)['index']);
  assert.deepEqual(written, [...Array(1000).keys()]);
  assert.deepEqual(errors, []);
  if (process.platform === 'win32') return;
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, FILE)).mode & 0o777, 0o600);
});

test('a few lines are written soon, without anybody closing', async (t) => {
  const { sink, folder } = sceneFor(t);
  sink.take(entryOf());
  await until(() => endsOf(folder) === 1);
  sink.take(entryOf());
  await until(() => endsOf(folder) === 2);
  assert.equal(linesOf(folder).length, 2);
  await sink.close();
});

test('each day (UTC) has a file of its own', async (t) => {
  const scene = sceneFor(t);
  scene.now = Date.UTC(2026, 10, 22, 23, 59, 59, 999);
  scene.sink.take(entryOf());
  scene.now += 1;
  scene.sink.take(entryOf());
  await scene.sink.close();
  assert.deepEqual(readdirSync(scene.folder), [FILE, 'audit-2026-11-23.jsonl']);
});

test('a file that is there is continued, on a new line where a kill cut the last one off', async (t) => {
  const { sink, folder } = sceneFor(t);
  sink.take(entryOf());
  await sink.close();
  writeFileSync(join(folder, FILE), '{"at":"2026-11-22T11:00:00', { flag: 'a' });
  sink.take(entryOf({ client: 'later' }));
  await sink.close();
  const lines = readFileSync(join(folder, FILE), 'utf8').split('\n');
  assert.equal(lines.length, 4);
  assert.equal(lines[1], '{"at":"2026-11-22T11:00:00');
  assert.equal((JSON.parse(lines[2] ?? '') as JsonObject)['client'], 'later');
});

test('a batch of which a part is written goes on where it was cut, within the line', async (t) => {
  const { folder } = sceneFor(t);
  const bytes = Buffer.from('first line\nsecond line\n');
  const file = join(folder, FILE);
  await append({ file, bytes: bytes.subarray(0, 5), written: 0 });
  await append({ file, bytes, written: 5 });
  assert.equal(readFileSync(file, 'utf8'), bytes.toString());
});

test('a plan that switches the log off holds from the next entry on', async (t) => {
  const scene = sceneFor(t);
  scene.sink.take(entryOf({ client: 'one' }));
  scene.plan = { isOn: false, arguments: 'full' };
  scene.sink.take(entryOf({ client: 'two' }));
  scene.sink.turnedAway({
    code: 'UNAUTHENTICATED',
    address: '::1',
    count: 1,
    firstAt: 0,
    lastAt: 0,
  });
  scene.plan = { isOn: true, arguments: 'none' };
  scene.sink.take(entryOf({ client: 'three' }));
  await scene.sink.close();
  const seen = linesOf(scene.folder).map((line) => [line['client'], line['argumentsMode']]);
  assert.deepEqual(seen, [
    ['one', 'full'],
    ['three', 'none'],
  ]);
});

test('while the disk takes nothing, calls go on, and all is written when it does again', async (t) => {
  const { sink, folder, errors } = sceneFor(t, join('file', 'audit'));
  const file = join(folder, '..');
  writeFileSync(file, '');
  for (let index = 0; index < 500; index += 1) sink.take(entryOf({ args: { index } }));
  await until(() => errors.length > 0);
  sink.take(entryOf({ args: { index: 500 } }));
  unlinkSync(file);
  await until(() => existsSync(join(folder, FILE)) && linesOf(folder).length === 501);
  assert.equal(errors.length, 1, 'a row of failures is told once');
  await sink.close();
});

test('more than 8 MiB are not held: what is lost is counted, and a line says so', async (t) => {
  const { sink, folder } = sceneFor(t, join('file', 'audit'));
  const file = join(folder, '..');
  writeFileSync(file, '');
  const args = { text: 'x'.repeat(100_000) };
  for (let index = 0; index < 100; index += 1) sink.take(entryOf({ args }));
  unlinkSync(file);
  await sink.close();
  const lines = linesOf(folder);
  const lost = lines.at(-1);
  assert.equal(lost?.['outcome'], 'lost');
  assert.equal(lines.length - 1 + Number(lost['count']), 100);
  assert.ok(lines.length > 80 && lines.length < 85, `${lines.length} lines of 100 kB`);
  assert.equal(lost['firstAt'], new Date(NOON).toISOString());
});

test('a log that can be written nowhere ends nothing but itself', async (t) => {
  const { sink, folder, errors } = sceneFor(t, join('file', 'audit'));
  writeFileSync(join(folder, '..'), '');
  sink.take(entryOf());
  await sink.close();
  assert.equal(errors.length, 1);
});

test('callers turned away stand among the exchanges (R22)', async (t) => {
  const { sink, folder } = sceneFor(t);
  sink.take(entryOf());
  sink.turnedAway({ code: 'GUESSING', address: undefined, count: 7, firstAt: NOON, lastAt: NOON });
  await sink.close();
  const [, second] = linesOf(folder);
  assert.deepEqual(
    [second?.['outcome'], second?.['code'], second?.['count']],
    ['turned-away', 'GUESSING', 7],
  );
  assert.equal('address' in (second ?? {}), false);
});
