import assert from 'node:assert/strict';
import test from 'node:test';
import { initializeBody, modernSent, RawSession } from '../support/raw-clients.ts';
import { fixtureEntry, gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { rpcOf, send, type JsonObject } from '../support/raw-http.ts';

/** Names that every JavaScript object answers to are names like any other here. */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
});
const session = await RawSession.open(port);

const KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf'];

/** An object with such a key as a key of its own, which a literal cannot write. */
function owning(key: string, value: unknown): JsonObject {
  return JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`) as JsonObject;
}

for (const key of KEYS) {
  test(`"${key}" as a method does not exist, in either era`, async () => {
    const { error } = await session.request(key);
    assert.equal(error?.code, -32601);
    const got = await send(port, modernSent(key));
    assert.deepEqual([got.status, rpcOf(got).error?.code], [404, -32601]);
  });

  test(`"${key}" names no tool, prompt, resource, task, cursor or level`, async () => {
    for (const [method, params] of [
      ['tools/call', { name: key }],
      ['tools/call', { name: `it__${key}` }],
      ['tools/call', { name: `${key}__test_simple_text` }],
      ['prompts/get', { name: key }],
      ['tasks/get', { taskId: key }],
      ['tools/list', { cursor: key }],
      ['logging/setLevel', { level: key }],
      ['completion/complete', { ref: { type: key }, argument: { name: 'a', value: '' } }],
      [
        'completion/complete',
        { ref: { type: 'ref/prompt', name: key }, argument: { name: 'a', value: '' } },
      ],
    ] as const) {
      const { error } = await session.request(method, params);
      assert.equal(error?.code, -32602, `${method} ${JSON.stringify(params)}`);
      if (method === 'tools/call' || method === 'prompts/get') {
        const { error: modern } = rpcOf(await send(port, modernSent(method, params)));
        assert.equal(modern?.code, -32602);
      }
    }
    const { error } = await session.request('resources/read', { uri: key });
    assert.ok(error?.code === -32002 || error?.code === -32602);
  });

  test(`an argument, _meta key and client capability named "${key}" passes as it is or does nothing`, async () => {
    const args = { ...owning(key, { polluted: true }), plain: owning(key, 1) };
    const sent = {
      name: 'it__fixture_echo',
      arguments: args,
      _meta: owning(key, { polluted: true }),
    };
    const { result } = await session.request('tools/call', sent);
    const echoed = result?.['structuredContent'] as JsonObject;
    assert.deepEqual(Object.keys(echoed['arguments'] as object), [key, 'plain']);
    const modern = modernSent('tools/call', { ...sent, name: 'new__fixture_echo' });
    const answer = rpcOf(await send(port, modern)).result?.['structuredContent'] as JsonObject;
    assert.deepEqual(Object.keys(answer['arguments'] as object), [key, 'plain']);
    const capabilities = owning(key, { elicitation: {}, sampling: {}, roots: {} });
    const other = await RawSession.open(port, { capabilities });
    const asked = await other.call('it__test_elicitation', { message: 'x' });
    assert.doesNotMatch(JSON.stringify(asked), /User response/u);
    assert.equal(({} as JsonObject)['polluted'], undefined);
  });

  test(`a header named or worth "${key}" changes nothing`, async () => {
    const headers = {
      [key]: 'x',
      'mcp-session-id': session.id,
      'mcp-method': key,
      'mcp-name': key,
    };
    const got = await send(port, { headers, body: session.body('ping') });
    assert.deepEqual(rpcOf(got).result, {});
    const version = await session.post(session.body('ping'), { 'mcp-protocol-version': key });
    assert.equal(version.status, 400);
  });

  test(`"${key}" as an id, a progress token or the name of a client comes back as it is`, async () => {
    const { id } = rpcOf(await session.post({ ...session.body('ping'), id: key }));
    assert.equal(id, key);
    const stream = await session.stream(
      session.body('tools/call', {
        name: 'it__fixture_slow',
        arguments: { ms: 40, progressEveryMs: 20 },
        _meta: { progressToken: key },
      }),
    );
    await stream.ended;
    const tokens = stream.messages.flatMap(({ params }) => params?.['progressToken'] ?? []);
    assert.deepEqual(tokens, [key, key]);
    const clientInfo = owning(key, 'x');
    assert.equal((await send(port, { body: initializeBody({ clientInfo }) })).status, 200);
    await session.notify('notifications/cancelled', { requestId: key });
  });
}

test('servers named like members of every object are servers', async (t) => {
  const names = ['constructor', 'toString', 'hasOwnProperty'];
  const entries = names.map((name) => [name, fixtureEntry('legacy')]);
  const gateway = await startRaw({
    servers: Object.fromEntries(entries) as Record<string, object>,
  });
  t.after(() => gateway.stop());
  const other = await RawSession.open(gateway.port);
  for (const name of names) {
    const { result } = await other.call(`${name}__test_simple_text`);
    assert.match(JSON.stringify(result), /simple text response/u);
  }
});

test('after all of this the gateway serves as before', async () => {
  const { result } = await session.call('it__test_simple_text');
  assert.match(JSON.stringify(result), /simple text response/u);
});
