import assert from 'node:assert/strict';
import test from 'node:test';
import { array, assert as hold, nat, property } from 'fast-check';
import { InOrder } from '../../../src/wiring/in-order.ts';

test('items are passed on in the order of their places, whenever they become known, each once', () => {
  hold(
    property(array(nat(), { maxLength: 30 }), (ranks) => {
      const passed: number[] = [];
      const line = new InOrder<{ n: number }>(({ n }) => passed.push(n));
      const fillers = ranks.map((rank, n) => ({ rank, n, fill: line.place() }));
      for (const { n, fill } of fillers.toSorted((a, b) => a.rank - b.rank)) fill({ n });
      assert.deepEqual(passed, [...ranks.keys()]);
    }),
  );
});

test('an item that is known at once, with none before it, is passed on at once', () => {
  const passed: string[] = [];
  const line = new InOrder<{ name: string }>(({ name }) => passed.push(name));
  line.place()({ name: 'first' });
  assert.deepEqual(passed, ['first']);
  const second = line.place();
  line.place()({ name: 'third' });
  assert.deepEqual(passed, ['first']);
  second({ name: 'second' });
  assert.deepEqual(passed, ['first', 'second', 'third']);
});
