import assert from 'node:assert/strict';
import test from 'node:test';
import { modernSent } from '../support/raw-clients.ts';
import { fixtureEntry, gatewayForFile, startRaw } from '../support/raw-gateway.ts';
import { rpcOf, send, type JsonObject, type Rpc } from '../support/raw-http.ts';

/** The state a client carries between the rounds of a call is in the hands of the attacker. */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('modern'), two: fixtureEntry('modern') },
});

const TOOL = 'it__fixture_state_only';

async function ask(
  method: string,
  params: JsonObject,
  at = port,
  headers: Record<string, string> = {},
): Promise<Rpc> {
  return rpcOf(await send(at, modernSent(method, params, { headers })));
}

/** Begins a call that comes back with a state and nothing else. */
async function begin(
  params: JsonObject = { name: TOOL, arguments: {} },
  at = port,
): Promise<string> {
  const { result } = await ask('tools/call', params, at);
  assert.equal(result?.['resultType'], 'input_required');
  return String(result?.['requestState']);
}

async function assertRefusedWith(
  requestState: unknown,
  changes: JsonObject = {},
  method = 'tools/call',
): Promise<void> {
  const { error } = await ask(method, { name: TOOL, arguments: {}, ...changes, requestState });
  assert.deepEqual(
    [error?.code, error?.data?.['refusal']],
    [-32602, 'PARAMS_INVALID'],
    JSON.stringify(changes),
  );
}

test('a state comes back for the call it was made for (R11)', async () => {
  const requestState = await begin();
  const { result } = await ask('tools/call', { name: TOOL, arguments: {}, requestState });
  assert.match(JSON.stringify(result), /came back/u);
});

test('the order of keys in the arguments is nothing that changes a call (R11)', async () => {
  const requestState = await begin({ name: TOOL, arguments: { a: 1, b: { c: 2, d: [3] } } });
  const args = { b: { d: [3], c: 2 }, a: 1 };
  const { error } = await ask('tools/call', { name: TOOL, arguments: args, requestState });
  assert.equal(error, undefined);
});

test('a state with a single bit changed, wherever, is refused (R11)', async () => {
  const bytes = Buffer.from(await begin(), 'base64url');
  for (let at = 0; at < bytes.length; at += 3) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    await assertRefusedWith(changed.toString('base64url'));
  }
});

test('a state cut short, empty, made up or of another type is refused', async () => {
  const state = await begin();
  for (const other of [
    state.slice(0, -2),
    state.slice(2),
    `${state}AA`,
    '',
    'x',
    'null',
    7,
    true,
    {},
    [state],
    '__proto__',
  ]) {
    await assertRefusedWith(other);
  }
});

test('a state of one tool is refused for another tool, and for the same tool of another server', async () => {
  const state = await begin();
  await assertRefusedWith(state, { name: 'it__test_simple_text' });
  await assertRefusedWith(state, { name: 'two__fixture_state_only' });
});

test('a state is refused when anything that is asked differs', async () => {
  const params = { name: TOOL, arguments: { amount: 10, to: 'alice' } };
  const state = await begin(params);
  for (const args of [
    { amount: 11, to: 'alice' },
    { amount: '10', to: 'alice' },
    { amount: 10, to: 'alice', more: 1 },
    { amount: 10 },
    {},
    undefined,
  ]) {
    await assertRefusedWith(state, { arguments: args });
  }
  await assertRefusedWith(state, { ...params, extra: 1 });
});

for (const [what, before, after] of [
  ['changed', '{"__proto__":{"to":"alice"}}', '{"__proto__":{"to":"mallory"}}'],
  ['dropped', '{"__proto__":{"to":"alice"}}', '{}'],
  ['changed deep inside', '{"a":[{"__proto__":1}]}', '{"a":[{"__proto__":2}]}'],
] as const) {
  test(`a state is refused when an argument named __proto__ is ${what}`, async () => {
    const argumentsOf = (text: string): JsonObject => JSON.parse(text) as JsonObject;
    const state = await begin({ name: TOOL, arguments: argumentsOf(before) });
    await assertRefusedWith(state, { arguments: argumentsOf(after) });
  });
}

test('a state of a tool is refused for a prompt and for a resource', async () => {
  const state = await begin();
  const prompt = await ask('prompts/get', {
    name: 'it__test_input_required_result_prompt',
    requestState: state,
  });
  assert.equal(prompt.error?.code, -32602);
  const uri = 'test://input-required';
  const resource = await ask('resources/read', { uri, requestState: state });
  assert.equal(resource.error?.code, -32602);
});

test('a state of one consumer is refused for another, and for nobody', async () => {
  const own = { 'x-lunar-consumer-tag': 'alice' };
  const params = { name: TOOL, arguments: {} };
  const { result } = await ask('tools/call', params, port, own);
  const requestState = result?.['requestState'];
  for (const tag of ['mallory', undefined]) {
    const headers: Record<string, string> =
      tag === undefined ? {} : { 'x-lunar-consumer-tag': tag };
    const { error } = await ask('tools/call', { ...params, requestState }, port, headers);
    assert.deepEqual([error?.code, error?.data?.['refusal']], [-32602, 'PARAMS_INVALID']);
  }
  const { error } = await ask('tools/call', { ...params, requestState }, port, own);
  assert.equal(error, undefined);
});

test('a state cut at any byte is refused, in the words in which an altered, a foreign and a made up one are', async () => {
  const state = await begin();
  const params = { name: TOOL, arguments: {} };
  const said = new Set<string>();
  const foreign = await begin({ name: TOOL, arguments: { other: true } });
  const altered = `${state.slice(0, -1)}${state.endsWith('A') ? 'Q' : 'A'}`;
  const cut = Array.from(state, (_, at) => state.slice(0, at));
  for (const requestState of [...cut, altered, foreign, 'made up', '', 'A'.repeat(100_000)]) {
    const { error } = await ask('tools/call', { ...params, requestState });
    said.add(JSON.stringify(error));
  }
  assert.equal(said.size, 1, [...said].join('\n'));
  assert.match([...said].join(''), /was not made for this call/u);
});

test('a state another gateway made is refused', async (t) => {
  const other = await startRaw({ servers: { it: fixtureEntry('modern') } });
  t.after(() => other.stop());
  await assertRefusedWith(await begin(undefined, other.port));
});

test("the server's own state is readable in none that the client gets", async () => {
  const { result } = await ask('tools/call', {
    name: 'it__test_input_required_result_request_state',
    arguments: {},
  });
  assert.equal(result, undefined, 'it asks for what was not declared');
  const state = await begin();
  const bytes = Buffer.from(state, 'base64url').toString('latin1');
  assert.ok(!bytes.includes('again') && !bytes.includes('fixture'));
});
