import assert from 'node:assert/strict';
import test from 'node:test';
import {
  array,
  assert as hold,
  constantFrom,
  integer,
  nat,
  oneof,
  property,
  record,
} from 'fast-check';
import { Transients } from '../../../src/kernel/transients.ts';

const key = oneof(
  integer({ min: -3, max: 12 }),
  constantFrom(0.5, '1', '01', '-1', '__proto__', 'constructor', '', 's1', 'toString'),
);
const step = record({ what: constantFrom('set', 'delete', 'clear'), key, value: nat() });

test('a table of what comes and goes holds what a Map holds, whatever its keys are', () => {
  hold(
    property(array(step, { maxLength: 60 }), (steps) => {
      const table = new Transients<string | number, number>();
      const map = new Map<string | number, number>();
      for (const { what, key: name, value } of steps) {
        if (what === 'set') {
          table.set(name, value);
          map.set(name, value);
        } else if (what === 'delete') assert.equal(table.delete(name), map.delete(name));
        else if (value % 10 === 0) {
          table.clear();
          map.clear();
        }
        assert.equal(table.size, map.size);
        assert.equal(table.get(name), map.get(name));
        assert.equal(table.has(name), map.has(name));
      }
      const order = (one: number, other: number): number => one - other;
      assert.deepEqual([...table.values()].toSorted(order), [...map.values()].toSorted(order));
    }),
  );
});

test('numbers come out in their order', () => {
  const table = new Transients<number, string>();
  for (const id of [3, 1, 2]) table.set(id, `number ${id}`);
  assert.deepEqual(table.values(), ['number 1', 'number 2', 'number 3']);
});
