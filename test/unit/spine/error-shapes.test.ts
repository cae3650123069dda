import assert from 'node:assert/strict';
import test from 'node:test';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { Arrival } from '../../../src/kernel/arrival.ts';
import type { Json } from '../../../src/kernel/json.ts';
import type { RpcError } from '../../../src/kernel/json-rpc.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { errorFor } from '../../../src/spine/error-shapes.ts';
import type { Passage } from '../../../src/spine/passage.ts';
import type { SpinePorts } from '../../../src/spine/ports.ts';
import { CALLER, suppliersOf, viewOf } from '../../support/unit-catalog.ts';

const MODERN = '2026-07-28';
const servers = { old: { tools: ['t'] }, new: { tools: ['t'], era: 'modern' } } as const;
const view = viewOf(new Snapshot(suppliersOf(servers), 'prefix'));
const ports = {
  admitQuestion: (_upstream, _owner, question) => ({
    ...question,
    params: { ...question.params, message: 'shown' },
  }),
} as Pick<SpinePorts, 'admitQuestion'> as SpinePorts;

const TOOL = { kind: 'tool', name: 't', publicName: 'x__t' } as const;
const RESOURCE = { kind: 'resource', name: 'x:1', publicName: 'mcpx://x/x%3A1' } as const;

function told(
  error: RpcError,
  version: string,
  what: Omit<Target, 'upstream'> = TOOL,
  upstream: keyof typeof servers = 'new',
): RpcError {
  const era = version === MODERN ? 'modern' : 'legacy';
  const method = what.kind === 'resource' ? 'resources/read' : 'tools/call';
  const request = { jsonrpc: '2.0', id: 1, method, params: {} };
  const arrival = { era, version, request, exchange: {} } as unknown as Arrival;
  const target = { ...what, upstream };
  return errorFor(error, { arrival, target, principal: CALLER, view, ports } as unknown as Passage);
}

function refused(...args: Parameters<typeof told>): Refusal {
  try {
    told(...args);
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error;
  }
  return assert.fail('no refusal');
}

for (const code of [-32020, -32022]) {
  for (const version of [MODERN, '2025-11-25', '2024-11-05']) {
    test(`${code} of a modern server is of the hop to it: to a client of ${version} the server broke the protocol`, () => {
      const { code: ours, message } = refused({ code, message: 'Header mismatch' }, version);
      assert.equal(ours, 'UPSTREAM_PROTOCOL');
      assert.match(message, /Server "new" .*\(Header mismatch\)/u);
    });
  }
}

test('what a modern server lacks of its client goes to a modern client as it is', () => {
  const data = { requiredCapabilities: { elicitation: { url: {} } } };
  const error = { code: -32021, message: 'm', data };
  assert.equal(told(error, MODERN), error);
});

test('what a modern server lacks of a legacy client is named to it', () => {
  const requiredCapabilities = { elicitation: { url: {} }, roots: {} };
  const error = { code: -32021, message: 'm', data: { requiredCapabilities } };
  const { code, message, data } = refused(error, '2025-11-25');
  assert.equal(code, 'CLIENT_UNREACHABLE');
  assert.match(message, /elicitation\.url, roots, which this client did not declare/u);
  assert.deepEqual(data, { requiredCapabilities });
  assert.equal(refused({ code: -32021, message: 'm' }, '2025-03-26').code, 'CLIENT_UNREACHABLE');
});

test("a legacy server's codes of that range are its own", () => {
  for (const code of [-32020, -32021, -32022]) {
    const error = { code, message: 'm', data: 1 };
    assert.equal(told(error, '2025-11-25', TOOL, 'old'), error);
  }
});

test('"not found" of a modern server has the code that legacy clients know, and the URI they asked for', () => {
  const error = { code: -32602, message: 'm', data: { uri: 'x:1', future: 1 } };
  const data = { uri: RESOURCE.publicName, future: 1 };
  assert.deepEqual(told(error, '2025-11-25', RESOURCE), { code: -32002, message: 'm', data });
  assert.deepEqual(told(error, MODERN, RESOURCE), { code: -32602, message: 'm', data });
  const same = { ...RESOURCE, publicName: 'x:1' };
  assert.deepEqual(told(error, '2024-11-05', same), { ...error, code: -32002 });
});

test('parameters that are wrong in another way stay so', () => {
  for (const data of [undefined, { uri: 'y:1' }, 'x:1']) {
    const error = { code: -32602, message: 'm', ...(data === undefined ? {} : { data }) };
    assert.equal(told(error, '2025-11-25', RESOURCE), error);
    assert.equal(told(error, MODERN, RESOURCE), error);
  }
});

test('"not found" of a legacy server keeps its code for legacy clients', () => {
  const error = { code: -32002, message: 'm', data: { future: 1 } };
  assert.equal(told(error, '2025-11-25', RESOURCE, 'old'), error);
  const invalid = { code: -32602, message: 'm', data: { uri: 'x:1' } };
  assert.equal(told(invalid, '2025-11-25', RESOURCE, 'old').code, -32602);
  assert.deepEqual(told(error, MODERN, RESOURCE, 'old'), {
    code: -32602,
    message: 'm',
    data: { future: 1, uri: RESOURCE.publicName },
  });
});

test('a URL to be opened first is named to clients of 2025-11-25 alone (-32042, R7)', () => {
  const data = { elicitations: [{ mode: 'url', url: 'https://x', message: 'm' }], future: 1 };
  const error = { code: -32042, message: 'm', data };
  assert.deepEqual(told(error, '2025-11-25', TOOL, 'old').data, {
    future: 1,
    elicitations: [{ mode: 'url', url: 'https://x', message: 'shown' }],
  });
  const { code } = told(error, MODERN, TOOL, 'old');
  assert.equal(
    code,
    -32603,
    'it becomes a question before; what no question can be made of is an error',
  );
  for (const version of ['2025-06-18', '2025-03-26', '2024-11-05']) {
    const { code, message } = refused(error, version, TOOL, 'old');
    assert.equal(code, 'CLIENT_UNREACHABLE');
    assert.match(message, /use a newer client/u);
  }
});

test('codes of earlier versions and reserved ones are told to modern clients as they know errors, with the code in the data', () => {
  const as = (code: number, data?: Json): RpcError =>
    told({ code, message: 'm', ...(data === undefined ? {} : { data }) }, MODERN, TOOL, 'old');
  assert.deepEqual(as(-32002), { code: -32602, message: 'm' });
  assert.deepEqual(as(-32050), { code: -32603, message: 'm', data: { code: -32050 } });
  assert.deepEqual(as(-32099, { a: 1 }), {
    code: -32603,
    message: 'm',
    data: { a: 1, code: -32099 },
  });
  assert.deepEqual(as(-32021, 'text'), {
    code: -32603,
    message: 'm',
    data: { data: 'text', code: -32021 },
  });
  for (const code of [-32000, -32019, -32100, -32603, 7]) assert.equal(as(code).code, code);
  assert.equal(told({ code: -32050, message: 'm' }, '2025-11-25', TOOL, 'old').code, -32050);
});
