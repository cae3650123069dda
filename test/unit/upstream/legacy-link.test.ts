import assert from 'node:assert/strict';
import test, { mock, type TestContext } from 'node:test';
import { eventually } from '../../support/raw-eventually.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { Cancelled } from '../../../src/kernel/answer.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { SessionLost } from '../../../src/upstream/unanswered.ts';
import { callOf, ownerOf, ScriptedServer, type Put } from '../../support/upstream-link.ts';

const TIMEOUT_MS = 1000;

/** Time that passes only when the test says so. */
function stopClock(t: TestContext): { pass(ms: number): Promise<void> } {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  return {
    pass: async (ms) => {
      await turn();
      mock.timers.tick(ms);
      await turn();
    },
  };
}

/** What came of a call so far. */
function followed(call: Promise<unknown>): { outcome: object | string } {
  const seen: { outcome: object | string } = { outcome: 'none yet' };
  void call.then((outcome) => (seen.outcome = outcome as object));
  return seen;
}

function codeOf({ outcome }: { readonly outcome: object | string }): unknown {
  return outcome instanceof Refusal ? outcome.code : outcome;
}

function putTo(puts: readonly Put[], index = 0): Put {
  const put = puts[index];
  if (put === undefined) throw new Error(`question ${index} did not reach the client`);
  return put;
}

for (const era of ['legacy', 'modern'] as const) {
  test(`while a ${era} client is asked its call does not time out; afterwards the time-out starts anew, whole`, async (t) => {
    const server = await ScriptedServer.open({}, { callTimeoutMs: TIMEOUT_MS });
    const { pass } = stopClock(t);
    const exchange = callOf({ era });
    const seen = followed(server.call(exchange));
    await pass(TIMEOUT_MS - 1);
    server.asks('q');
    await pass(100 * TIMEOUT_MS);
    assert.equal(seen.outcome, 'none yet');
    putTo(exchange.put).answer({ action: 'accept' });
    await pass(TIMEOUT_MS - 1);
    assert.equal(seen.outcome, 'none yet');
    await pass(1);
    assert.equal(codeOf(seen), 'UPSTREAM_TIMEOUT');
  });
}

test('the time-out of a call waits for the last of several questions, and progress meanwhile does not start it', async (t) => {
  const server = await ScriptedServer.open({}, { callTimeoutMs: TIMEOUT_MS });
  const { pass } = stopClock(t);
  const exchange = callOf();
  const seen = followed(server.call(exchange, { _meta: { progressToken: 'p' } }));
  server.asks('one');
  server.asks('two');
  await pass(0);
  putTo(exchange.put, 0).answer({});
  await pass(0);
  const [{ id }] = server.sent('tools/call') as unknown as [{ id: number }];
  server.says({ method: 'notifications/progress', params: { progressToken: id, progress: 1 } });
  await pass(2 * TIMEOUT_MS);
  assert.equal(seen.outcome, 'none yet');
  server.says({ method: 'notifications/cancelled', params: { requestId: 'two' } });
  await pass(TIMEOUT_MS);
  assert.equal(codeOf(seen), 'UPSTREAM_TIMEOUT');
});

test('where the stream of a question says which call it is of, the time-out of all other calls runs on', async (t) => {
  const server = await ScriptedServer.open({}, { callTimeoutMs: TIMEOUT_MS });
  const { pass } = stopClock(t);
  const seen = followed(server.call(callOf()));
  const others = [callOf(), callOf({ key: 'bert' })].map((each) => followed(server.call(each)));
  const [first] = server.sent('tools/call') as unknown as [{ id: number }];
  server.link.wireEvents.onMessage(
    { jsonrpc: '2.0', id: 'q', method: 'roots/list', params: {} },
    first.id,
  );
  await pass(TIMEOUT_MS);
  assert.equal(seen.outcome, 'none yet');
  assert.deepEqual(
    others.map((other) => codeOf(other)),
    ['UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT'],
  );
});

test('where nothing says which call of its client a question is about, none of them times out meanwhile', async (t) => {
  const server = await ScriptedServer.open({}, { callTimeoutMs: TIMEOUT_MS });
  const { pass } = stopClock(t);
  const seen = [callOf(), callOf()].map((exchange) => followed(server.call(exchange)));
  server.asks('q');
  await pass(2 * TIMEOUT_MS);
  assert.deepEqual(
    seen.map(({ outcome }) => outcome),
    ['none yet', 'none yet'],
  );
});

test('a call that waits for its client alone is told apart from one that does more', async () => {
  const server = await ScriptedServer.open({}, {}, ownerOf('anne'));
  const exchange = callOf({ key: 'anne' });
  assert.equal(server.link.askingSince, undefined, 'no call');
  void server.call(exchange);
  assert.equal(server.link.askingSince, undefined, 'no question');
  const before = performance.now();
  server.asks('q');
  const since = server.link.askingSince;
  assert.ok(since !== undefined && since >= before && since <= performance.now());
  void server.call(callOf({ key: 'anne' }));
  assert.equal(server.link.askingSince, undefined, 'another call');
  server.answers();
  assert.equal(server.link.askingSince, since);
  putTo(exchange.put).answer({});
  await turn();
  assert.equal(server.link.askingSince, undefined, 'answered');
});

test('a server that asks a modern client for what it did not declare is told so, and the call ends at the client and at the server (R16)', async () => {
  const server = await ScriptedServer.open({}, {});
  const exchange = callOf({ era: 'modern', capabilities: { sampling: {} } });
  const call = server.call(exchange);
  server.asks('q');
  assert.ok((await call) instanceof Cancelled);
  assert.deepEqual(exchange.lacked, [{ elicitation: {} }]);
  assert.deepEqual(exchange.put, [], 'the client was not asked');
  const last = (): JsonObject => server.got.at(-1) as unknown as JsonObject;
  assert.equal(
    last()['method'],
    'notifications/cancelled',
    'it is told of the end of the call first',
  );
  await eventually('the question is answered', () => last()['error'] !== undefined);
  assert.equal((last()['error'] as JsonObject)['code'], -32601);
});

test('a call does not end because a server that clients share asks for roots, which it may do outside of calls (R9, R16)', async () => {
  const server = await ScriptedServer.open();
  const exchange = callOf({ era: 'modern', capabilities: { sampling: {} } });
  const call = server.call(exchange);
  server.asks('q', 'roots/list');
  const [{ error }] = server.answered() as unknown as [{ error: { code: number } }];
  assert.equal(error.code, -32601);
  server.answers({ fine: true });
  assert.deepEqual(await call, { result: { fine: true } });
  const own = await ScriptedServer.open({}, {}, exchange.owner);
  const other = callOf({ era: 'modern', capabilities: { sampling: {} } });
  void own.call(other);
  own.asks('q', 'roots/list');
  assert.deepEqual(other.lacked, [{ roots: {} }], 'on a link of its own it is surely asked of it');
});

test('a server that asks a legacy client for what it did not declare is told so, and its call goes on (R16)', async () => {
  const server = await ScriptedServer.open({}, {});
  const call = server.call(callOf({ capabilities: {} }));
  server.asks('q');
  const [{ error }] = server.answered() as unknown as [{ error: { code: number } }];
  assert.equal(error.code, -32601);
  server.answers({ fine: true });
  assert.deepEqual(await call, { result: { fine: true } });
});

test('a legacy server is not sent the answers and the state that only modern ones know', async () => {
  const server = await ScriptedServer.open();
  const args = { requestState: 'an argument of that name' };
  void server.call(callOf(), {
    name: 'any',
    arguments: args,
    inputResponses: { one: {} },
    requestState: 's',
  });
  void server.call(callOf(), { name: 'any', arguments: args, requestState: 's' });
  void server.call(callOf(), { name: 'any', arguments: args });
  const sent = server.sent('tools/call').map((message) => (message as { params: object }).params);
  assert.deepEqual(
    sent,
    [1, 2, 3].map(() => ({ name: 'any', arguments: args })),
  );
});

test('what goes to an extension of a server goes as it came', async () => {
  const server = await ScriptedServer.open();
  const params = { requestState: 's', inputResponses: { one: {} } };
  void server.call(callOf(), params, 'extension');
  const [sent] = server.sent('tools/call') as unknown as [{ params: JsonObject }];
  assert.deepEqual(sent.params, params);
});

test('a server that asks over a link that declared nothing is told so, also where it is not known whom it means (R9)', async () => {
  const server = await ScriptedServer.open({}, { declared: {} });
  for (const key of ['anne', 'bert']) void server.call(callOf({ key, capabilities: {} }));
  server.asks('q', 'roots/list');
  const known = await ScriptedServer.open();
  for (const key of ['anne', 'bert']) void known.call(callOf({ key }));
  known.asks('q', 'roots/list');
  const codes = [server, known].map((each) => (each.answered()[0] as { error: object }).error);
  assert.deepEqual(
    codes.map((error) => (error as { code: number }).code),
    [-32601, 1510],
  );
});

test('a question that is answered after the link has gone reaches nobody and breaks nothing', async () => {
  const server = await ScriptedServer.open({}, { callTimeoutMs: TIMEOUT_MS });
  const exchange = callOf();
  const call = server.call(exchange);
  server.asks('q');
  assert.equal(server.link.kept, 2, 'the question and its client');
  server.breaks();
  assert.ok(((await call) as Refusal).code === 'UPSTREAM_LOST');
  const { answer, takenBack } = putTo(exchange.put);
  assert.match(takenBack() ?? '', /gone/u);
  answer({ late: true });
  await turn();
  assert.deepEqual(server.answered(), []);
  assert.deepEqual(leftOf(server), NOTHING);
});

test('a question that its server takes back is closed, and its call goes on', async () => {
  const server = await ScriptedServer.open();
  const exchange = callOf({ era: 'modern' });
  const call = server.call(exchange);
  server.asks('q');
  server.says({ method: 'notifications/cancelled', params: { requestId: 'q' } });
  server.says({ method: 'notifications/cancelled', params: {} });
  server.says({ method: 'notifications/cancelled' });
  await turn();
  assert.match(putTo(exchange.put).takenBack() ?? '', /withdrawn/u);
  putTo(exchange.put).answer({ late: true });
  server.answers({ fine: true });
  assert.deepEqual(await call, { result: { fine: true } });
  assert.deepEqual(server.answered(), []);
  assert.deepEqual(leftOf(server), NOTHING);
});

test('whatever ends first, link, call or question, nothing is left of any of them', async () => {
  const ends: ((server: ScriptedServer, exchange: ReturnType<typeof callOf>) => unknown)[] = [
    (server) => server.link.close('stopped'),
    (server) => server.breaks(),
    (server) => server.answers(),
    (_server, exchange) => exchange.cancellation.cancel('the client is gone'),
    (_server, exchange) => putTo(exchange.put).answer({}),
    (server) => server.says({ method: 'notifications/cancelled', params: { requestId: 'q' } }),
    (server) => {
      const [{ id }] = server.sent('tools/call') as unknown as [{ id: number }];
      server.link.wireEvents.onFailure(id, { kind: 'broken', message: 'broke off' });
    },
  ];
  const pairs = ends.flatMap((first) => ends.map((second) => [first, second] as const));
  for (const [first, second] of pairs)
    for (const era of ['legacy', 'modern'] as const) {
      const server = await ScriptedServer.open({}, { callTimeoutMs: 60_000 });
      const exchange = callOf({ era });
      const call = server.call(exchange);
      server.asks('q');
      for (const end of [first, second]) {
        await end(server, exchange);
        await turn();
      }
      putTo(exchange.put).answer({});
      await server.link.close('over');
      await Promise.all([call, turn()]);
      assert.deepEqual(leftOf(server), NOTHING, `${String(first)} ${String(second)}`);
    }
});

test('a server that gives an id twice has its first question taken back, and the second answered', async () => {
  const server = await ScriptedServer.open();
  const exchange = callOf({ era: 'modern' });
  const call = server.call(exchange);
  server.asks('q');
  server.asks('q');
  await turn();
  assert.ok(putTo(exchange.put, 0).takenBack() !== undefined);
  putTo(exchange.put, 1).answer({ second: true });
  await turn();
  assert.deepEqual(server.answered(), [{ jsonrpc: '2.0', id: 'q', result: { second: true } }]);
  server.answers();
  await call;
  assert.deepEqual(leftOf(server), NOTHING);
});

test('whom a question by URL was for is kept for a session until the link ends, and for a modern exchange while it lasts', async () => {
  for (const [era, left] of [
    ['legacy', 2],
    ['modern', 0],
  ] as const) {
    const server = await ScriptedServer.open();
    const exchange = callOf({ era });
    const call = server.call(exchange);
    const params = { mode: 'url', message: 'Go', url: 'https://a.example/', elicitationId: 'e' };
    server.says({ id: 'q', method: 'elicitation/create', params });
    await turn();
    putTo(exchange.put).answer({ action: 'accept' });
    server.answers();
    await Promise.all([call, turn()]);
    assert.equal(server.link.kept, left, era);
    await server.link.close('over');
    assert.equal(server.link.kept, 0, era);
  }
});

test('the level a link is told is raised for whoever wants more, and only then (R10)', async () => {
  const server = await ScriptedServer.open({ logging: {} });
  server.react = () => ({});
  await server.link.raiseLevel('warning', 100);
  await server.link.raiseLevel('error', 100);
  await server.link.raiseLevel('warning', 100);
  await server.link.raiseLevel('debug', 100);
  await server.link.raiseLevel('no-level', 100);
  await server.link.setLevel('error', 100);
  await server.link.raiseLevel('info', 100);
  assert.deepEqual(levelsOf(server), ['warning', 'debug', 'error', 'info']);
});

test('a server without logging is told no level, and one that refuses it or stays silent keeps nobody (R10)', async () => {
  const without = await ScriptedServer.open({});
  await without.link.raiseLevel('debug', 100);
  await without.link.setLevel('debug', 100);
  assert.deepEqual(levelsOf(without), []);

  const silent = await ScriptedServer.open({ logging: {} });
  await silent.link.raiseLevel('debug', 20);
  await silent.link.raiseLevel('debug', 20);
  assert.deepEqual(levelsOf(silent), ['debug'], 'it is not told again and again');

  const broken = await ScriptedServer.open({ logging: {} });
  broken.breaks();
  await broken.link.raiseLevel('debug', 20);
});

test('who comes while the level is being told waits for that too (R10)', async () => {
  const server = await ScriptedServer.open({ logging: {} });
  const order: string[] = [];
  const raised = [1, 2].map((each) =>
    server.link.raiseLevel('debug', 1000).then(() => order.push(`raised ${each}`)),
  );
  await turn();
  assert.deepEqual(order, []);
  const [{ id }] = server.sent('logging/setLevel') as unknown as [{ id: number }];
  server.says({ id, result: {} });
  await Promise.all(raised);
  assert.deepEqual(order, ['raised 1', 'raised 2']);
});

function levelsOf(server: ScriptedServer): unknown[] {
  return server
    .sent('logging/setLevel')
    .map((message) => (message as { params?: JsonObject }).params?.['level']);
}

const NOTHING = { calls: 0, kept: 0, asking: undefined };

function leftOf({ link }: ScriptedServer): object {
  return { calls: link.inFlight, kept: link.kept, asking: link.askingSince };
}

test('a call whose server has lost the session ends according to whether it had reached it, and is asked no more (R3)', async () => {
  const lost = { kind: 'session-lost', message: 'has forgotten the session' } as const;
  for (const isBegun of [true, false]) {
    const server = await ScriptedServer.open({}, {}, ownerOf('anne'));
    const [asked, other] = [callOf({ era: 'modern', key: 'anne' }), callOf({ key: 'anne' })];
    const calls = [server.call(asked), server.call(other)];
    const [first, second] = server.sent('tools/call') as unknown as { id: number }[];
    assert.ok(first && second);
    const question = { jsonrpc: '2.0', id: 'q', method: 'roots/list', params: {} } as const;
    server.link.wireEvents.onMessage(question, first.id);
    server.link.wireEvents.onFailure(first.id, { ...lost, isBegun });
    const outcome = (await calls[0]) as Refusal;
    assert.equal(outcome instanceof SessionLost, !isBegun, 'sent again only if it did not run');
    if (isBegun) {
      assert.equal(outcome.code, 'UPSTREAM_LOST');
      assert.match(outcome.message, /forgotten the session; the call may or may not have run/u);
    }
    assert.match(putTo(asked.put).takenBack() ?? '', /lost/u);
    assert.equal(server.link.isOpen, false, 'nothing is sent over it any more');
    server.link.wireEvents.onFailure(second.id, lost);
    assert.ok((await calls[1]) instanceof SessionLost);
  }
});

test('where clients share a link on which none can be asked, the late question for one ends no call of another (R16)', async () => {
  const server = await ScriptedServer.open({}, { declared: {} });
  const exchange = callOf({ era: 'modern', capabilities: {} });
  const call = server.call(exchange);
  server.asks('q');
  await turn();
  assert.deepEqual(exchange.lacked, []);
  const [{ error }] = server.answered() as unknown as [{ error: { code: number } }];
  assert.equal(error.code, -32601);
  server.answers({ fine: true });
  assert.deepEqual(await call, { result: { fine: true } });
});

test('a given-up call that its server answers after all leaves no doubt about what is asked next (R9)', async () => {
  const server = await ScriptedServer.open();
  const anne = callOf({ key: 'anne' });
  const given = server.call(anne);
  anne.cancellation.cancel('enough');
  assert.ok((await given) instanceof Cancelled);
  // She has left since.
  Object.assign(anne.owner, { hasLeft: true });
  const bert = callOf({ key: 'bert' });
  void server.call(bert);
  server.asks('early');
  assert.deepEqual(bert.put, [], 'it may be asked for Anne');
  const [{ id }] = server.sent('tools/call') as unknown as [{ id: number }];
  server.says({ id, result: {} });
  server.asks('now');
  await turn();
  assert.equal(bert.put.length, 1);
});

test('where clients share a link on which none can be asked, the call that fails with what its server was told ends with -32021 (R16)', async () => {
  for (const [code, lacked] of [
    [-32601, [{ elicitation: {} }]],
    [-32000, []],
  ] as const)
    for (const count of [1, 2]) {
      const server = await ScriptedServer.open({}, { declared: {} });
      const exchanges = Array.from({ length: count }, (_, nth) =>
        callOf({ era: 'modern', key: `client ${nth}`, capabilities: {} }),
      );
      const calls = exchanges.map((exchange) => server.call(exchange));
      server.asks('q');
      const [{ id }] = server.sent('tools/call') as unknown as [{ id: number }];
      server.says({ id, error: { code, message: 'no' } });
      await calls[0];
      assert.deepEqual(exchanges[0]?.lacked, lacked);
      if (count === 2) server.answers({ fine: true });
      await Promise.all(calls);
      assert.deepEqual(exchanges[1]?.lacked ?? [], [], 'the other one needed nothing');
      await turn();
      assert.equal(server.link.kept, 0);
    }
});
