import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { StderrRing } from '../../../src/upstream/stderr-ring.ts';

test('the newest lines are kept, oldest first', () => {
  const ring = new StderrRing(100);
  for (const line of ['one', 'two', 'three']) ring.add(line);
  assert.deepEqual(ring.last(2), ['two', 'three']);
  assert.deepEqual(ring.last(10), ['one', 'two', 'three']);
  assert.deepEqual(new StderrRing(100).last(3), []);
});

test('a line longer than all that may be kept is cut', () => {
  const ring = new StderrRing(5);
  ring.add('before');
  ring.add('123456789');
  assert.deepEqual(ring.last(3), ['12345']);
});

test('whatever is added, no more than the bound is kept, and it is the end of what was added', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 20 })),
      fc.integer({ min: 1, max: 50 }),
      (lines, max) => {
        const ring = new StderrRing(max);
        for (const line of lines) ring.add(line);
        const kept = ring.last(1000);
        assert.ok(kept.join('').length <= max);
        const whole = lines.map((line) => line.slice(0, max));
        assert.deepEqual(kept, whole.slice(whole.length - kept.length));
      },
    ),
  );
});
