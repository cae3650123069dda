import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import {
  accepting,
  answersIn,
  assertBadState,
  finalOf,
  Parker,
  waitingOf,
  type Waiting,
} from '../support/asking-parker.ts';
import { askersForFile } from '../support/asking-scene.ts';
import { ROOT } from '../support/conformance-processes.ts';
import { Peer } from '../support/fidelity-peer.ts';
import { allOf } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { rpcOf, type JsonObject, type Rpc } from '../support/raw-http.ts';

/** How calls of modern clients at legacy servers end other than by their answers, and that nothing of them runs on upstream (R3, R16). */

const SERVERS = ['oldio', 'oldhttp', 'oldsse'] as const;
const askers = await askersForFile(SERVERS);
const { journal } = askers;
const app = {
  asks: { maxPerMinute: 10_000 },
  parking: { timeoutMs: 30_000 },
  // An answer that takes long to come, as of a server being started, is not yet a stream here.
  sse: { afterMs: 15_000 },
};
const gateway = await gatewayForFile({ servers: askers.servers, app: JSON.stringify(app) });
const hasty = await gatewayForFile({
  servers: askers.servers,
  app: JSON.stringify({ ...app, parking: { timeoutMs: 400 } }),
});
const client = new Parker(gateway.port);

let last = 0;

function tagged(): string {
  last += 1;
  return `end${last}`;
}

const LEVEL = 'io.modelcontextprotocol/logLevel';

function of(messages: readonly Rpc[], method: string): JsonObject[] {
  return messages.filter((message) => message.method === method).map(({ params = {} }) => params);
}

for (const server of SERVERS) {
  test(`${server}: a client that never comes back has its call given up after parking.timeoutMs, and its state has expired`, async () => {
    const tag = tagged();
    const late = new Parker(hasty.port);
    const waiting = await late.park(server, { tag });
    await journal.untilOver(tag, 'given-up');
    assertBadState(await late.retry(waiting, accepting(waiting)), 'expired');
    assert.equal(journal.begun(tag), 1);
  });

  test(`${server}: a client that closes the stream of its first request has the call cancelled`, async () => {
    const tag = tagged();
    const args = { tag, rounds: [[]], waitMs: 60_000, talkative: true };
    const params = { name: `${server}__fixture_interview`, arguments: args };
    const stream = await client.stream('tools/call', params, { progressToken: 'first' });
    await journal.untilBegun(tag);
    stream.break();
    await journal.untilOver(tag, 'given-up');
  });

  test(`${server}: a client that closes the stream of a retry has the call cancelled, and nothing to go on with`, async () => {
    const tag = tagged();
    const waiting = await client.park(server, { tag, waitMs: 60_000, talkative: true });
    const stream = await client.retryStream(waiting, accepting(waiting), { [LEVEL]: 'info' });
    stream.break();
    await journal.untilOver(tag, 'given-up');
    assertBadState(await client.retry(waiting, accepting(waiting)), 'used');
    assert.equal(journal.begun(tag), 1);
  });

  test(`${server}: a question that is withdrawn is asked no more, and what the server asks instead is`, async () => {
    const tag = tagged();
    const first = await client.park(server, {
      tag,
      rounds: [['elicitation'], ['sampling']],
      patienceMs: 1_000,
      onSilence: 'withdraw',
    });
    // The other question is there once the first is not.
    let second = first;
    await eventually('the first question is withdrawn', async () => {
      second = waitingOf(first.method, first.params, await client.retry(second, {}));
      return !('elicitation_1' in second.inputRequests);
    });
    assert.deepEqual(Object.keys(second.inputRequests), ['sampling_2']);
    // The server is out of patience with this one, too.
    await journal.untilOver(tag, 'ended');
    const [[late = {}] = []] = answersIn(await client.retry(second, accepting(second)));
    assert.equal(late['action'], undefined);
    assert.equal(journal.begun(tag), 1);
  });

  test(`${server}: a result that comes while the call waits is kept for the retry`, async () => {
    const tag = tagged();
    const waiting = await client.park(server, { tag, patienceMs: 100, onSilence: 'leave' });
    await journal.untilOver(tag, 'ended');
    const answers = answersIn(await client.retry(waiting, accepting(waiting)));
    assert.deepEqual(answers, [[{ silence: true }]]);
    assertBadState(await client.retry(waiting, accepting(waiting)), 'used');
    assert.equal(journal.begun(tag), 1);
  });

  test(`${server}: progress and log messages come on the stream of the retry, under its own token and level, those sent meanwhile first`, async () => {
    const tag = tagged();
    const wish = { tag, rounds: [['elicitation']], talkative: true, chatter: 3 };
    const got = await client.interview(server, wish, { progressToken: 'one', [LEVEL]: 'debug' });
    const before = allOf(got);
    assert.deepEqual(
      of(before, 'notifications/progress').map(({ progressToken }) => progressToken),
      of(before, 'notifications/progress').map(() => 'one'),
    );
    assert.ok(of(before, 'notifications/progress').length >= 1, got.text);
    const params = { name: `${server}__fixture_interview`, arguments: wish };
    const waiting = waitingOf('tools/call', params, got);
    const meta = { progressToken: 'two', [LEVEL]: 'info' };
    const done = await client.retry(waiting, accepting(waiting), {}, meta);
    const after = allOf(done);
    const progress = of(after, 'notifications/progress');
    assert.deepEqual(new Set(progress.map(({ progressToken }) => progressToken)), new Set(['two']));
    const values = progress.map(({ progress: value }) => value);
    assert.equal(values.at(-1), 2, 'the last is that of the answer');
    const logs = [...of(before, 'notifications/message'), ...of(after, 'notifications/message')];
    assert.deepEqual(
      logs.map(({ data }) => data),
      [`${tag}/0`, ...[0, 1, 2].map((nth) => `${tag}/chatter/${nth}`), `${tag}/1`],
    );
    answersIn(done);
  });

  test(`${server}: a retry that wants neither progress nor log messages gets none`, async () => {
    const tag = tagged();
    const wish = { tag, rounds: [['elicitation']], talkative: true, chatter: 2 };
    const got = await client.interview(server, wish, { progressToken: 'one', [LEVEL]: 'debug' });
    const params = { name: `${server}__fixture_interview`, arguments: wish };
    const waiting = waitingOf('tools/call', params, got);
    const done = await client.retry(waiting, accepting(waiting));
    assert.equal(allOf(done).length, 1, done.text);
    answersIn(done);
  });

  for (const [kind, capabilities, required] of [
    ['sampling', { elicitation: {} }, { sampling: {} }],
    ['roots', { elicitation: {} }, { roots: {} }],
    ['elicitation', { sampling: {} }, { elicitation: {} }],
    ['url', { elicitation: { form: {} } }, { elicitation: { url: {} } }],
  ] as const) {
    test(`${server}: a question the client did not declare (${kind}) ends the call with -32021 and HTTP 400 (R16)`, async () => {
      const tag = tagged();
      const poor = new Parker(gateway.port, { capabilities });
      const got = await poor.interview(server, { tag, rounds: [[kind]] });
      const { error } = rpcOf(got);
      assert.deepEqual([got.status, error?.code], [400, -32021], got.text);
      assertRequired(error?.data, required);
      await journal.untilOver(tag, 'given-up');
    });
  }

  test(`${server}: where something was sent before, the error comes in the stream (R16)`, async () => {
    const tag = tagged();
    const poor = new Parker(gateway.port, { capabilities: {} });
    const wish = { tag, rounds: [['sampling']], talkative: true };
    const got = await poor.interview(server, wish, { progressToken: 1 });
    assert.match(got.headers['content-type'] ?? '', /^text\/event-stream/u);
    assert.deepEqual([got.status, finalOf(got).error?.code], [200, -32021], got.text);
    await journal.untilOver(tag, 'given-up');
  });

  test(`${server}: what was not declared is not asked in a later round either (R16)`, async () => {
    const tag = tagged();
    const poor = new Parker(gateway.port, { capabilities: { elicitation: {} } });
    const waiting = await poor.park(server, { tag, rounds: [['elicitation'], ['sampling']] });
    const got = await poor.retry(waiting, accepting(waiting));
    assert.deepEqual([got.status, rpcOf(got).error?.code], [400, -32021], got.text);
    await journal.untilOver(tag, 'given-up');
    assertBadState(await poor.retry(waiting, accepting(waiting)), 'used');
  });
}

/** Each capability named is asked for, form elicitation in either way of writing it. */
function assertRequired(data: JsonObject | undefined, required: JsonObject): void {
  const named = data?.['requiredCapabilities'] as JsonObject | undefined;
  assert.deepEqual(Object.keys(named ?? {}), Object.keys(required), JSON.stringify(data));
  const { url } = (required['elicitation'] ?? {}) as JsonObject;
  const { url: namedUrl } = (named?.['elicitation'] ?? {}) as JsonObject;
  assert.deepEqual(namedUrl, url, JSON.stringify(data));
}

test('that a state has expired is told to its own caller alone', async () => {
  const [ann, bob] = ['ann', 'bob'].map(
    (tag) => new Parker(hasty.port, { headers: { 'x-lunar-consumer-tag': tag } }),
  );
  assert.ok(ann && bob);
  const tag = tagged();
  const waiting = await ann.park('oldhttp', { tag });
  await journal.untilOver(tag, 'given-up');
  assertBadState(await bob.retry(waiting, accepting(waiting)), 'foreign');
  const { requestState } = waiting;
  const changed = await ann.retry(waiting, {}, { requestState, arguments: { tag, more: 1 } });
  assertBadState(changed, 'foreign');
  assertBadState(await ann.retry(waiting, accepting(waiting)), 'expired');
});

test('-32042 of a legacy server asks a modern client to open the URLs, and its retry sends the call again', async () => {
  const tag = tagged();
  const params = { name: 'oldhttp__fixture_connect', arguments: { tag } };
  const waiting = waitingOf('tools/call', params, await client.ask('tools/call', params));
  const asked = Object.values(waiting.inputRequests);
  assert.deepEqual(
    asked.map(({ method, params: { mode, url } = {} }) => [method, mode, url]),
    [0, 1].map((index) => [
      'elicitation/create',
      'url',
      `https://example.com/${encodeURIComponent(`${tag}/0/${index}`)}`,
    ]),
  );
  assert.match(String(asked[0]?.params?.['message']), /^\[oldhttp\] /u);
  const done = await client.retry(waiting, accepting(waiting));
  assert.deepEqual(finalOf(done).result?.['structuredContent'], { tag, connected: true });
  assert.deepEqual(journal.stagesOf(tag), ['began', 'failed', 'began', 'ended']);
});

for (const action of ['decline', 'cancel'])
  test(`-32042 with a URL answered by ${action} is INPUT_DECLINED, and the call is not sent again`, async () => {
    const tag = tagged();
    const params = { name: 'oldhttp__fixture_connect', arguments: { tag } };
    const waiting = waitingOf('tools/call', params, await client.ask('tools/call', params));
    const [first = '', second = ''] = Object.keys(waiting.inputRequests);
    const answers = { [first]: { action: 'accept' }, [second]: { action } };
    const { error } = rpcOf(await client.retry(waiting, answers));
    assert.deepEqual([error?.code, error?.data?.['refusal']], [1511, 'INPUT_DECLINED']);
    assert.equal(journal.begun(tag), 1);
  });

test('-32042 for a modern client that opens no URLs is -32021 (R16)', async () => {
  const tag = tagged();
  const poor = new Parker(gateway.port, { capabilities: { elicitation: { form: {} } } });
  const got = await poor.tool('oldhttp__fixture_connect', { tag });
  const { error } = rpcOf(got);
  assert.deepEqual([got.status, error?.code], [400, -32021], got.text);
  assertRequired(error?.data, { elicitation: { url: {} } });
});

test('a call that its caller may no longer make is refused at the retry, and cancelled upstream', async (t) => {
  const configure = async (more: object): Promise<void> =>
    writeFile(join(gateway.folder, 'app.yaml'), JSON.stringify({ ...app, ...more }));
  t.after(() => configure({}));
  const rule = { effect: 'deny', tools: ['oldhttp/fixture_interview', 'oldhttp/fixture_echo'] };
  const refusal = async (wish: JsonObject): Promise<unknown> =>
    finalOf(await client.tool('oldhttp__fixture_echo', wish)).error?.data?.['refusal'];
  const [forbidden, hidden] = [`no-${tagged()}`, tagged()];
  const [first, second] = [
    await client.park('oldhttp', { tag: forbidden }),
    await client.park('oldhttp', { tag: hidden }),
  ];
  await configure({ rules: [{ ...rule, id: 'some', when: "args.tag.startsWith('no-')" }] });
  await eventually('the rule holds', async () => (await refusal({ tag: 'no-' })) === 'FORBIDDEN');
  const denied = rpcOf(await client.retry(first, accepting(first)));
  assert.equal(denied.error?.data?.['refusal'], 'FORBIDDEN', JSON.stringify(denied));
  await journal.untilOver(forbidden, 'given-up');
  assert.deepEqual(journal.running(hidden), [hidden]);
  await configure({ rules: [{ ...rule, id: 'all' }] });
  await eventually('the tools are hidden', async () => (await refusal({})) === 'TARGET_UNKNOWN');
  const unknown = rpcOf(await client.retry(second, accepting(second)));
  assert.equal(unknown.error?.data?.['refusal'], 'TARGET_UNKNOWN', JSON.stringify(unknown));
  await journal.untilOver(hidden, 'given-up');
  await configure({});
  await eventually('the rule is gone', async () => (await refusal({})) === undefined);
  for (const waiting of [first, second])
    assertBadState(await client.retry(waiting, accepting(waiting)), 'used');
});

test('a modern client on stdio that ends while its calls wait leaves none of them behind', async (t) => {
  const { folder } = gateway;
  const env = {
    ENABLE_METRICS: 'false',
    SERVERS_CONFIG_PATH: `${folder}/mcp.json`,
    APP_CONFIG_PATH: `${folder}/app.yaml`,
    MCPX_DATA_DIR: `${folder}/data-stdio`,
  };
  const args = [`${ROOT}bin/mcpx.js`, 'stdio'];
  const peer = await Peer.open(
    { kind: 'stdio', args, env, graceMs: 15_000 },
    { era: 'modern', version: '2026-07-28', capabilities: { elicitation: {} } },
  );
  t.after(() => peer.close());
  const [left, cancelled] = [tagged(), tagged()];
  for (const server of SERVERS) {
    const got = await peer.call(`${server}__fixture_interview`, { tag: `${left}${server}` });
    assert.equal(got['resultType'], 'input_required', JSON.stringify(got));
  }
  const params = {
    name: 'oldhttp__fixture_interview',
    arguments: { tag: cancelled, waitMs: 60_000 },
  };
  const { requestState, inputRequests } = await peer.result('tools/call', params);
  const inputResponses = accepting({ inputRequests } as Waiting);
  const begun = peer.begin('tools/call', { ...params, requestState, inputResponses });
  begun.response.catch(() => undefined);
  await peer.cancel(begun);
  await journal.untilOver(cancelled, 'given-up');
  await peer.close();
  for (const server of SERVERS) await journal.untilOver(`${left}${server}`, 'given-up');
});

test('no call was left running upstream', () => journal.assertNoOrphan());
