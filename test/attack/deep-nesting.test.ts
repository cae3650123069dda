import assert from 'node:assert/strict';
import test from 'node:test';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { fixtureEntry, gatewayForFile } from '../support/raw-gateway.ts';
import { send, type Got, type Sent } from '../support/raw-http.ts';

/** JSON a hundred thousand levels deep ends whatever walks it by recursion; the gateway must answer and live on. */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
});

const LEVELS = 100_000;
const LISTS = `${'['.repeat(LEVELS)}${']'.repeat(LEVELS)}`;
const OBJECTS = `${'{"a":'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`;

const session = await RawSession.open(port);
const MARK = '"here"';

async function assertAlive(): Promise<void> {
  assert.equal((await session.request('ping')).error, undefined);
  assert.equal((await session.call('it__test_simple_text')).error, undefined);
}

/** A body in which a mark is replaced by text that nothing here could stringify. */
function withDeep(sent: Sent, deep: string): Sent {
  return { ...sent, body: JSON.stringify(sent.body).replace(MARK, deep) };
}

function assertAnswered(got: Got): void {
  assert.ok(
    got.status < 600 && got.text.length > 0 && got.text.length < LEVELS,
    got.text.slice(0, 300),
  );
  assert.match(got.text, /"error"|"result"/u);
  assert.doesNotMatch(got.text, /"INTERNAL"/u, 'what a client sends is no failure of the gateway');
}

for (const [what, deep] of [
  ['lists', LISTS],
  ['objects', OBJECTS],
] as const) {
  test(`${LEVELS} ${what} within one another as a body are no message`, async () => {
    assertAnswered(await send(port, { body: deep }));
    await assertAlive();
  });

  test(`${what} so deep in the arguments of a call, in either era, are answered`, async () => {
    const legacy = session.body('tools/call', {
      name: 'it__fixture_state',
      arguments: { x: 'here' },
    });
    const got = await send(port, withDeep({ headers: session.headers, body: legacy }, deep));
    assertAnswered(got);
    const modern = modernSent('tools/call', {
      name: 'new__fixture_state',
      arguments: { x: 'here' },
    });
    assertAnswered(await send(port, withDeep(modern, deep)));
    await assertAlive();
  });

  test(`${what} so deep in what initialize says of the client are answered`, async () => {
    for (const key of ['capabilities', 'clientInfo']) {
      const params = { protocolVersion: '2025-11-25', capabilities: {}, [key]: { x: 'here' } };
      const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
      assertAnswered(await send(port, withDeep({ body }, deep)));
    }
    await assertAlive();
  });

  test(`${what} so deep as an id, in _meta, as a cursor, as an answer and in a notification do no harm`, async () => {
    const bodies = [
      { jsonrpc: '2.0', id: 'here', method: 'ping' },
      session.body('tools/list', { cursor: 'here' }),
      session.body('tools/list', { _meta: 'here' }),
      session.body('tools/call', { name: 'here' }),
      session.body('completion/complete', { ref: 'here' }),
    ];
    for (const body of bodies)
      assertAnswered(await send(port, withDeep({ headers: session.headers, body }, deep)));
    for (const body of [
      { jsonrpc: '2.0', id: 'mcpx-1', result: { x: 'here' } },
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'here' } },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'here' } },
    ]) {
      const got = await send(port, withDeep({ headers: session.headers, body }, deep));
      if (got.status !== 202) assertAnswered(got);
    }
    await assertAlive();
  });

  test(`${what} so deep beside a requestState or in a listen filter are answered`, async () => {
    const params = { name: 'new__fixture_state_only', arguments: { x: 'here' }, requestState: 'x' };
    assertAnswered(await send(port, withDeep(modernSent('tools/call', params), deep)));
    const wish = { notifications: { resourceSubscriptions: 'here', toolsListChanged: 'x' } };
    const sent = modernSent('subscriptions/listen', { ...wish, notifications: 'here' });
    if (what === 'lists') assertAnswered(await send(port, withDeep(sent, deep)));
    await assertAlive();
  });
}

test('what could not be sent is not left open: the same ids may be used again and the gateway ends in time', async () => {
  const legacy = {
    ...session.body('tools/call', { name: 'it__fixture_state', arguments: { x: 'here' } }),
    id: 'again',
  };
  for (let round = 0; round < 3; round += 1) {
    const got = await send(port, withDeep({ headers: session.headers, body: legacy }, OBJECTS));
    assert.doesNotMatch(got.text, /DUPLICATE_ID/u);
  }
  await assertAlive();
});
