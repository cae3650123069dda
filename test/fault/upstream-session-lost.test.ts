import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import { accepting, finalOf, Parker, waitingOf } from '../support/asking-parker.ts';
import { listenFault, sendResult, type HttpAnswer } from '../support/faults-http.ts';
import { eventually } from '../support/raw-eventually.ts';
import { startRaw, type RawGateway } from '../support/raw-gateway.ts';
import type { Got } from '../support/raw-http.ts';

/** A legacy server over HTTP, with streams that can be resumed, that can forget its sessions as a restart makes it do. */
class Forgetful {
  url = '';
  /** How often its tool was begun. */
  runs = 0;
  /** How often it was asked to go on with a stream of a session it does not know. */
  resumed = 0;
  /** What it was answered to its questions. */
  readonly answers: unknown[] = [];
  /** Answers in the stream of a call. */
  asks = true;
  readonly #sessions = new Set<string>();
  readonly #streams: ServerResponse[] = [];
  #made = 0;

  static async listen(t: TestContext): Promise<Forgetful> {
    const server = new Forgetful();
    server.url = (await listenFault(t, server.#answer)).url;
    return server;
  }

  forget(doesBreak = true): void {
    this.#sessions.clear();
    if (doesBreak) for (const stream of this.#streams) stream.destroy();
  }

  readonly #answer: HttpAnswer = (response, { method, headers }, body) => {
    const session = String(headers['mcp-session-id']);
    const isKnown = this.#sessions.has(session);
    if (method === 'GET') {
      const isResumed = headers['last-event-id'] !== undefined;
      if (isResumed && !isKnown) this.resumed += 1;
      response.writeHead(isResumed && !isKnown ? 404 : 405).end();
    } else if (method === 'DELETE') {
      response.writeHead(200).end();
    } else {
      this.#post(response, JSON.parse(body) as Posted, isKnown);
    }
  };

  #post(response: ServerResponse, { id, method, result, error }: Posted, isKnown: boolean): void {
    if (method === 'initialize') {
      const session = `s${(this.#made += 1)}`;
      this.#sessions.add(session);
      response.setHeader('mcp-session-id', session);
      sendResult(response, id, INITIALIZED);
    } else if (!isKnown) {
      response.writeHead(404).end();
    } else if (id === undefined || method === undefined) {
      if (method === undefined) this.answers.push(result ?? error);
      response.writeHead(202).end();
    } else if (method === 'tools/list') {
      sendResult(response, id, { tools: [{ name: 'pay', inputSchema: { type: 'object' } }] });
    } else if (method === 'tools/call') {
      this.#run(response);
    } else {
      sendResult(response, id, undefined);
    }
  }

  #run(response: ServerResponse): void {
    this.runs += 1;
    this.#streams.push(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const sent = this.asks ? QUESTION : { method: 'notifications/message', params: SAID };
    const data = JSON.stringify({ jsonrpc: '2.0', ...sent });
    response.write(`id: e${this.runs}\nretry: 50\ndata: ${data}\n\n`);
  }
}

interface Posted {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, logging: {} },
  serverInfo: { name: 'forgetful', version: '1' },
};
const QUESTION = {
  id: 'q',
  method: 'elicitation/create',
  params: { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } },
};
const SAID = { level: 'info', data: 'begun' };

async function start(t: TestContext, url: string, isolation: string): Promise<RawGateway> {
  const servers = { it: { url, type: 'streamable-http', isolation } };
  const gateway = await startRaw({ servers });
  t.after(() => gateway.stop());
  return gateway;
}

function assertLost(got: Got): void {
  const { error } = finalOf(got);
  assert.deepEqual([error?.code, error?.data?.['refusal']], [1502, 'UPSTREAM_LOST'], got.text);
  assert.match(error?.message ?? '', /may or may not have run/u);
}

for (const isolation of ['session', 'shared']) {
  test(`a call that waits for its client is not sent again when its server loses the session (${isolation}; R3)`, async (t) => {
    const server = await Forgetful.listen(t);
    const { port } = await start(t, server.url, isolation);
    const client = new Parker(port);
    const call = { name: 'it__pay', arguments: {} };
    const waiting = waitingOf('tools/call', call, await client.ask('tools/call', call));
    server.forget();
    await eventually('the stream was to be resumed', () => server.resumed === 1);
    assertLost(await client.retry(waiting, accepting(waiting)));
    assert.equal(server.runs, 1);
    assert.deepEqual(server.answers, [], 'nobody answers what is asked no more');
    const again = await client.ask('tools/call', call);
    assert.equal(finalOf(again).result?.['resultType'], 'input_required', 'in a new session');
    assert.equal(server.runs, 2);
  });
}

test('a call that its server has begun to answer is not sent again when the session is lost; the next one is served at once (R3)', async (t) => {
  const server = await Forgetful.listen(t);
  server.asks = false;
  const { port } = await start(t, server.url, 'shared');
  const client = new Parker(port);
  const call = client.tool('it__pay');
  await eventually('it ran', () => server.runs === 1);
  server.forget();
  assertLost(await call);
  assert.equal(server.runs, 1);
  server.asks = true;
  const next = await client.tool('it__pay');
  assert.equal(finalOf(next).result?.['resultType'], 'input_required', next.text);
  assert.equal(server.runs, 2);
});

test('a call that a server refuses because it does not know the session is sent again, once, in a new session', async (t) => {
  const server = await Forgetful.listen(t);
  const { port } = await start(t, server.url, 'shared');
  const client = new Parker(port);
  server.forget();
  const got = await client.tool('it__pay');
  assert.equal(finalOf(got).result?.['resultType'], 'input_required', got.text);
  assert.equal(server.runs, 1);
});
