import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { Circumstances } from '../../../../src/kernel/arrival.ts';
import type { TracingPlan } from '../../../../src/kernel/record-plan.ts';
import type { TraceCarrier } from '../../../../src/kernel/trace.ts';
import { parseTraceparent } from '../../../../src/record/trace/trace-context.ts';
import { createTracing, isPassedOn, type Tracing } from '../../../../src/record/trace/tracing.ts';
import { tracingPlan } from './plans.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const OTHER = 'a'.repeat(16);
const KEPT = `00-${TRACE}-${SPAN}-01`;
const LEFT = `00-${TRACE}-${SPAN}-00`;

function tracing(changes: Partial<TracingPlan>): Tracing {
  const plan = tracingPlan(changes);
  return createTracing({
    plan: () => plan,
    newBytes: (count) => randomBytes(count).toString('hex'),
  });
}

function byHeader(trace: TraceCarrier): Circumstances {
  return { arrivedAt: 0, bytes: 10, model: undefined, trace };
}

test('nothing is traced where tracing is off and no context came', () => {
  const { begin } = tracing({ isOn: false });
  assert.equal(begin(undefined, undefined), undefined);
  assert.equal(
    begin({ ...byHeader({ traceparent: KEPT }), trace: undefined }, { a: 1 }),
    undefined,
  );
  assert.equal(begin(byHeader({ traceparent: 'x' }), { traceparent: 7 }), undefined);
});

test('with tracing off, a context that came goes on unchanged', () => {
  const { begin } = tracing({ isOn: false });
  const context = { traceparent: KEPT, tracestate: 'foo=1', baggage: 'a=b' };
  for (const trace of [begin(byHeader(context), undefined), begin(undefined, { ...context })]) {
    assert.ok(trace);
    assert.deepEqual(trace.onward, context);
    assert.equal(trace.traceId, TRACE);
    assert.equal(trace.isSampled, true);
    assert.equal(isPassedOn(trace), true);
  }
  const later = `cc-${TRACE}-${SPAN}-00-more`;
  const trace = begin(byHeader({ traceparent: later }), undefined);
  assert.equal(trace?.onward.traceparent, later);
  assert.equal(trace?.isSampled, false);
});

test('with tracing on, a trace begins where none came', () => {
  const trace = tracing({}).begin(undefined, undefined);
  assert.ok(trace);
  const { traceId, parentId, flags } = parseTraceparent(trace.onward.traceparent) ?? assert.fail();
  assert.deepEqual(
    { traceId, parentId },
    { traceId: trace.traceId, parentId: trace.upstreamSpanId },
  );
  assert.equal(flags, 1);
  assert.notEqual(trace.spanId, trace.upstreamSpanId);
  assert.equal(trace.parentId, undefined);
  assert.equal(isPassedOn(trace), false);
  assert.equal(new Set([trace.traceId, tracing({}).begin(undefined, undefined)?.traceId]).size, 2);
});

test('with tracing on, an exchange is a child of the span its caller names', () => {
  const { begin } = tracing({});
  const context = { traceparent: KEPT, tracestate: 'foo=1', baggage: 'a=b' };
  const trace = begin(byHeader(context), undefined);
  assert.ok(trace);
  assert.equal(trace.traceId, TRACE);
  assert.equal(trace.parentId, SPAN);
  assert.notEqual(trace.spanId, SPAN);
  assert.deepEqual(trace.onward, {
    ...context,
    traceparent: `00-${TRACE}-${trace.upstreamSpanId}-01`,
  });
});

test('the context of the message comes before that of the request that carried it', () => {
  const { begin } = tracing({});
  const meta = { traceparent: `00-${TRACE}-${OTHER}-01` };
  const header = byHeader({ traceparent: KEPT, tracestate: 'foo=1', baggage: 'a=b' });
  const trace = begin(header, meta);
  assert.equal(trace?.parentId, OTHER);
  // A tracestate belongs to its traceparent; baggage belongs to no trace.
  assert.equal(trace?.onward.tracestate, undefined);
  assert.equal(trace?.onward.baggage, 'a=b');
  assert.equal(begin(header, { ...meta, baggage: 'c=d' })?.onward.baggage, 'c=d');
  assert.equal(begin(header, { baggage: 'c=d' })?.onward.baggage, 'c=d');
  assert.equal(begin(undefined, { baggage: 'c=d' })?.onward.baggage, 'c=d');
  assert.equal(begin(header, { traceparent: 'x' })?.parentId, SPAN);
});

test('a context that is not valid counts as none: a new trace begins', () => {
  const { begin } = tracing({});
  for (const traceparent of ['', 'x', `ff-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01-x`]) {
    const trace = begin(byHeader({ traceparent, tracestate: 'foo=1' }), { traceparent });
    assert.notEqual(trace?.traceId, TRACE);
    assert.equal(trace?.parentId, undefined);
    assert.equal(trace?.onward.tracestate, undefined);
  }
});

test('the decision of the caller holds where the plan follows it, whatever the ratio', () => {
  for (const sampleRatio of [0, 1]) {
    const { begin } = tracing({ sampleRatio, followsParent: true });
    assert.equal(begin(byHeader({ traceparent: KEPT }), undefined)?.isSampled, true);
    assert.equal(begin(byHeader({ traceparent: LEFT }), undefined)?.isSampled, false);
  }
});

test('the ratio decides where the plan does not follow the caller, and the server behind is told', () => {
  for (const [sampleRatio, flags] of [
    [0, '00'],
    [1, '01'],
  ] as const) {
    const { begin } = tracing({ sampleRatio, followsParent: false });
    for (const traceparent of [KEPT, LEFT]) {
      const trace = begin(byHeader({ traceparent }), undefined);
      assert.equal(trace?.isSampled, sampleRatio === 1);
      assert.equal(trace?.onward.traceparent.slice(-2), flags);
    }
  }
});

test('the flag that says an id is random goes on', () => {
  const { begin } = tracing({ sampleRatio: 0, followsParent: true });
  const trace = begin(byHeader({ traceparent: `00-${TRACE}-${SPAN}-03` }), undefined);
  assert.equal(trace?.onward.traceparent.slice(-2), '03');
});

test('ratio 0 keeps no trace, ratio 1 every one, and a ratio between its share of them', () => {
  const kept = (sampleRatio: number): number => {
    const { begin } = tracing({ sampleRatio });
    return Array.from({ length: 4000 }, () => begin(undefined, undefined)).filter(
      (trace) => trace?.isSampled === true,
    ).length;
  };
  assert.equal(kept(0), 0);
  assert.equal(kept(1), 4000);
  // Eight standard deviations to either side.
  assert.ok(Math.abs(kept(0.25) - 1000) < 220, 'a quarter of them');
  assert.ok(Math.abs(kept(0.01) - 40) < 51, 'one in a hundred');
});

test('all who see one trace with the same ratio decide alike, and a larger ratio keeps what a smaller one keeps', () => {
  const ratio = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(ratio, ratio, fc.nat(), (one, other, seed) => {
      const traceId = (BigInt(seed) * 0x9e3779b97f4a7c15f39cc0605cedc834n + 1n)
        .toString(16)
        .slice(-32)
        .padStart(32, 'f');
      const isKept = (sampleRatio: number): boolean | undefined =>
        tracing({ sampleRatio, followsParent: false }).begin(
          byHeader({ traceparent: `00-${traceId}-${SPAN}-00` }),
          undefined,
        )?.isSampled;
      assert.equal(isKept(one), isKept(one));
      if (isKept(Math.min(one, other)) === true) assert.equal(isKept(Math.max(one, other)), true);
    }),
  );
});

test('an exchange nobody traces makes no garbage', async () => {
  const { begin } = tracing({ isOn: false });
  const circumstances = { arrivedAt: 0, bytes: 10, model: undefined, trace: undefined };
  const meta = { progressToken: 1 };
  const rounds = async (work: () => unknown): Promise<number> => {
    for (let round = 0; round < 1000; round += 1) work();
    return collectionsIn(() => {
      for (let round = 0; round < 1_000_000; round += 1) work();
    });
  };
  const made: unknown[] = [];
  assert.ok((await rounds(() => (made[0] = { meta }))) > 3, 'one object each would be seen');
  assert.ok((await rounds(() => begin(circumstances, meta))) <= 1);
});

/** How often memory was collected meanwhile. */
async function collectionsIn(work: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => (count += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  work();
  await nextTurn();
  await nextTurn();
  observer.disconnect();
  return count;
}
