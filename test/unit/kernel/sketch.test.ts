import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import test from 'node:test';
import { mergedSketch, Sketch, SKETCH_ACCURACY } from '../../../src/kernel/sketch.ts';

const someValues = fc.array(
  fc.oneof(
    fc.double({ min: 0.001, max: 1e8, noNaN: true }),
    fc.integer({ min: 1000, max: 50_000 }).map((us) => us / 1000),
    fc.integer({ min: 1, max: 5 }),
  ),
  { minLength: 1, maxLength: 200 },
);

function sketchOf(values: readonly number[]): Sketch {
  const sketch = new Sketch();
  for (const value of values) sketch.accept(value);
  return sketch;
}

/** All that a sketch tells. */
function told(sketch: Sketch): unknown[] {
  return [sketch.count, ...[0, 0.25, 0.5, 0.95, 0.99, 1].map((share) => sketch.quantile(share))];
}

test('a quantile is within the accuracy of the value that it stands for', () => {
  fc.assert(
    fc.property(someValues, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-6) - 1)] ?? 0;
      const actual = sketchOf(values).quantile(share) ?? Number.NaN;
      const most = exact <= 0.001 ? 0.001 : exact * SKETCH_ACCURACY * (1 + 1e-9);
      assert.ok(Math.abs(actual - exact) <= most, `${actual} is not near ${exact}`);
    }),
  );
});

test('of a hundred values the 99th is the one that 99 of a hundred do not exceed', () => {
  const sketch = sketchOf([...Array.from({ length: 99 }, () => 1), 1000]);
  assert.ok((sketch.quantile(0.99) ?? 0) < 2);
  assert.ok((sketch.quantile(0.991) ?? 0) > 900);
  assert.ok((sketchOf([1, 1, 1000]).quantile(0.95) ?? 0) > 900);
});

test('a sketch that was written and read again tells the same', () => {
  fc.assert(
    fc.property(someValues, (values) => {
      const sketch = sketchOf(values);
      const again = new Sketch();
      again.add(sketch.encode());
      assert.deepEqual(told(again), told(sketch));
      assert.deepEqual(again.encode(), sketch.encode());
    }),
  );
});

test('sketches add up, however and in which order: merged, added one by one, or added in a row', () => {
  fc.assert(
    fc.property(someValues, someValues, (left, right) => {
      const whole = sketchOf([...left, ...right]).encode();
      const [one, other] = [sketchOf(left).encode(), sketchOf(right).encode()];
      assert.deepEqual(mergedSketch(one, other), whole);
      assert.deepEqual(mergedSketch(other, one), whole);
      const inARow = new Sketch();
      inARow.add(Buffer.concat([one, other]));
      assert.deepEqual(inARow.encode(), whole);
    }),
  );
});

test('a sketch of nothing takes no bytes and has no quantiles', () => {
  const sketch = new Sketch();
  assert.deepEqual([sketch.count, sketch.quantile(0.5), sketch.encode().length], [0, undefined, 0]);
  const other = sketchOf([5]).encode();
  assert.deepEqual(mergedSketch(sketch.encode(), other), other);
  assert.deepEqual(mergedSketch(other, sketch.encode()), other);
});

test('values that are no time count as zero, and those beyond all bounds as the highest', () => {
  const sketch = sketchOf([Number.NaN, -5, 0, 0.0001]);
  assert.deepEqual([sketch.count, sketch.quantile(1)], [4, 0]);
  const highest = sketchOf([Number.POSITIVE_INFINITY, 1e300]).quantile(0) ?? 0;
  assert.ok(Math.abs(highest - 1e8) <= 1e8 * SKETCH_ACCURACY);
});

test('counts beyond 32 bits are kept exactly', () => {
  let bytes = sketchOf([7]).encode();
  for (let doubled = 0; doubled < 40; doubled += 1) bytes = mergedSketch(bytes, bytes);
  const sketch = new Sketch();
  sketch.add(bytes);
  assert.equal(sketch.count, 2 ** 40);
});

test('a sketch is small: a byte or two for each bucket in use, a few kilobytes at most', () => {
  const spread = Array.from({ length: 1000 }, (_, index) => 10 * 1.005 ** (index % 300));
  assert.ok(sketchOf(spread).encode().length < 120);
  const widest = Array.from({ length: 100_000 }, (_, index) => 0.001 * 1.0003 ** index);
  assert.ok(sketchOf(widest).encode().length < 2048);
});

test('what is no sketch is refused', () => {
  const good = sketchOf([1, 20, 300]).encode();
  const bad: Uint8Array[] = [
    Uint8Array.of(9, 1, 2),
    good.subarray(0, good.length - 1),
    Uint8Array.of(1, 1, 3, 255, 255, 127),
  ];
  for (const bytes of bad) assert.throws(() => new Sketch().add(bytes), /sketch/);
  assert.throws(() => mergedSketch(good, bad[0] ?? good), /sketch/);
});
