import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { parseTraceparent } from '../../src/record/trace/trace-context.ts';
import { OtlpReceiver } from '../support/otlp.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, startRaw, type RawGateway } from '../support/raw-gateway.ts';
import { Context, TraceScene, type Carried } from '../support/trace-scene.ts';

/** Which traces are sent, as a running gateway is told by its file; and what becomes of those that cannot be. */

const scene = await TraceScene.start(
  { sampleRatio: 0 },
  { servers: { it: fixtureEntry('legacy') } },
);
const { gateway, receiver } = scene;

const IN_FORCE = 'the changed configuration is in force';
const PER_CALL = 7;

/** Replaces what `tracing` says, and waits until it is in force. */
async function trace(tracing: object): Promise<void> {
  const count = (): number => gateway.output().split(IN_FORCE).length;
  const before = count();
  const app = { tracing: { enabled: true, endpoint: receiver.endpoint, ...tracing } };
  await writeFile(join(gateway.folder, 'app.yaml'), JSON.stringify(app));
  await eventually('it is in force', () => count() > before);
}

/** The trace and the flag that the server behind is told for a call. */
async function told(carried: Carried = {}): Promise<{ traceId: string; isSampled: boolean }> {
  const { result } = await scene.call('modern', 'it__fixture_echo', {}, carried);
  const echoed = result?.['structuredContent'] as { _meta: { traceparent?: string } };
  const { traceparent = '' } = echoed._meta;
  const { traceId, flags } = parseTraceparent(traceparent) ?? assert.fail(traceparent);
  return { traceId, isSampled: flags === 1 };
}

const by = (context: Context, isSampled: boolean): Carried => ({
  headers: { traceparent: context.traceparent(isSampled) },
});

/** The traces of which anything came, once all that was sent is there. */
async function tracesOf(...wanted: readonly string[]): Promise<Set<string>> {
  for (const traceId of wanted) await scene.spansOf(traceId, PER_CALL);
  return new Set((await receiver.spans()).map(({ traceId }) => traceId));
}

test('ratio 0 sends no trace that begins here, and those whose caller wants them', async () => {
  const [wanted, unwanted] = [new Context(), new Context()];
  const own = await told();
  assert.equal(own.isSampled, false);
  assert.deepEqual(await told(by(unwanted, false)), {
    traceId: unwanted.traceId,
    isSampled: false,
  });
  assert.deepEqual(await told(by(wanted, true)), { traceId: wanted.traceId, isSampled: true });
  const came = await tracesOf(wanted.traceId);
  assert.ok(!came.has(own.traceId) && !came.has(unwanted.traceId));
});

test('ratio 1 sends every trace that begins here, and not those whose caller does not want them', async () => {
  await trace({ sampleRatio: 1 });
  const unwanted = new Context();
  assert.equal((await told(by(unwanted, false))).isSampled, false);
  const own = await told();
  assert.equal(own.isSampled, true);
  const came = await tracesOf(own.traceId);
  assert.ok(!came.has(unwanted.traceId));
});

test('a gateway that does not follow its callers decides by itself', async () => {
  const [wanted, unwanted] = [new Context(), new Context()];
  await trace({ sampleRatio: 0, followParent: false });
  assert.equal((await told(by(wanted, true))).isSampled, false);
  await trace({ sampleRatio: 1, followParent: false });
  assert.equal((await told(by(unwanted, false))).isSampled, true);
  const came = await tracesOf(unwanted.traceId);
  assert.ok(!came.has(wanted.traceId));
});

test('a ratio between sends its share, each trace whole, and the servers are told the same', async () => {
  await trace({ sampleRatio: 0.5 });
  const all = [];
  for (let count = 0; count < 100; count += 1) all.push(await told());
  const kept = all.filter(({ isSampled }) => isSampled);
  // Six standard deviations to either side.
  assert.ok(kept.length > 20 && kept.length < 80, `${kept.length} of 100`);
  const came = await tracesOf(...kept.map(({ traceId }) => traceId));
  for (const { traceId, isSampled } of all) assert.equal(came.has(traceId), isSampled);
});

test('switched off, a context still goes from client to server, and nothing else is added or sent', async () => {
  await trace({ enabled: false });
  const context = new Context();
  const before = (await receiver.spans()).length;
  for (const era of ['legacy', 'modern'] as const) {
    const meta = { traceparent: context.traceparent(), tracestate: 'foo=1', baggage: 'a=b' };
    const carried = { headers: meta };
    assert.deepEqual((await scene.seen(era, 'it', carried)).meta, meta);
    assert.deepEqual((await scene.seen(era, 'it', { meta })).meta, meta);
    assert.deepEqual((await scene.seen(era, 'it')).meta, {});
  }
  assert.equal((await receiver.spans()).length, before);
});

test('what was traced last is sent before the process ends', async () => {
  await trace({ sampleRatio: 1 });
  const own = await told();
  await gateway.stop();
  const came = (await receiver.spans()).filter(({ traceId }) => traceId === own.traceId);
  assert.equal(came.length, PER_CALL);
});

/** A gateway whose receiver is not as it should be. */
async function gatewayBefore(endpoint: string, tracing: object = {}): Promise<RawGateway> {
  const started = await startRaw({
    servers: { it: fixtureEntry('legacy') },
    app: JSON.stringify({ tracing: { enabled: true, endpoint, ...tracing } }),
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=for-somebody-else' },
  });
  after(() => started.stop());
  return started;
}

const LOST = 'spans cannot be sent and are lost';

test('a receiver that is down keeps no call from its answer, and is told once', async (t) => {
  const late = await OtlpReceiver.notYet(t);
  const lonely = await gatewayBefore(late.endpoint, { timeoutMs: 50 });
  const other = new TraceScene(lonely, late);
  const answer = async (): Promise<void> => {
    const { result } = await other.call('modern', 'it__fixture_echo');
    assert.ok(result);
  };
  await answer();
  await eventually('it is told', () => lonely.output().includes(LOST));
  await answer();
  await late.launch();
  await eventually('they are sent again', async () => {
    await answer();
    return lonely.output().includes('spans are sent again');
  });
  assert.equal(lonely.output().split(LOST).length, 2);
  const [request] = await late.requests();
  assert.equal(request?.headers['x-key'], undefined);
});

test('a receiver that never answers keeps no call from its answer, and the end within seconds', async (t) => {
  const slow = await OtlpReceiver.start(t);
  await slow.behave({ status: 200, delayMs: 60_000 });
  const stuck = await gatewayBefore(slow.endpoint, { maxQueue: 70 });
  const other = new TraceScene(stuck, slow);
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const { result } = await other.call('modern', 'it__fixture_echo');
      assert.ok(result);
    }),
  );
  const tookMs = await stuck.stop();
  assert.ok(tookMs < 5000, `it took ${tookMs} ms to end`);
});
