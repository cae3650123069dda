import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { Pace } from '../../../../src/guard/limits/pace.ts';

/** Rates whose interval is a whole number of milliseconds, so that the model can count exactly. */
const rate = fc
  .record({
    calls: fc.integer({ min: 1, max: 50 }),
    intervalMs: fc.integer({ min: 1, max: 5_000 }),
    burst: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ calls, intervalMs, burst }) => ({ calls, perMs: calls * intervalMs, burst }));

const pauses = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 200 });

test('it is a token bucket: it lets through exactly the calls for which a token is there', () => {
  fc.assert(
    fc.property(rate, pauses, (rate, pauses) => {
      const pace = new Pace(rate);
      const interval = rate.perMs / rate.calls;
      let [now, state, fill] = [0, Number.NEGATIVE_INFINITY, rate.burst * interval];
      for (const pause of pauses) {
        now += pause;
        // The model: a bucket that holds `burst` tokens, counted in the milliseconds each takes to come.
        fill = Math.min(rate.burst * interval, fill + pause);
        const isThere = fill >= interval;
        assert.equal(pace.left(state, now), Math.floor(fill / interval));
        assert.equal(pace.waitMs(state, now) === 0, isThere);
        if (!isThere) assert.equal(pace.waitMs(state, now), interval - fill);
        if (!isThere) continue;
        fill -= interval;
        state = pace.after(state, now);
      }
    }),
    { numRuns: 500 },
  );
});

test('whoever waits as long as it is told is let through, whatever fractions the rate has', () => {
  const odd = fc.record({
    calls: fc.integer({ min: 1, max: 997 }),
    perMs: fc.integer({ min: 1, max: 86_400_000 }),
    burst: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(odd, fc.integer({ min: 0, max: 1e9 }), (rate, begin) => {
      const pace = new Pace(rate);
      let [now, state] = [begin / 7, Number.NEGATIVE_INFINITY];
      for (let call = 0; call < rate.burst + 5; call += 1) {
        now += Math.ceil(pace.waitMs(state, now));
        assert.equal(pace.waitMs(state, now), 0);
        state = pace.after(state, now);
      }
    }),
  );
});

test('within any time there are no more calls than the burst and what that time brings', () => {
  fc.assert(
    fc.property(rate, pauses, (rate, pauses) => {
      const pace = new Pace(rate);
      const made: number[] = [];
      let [now, state] = [0, Number.NEGATIVE_INFINITY];
      for (const pause of pauses) {
        now += pause / 10;
        if (pace.waitMs(state, now) > 0) continue;
        state = pace.after(state, now);
        made.push(now);
      }
      for (const [index, from] of made.entries()) {
        const brought = ((now - from) * rate.calls) / rate.perMs;
        assert.ok(made.length - index <= rate.burst + brought + 1e-6);
      }
    }),
    { numRuns: 200 },
  );
});
