import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import {
  assertRefused,
  partOf,
  send,
  type Got,
  type JsonObject,
  type Rpc,
} from '../support/raw-http.ts';

/** HTTP+SSE, the transport of 2024-11-05: one stream for all that comes, one URL for all that is sent. */

const { port } = await gatewayForFile({ app: 'sse:\n  keepAliveMs: 200\n' });

/** Five times the second within which changes are to be told (docs/rules.md R24). */
const TOLD_MS = 5_000;

/** A client of HTTP+SSE that sends exactly what it is told. */
class SseClient {
  readonly stream: EventReader;
  readonly path: string;
  readonly #port: number;
  #lastId = 0;

  private constructor(at: number, stream: EventReader, path: string) {
    this.#port = at;
    this.stream = stream;
    this.path = path;
  }

  static async open(t: TestContext, at = port): Promise<SseClient> {
    const stream = await EventReader.open(at, { method: 'GET', path: '/sse' });
    t.after(() => stream.break());
    const { data = '' } = await stream.next(({ event }) => event === 'endpoint');
    return new SseClient(at, stream, data);
  }

  static async ready(t: TestContext, capabilities: JsonObject = {}): Promise<SseClient> {
    const client = await SseClient.open(t);
    const clientInfo = { name: 'sse-raw', version: '1' };
    const params = { protocolVersion: '2024-11-05', capabilities, clientInfo };
    const { result } = await client.request('initialize', params);
    assert.equal(result?.['protocolVersion'], '2024-11-05');
    await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return client;
  }

  post(body: unknown): Promise<Got> {
    return send(this.#port, { path: this.path, body });
  }

  /** Sends a request, which is taken with 202, and returns its id. */
  async begin(method: string, params: JsonObject = {}): Promise<number> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { status } = await this.post({ jsonrpc: '2.0', id, method, params });
    assert.equal(status, 202);
    return id;
  }

  async request(method: string, params: JsonObject = {}): Promise<Rpc> {
    const wanted = await this.begin(method, params);
    return this.stream.nextMessage(({ id, method }) => id === wanted && method === undefined);
  }

  async state(): Promise<JsonObject> {
    const { result } = await this.request('tools/call', { name: 'it__fixture_state' });
    return result?.['structuredContent'] as JsonObject;
  }
}

test('the first event names the URL to send to, which nobody can guess', async (t) => {
  const [one, other] = [await SseClient.open(t), await SseClient.open(t)];
  for (const { path } of [one, other]) assert.match(path, /^\/messages\?sessionId=[\w-]{16,}$/u);
  assert.notEqual(one.path, other.path);
  const { headers } = one.stream.response;
  assert.match(String(headers['content-type']), /^text\/event-stream/u);
  assert.equal(headers['x-accel-buffering'], 'no');
});

test('a client lists, calls, reads and gets over the stream', async (t) => {
  const client = await SseClient.ready(t);
  const listed = await client.request('tools/list');
  assert.ok(partOf<unknown[]>(listed, 'tools').length > 10);
  const called = await client.request('tools/call', { name: 'it__test_simple_text' });
  assert.match(JSON.stringify(called.result), /simple text response/u);
  const read = await client.request('resources/read', { uri: 'test://static-text' });
  assert.match(JSON.stringify(read.result), /static text resource/u);
  const unknown = await client.request('resources/read', { uri: 'none://at-all' });
  assert.equal(unknown.error?.code, -32002);
});

test('a changed list is told on the stream in time', async (t) => {
  const client = await SseClient.ready(t);
  const startedAt = performance.now();
  await client.request('tools/call', {
    name: 'it__fixture_add_tool',
    arguments: { name: 'for_sse' },
  });
  await client.stream.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
  assert.ok(performance.now() - startedAt < TOLD_MS);
});

test('progress, log messages and questions of the server arrive before the answer of their call', async (t) => {
  const client = await SseClient.ready(t, { elicitation: {} });
  await client.request('tools/call', {
    name: 'it__fixture_slow',
    arguments: { ms: 60, progressEveryMs: 20 },
    _meta: { progressToken: 'p' },
  });
  const progress = client.stream.messages.filter(
    ({ method }) => method === 'notifications/progress',
  );
  assert.deepEqual(
    progress.map(({ params }) => params?.['progress']),
    [20, 40, 60],
  );
  const params = { name: 'it__test_elicitation', arguments: { message: 'Who?' } };
  const wanted = await client.begin('tools/call', params);
  const asked = await client.stream.nextMessage(({ method }) => method === 'elicitation/create');
  await client.post({ jsonrpc: '2.0', id: asked.id, result: { action: 'decline' } });
  const answer = await client.stream.nextMessage(
    ({ id, result }) => id === wanted && result !== undefined,
  );
  assert.match(JSON.stringify(answer), /action: decline/u);
});

test('a changed list of a server that has asked a client is told to clients that cannot be asked too (R9)', async (t) => {
  const asking = await SseClient.ready(t, { elicitation: {} });
  const params = { name: 'it__test_elicitation', arguments: { message: 'Who?' } };
  const wanted = await asking.begin('tools/call', params);
  const asked = await asking.stream.nextMessage(({ method }) => method === 'elicitation/create');
  await asking.post({ jsonrpc: '2.0', id: asked.id, result: { action: 'decline' } });
  await asking.stream.nextMessage(({ id, result }) => id === wanted && result !== undefined);
  const client = await SseClient.ready(t);
  const added = { name: 'it__fixture_add_tool', arguments: { name: 'for_mute' } };
  await client.request('tools/call', added);
  await client.stream.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
  assert.match(JSON.stringify(await client.request('tools/list')), /"it__for_mute"/u);
});

test('a cancelled call is not answered, and its server is told (R1)', async (t) => {
  const client = await SseClient.ready(t);
  const before = Number((await client.state())['cancelled']);
  const params = { name: 'it__fixture_slow', arguments: { ms: 60_000 } };
  const requestId = await client.begin('tools/call', params);
  await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
  await eventually(
    'the server knows',
    async () => (await client.state())['cancelled'] === before + 1,
  );
  assert.ok(client.stream.messages.every(({ id }) => id !== requestId));
});

test('a client whose stream breaks is gone: its calls are cancelled and its URL is unknown', async (t) => {
  const [witness, client] = [await SseClient.ready(t), await SseClient.ready(t)];
  const before = Number((await witness.state())['cancelled']);
  await client.begin('tools/call', { name: 'it__fixture_slow', arguments: { ms: 60_000 } });
  client.stream.break();
  await eventually(
    'the server knows',
    async () => (await witness.state())['cancelled'] === before + 1,
  );
  assertRefused(
    await client.post({ jsonrpc: '2.0', id: 9, method: 'ping' }),
    404,
    1404,
    'SESSION_UNKNOWN',
  );
});

test('a post without or with an unknown sessionId is refused', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  for (const path of ['/messages', '/messages?other=1']) {
    assertRefused(await send(port, { path, body }), 400, -32600, 'SESSION_REQUIRED');
  }
  for (const path of [
    '/messages?sessionId=',
    '/messages?sessionId=none',
    '/messages?sessionId=__proto__',
  ]) {
    assertRefused(await send(port, { path, body }), 404, 1404, 'SESSION_UNKNOWN');
  }
});

test('what is no message is told as an error, and the client goes on', async (t) => {
  const client = await SseClient.ready(t);
  for (const body of ['{"jsonrpc":', { id: 1 }, [{ jsonrpc: '2.0', id: 1, method: 'ping' }]]) {
    const before = client.stream.messages.length;
    const got = await client.post(body);
    if (got.status >= 400) continue;
    await eventually('it is told', () => client.stream.messages.length > before);
    assert.ok(client.stream.messages.at(-1)?.error !== undefined);
  }
  assert.deepEqual((await client.request('ping')).result, {});
});

test('a request before initialize is refused on the stream, and one that comes twice too', async (t) => {
  const client = await SseClient.open(t);
  const early = await client.request('tools/list');
  assert.equal(early.error?.data?.['refusal'], 'SESSION_UNINITIALIZED');
  const ready = await SseClient.ready(t);
  const params = { protocolVersion: '2024-11-05', capabilities: {} };
  const again = await ready.request('initialize', params);
  assert.equal(again.error?.data?.['refusal'], 'DUPLICATE_INITIALIZE');
});

test('an id that is still being answered is refused on the stream', async (t) => {
  const client = await SseClient.ready(t);
  const params = { name: 'it__fixture_slow', arguments: { ms: 300 } };
  const wanted = await client.begin('tools/call', params);
  await client.post({ jsonrpc: '2.0', id: wanted, method: 'ping' });
  const refused = await client.stream.nextMessage(
    ({ id, error }) => id === wanted && error !== undefined,
  );
  assert.equal(refused.error?.data?.['refusal'], 'DUPLICATE_ID');
  await client.stream.nextMessage(({ id, result }) => id === wanted && result !== undefined);
});

test('the stream is kept alive by comments', async (t) => {
  const client = await SseClient.open(t);
  await client.stream.next(({ comment }) => comment !== undefined);
});

test('a modern request on this transport is a modern request: the body decides (R8)', async (t) => {
  const client = await SseClient.open(t);
  const { body } = modernSent(
    'tools/call',
    { name: 'it__test_simple_text', arguments: {} },
    { id: 'm' },
  );
  assert.equal((await client.post(body)).status, 202);
  const { result } = await client.stream.nextMessage(({ id }) => id === 'm');
  assert.equal(result?.['resultType'], 'complete');
});

test('when the gateway is told to end, streams end and do not delay it', async (t) => {
  const gateway = await startRaw();
  const client = await SseClient.open(t, gateway.port);
  const tookMs = await gateway.stop();
  await client.stream.ended;
  assert.ok(tookMs < 5000, `it took ${tookMs} ms`);
});
