import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { AuditPlan } from '../../../../src/kernel/record-plan.ts';
import { AuditPlace, auditPlan, exchange, foundIn } from '../../../support/audit-place.ts';
import { eventually } from '../../../support/raw-eventually.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const FIRST_DAY = Date.UTC(2026, 10, 1, 12);

/** A folder with a chain for each of so many days, each of several files. */
async function days(t: TestContext, count: number): Promise<AuditPlace> {
  const place = new AuditPlace(t, { maxSegmentBytes: 4096 });
  for (let day = 0; day < count; day += 1) {
    place.now = FIRST_DAY + day * DAY_MS;
    await place.chain(12);
  }
  return place;
}

/** Starts once more, so that what is to be removed is. */
async function kept(
  place: AuditPlace,
  retention: AuditPlan['retention'],
  isDone: () => boolean,
): Promise<void> {
  place.plan = auditPlan({ maxSegmentBytes: 4096, retention });
  const sink = place.open();
  sink.take(exchange(0));
  await eventually('what is old is removed', isDone);
  await sink.close();
}

function datesOf(place: AuditPlace): string[] {
  return [...new Set(place.files().map((file) => file.slice(0, 10)))];
}

function bytesOf(place: AuditPlace): number {
  const sizeOf = (file: string): number =>
    statSync(join(place.folder, file), { throwIfNoEntry: false })?.size ?? 0;
  return place.files().reduce((sum, file) => sum + sizeOf(file), 0);
}

test('files older than so many days are removed whole, and the audit verifies (R22)', async (t) => {
  const place = await days(t, 5);
  const retention = { maxAgeDays: 2, maxBytes: 0 };
  await kept(place, retention, () => datesOf(place).length === 3);
  assert.deepEqual(datesOf(place), ['2026-11-03', '2026-11-04', '2026-11-05']);
  const verdict = await place.verify();
  assert.deepEqual([foundIn(verdict), verdict.retired], [[], 2]);
});

test('the oldest closed files beyond so many bytes are removed, the newest stay (R22)', async (t) => {
  const place = await days(t, 4);
  const newest = place.files().at(-1) ?? '';
  const maxBytes = Math.floor(bytesOf(place) / 2);
  await kept(place, { maxAgeDays: 0, maxBytes }, () => bytesOf(place) <= maxBytes);
  assert.ok(bytesOf(place) > maxBytes - 10_000, 'no more than needed');
  assert.ok(place.files().includes(newest));
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('closed files of the chain that is being written are removed too, and the rest of it verifies (R22)', async (t) => {
  const retention = { maxAgeDays: 0, maxBytes: 12_000 };
  const place = new AuditPlace(t, { maxSegmentBytes: 4096, retention, flushMs: 0 });
  const sink = place.open();
  for (let index = 0; index < 100; index += 1) sink.take(exchange(index));
  await eventually('the first are gone', () => {
    const isWritten = place.files().some((file) => Number(file.slice(-10, -6)) > 9);
    return isWritten && bytesOf(place) < 17_000;
  });
  await sink.close();
  const verdict = await place.verify();
  assert.deepEqual(foundIn(verdict), []);
  assert.deepEqual(foundIn(await place.verify([])), [], 'also by what the chain itself says');
});

test('what was removed is said in a signed line, and what somebody else removes is still found (R22)', async (t) => {
  const place = await days(t, 4);
  await kept(place, { maxAgeDays: 2, maxBytes: 0 }, () => datesOf(place)[0] === '2026-11-02');
  const text = place
    .files()
    .map((file) => readFileSync(join(place.folder, file), 'utf8'))
    .join('');
  assert.match(
    text,
    /"event":"retired".*"retired":\{"chain":"\w{16}","from":0,"through":\d,.*"isWhole":true,"reason":"age"/u,
  );
  const next = place.files()[0] ?? '';
  rmSync(join(place.folder, next));
  assert.deepEqual(foundIn(await place.verify()), [`missing-segment ${next.slice(-10, -6)}`]);
});

test('a file that was tampered with is not removed: it is evidence (R22)', async (t) => {
  const place = await days(t, 3);
  const [file = ''] = place.files();
  place.write(file, place.lines(file).toSpliced(2, 1));
  await kept(place, { maxAgeDays: 1, maxBytes: 0 }, () => place.errors.length > 0);
  assert.match(place.errors.join(), /Not removed, since they were tampered with/u);
  assert.ok(place.files().includes(file));
  assert.deepEqual(foundIn(await place.verify()), ['removed 0000:3']);
});

test('files of an earlier version go by their dates (R22)', async (t) => {
  const place = await days(t, 2);
  for (const day of ['01', '02'])
    writeFileSync(join(place.folder, `audit-2026-10-${day}.jsonl`), '{}\n');
  place.now = Date.UTC(2026, 9, 12);
  await kept(
    place,
    { maxAgeDays: 10, maxBytes: 0 },
    () => !place.files().some((file) => file.includes('10-01')),
  );
  assert.ok(place.files().includes('audit-2026-10-02.jsonl'));
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('nothing is removed where nothing says so', async (t) => {
  const place = await days(t, 2);
  const before = place.files();
  place.now = FIRST_DAY + 1000 * DAY_MS;
  const sink = place.open();
  sink.take(exchange(0));
  await place.recorded(25);
  await sink.close();
  assert.deepEqual(place.files().slice(0, before.length), before);
});
