import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SpanQueue, type QueueTerms } from '../../../../src/record/trace/span-queue.ts';

type Told = ['failing', string] | ['recovered', number];

/** A queue of numbers whose sending is done by hand. */
class Bench {
  readonly batches: (readonly number[])[] = [];
  readonly told: Told[] = [];
  readonly queue: SpanQueue<number>;
  /** What becomes of the next batches; they stay under way while it is undefined. */
  end: ((batch: readonly number[]) => Promise<void>) | undefined = () => Promise.resolve();

  constructor(changes: Partial<QueueTerms<number>> = {}) {
    this.queue = new SpanQueue({
      maxWaiting: () => 2048,
      sendTimeoutMs: () => 60_000,
      send: (batch) => {
        this.batches.push(batch);
        return this.end?.(batch) ?? new Promise(() => undefined);
      },
      onFailing: (error) => this.told.push(['failing', String(error)]),
      onRecovered: (lost) => this.told.push(['recovered', lost]),
      ...changes,
    });
  }
}

const many = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('spans wait for company, and go at once when a batch is full', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const bench = new Bench();
  bench.queue.add(many(3));
  t.mock.timers.tick(999);
  assert.deepEqual(bench.batches, []);
  bench.queue.add(many(2));
  t.mock.timers.tick(1);
  assert.deepEqual(
    bench.batches.map(({ length }) => length),
    [5],
  );
  await nextTurn();
  bench.queue.add(many(600));
  t.mock.timers.tick(0);
  await nextTurn();
  assert.deepEqual(
    bench.batches.map(({ length }) => length),
    [5, 512],
  );
  t.mock.timers.tick(1000);
  await nextTurn();
  assert.deepEqual(bench.queue.counts, { waiting: 0, sent: 605, dropped: 0 });
});

test('one batch is under way at a time, and what finds no room is dropped whole and counted', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const bench = new Bench({ maxWaiting: () => 600 });
  bench.end = undefined;
  bench.queue.add(many(600));
  t.mock.timers.tick(1000);
  assert.equal(bench.batches.length, 1);
  assert.deepEqual(bench.queue.counts, { waiting: 88, sent: 0, dropped: 0 });
  bench.queue.add(many(500));
  bench.queue.add(many(13));
  bench.queue.add(many(12));
  t.mock.timers.tick(5000);
  assert.equal(bench.batches.length, 1);
  assert.deepEqual(bench.queue.counts, { waiting: 600, sent: 0, dropped: 13 });
});

test('a row of failures is told once, its end once with what was lost, and the next row again', async () => {
  const bench = new Bench();
  const sendAll = async (end: Bench['end'], count: number): Promise<void> => {
    bench.end = end;
    const before = bench.batches.length;
    bench.queue.add(many(count));
    while (bench.batches.length === before || bench.queue.counts.waiting > 0) await nextTurn();
    await nextTurn();
  };
  const fail = (): Promise<void> => Promise.reject(new Error('away'));
  const work = (): Promise<void> => Promise.resolve();
  await sendAll(fail, 512);
  await sendAll(fail, 512);
  await sendAll(work, 512);
  await sendAll(work, 512);
  await sendAll(fail, 512);
  assert.deepEqual(bench.told, [
    ['failing', 'Error: away'],
    ['recovered', 1024],
    ['failing', 'Error: away'],
  ]);
  assert.deepEqual(bench.queue.counts, { waiting: 0, sent: 1024, dropped: 1536 });
});

test('a sending that takes too long is a failure, and the next batch goes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const bench = new Bench({ sendTimeoutMs: () => 3000 });
  bench.end = undefined;
  bench.queue.add(many(512));
  t.mock.timers.tick(0);
  bench.end = () => Promise.resolve();
  bench.queue.add(many(1));
  t.mock.timers.tick(3000);
  await nextTurn();
  assert.match(bench.told[0]?.[1] as string, /no answer within 3000 ms/u);
  t.mock.timers.tick(1000);
  await nextTurn();
  assert.deepEqual(bench.queue.counts, { waiting: 0, sent: 1, dropped: 512 });
});

test('at the end everything is sent, in batches', async () => {
  const bench = new Bench();
  bench.queue.add(many(1200));
  await bench.queue.close(60_000);
  assert.deepEqual(bench.queue.counts, { waiting: 0, sent: 1200, dropped: 0 });
  bench.queue.add(many(2));
  assert.deepEqual(bench.queue.counts, { waiting: 0, sent: 1200, dropped: 2 });
});

test('the end waits no longer than it was given, and counts what is left as dropped', async () => {
  const bench = new Bench();
  bench.end = undefined;
  bench.queue.add(many(700));
  await bench.queue.close(20);
  assert.equal(bench.batches.length, 1);
  assert.deepEqual(bench.queue.counts, { waiting: 0, sent: 0, dropped: 188 });
});
