import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { after } from 'node:test';
import type { Entry } from '../../../../src/kernel/entry.ts';
import type { TracingPlan } from '../../../../src/kernel/record-plan.ts';
import { TraceSink } from '../../../../src/record/trace/trace-sink.ts';
import { createTracing } from '../../../../src/record/trace/tracing.ts';
import { OtlpReceiver } from '../../../support/otlp.ts';
import { eventually } from '../../../support/processes.ts';
import { entryOf } from '../entries.ts';
import { tracingPlan } from './plans.ts';

const receiver = await OtlpReceiver.start({ after });
const newBytes = (count: number): string => randomBytes(count).toString('hex');

interface Said {
  readonly level: 'info' | 'warn';
  readonly fields: object;
  readonly message: string;
}

/** A sink, the entries it is given, and what it says. */
class Scene {
  readonly said: Said[] = [];
  readonly sink: TraceSink;
  plan: TracingPlan;
  readonly #tracing = createTracing({ plan: () => this.plan, newBytes });

  constructor(changes: Partial<TracingPlan> = {}) {
    this.plan = tracingPlan({ endpoint: receiver.endpoint, ...changes });
    this.sink = new TraceSink({
      plan: () => this.plan,
      version: '1.2.3',
      newBytes,
      endpoint: () => undefined,
      scrub: (text) => text,
      log: {
        info: (fields, message) => this.said.push({ level: 'info', fields, message }),
        warn: (fields, message) => this.said.push({ level: 'warn', fields, message }),
      },
    });
  }

  /** One exchange that is traced by the plan. */
  take(changes: Partial<Entry> = {}, meta?: Record<string, string>): Entry {
    const entry = entryOf({ trace: this.#tracing.begin(undefined, meta), ...changes });
    this.sink.take({ entry, spending: undefined });
    return entry;
  }
}

test('a receiver gets the spans as they were made, with the name and version of the service', async () => {
  const scene = new Scene({ serviceName: 'gate', headers: { 'x-tenant': 'a' } });
  const { trace, startedAt, durationMs } = scene.take({ shadows: ['one', 'two'] });
  await scene.sink.close();
  const spans = await receiver.received(7, ({ traceId }) => traceId === trace?.traceId);
  const whole = spans.find(({ kind }) => kind === 2) ?? assert.fail();
  assert.equal(whole.name, 'tools/call create_issue');
  assert.equal(whole.spanId, trace?.spanId);
  assert.equal(whole.parentId, '');
  assert.equal(whole.status, 0);
  assert.equal(whole.scope, 'mcpx');
  assert.equal(whole.resource['service.name'], 'gate');
  assert.equal(whole.resource['service.version'], '1.2.3');
  assert.deepEqual(whole.attributes['mcpx.shadows'], ['one', 'two']);
  assert.equal(whole.attributes['mcpx.request.bytes'], 120);
  assert.equal(whole.attributes['mcpx.upstream_ms'], 11.7);
  // A number of milliseconds since the epoch is exact to a quarter of a microsecond.
  const off = (nanos: string, ms: number): number => Math.abs(Number(nanos) / 1e6 - ms);
  assert.ok(off(whole.start, startedAt) < 0.001);
  assert.ok(off(whole.end, startedAt + durationMs) < 0.001);
  const upstream = spans.find(({ kind }) => kind === 3) ?? assert.fail();
  assert.equal(upstream.spanId, trace?.upstreamSpanId);
  assert.ok(spans.every((span) => span === whole || span.parentId === whole.spanId));
  const last = (await receiver.requests()).at(-1);
  assert.equal(last?.headers['x-tenant'], 'a');
  assert.deepEqual(scene.sink.counts, { waiting: 0, sent: 7, dropped: 0 });
});

test('what failed has the status of an error and no text of others', async () => {
  const scene = new Scene();
  const { trace } = scene.take({ outcome: 'error', code: '-32000', failure: 'a password' });
  await scene.sink.close();
  const spans = await receiver.received(7, ({ traceId }) => traceId === trace?.traceId);
  assert.deepEqual(
    spans.filter(({ status }) => status === 2).map(({ kind }) => kind),
    [2, 3],
  );
  assert.ok(spans.every(({ statusMessage }) => statusMessage === ''));
});

test('nothing is sent of what is not sampled, of what passes through, and while tracing is off', async () => {
  const before = (await receiver.spans()).length;
  const scene = new Scene({ sampleRatio: 0 });
  scene.take();
  scene.take({ trace: undefined });
  scene.plan = tracingPlan({ isOn: false });
  const passing = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const { trace } = scene.take({}, passing);
  assert.equal(trace?.isSampled, true);
  scene.plan = tracingPlan({ endpoint: receiver.endpoint });
  scene.sink.take({ entry: entryOf({ trace }), spending: undefined });
  await scene.sink.close();
  assert.deepEqual(scene.sink.counts, { waiting: 0, sent: 0, dropped: 0 });
  assert.equal((await receiver.spans()).length, before);
});

test('a changed address and name of the service are taken over', async (t) => {
  const other = await OtlpReceiver.start(t);
  const scene = new Scene();
  const first = scene.take();
  await receiver.received(7, ({ traceId }) => traceId === first.trace?.traceId);
  scene.plan = { ...scene.plan, endpoint: other.endpoint, serviceName: 'renamed' };
  const second = scene.take();
  const spans = await other.received(7, ({ traceId }) => traceId === second.trace?.traceId);
  assert.equal(spans[0]?.resource['service.name'], 'renamed');
  await scene.sink.close();
  assert.deepEqual(scene.sink.counts, { waiting: 0, sent: 14, dropped: 0 });
});

test('a receiver that is down for a moment loses nothing', async (t) => {
  const late = await OtlpReceiver.notYet(t);
  const scene = new Scene({ endpoint: late.endpoint, timeoutMs: 10_000 });
  const { trace } = scene.take();
  await scene.sink.load();
  await eventually('it was sent', 5000, () => scene.sink.counts.waiting === 0);
  await late.launch();
  await late.received(7, ({ traceId }) => traceId === trace?.traceId);
  await eventually('it was counted', 5000, () => scene.sink.counts.sent === 7);
  assert.deepEqual(scene.said, []);
  await scene.sink.close();
});

test('a receiver that is down is told once, spans are dropped and counted, and its coming back is told', async (t) => {
  const late = await OtlpReceiver.notYet(t);
  const scene = new Scene({ endpoint: late.endpoint, timeoutMs: 50 });
  for (const dropped of [7, 14]) {
    scene.take();
    await eventually('they were dropped', 5000, () => scene.sink.counts.dropped === dropped);
  }
  assert.deepEqual(
    scene.said.map(({ level, fields }) => [level, fields]),
    [['warn', { receiver: `127.0.0.1:${late.port}` }]],
  );
  assert.match(scene.said[0]?.message ?? '', /ECONNREFUSED.*look at tracing\.endpoint/u);
  await late.launch();
  scene.take();
  await eventually('they were sent', 5000, () => scene.sink.counts.sent === 7);
  assert.deepEqual(scene.said.at(-1), {
    level: 'info',
    fields: { lost: 14 },
    message: 'spans are sent again',
  });
  await scene.sink.close();
});

test('a receiver that takes its time, or never answers, holds back neither exchanges nor the end', async (t) => {
  const slow = await OtlpReceiver.start(t);
  await slow.behave({ status: 200, delayMs: 60_000 });
  const scene = new Scene({ endpoint: slow.endpoint, timeoutMs: 200, maxQueue: 70 });
  const begin = performance.now();
  for (let round = 0; round < 1000; round += 1) scene.take();
  const took = performance.now() - begin;
  assert.ok(took < 1000, `1,000 exchanges took ${took} ms`);
  assert.equal(scene.sink.counts.waiting, 70);
  assert.equal(scene.sink.counts.dropped, 6930);
  await eventually('sending was given up', 10_000, () => scene.sink.counts.dropped === 7000);
  scene.take();
  await scene.sink.close();
  assert.equal(scene.sink.counts.waiting, 0);
});

test('a receiver that refuses is a failure that names its status', async (t) => {
  const refusing = await OtlpReceiver.start(t);
  await refusing.behave({ status: 401, delayMs: 0 });
  const scene = new Scene({ endpoint: refusing.endpoint });
  scene.take();
  await scene.sink.close();
  assert.match(scene.said[0]?.message ?? '', /HTTP status 401/u);
  assert.deepEqual(scene.sink.counts, { waiting: 0, sent: 0, dropped: 7 });
});

test('an overloaded receiver is asked again, and its headers go nowhere else', async (t) => {
  const other = await OtlpReceiver.start(t);
  const busy = await OtlpReceiver.start(t);
  await busy.behave({ status: 503, delayMs: 0 });
  const scene = new Scene({ endpoint: busy.endpoint, timeoutMs: 10_000 });
  const { trace } = scene.take();
  await eventually('it was asked', 5000, async () => (await busy.requests()).length > 1);
  await busy.behave({ status: 200, delayMs: 0 });
  await busy.received(7, ({ traceId }) => traceId === trace?.traceId);
  await busy.behave({ status: 307, delayMs: 0, location: other.endpoint });
  scene.take();
  await scene.sink.close();
  assert.match(scene.said[0]?.message ?? '', /HTTP status 307/u);
  assert.deepEqual(await other.requests(), []);
});
