import assert from 'node:assert/strict';
import test from 'node:test';
import { Nature } from '../../../src/upstream/nature.ts';
import type { Verdict } from '../../../src/upstream/ports.ts';

const DAY_MS = 86_400_000;

/** A place where verdicts are kept, and the processes that use it, one after the other. */
function worldOf(maxAgeMs = DAY_MS): {
  now: number;
  kept: Verdict | undefined;
  restart(): Nature;
} {
  const world = {
    now: 1000,
    kept: undefined as Verdict | undefined,
    restart: () => {
      const nature = new Nature({
        fingerprint: 'it',
        maxAgeMs,
        ports: {
          now: () => world.now,
          recallVerdict: () => world.kept,
          rememberVerdict: (_fingerprint, verdict) => {
            world.kept = verdict;
          },
        },
      });
      nature.recall();
      return nature;
    },
  };
  return world;
}

test('a server nothing is known of is asked for its era, and one that was modern too', () => {
  const world = worldOf();
  const nature = world.restart();
  assert.deepEqual([nature.isToBeProbed, nature.since], [true, undefined]);
  nature.found('modern', false);
  assert.equal(nature.isToBeProbed, true);
});

test('a legacy verdict of this process holds for its age, then the server is asked anew', () => {
  const world = worldOf();
  const nature = world.restart();
  nature.found('legacy', false);
  assert.deepEqual([nature.era, nature.since], ['legacy', 1000]);
  world.now += DAY_MS - 1;
  assert.equal(nature.isToBeProbed, false);
  world.now += 1;
  assert.equal(nature.isToBeProbed, true);
  nature.found('legacy', false);
  assert.deepEqual([nature.isToBeProbed, nature.since], [false, 1000 + DAY_MS]);
});

test('a legacy verdict of a process before is known, with its date, and asked about all the same', () => {
  const world = worldOf();
  world.restart().found('legacy', false);
  world.now += 5000;
  const nature = world.restart();
  assert.deepEqual([nature.era, nature.since, nature.isToBeProbed], ['legacy', 1000, true]);
});

test('where asking costs a process it is done once in the age of a verdict, whatever is restarted', () => {
  const world = worldOf();
  world.restart().found('legacy', true);
  world.now += DAY_MS - 1;
  assert.equal(world.restart().isToBeProbed, false);
  world.now += 1;
  assert.equal(world.restart().isToBeProbed, true);
});

test('that asking costs is forgotten of a server that has become modern, or answers now', () => {
  const world = worldOf();
  const nature = world.restart();
  nature.found('legacy', true);
  assert.equal(world.kept?.isProbeCostly, true);
  nature.found('modern', true);
  assert.deepEqual([nature.isProbeCostly, world.kept?.isProbeCostly], [false, undefined]);
  nature.found('legacy', false);
  assert.equal(nature.isProbeCostly, false);
});

test('with an age of zero the server is asked at every opening', () => {
  const world = worldOf(0);
  const nature = world.restart();
  nature.found('legacy', true);
  assert.equal(nature.isToBeProbed, true);
});

test('a clock that was set back does not make a verdict hold for ever', () => {
  const world = worldOf();
  const nature = world.restart();
  nature.found('legacy', false);
  world.now = 1;
  assert.equal(nature.isToBeProbed, true);
});

test('that a server asks its clients is kept with the date of its era (R9)', () => {
  const world = worldOf();
  const nature = world.restart();
  nature.found('legacy', false);
  world.now += 7000;
  nature.setInteractive();
  assert.deepEqual(world.kept, { era: 'legacy', isInteractive: true, at: 1000 });
  assert.equal(world.restart().isInteractive, true);
});
