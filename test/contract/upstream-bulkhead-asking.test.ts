import assert from 'node:assert/strict';
import test from 'node:test';
import { RawLegacy, RawModern, type Caller, type Told } from '../support/access-callers.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { reportOf } from '../support/upstream-report.ts';
import { fileScope } from '../support/upstream-shared.ts';

const CAPABILITIES = { elicitation: { form: {} } };
/** One call at once; who finds no place in time is refused. */
const LIMITS = { maxInFlight: 1, queueWaitMs: 20_000 };
const entry: ServerEntry = { ...fixture('legacy'), ...LIMITS };

const gateway = await TestGateway.start(fileScope(), {
  servers: {
    parked: { ...entry, isolation: 'session' },
    asked: { ...entry, isolation: 'session' },
    modern: { ...fixture('modern'), ...LIMITS },
    tasks: entry,
  },
  app: { shutdown: { drainMs: 100 } },
});
await gateway.whenReady('parked', 'asked', 'modern', 'tasks');
const port = Number(new URL(gateway.base).port);

function tool(caller: Caller, server: string, name: string, args = {}): Promise<Told> {
  return caller.request('tools/call', { name: `${server}__${name}`, arguments: args });
}

/** Fails unless the server serves two calls one after the other: none before has kept its place, or gave it back twice. */
async function assertOnePlace(server: string): Promise<void> {
  const modern = new RawModern(port);
  const slow = tool(modern, server, 'fixture_slow', { ms: 700 });
  await whenSent(server, 1);
  let isSlowOver = false;
  const first = slow.then(() => {
    isSlowOver = true;
  });
  await tool(modern, server, 'fixture_echo', { text: 'next' });
  assert.ok(isSlowOver, 'two calls had the one place');
  await first;
}

async function whenSent(server: string, count: number): Promise<void> {
  await eventually(
    `${count} calls were at "${server}"`,
    10_000,
    async () => (await reportOf(gateway, server)).inFlight === count,
    () => reportOf(gateway, server),
  );
}

function answerOf({ result }: Told): { inputResponses: object; requestState: unknown } {
  const { inputRequests, requestState } = result as Record<string, object>;
  const [key = ''] = Object.keys(inputRequests ?? {});
  const inputResponses = { [key]: { action: 'accept', content: { name: 'Ada' } } };
  return { inputResponses, requestState };
}

test('a parked call keeps no place while its client is away, and needs none to go on (R3)', async () => {
  const anne = new RawModern(port, { capabilities: CAPABILITIES });
  const name = 'parked__test_input_required_result_elicitation';
  const parked = await anne.request('tools/call', { name, arguments: {} });
  assert.equal(parked.result?.['resultType'], 'input_required');
  await whenSent('parked', 1);
  const served = await tool(new RawModern(port), 'parked', 'fixture_echo', { text: 'served' });
  assert.match(JSON.stringify(served.result), /served/u);
  const slow = tool(new RawModern(port), 'parked', 'fixture_slow', { ms: 1_000 });
  await whenSent('parked', 2);
  const again = { name, arguments: {}, ...answerOf(parked) };
  const { result } = await anne.request('tools/call', again);
  assert.match(JSON.stringify(result), /Ada/u);
  await slow;
  await assertOnePlace('parked');
});

test('a legacy client that is asked in its call keeps no place from others, also when it gives up (R9)', async () => {
  const anne = await RawLegacy.open(port, { capabilities: CAPABILITIES });
  const asked = tool(anne, 'asked', 'test_input_required_result_elicitation');
  asked.catch(() => undefined);
  await whenSent('asked', 1);
  const served = await tool(new RawModern(port), 'asked', 'fixture_echo', { text: 'served' });
  assert.match(JSON.stringify(served.result), /served/u);
  await fetch(gateway.url, { method: 'DELETE', headers: { 'mcp-session-id': anne.id } });
  await whenSent('asked', 0);
  await assertOnePlace('asked');
});

test('a modern server that asks has answered: its call has left its place', async () => {
  const anne = new RawModern(port, { capabilities: CAPABILITIES });
  const name = 'modern__test_input_required_result_elicitation';
  const first = await anne.request('tools/call', { name, arguments: {} });
  assert.equal(first.result?.['resultType'], 'input_required');
  const served = await tool(new RawModern(port), 'modern', 'fixture_echo', { text: 'served' });
  assert.match(JSON.stringify(served.result), /served/u);
  await assertOnePlace('modern');
});
