import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawLegacy, RawModern } from '../support/access-callers.ts';
import { FIXTURE, freePort, startNode, stop } from '../support/conformance-processes.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { EventReader } from '../support/raw-events.ts';
import { send, type JsonObject } from '../support/raw-http.ts';
import { modernSent } from '../support/raw-clients.ts';

const CALL_TIMEOUT_MS = 500;
/** Longer than a call may take, as people are. */
const THINKING_MS = 3 * CALL_TIMEOUT_MS;
const TOOL = 'test_input_required_result_elicitation';
const TRANSPORTS = ['stdio', 'http', 'sse'];

const portOf = (gateway: TestGateway): number => Number(new URL(gateway.base).port);

/** The legacy fixture over each transport, by its name. */
async function servers(t: TestContext): Promise<Record<string, ServerEntry>> {
  const remote = async (transport: string): Promise<ServerEntry> => {
    const port = await freePort();
    const args = ['--era', 'legacy', '--transport', transport, '--port', String(port)];
    const server = startNode([FIXTURE, ...args]);
    t.after(() => stop(server));
    const url = await eventually(
      'the server listened',
      10_000,
      () => /http:\S+/u.exec(server.output())?.[0],
    );
    return { url, callTimeoutMs: CALL_TIMEOUT_MS };
  };
  return {
    stdio: { ...fixture('legacy'), callTimeoutMs: CALL_TIMEOUT_MS },
    http: await remote('http'),
    sse: await remote('sse'),
  };
}

test('a legacy client may think longer than a call may take: while it is asked the time-out of the call does not run (R15)', async (t) => {
  const gateway = await TestGateway.start(t, { servers: await servers(t) });
  await gateway.whenReady(...TRANSPORTS);
  const client = await RawLegacy.open(portOf(gateway), { capabilities: { elicitation: {} } });
  for (const transport of TRANSPORTS) {
    const body = client.body('tools/call', { name: `${transport}__${TOOL}`, arguments: {} });
    const stream = await EventReader.open(client.port, {
      path: client.path,
      headers: client.headers,
      body,
    });
    const question = await stream.nextMessage(({ method }) => method === 'elicitation/create');
    await sleep(THINKING_MS);
    await client.answer(question.id, { action: 'accept', content: { name: 'Ada' } });
    const answer = await stream.nextMessage(({ id }) => id === body.id);
    assert.match(JSON.stringify(answer.result), /Hello, Ada!/u, transport);
  }
});

test('a modern client may think longer than a call may take: while it is parked the time-out of the call does not run (R3, R15)', async (t) => {
  const gateway = await TestGateway.start(t, { servers: await servers(t) });
  await gateway.whenReady(...TRANSPORTS);
  const client = new RawModern(portOf(gateway), { capabilities: { elicitation: { form: {} } } });
  for (const transport of TRANSPORTS) {
    const params = { name: `${transport}__${TOOL}`, arguments: {} };
    const { result } = await client.request('tools/call', params);
    assert.equal(result?.['resultType'], 'input_required', transport);
    const [key = ''] = Object.keys(result['inputRequests'] as JsonObject);
    await sleep(THINKING_MS);
    const retried = await client.request('tools/call', {
      ...params,
      requestState: result['requestState'],
      inputResponses: { [key]: { action: 'accept', content: { name: 'Ada' } } },
    });
    assert.match(JSON.stringify(retried), /Hello, Ada!/u, transport);
  }
});

interface State {
  readonly logLevel?: string;
  readonly methods: Readonly<Record<string, number | undefined>>;
}

/** A call of a modern client that wants log messages of a level, or none. */
async function callAt(gateway: TestGateway, name: string, level: string | undefined) {
  const key = 'io.modelcontextprotocol/logLevel';
  const meta = level === undefined ? {} : { [key]: level };
  const got = await send(
    portOf(gateway),
    modernSent('tools/call', { name, arguments: {} }, { meta }),
  );
  return got.text;
}

async function stateOf(gateway: TestGateway, server: string): Promise<State> {
  const text = await callAt(gateway, `${server}__fixture_state`, undefined);
  const { result } = JSON.parse(text) as { result: { content: [{ text: string }] } };
  return JSON.parse(result.content[0].text) as State;
}

test('a legacy server is told the level a modern request wants before its call, once, and never a less verbose one for that (R10)', async (t) => {
  const all = await servers(t);
  const gateway = await TestGateway.start(t, { servers: all });
  await gateway.whenReady(...TRANSPORTS);
  for (const server of TRANSPORTS) {
    assert.equal((await stateOf(gateway, server)).logLevel, undefined, 'nobody wants any');
    const tool = `${server}__test_logging_tool`;
    const warned = await callAt(gateway, tool, 'warning');
    assert.doesNotMatch(warned, /notifications\/message/u, 'it sends none above info');
    assert.equal((await stateOf(gateway, server)).logLevel, 'warning', server);
    const told = await callAt(gateway, tool, 'debug');
    assert.match(told, /notifications\/message/u, server);
    for (const level of ['error', 'debug', undefined]) await callAt(gateway, tool, level);
    const { logLevel, methods } = await stateOf(gateway, server);
    assert.deepEqual([logLevel, methods['logging/setLevel']], ['debug', 2], server);
    const silent = await callAt(gateway, tool, undefined);
    assert.doesNotMatch(silent, /notifications\/message/u, 'each request is filtered by its own');
  }
});
