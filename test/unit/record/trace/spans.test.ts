import assert from 'node:assert/strict';
import test from 'node:test';
import type { Entry, Stages } from '../../../../src/kernel/entry.ts';
import type { Spending } from '../../../../src/kernel/spending.ts';
import type { Trace } from '../../../../src/kernel/trace.ts';
import { spansOf, type SpanData, type SpanTerms } from '../../../../src/record/trace/spans.ts';
import { entryOf } from '../entries.ts';

const TRACE: Trace = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '1111111111111111',
  parentId: '00f067aa0ba902b7',
  isSampled: true,
  upstreamSpanId: '2222222222222222',
  onward: {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-2222222222222222-01',
    tracestate: 'foo=1',
  },
};

const SECRET = 'hush-hush';

function spans(
  changes: Partial<Entry>,
  more: Partial<SpanTerms> = {},
  spending?: Spending,
): SpanData[] {
  let last = 0;
  const terms: SpanTerms = {
    newSpanId: () => String((last += 1)).padStart(16, '0'),
    endpoint: () => undefined,
    scrub: (text) => text.replaceAll(SECRET, '***'),
    ...more,
  };
  return spansOf({ entry: entryOf(changes), spending }, TRACE, terms);
}

function named(all: readonly SpanData[], name: string): SpanData {
  return all.find((span) => span.name === name) ?? assert.fail(`no span ${name}`);
}

const NOT_REACHED = {
  resolved: undefined,
  decided: undefined,
  guarded: undefined,
  answered: undefined,
};

test('a call is one server span with a span for each stage, one after the other', () => {
  const all = spans({});
  assert.deepEqual(
    all.map(({ name, kind, parentId }) => [name, kind, parentId]),
    [
      ['tools/call create_issue', 'server', TRACE.parentId],
      ['identify', 'internal', TRACE.spanId],
      ['resolve', 'internal', TRACE.spanId],
      ['decide', 'internal', TRACE.spanId],
      ['guard', 'internal', TRACE.spanId],
      ['tools/call create_issue', 'client', TRACE.spanId],
      ['answer', 'internal', TRACE.spanId],
    ],
  );
  const [whole, ...parts] = all;
  assert.ok(whole);
  assert.equal(whole.spanId, TRACE.spanId);
  assert.equal(whole.isParentRemote, true);
  assert.equal(named(parts, 'tools/call create_issue').spanId, TRACE.upstreamSpanId);
  assert.equal(new Set(all.map(({ spanId }) => spanId)).size, all.length);
  assert.ok(all.every(({ traceId }) => traceId === TRACE.traceId));
  assert.ok(all.every(({ tracestate }) => tracestate === 'foo=1'));
  let from = whole.startMs;
  for (const part of parts) {
    assert.equal(part.startMs, from, part.name);
    assert.ok(part.endMs >= part.startMs, part.name);
    assert.equal(part.isParentRemote, false);
    from = part.endMs;
  }
  assert.equal(from, whole.endMs);
});

test('the times are those of the entry', () => {
  const { startedAt, durationMs, stages } = entryOf();
  const all = spans({});
  assert.equal(all[0]?.startMs, startedAt);
  assert.equal(all[0]?.endMs, startedAt + durationMs);
  const upstream = all.find(({ kind }) => kind === 'client');
  assert.equal(upstream?.startMs, startedAt + (stages.guarded ?? 0));
  assert.equal(upstream?.endMs, startedAt + (stages.answered ?? 0));
});

/** How an exchange ended, the stages it was through, and the spans of the stages with the one that failed. */
const ENDINGS: readonly (readonly [string, Partial<Entry>, Partial<Stages>, string, string])[] = [
  [
    'that nobody offers',
    { outcome: 'refused', code: 'TARGET_UNKNOWN' },
    NOT_REACHED,
    'identify resolve',
    'resolve',
  ],
  [
    'that policy refuses',
    { outcome: 'refused', code: 'FORBIDDEN' },
    { ...NOT_REACHED, resolved: 0.2 },
    'identify resolve decide',
    'decide',
  ],
  [
    'that a limit refuses',
    { outcome: 'refused', code: 'LIMITED' },
    { guarded: undefined, answered: undefined },
    'identify resolve decide guard',
    'guard',
  ],
  [
    'that timed out',
    { outcome: 'timed-out', code: 'UPSTREAM_TIMEOUT' },
    {},
    'identify resolve decide guard upstream answer',
    'upstream',
  ],
  [
    'whose server is away',
    { outcome: 'refused', code: 'UPSTREAM_UNAVAILABLE' },
    {},
    'identify resolve decide guard upstream answer',
    'upstream',
  ],
  [
    'that fails as a tool',
    { outcome: 'tool-error' },
    {},
    'identify resolve decide guard upstream answer',
    'upstream',
  ],
  [
    'with a result that is too large',
    { outcome: 'refused', code: 'RESULT_TOO_LARGE' },
    {},
    'identify resolve decide guard upstream answer',
    'answer',
  ],
  [
    'that crashed before its server was asked',
    { outcome: 'crashed', code: 'INTERNAL' },
    { answered: undefined },
    'identify resolve decide guard upstream',
    'upstream',
  ],
];

for (const [what, ending, stages, reached, failed] of ENDINGS)
  test(`a call ${what} has spans of the stages it reached, and its error where it ended`, () => {
    const all = spans({ ...ending, stages: { ...entryOf().stages, ...stages } });
    const [whole, ...parts] = all;
    const nameOf = ({ kind, name }: SpanData): string => (kind === 'client' ? 'upstream' : name);
    assert.deepEqual(parts.map(nameOf), reached.split(' '));
    assert.deepEqual(parts.filter(({ isError }) => isError).map(nameOf), [failed]);
    assert.equal(whole?.isError, true);
    assert.equal(parts.at(-1)?.endMs, whole?.endMs);
  });

test('a round that asks its client is no error, and its next one names the exchange that began the call (R3)', () => {
  const all = spans({ outcome: 'input-required', callId: 'run-0' });
  assert.deepEqual(
    all.filter(({ isError }) => isError),
    [],
  );
  const { attributes } = all[0] ?? assert.fail();
  assert.equal(attributes['error.type'], undefined);
  assert.equal(attributes['mcpx.outcome'], 'input-required');
  assert.equal(attributes['mcpx.call_id'], 'run-0');
  assert.ok(!('mcpx.call_id' in (spans({})[0]?.attributes ?? {})), 'the first one begins it');
});

test('a call its client cancelled is no error', () => {
  const all = spans({ outcome: 'cancelled' });
  assert.deepEqual(
    all.filter(({ isError }) => isError),
    [],
  );
  assert.equal(all[0]?.attributes['error.type'], undefined);
  assert.equal(all[0]?.attributes['mcpx.outcome'], 'cancelled');
});

test('what is no call has its own span and that of being identified', () => {
  for (const method of ['tools/list', 'initialize', 'ping']) {
    const all = spans({
      method,
      kind: undefined,
      target: undefined,
      upstream: undefined,
      stages: { arrived: 0.1, ...NOT_REACHED },
    });
    assert.deepEqual(
      all.map(({ name }) => name),
      [method, 'identify'],
    );
  }
});

test('attributes have the names of the conventions for MCP', () => {
  const spending: Spending = {
    tokens: { arguments: 3, result: 40, isEstimate: false, encoding: 'o200k_base' },
    cost: 0.000_05,
  };
  const [whole] = spans(
    { version: '2025-11-25', model: { provider: 'openai', id: 'gpt-5' }, shadows: ['s1'] },
    {},
    spending,
  );
  assert.deepEqual(whole?.attributes, {
    'mcp.method.name': 'tools/call',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'create_issue',
    'mcp.protocol.version': '2025-11-25',
    'mcp.session.id': 's1',
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'mcpx.exchange.id': 'run-1',
    'mcpx.era': 'legacy',
    'mcpx.outcome': 'ok',
    'mcpx.server': 'github',
    'mcpx.consumer': 'dev',
    'mcpx.caller': 'dev',
    'mcpx.caller.proof': 'api-key',
    'mcpx.client': 'cursor',
    'mcpx.rule': 'permissions.default',
    'mcpx.shadows': ['s1'],
    'mcpx.upstream_ms': 11.7,
    'mcpx.request.bytes': 120,
    'mcpx.result.chars': 64,
    'mcpx.model.provider': 'openai',
    'mcpx.model.id': 'gpt-5',
    'mcpx.tokens.arguments': 3,
    'mcpx.tokens.result': 40,
    'mcpx.tokens.is_estimate': false,
    'mcpx.cost_usd': 0.000_05,
  });
});

test('the kind of error and its JSON-RPC code are told as clients are told', () => {
  const typed = (changes: Partial<Entry>): unknown[] => {
    const { attributes } = spans(changes)[0] ?? assert.fail();
    return [attributes['error.type'], attributes['rpc.response.status_code']];
  };
  assert.deepEqual(typed({}), [undefined, undefined]);
  assert.deepEqual(typed({ outcome: 'tool-error' }), ['tool_error', undefined]);
  assert.deepEqual(typed({ outcome: 'error', code: '-32602' }), ['-32602', '-32602']);
  assert.deepEqual(typed({ outcome: 'refused', code: 'PARAMS_INVALID' }), [
    'PARAMS_INVALID',
    '-32602',
  ]);
  assert.deepEqual(typed({ outcome: 'refused', code: 'LIMITED' })[0], 'LIMITED');
});

test('the span of the request to the server says where the server is, and nothing else of its address', () => {
  const client = (endpoint: SpanTerms['endpoint'], changes: Partial<Entry> = {}): SpanData =>
    spans(changes, { endpoint }).find(({ kind }) => kind === 'client') ?? assert.fail();
  const remote = client((server) => ({
    kind: 'remote',
    url: `https://user:${SECRET}@${server}.example/mcp?key=${SECRET}`,
    transport: 'auto',
    headers: {},
  }));
  assert.deepEqual(remote.attributes, {
    'mcp.method.name': 'tools/call',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'create_issue',
    'mcpx.server': 'github',
    'network.transport': 'tcp',
    'network.protocol.name': 'http',
    'server.address': 'github.example',
    'server.port': 443,
  });
  const child = client(() => ({ kind: 'stdio', command: 'x', args: [], env: {}, cwd: undefined }));
  assert.equal(child.attributes['network.transport'], 'pipe');
  assert.equal(child.attributes['server.address'], undefined);
});

test('a custom tool has its own name towards the client and that of its origin towards the server', () => {
  const all = spans({ custom: 'post_to_general', target: 'post_message' });
  assert.equal(all[0]?.name, 'tools/call post_to_general');
  assert.equal(all[0]?.attributes['gen_ai.tool.name'], 'post_to_general');
  const upstream = all.find(({ kind }) => kind === 'client');
  assert.equal(upstream?.name, 'tools/call post_message');
  assert.equal(upstream?.attributes['gen_ai.tool.name'], 'post_message');
});

test('a URI is an attribute and in no name, and no text a caller chooses brings a secret along', () => {
  const all = spans({
    method: 'resources/read',
    kind: 'resource',
    target: `file:///a?x=${SECRET}`,
    client: `client ${SECRET}`,
    model: { provider: SECRET, id: SECRET },
    args: { a: SECRET },
    judgedArgs: { b: SECRET },
    result: { c: SECRET },
    failure: SECRET,
    caller: { ...(entryOf().caller ?? assert.fail()), name: SECRET },
  });
  assert.equal(all[0]?.name, 'resources/read');
  assert.equal(all[0]?.attributes['mcp.resource.uri'], 'file:///a?x=***');
  assert.doesNotMatch(JSON.stringify(all), new RegExp(SECRET, 'u'));
});

test('what is asked of a client has no transport and still its spans', () => {
  const [whole] = spans({ method: 'elicitation/create', transport: undefined, kind: 'ask' });
  assert.equal(whole?.name, 'elicitation/create');
  assert.equal(whole?.attributes['network.transport'], undefined);
});
