import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import type { AuditPlan } from '../../../../src/kernel/record-plan.ts';
import { AuditPlace, exchange, foundIn } from '../../../support/audit-place.ts';
import { holdDisk } from '../../../support/busy-disk.ts';
import { eventually } from '../../../support/raw-eventually.ts';
import { SmallDisk } from '../../../support/small-disk.ts';
import { entryOf } from '../entries.ts';

const LARGE = { entry: entryOf({ args: { text: 'x'.repeat(20_000) } }), spending: undefined };

/** An audit whose folder alone is on a disk of its own. */
function placeOn(t: TestContext, disk: SmallDisk, plan: Partial<AuditPlan> = {}): AuditPlace {
  const place = new AuditPlace(t, plan);
  symlinkSync(disk.folder, place.folder);
  return place;
}

for (const onFailure of ['refuse', 'drop-and-count'] as const) {
  test(`on a full disk the audit fails as it was told to, and goes on when there is room again (${onFailure}, R22)`, async (t) => {
    const disk = await SmallDisk.make(t);
    const place = placeOn(t, disk, { onFailure });
    const sink = place.open();
    sink.take(exchange(0));
    await place.recorded(1);
    disk.fill();
    for (let index = 1; index <= 100; index += 1) sink.take(exchange(index));
    await eventually('the disk is full', () => sink.counts().isFailing);
    assert.match(place.errors[0] ?? '', /ENOSPC|full/u);
    assert.equal(sink.canRecord(), onFailure !== 'refuse');
    sink.take(exchange(101));
    disk.free();
    await place.recorded(102);
    await eventually('it is well again', () => !sink.counts().isFailing);
    assert.equal(sink.canRecord(), true);
    await sink.close();
    assert.deepEqual(
      place.records().map(({ id }) => id),
      Array.from({ length: 102 }, (_, index) => `run-${index}`),
    );
    assert.deepEqual(foundIn(await place.verify()), []);
    assert.equal(sink.counts().lost, 0);
  });
}

test('a disk that fills up while lines are written leaves a chain that verifies (R22)', async (t) => {
  const disk = await SmallDisk.make(t);
  const place = placeOn(t, disk);
  const sink = place.open();
  // Far more than fits: the last of it is cut off within a line.
  for (let index = 0; index < 150; index += 1) sink.take(LARGE);
  await eventually('the disk is full', () => sink.counts().isFailing);
  assert.equal(sink.canRecord(), false);
  await sink.close();
  const { findings, chains } = await place.verify();
  assert.deepEqual(findings, []);
  assert.ok((chains[0]?.lines ?? 0) > 10);
  assert.notEqual(chains[0]?.state, 'ended');
});

test('an audit that begins on a full disk refuses calls from the beginning (R22)', async (t) => {
  const disk = await SmallDisk.make(t);
  disk.fill();
  const place = placeOn(t, disk);
  const sink = place.open();
  await eventually('it fails', () => !sink.canRecord());
  sink.take(exchange(0));
  disk.free();
  await place.recorded(1);
  await eventually('it is well', () => sink.canRecord());
  await sink.close();
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('while a slow disk does not answer, taking does not wait, and what waits is bounded and counts as failing (R22)', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  sink.take(exchange(0));
  await place.recorded(1);
  const release = holdDisk(t);
  for (let index = 0; index < 300; index += 1) sink.take(LARGE);
  assert.equal(sink.canRecord(), true, 'what waits is within the bound');
  for (let index = 0; index < 150; index += 1) sink.take(LARGE);
  assert.equal(sink.counts().isFailing, true);
  assert.equal(sink.canRecord(), false);
  release();
  await eventually('all is written', () => sink.counts().waitingBytes === 0);
  assert.equal(sink.canRecord(), true);
  await sink.close();
  assert.deepEqual([place.records().length, sink.counts().lost], [451, 0]);
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('a disk that does not answer at all counts as failing after a while, however little waits (R22)', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  sink.take(exchange(0));
  await place.recorded(1);
  const release = holdDisk(t);
  sink.take(exchange(1));
  await eventually('it is noticed', () => !sink.canRecord(), 30_000);
  assert.match(place.errors.join(), /the disk has taken nothing for 5 seconds/u);
  release();
  await eventually('it is well again', () => sink.canRecord());
  await sink.close();
  assert.equal(place.records().length, 2);
});
