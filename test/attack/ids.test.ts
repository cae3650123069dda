import assert from 'node:assert/strict';
import test from 'node:test';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, gatewayForFile } from '../support/raw-gateway.ts';
import { assertRefused, rpcOf, send, type Got } from '../support/raw-http.ts';

/** Ids come back exactly as they went in, or the message is refused: never another id, never a crash. */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
});
const session = await RawSession.open(port);

/** Sends a ping whose id is this JSON text. */
function ping(id: string): Promise<Got> {
  return session.post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
}

for (const id of [
  '0',
  '-1',
  '9007199254740991',
  '""',
  '"x"',
  '"🙂"',
  '"a\\nb\\u0000c"',
  '"1"',
  '"__proto__"',
]) {
  test(`the id ${JSON.stringify(id)} comes back as it is`, async () => {
    const got = await ping(id);
    assert.equal(got.status, 200);
    assert.deepEqual(rpcOf(got).id, JSON.parse(id));
    const called = await session.post(
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"it__test_simple_text"}}`,
    );
    assert.deepEqual(rpcOf(called).id, JSON.parse(id));
    const sent = modernSent(
      'tools/call',
      { name: 'new__test_simple_text' },
      { id: JSON.parse(id) },
    );
    const modern = await send(port, sent);
    if (id !== '""') assert.deepEqual(rpcOf(modern).id, JSON.parse(id));
  });
}

for (const id of ['null', 'true', '{}', '[]', '[1]', '{"a":1}']) {
  test(`the id ${id} is refused: the message is none`, async () => {
    assertRefused(await ping(id), 400, -32600, 'MALFORMED_MESSAGE');
  });
}

for (const id of ['1.5', '9007199254740993', '-9007199254740993', '1e400']) {
  test(`the number ${id}, which is no whole number JSON can carry safely, is refused or comes back unchanged`, async () => {
    const got = await ping(id);
    if (got.status === 400) assertRefused(got, 400, -32600, 'MALFORMED_MESSAGE');
    else assert.ok(got.text.includes(`"id":${id},`), `answered ${got.text}`);
  });
}

test('an id of a million characters comes back whole, and takes no part in errors', async () => {
  const id = 'x'.repeat(1_000_000);
  const { id: echoed } = rpcOf(await ping(JSON.stringify(id)));
  assert.equal(echoed, id);
  const slow = { name: 'it__fixture_slow', arguments: { ms: 2000 } };
  const first = session.post({ jsonrpc: '2.0', id, method: 'tools/call', params: slow });
  let refused: Got | undefined;
  // Whichever comes first: a request of a megabyte takes its time to arrive.
  await eventually('the id is in use', async () => {
    refused = await session.post({ jsonrpc: '2.0', id, method: 'ping' });
    return refused.text.includes('DUPLICATE_ID');
  });
  assert.ok(refused !== undefined);
  assert.ok((rpcOf(refused).error?.message ?? '').length < 2000);
  await first;
});

test('a progress token is kept apart from the ids the gateway gives, whatever it looks like', async () => {
  for (const progressToken of [1000, '1000', 1001, 'x'.repeat(10_000), 0]) {
    const params = {
      name: 'it__fixture_slow',
      arguments: { ms: 40, progressEveryMs: 20 },
      _meta: { progressToken },
    };
    const stream = await session.stream(session.body('tools/call', params));
    await stream.ended;
    const tokens = stream.messages.flatMap(({ params }) => params?.['progressToken'] ?? []);
    assert.deepEqual(tokens, [progressToken, progressToken]);
  }
});

test('a server question cannot be answered by another session that guesses its id', async () => {
  const victim = await RawSession.open(port, { capabilities: { elicitation: {} } });
  const thief = await RawSession.open(port, { capabilities: { elicitation: {} } });
  const body = victim.body('tools/call', {
    name: 'it__test_elicitation',
    arguments: { message: 'x' },
  });
  const stream = await victim.stream(body);
  const asked = await stream.nextMessage(({ method }) => method === 'elicitation/create');
  const answerWith = (name: string) => ({
    jsonrpc: '2.0',
    id: asked.id,
    result: { action: 'accept', content: { username: name, email: 'x@example.com' } },
  });
  assert.equal((await thief.post(answerWith('mallory'))).status, 202);
  await victim.post(answerWith('alice'));
  const answer = await stream.nextMessage(({ id }) => id === body.id);
  assert.match(JSON.stringify(answer), /alice/u);
  assert.doesNotMatch(JSON.stringify(answer), /mallory/u);
});
