import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { nextSpan, spanAt, type SpanUnit } from '../../../../src/guard/limits/span.ts';

const UNITS = ['minute', 'hour', 'day', 'month'] as const;
const unit = fc.constantFrom<SpanUnit>(...UNITS);
const moment = fc.integer({ min: 0, max: Date.UTC(2100, 0) });

function text(ms: number): string {
  return new Date(ms).toISOString();
}

test('windows are those of the calendar in UTC, also where a year ends and in leap years', () => {
  const cases: readonly [SpanUnit, now: string, startsAt: string, endsAt: string][] = [
    ['minute', '2026-11-04T12:34:56.789Z', '2026-11-04T12:34:00.000Z', '2026-11-04T12:35:00.000Z'],
    ['hour', '2026-10-25T02:30:00.000Z', '2026-10-25T02:00:00.000Z', '2026-10-25T03:00:00.000Z'],
    ['day', '2026-12-31T23:59:59.999Z', '2026-12-31T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['month', '2028-02-29T12:00:00.000Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    ['month', '2026-02-28T23:59:59.999Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['month', '2026-12-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ];
  for (const [unit, now, startsAt, endsAt] of cases) {
    const span = spanAt(unit, Date.parse(now));
    assert.deepEqual(
      [text(span.startsAt), text(span.endsAt)],
      [startsAt, endsAt],
      `${unit} ${now}`,
    );
  }
});

test('every moment is in exactly one window: it begins where the one before ends', () => {
  fc.assert(
    fc.property(unit, moment, (unit, now) => {
      const span = spanAt(unit, now);
      assert.ok(span.startsAt <= now && now < span.endsAt);
      assert.deepEqual(spanAt(unit, span.startsAt), span);
      assert.deepEqual(spanAt(unit, span.endsAt - 1), span);
      assert.equal(spanAt(unit, span.endsAt).startsAt, span.endsAt);
    }),
  );
});

test('a clock set back into the window before does not open it again, and one set back further is followed', () => {
  fc.assert(
    fc.property(unit, moment, fc.double({ min: 0, max: 0.999, noNaN: true }), (unit, now, part) => {
      const before = spanAt(unit, now);
      const present = spanAt(unit, before.endsAt);
      const within = before.startsAt + part * (before.endsAt - before.startsAt);
      assert.equal(nextSpan(unit, within, present), present);
      const far = before.startsAt - 1;
      assert.deepEqual(nextSpan(unit, far, present), spanAt(unit, far));
    }),
  );
});
