import assert from 'node:assert/strict';
import test from 'node:test';
import { array, assert as hold, nat, property } from 'fast-check';
import { InOrder } from '../../../src/wiring/in-order.ts';

test('items are passed on in the order of their places, whenever they become known, each once', () => {
  hold(
    property(array(nat(), { maxLength: 30 }), (ranks) => {
      const passed: number[] = [];
      const line = new InOrder<{ n: number }>(({ n }) => passed.push(n));
      const fillers = ranks.map((rank, n) => ({ rank, n, place: line.place() }));
      for (const { n, place } of fillers.toSorted((a, b) => a.rank - b.rank))
        line.fill(place, { n });
      assert.deepEqual(passed, [...ranks.keys()]);
    }),
  );
});

test('an item that is known at once, with none before it, is passed on at once', () => {
  const passed: string[] = [];
  const line = new InOrder<{ name: string }>(({ name }) => passed.push(name));
  const first = line.place();
  line.fill(first, { name: 'first' });
  assert.equal(line.isPassed(first), true);
  assert.deepEqual(passed, ['first']);
  const second = line.place();
  const third = line.place();
  line.fill(third, { name: 'third' });
  assert.equal(line.isPassed(third), false);
  assert.deepEqual(passed, ['first']);
  line.fill(second, { name: 'second' });
  assert.equal(line.isPassed(third), true);
  assert.deepEqual(passed, ['first', 'second', 'third']);
});

test('places hold however many items were passed on before, and however many wait for one', () => {
  const passed: number[] = [];
  const line = new InOrder<{ n: number }>(({ n }) => passed.push(n));
  const late = line.place();
  for (let n = 1; n < 5000; n += 1) line.fill(line.place(), { n });
  assert.deepEqual(passed, []);
  line.fill(late, { n: 0 });
  for (let n = 5000; n < 6000; n += 1) line.fill(line.place(), { n });
  assert.deepEqual(passed, [...Array(6000).keys()]);
});
