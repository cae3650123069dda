import assert from 'node:assert/strict';
import test from 'node:test';
import type { OtlpSpan } from '../support/otlp-protobuf.ts';
import { modernSent } from '../support/raw-clients.ts';
import { send } from '../support/raw-http.ts';
import { Context, TraceScene, type Carried, type ClientEra } from '../support/trace-scene.ts';

/** Traces as a receiver of OTLP gets them from a real gateway in front of real servers. */

const scene = await TraceScene.start();

const ERAS: readonly ClientEra[] = ['legacy', 'modern'];
const SERVERS = ['old', 'new', 'oldfar', 'newfar'];
const PER_CALL = 7;

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

function whole(spans: readonly OtlpSpan[]): OtlpSpan {
  return spans.find(({ kind }) => kind === SERVER) ?? assert.fail('no span of the exchange');
}

const WAYS: Readonly<Record<string, (context: Context) => Carried>> = {
  'HTTP headers': (context) => ({
    headers: { traceparent: context.traceparent(), tracestate: 'foo=1', baggage: 'a=b' },
  }),
  '`_meta`': (context) => ({
    meta: { traceparent: context.traceparent(), tracestate: 'foo=1', baggage: 'a=b' },
  }),
};

for (const [way, carry] of Object.entries(WAYS))
  test(`a call with a context in ${way} is one trace from its client to its server`, async () => {
    const calls = ERAS.flatMap((era) =>
      SERVERS.map((server) => ({ era, server, context: new Context() })),
    );
    for (const { era, server, context } of calls) {
      const { meta, headers } = await scene.seen(era, server, carry(context));
      const isFar = server.endsWith('far');
      const traceparent = String(meta['traceparent']);
      assert.match(traceparent, new RegExp(`^00-${context.traceId}-[\\da-f]{16}-01$`, 'u'));
      const told = { traceparent, tracestate: 'foo=1', baggage: 'a=b' };
      assert.deepEqual(carriedIn(meta), told, server);
      assert.deepEqual(carriedIn(headers), isFar ? told : {}, server);
      assert.notEqual(traceparent, context.traceparent());
      seen.set(context.traceId, traceparent);
    }
    for (const { era, server, context } of calls) {
      const spans = await scene.spansOf(context.traceId, PER_CALL);
      const exchange = whole(spans);
      assert.equal(exchange.parentId, context.spanId, server);
      assert.equal(exchange.name, 'tools/call fixture_echo');
      assert.equal(exchange.tracestate, 'foo=1');
      assert.equal(exchange.attributes['mcpx.era'], era);
      const upstream = spans.find(({ kind }) => kind === CLIENT) ?? assert.fail(server);
      assert.equal(upstream.parentId, exchange.spanId);
      assert.equal(seen.get(context.traceId), `00-${context.traceId}-${upstream.spanId}-01`);
      assert.equal(upstream.attributes['mcpx.server'], server);
      const network = server.endsWith('far') ? 'tcp' : 'pipe';
      assert.equal(upstream.attributes['network.transport'], network);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, PER_CALL);
    }
  });

/** By trace id, what the server was told. */
const seen = new Map<string, string>();

function carriedIn(from: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = ['traceparent', 'tracestate', 'baggage'].filter((key) => key in from);
  return Object.fromEntries(kept.map((key) => [key, from[key]]));
}

test('the spans of a call lie within it, one after the other, and add up to it', async () => {
  const context = new Context();
  await scene.seen('modern', 'old', { meta: { traceparent: context.traceparent() } });
  const spans = await scene.spansOf(context.traceId, PER_CALL);
  const exchange = whole(spans);
  const stages = spans
    .filter((span) => span !== exchange)
    .toSorted((one, other) => Number(BigInt(one.start) - BigInt(other.start)));
  assert.deepEqual(
    stages.map(({ kind, name }) => (kind === CLIENT ? 'upstream' : name)),
    ['identify', 'resolve', 'decide', 'guard', 'upstream', 'answer'],
  );
  assert.equal(stages[0]?.start, exchange.start);
  assert.equal(stages.at(-1)?.end, exchange.end);
  for (const [index, stage] of stages.entries()) {
    assert.equal(stage.parentId, exchange.spanId);
    assert.ok(BigInt(stage.end) >= BigInt(stage.start), stage.name);
    if (index > 0) assert.equal(stage.start, stages[index - 1]?.end, stage.name);
  }
  const age = Date.now() - Number(BigInt(exchange.start) / 1_000_000n);
  assert.ok(age >= 0 && age < 60_000, `it began ${age} ms ago`);
});

test('the context of the message comes before that of the HTTP request', async () => {
  const [outer, inner] = [new Context(), new Context()];
  for (const era of ERAS) {
    const { meta } = await scene.seen(era, 'newfar', {
      headers: { traceparent: outer.traceparent(), tracestate: 'foo=1', baggage: 'a=b' },
      meta: { traceparent: inner.traceparent() },
    });
    assert.match(String(meta['traceparent']), new RegExp(inner.traceId, 'u'));
    assert.deepEqual([meta['tracestate'], meta['baggage']], [undefined, 'a=b']);
  }
  await scene.spansOf(inner.traceId, PER_CALL * 2);
  const of = ({ traceId }: OtlpSpan): boolean => traceId === outer.traceId;
  assert.deepEqual((await scene.receiver.spans()).filter(of), []);
});

test('a context that is not valid is left out, and a new trace begins that the server is told of', async () => {
  const begun: string[] = [];
  const bad = `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`;
  for (const era of ERAS)
    for (const carried of [
      { headers: { traceparent: bad, tracestate: 'foo=1' } },
      { meta: { traceparent: bad, tracestate: 'foo=1' } },
      { meta: { traceparent: 7, tracestate: ['foo=1'] } },
    ]) {
      const { meta } = await scene.seen(era, 'old', carried);
      const [, traceId = ''] = /^00-([\da-f]{32})-/u.exec(String(meta['traceparent'])) ?? [];
      assert.notEqual(traceId, '0'.repeat(32));
      assert.equal(meta['tracestate'], undefined);
      begun.push(traceId);
    }
  for (const traceId of begun)
    assert.equal(whole(await scene.spansOf(traceId, PER_CALL)).parentId, '');
});

test('no header of a request upstream can be made by what a client puts into `_meta`', async () => {
  const context = new Context();
  const meta = {
    traceparent: context.traceparent(),
    tracestate: 'foo=1\r\nx-evil: 1',
    baggage: 'a=b\r\nx-evil: 1',
  };
  const { headers } = await scene.seen('modern', 'newfar', { meta });
  assert.equal(headers['x-evil'], undefined);
  assert.deepEqual(Object.keys(carriedIn(headers)), ['traceparent']);
});

test('a call nobody offers leaves its trace and not the name that was asked for', async () => {
  const contexts = { legacy: new Context(), modern: new Context() };
  for (const era of ERAS) {
    const headers = { traceparent: contexts[era].traceparent() };
    await scene.call(era, 'old__hunter2', {}, { headers });
  }
  for (const era of ERAS) {
    const spans = await scene.spansOf(contexts[era].traceId, 3);
    const exchange = whole(spans);
    assert.equal(exchange.name, 'tools/call');
    assert.equal(exchange.status, ERROR);
    assert.equal(exchange.attributes['error.type'], 'TARGET_UNKNOWN');
    assert.equal(exchange.attributes['mcpx.outcome'], 'refused');
    const names = spans.map(({ name }) => name);
    assert.deepEqual(names.toSorted(), ['identify', 'resolve', 'tools/call']);
    assert.doesNotMatch(JSON.stringify(spans), /hunter2/u);
  }
});

test('failing tools, errors of servers and their codes are told, arguments and results are not', async () => {
  const calls = [
    ['test_error_handling', { a: 'hunter2' }, 'tool_error', undefined],
    ['fixture_rpc_error', { code: -32_099, a: 'hunter2' }, '-32099', '-32099'],
    ['fixture_echo', { a: 'hunter2' }, undefined, undefined],
  ] as const;
  const contexts = calls.map(() => new Context());
  for (const [index, [tool, args]] of calls.entries()) {
    const headers = { traceparent: contexts[index]?.traceparent() ?? '' };
    await scene.call('legacy', `old__${tool}`, args, { headers });
  }
  for (const [index, [tool, , type, code]] of calls.entries()) {
    const spans = await scene.spansOf(contexts[index]?.traceId ?? '', PER_CALL);
    for (const kind of [SERVER, CLIENT]) {
      const span = spans.find((one) => one.kind === kind) ?? assert.fail();
      assert.equal(span.attributes['error.type'], type, tool);
      assert.equal(span.attributes['rpc.response.status_code'], code, tool);
      assert.equal(span.status, type === undefined ? 0 : ERROR, tool);
    }
    assert.doesNotMatch(JSON.stringify(spans), /hunter2/u);
  }
});

test('lists, sessions and reads of resources are traced too, without the URI in a name', async () => {
  const reads = { uri: 'test://static-text' };
  const asked = [
    { method: 'tools/list', params: {}, context: new Context() },
    { method: 'server/discover', params: {}, context: new Context() },
    { method: 'resources/read', params: reads, context: new Context() },
  ];
  for (const { method, params, context } of asked) {
    const headers = { traceparent: context.traceparent() };
    await send(scene.gateway.port, modernSent(method, params, { headers }));
  }
  for (const { method, params, context } of asked) {
    const exchange = whole(await scene.spansOf(context.traceId, 2));
    assert.equal(exchange.name, method);
    assert.equal(exchange.attributes['mcp.method.name'], method);
    assert.equal(exchange.attributes['mcp.resource.uri'], 'uri' in params ? params.uri : undefined);
  }
  await scene.receiver.received(1, ({ name }) => name === 'initialize');
});
