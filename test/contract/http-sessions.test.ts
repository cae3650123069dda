import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { allOf, initializeBody, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { assertRefused, partOf, rpcOf, send } from '../support/raw-http.ts';

/** Sessions of the legacy protocol over streamable HTTP. */

const { port } = await gatewayForFile();

test('initialize answers with the version asked for, the id of a session and all capabilities (R14)', async () => {
  for (const version of ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']) {
    const { initialized } = await RawSession.open(port, { version });
    const { protocolVersion, capabilities, serverInfo } = initialized.result ?? {};
    assert.equal(protocolVersion, version);
    assert.equal((serverInfo as { name: string }).name, 'mcpx');
    const { tools, prompts, resources, completions, logging } = capabilities as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      { tools, prompts, resources, completions, logging },
      {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
    );
  }
});

test('a client that asks for a version nobody knows is offered the newest legacy one', async () => {
  const { version } = await RawSession.open(port, { version: '1999-01-01' });
  assert.equal(version, '2025-11-25');
});

test('initialize without a version is refused with -32602', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { capabilities: {} } };
  assertRefused(await send(port, { body }), 400, -32602, 'PARAMS_INVALID');
});

test('a request without Mcp-Session-Id is refused with 400', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  assertRefused(await send(port, { body }), 400, -32600, 'SESSION_REQUIRED');
  assertRefused(await send(port, { method: 'GET' }), 400, -32600, 'SESSION_REQUIRED');
  assertRefused(await send(port, { method: 'DELETE' }), 400, -32600, 'SESSION_REQUIRED');
});

test('a request with an unknown Mcp-Session-Id is refused with 404', async () => {
  const headers = { 'mcp-session-id': 'no-such-session' };
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  assertRefused(await send(port, { headers, body }), 404, 1404, 'SESSION_UNKNOWN');
  assertRefused(await send(port, { method: 'GET', headers }), 404, 1404, 'SESSION_UNKNOWN');
  assertRefused(await send(port, { method: 'DELETE', headers }), 404, 1404, 'SESSION_UNKNOWN');
  const note = { jsonrpc: '2.0', method: 'notifications/initialized' };
  assertRefused(await send(port, { headers, body: note }), 404, 1404, 'SESSION_UNKNOWN');
});

test('DELETE ends a session: every later request of it is answered 404 (R13)', async () => {
  const session = await RawSession.open(port);
  const ended = await session.end();
  assert.deepEqual([ended.status, ended.text], [204, '']);
  assertRefused(await session.post(session.body('ping')), 404, 1404, 'SESSION_UNKNOWN');
  assertRefused(await session.end(), 404, 1404, 'SESSION_UNKNOWN');
});

test('DELETE ends the streams of its session and nothing of another', async () => {
  const [one, other] = [await RawSession.open(port), await RawSession.open(port)];
  const [stream, otherStream] = [await one.listen(), await other.listen()];
  await one.end();
  await stream.ended;
  assert.equal(otherStream.isOver, false);
  assert.equal((await other.request('ping')).error, undefined);
  otherStream.break();
});

test('notifications and answers are taken with 202 and no body', async () => {
  const session = await RawSession.open(port);
  for (const body of [
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'none' } },
    { jsonrpc: '2.0', method: 'notifications/cancelled' },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'none' } },
    { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
    { jsonrpc: '2.0', method: 'notifications/of-the-future', params: { a: 1 } },
    { jsonrpc: '2.0', id: 'mcpx-99', result: {} },
    { jsonrpc: '2.0', id: 99, error: { code: 1, message: 'no' } },
    { jsonrpc: '2.0', id: null, error: { code: 1, message: 'no' } },
  ]) {
    const { status, text } = await session.post(body);
    assert.deepEqual([status, text], [202, ''], JSON.stringify(body));
  }
});

test('a request whose id is still being answered is refused, and the first one is answered', async () => {
  const session = await RawSession.open(port);
  const slow = session.body('tools/call', { name: 'it__fixture_slow', arguments: { ms: 500 } });
  const first = session.post(slow);
  await eventually('the call has begun', async () => (await session.state())['callsStarted'] === 1);
  const { error } = rpcOf(await session.post({ jsonrpc: '2.0', id: slow.id, method: 'ping' }));
  assert.deepEqual([error?.code, error?.data?.['refusal']], [-32600, 'DUPLICATE_ID']);
  const answers = allOf(await first);
  assert.match(JSON.stringify(answers), /waited 500 ms/u);
  const again = rpcOf(await session.post({ jsonrpc: '2.0', id: slow.id, method: 'ping' }));
  assert.deepEqual([again.id, again.result], [slow.id, {}]);
});

test('the same id in two sessions, and a number and a text that look alike, are different ids', async () => {
  const [one, other] = [await RawSession.open(port), await RawSession.open(port)];
  const params = { name: 'it__fixture_slow', arguments: { ms: 300 } };
  const bodies = [7, '7'].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params }));
  const answers = await Promise.all([
    ...bodies.map((body) => one.post(body)),
    ...bodies.map((body) => other.post(body)),
  ]);
  const ids = answers.map((answer) => allOf(answer).at(-1));
  assert.deepEqual(
    ids.map((answer) => [answer?.id, answer?.error]),
    [7, '7', 7, '7'].map((id) => [id, undefined]),
  );
});

test('initialize within a session is refused, and the session goes on', async () => {
  const session = await RawSession.open(port);
  const got = await session.post({ ...initializeBody(), id: 5 });
  const { error } = rpcOf(got);
  assert.deepEqual([error?.code, error?.data?.['refusal']], [-32600, 'DUPLICATE_INITIALIZE']);
  assert.equal((await session.request('ping')).error, undefined);
});

test('MCP-Protocol-Version may be the agreed one or absent; one that is not spoken is refused with 400', async () => {
  const session = await RawSession.open(port, { version: '2025-06-18' });
  const ping = (): object => session.body('ping');
  const id = { 'mcp-session-id': session.id };
  const withVersion = (version: string) =>
    send(port, { headers: { ...id, 'mcp-protocol-version': version }, body: ping() });
  assert.equal((await send(port, { headers: id, body: ping() })).status, 200);
  assert.equal((await withVersion('2025-06-18')).status, 200);
  for (const version of ['1999-01-01', 'nonsense', '']) {
    const got = await withVersion(version);
    assertRefused(got, 400, -32600, 'VERSION_HEADER_UNSUPPORTED');
    const supported = rpcOf(got).error?.data?.['supported'];
    assert.deepEqual(supported, ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']);
  }
});

test('a version header that is not spoken is refused on GET and DELETE too', async () => {
  const session = await RawSession.open(port);
  const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': '1999-01-01' };
  for (const method of ['GET', 'DELETE']) {
    const got = await send(port, { method, headers });
    assertRefused(got, 400, -32600, 'VERSION_HEADER_UNSUPPORTED');
  }
  assert.equal((await session.request('ping')).error, undefined);
});

test('a client that sends the header Mcp-Method with a legacy request is a legacy client (R8)', async () => {
  const session = await RawSession.open(port);
  const got = await session.post(session.body('ping'), { 'mcp-method': 'ping' });
  assert.deepEqual([got.status, rpcOf(got).result], [200, {}]);
});

test('an unknown method is answered with -32601 in the body, for a status would break SDK clients', async () => {
  const session = await RawSession.open(port);
  for (const method of ['no/such', 'server/discover', 'subscriptions/listen', 'notifications/x']) {
    const got = await session.post(session.body(method));
    assert.deepEqual([got.status, rpcOf(got).error?.code], [200, -32601], method);
  }
});

test('a cancelled request is not answered, and its server is told (R1)', async () => {
  const session = await RawSession.open(port);
  const body = session.body('tools/call', { name: 'it__fixture_slow', arguments: { ms: 60_000 } });
  const before = Number((await session.state())['cancelled']);
  const pending = session.post(body);
  await eventually('the call is refused a second time', async () => {
    const again = rpcOf(await session.post({ jsonrpc: '2.0', id: body.id, method: 'ping' }));
    return again.error !== undefined;
  });
  await session.notify('notifications/cancelled', { requestId: body.id, reason: 'enough' });
  const { status, text } = await pending;
  assert.ok(status === 202 ? text === '' : !text.includes('"result"'), text);
  await eventually(
    'the server knows',
    async () => Number((await session.state())['cancelled']) === before + 1,
  );
});

test('a client cannot cancel a request of another session (R1)', async () => {
  const [one, other] = [await RawSession.open(port), await RawSession.open(port)];
  const body = { ...one.body('ping'), id: 'shared-id' };
  const params = { name: 'it__fixture_slow', arguments: { ms: 400 } };
  const pending = one.post({ ...body, method: 'tools/call', params });
  await eventually('the id is taken', async () => {
    const again = rpcOf(await one.post(body));
    return again.error !== undefined;
  });
  await other.notify('notifications/cancelled', { requestId: 'shared-id' });
  assert.match(JSON.stringify(allOf(await pending)), /waited 400 ms/u);
});

test('a session lives on when the gateway is restarted, an ended one does not (R13)', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-restart-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const first = await startRaw({ folder });
  const kept = await RawSession.open(first.port, { version: '2025-06-18' });
  const ended = await RawSession.open(first.port);
  await ended.end();
  await first.stop();
  const second = await startRaw({ folder });
  t.after(() => second.stop());
  const ask = (session: RawSession) =>
    send(second.port, { headers: session.headers, body: session.body('tools/list') });
  const answer = rpcOf(await ask(kept));
  assert.ok(partOf<unknown[]>(answer, 'tools').length > 10);
  assertRefused(await ask(ended), 404, 1404, 'SESSION_UNKNOWN');
});

test('a session unused for sessions.idleMs ends and answers 404', async (t) => {
  const gateway = await startRaw({ servers: {}, app: 'sessions:\n  idleMs: 300\n' });
  t.after(() => gateway.stop());
  const idle = await RawSession.open(gateway.port);
  const held = await RawSession.open(gateway.port);
  const stream = await held.listen();
  await new Promise((resolve) => {
    setTimeout(resolve, 900);
  });
  assertRefused(await idle.post(idle.body('ping')), 404, 1404, 'SESSION_UNKNOWN');
  assert.equal((await held.request('ping')).error, undefined, 'one with an open stream is in use');
  stream.break();
});

test('a client whose name comes with a large icon gets a session that it can use', async () => {
  const icons = [{ src: `data:image/png;base64,${'A'.repeat(30_000)}`, mimeType: 'image/png' }];
  const session = await RawSession.open(port, {
    clientInfo: { name: 'with-icon', version: '1', icons },
  });
  assert.ok(session.id.length < 4096, `an id of ${session.id.length} characters`);
  assert.equal((await session.request('ping')).error, undefined);
});
