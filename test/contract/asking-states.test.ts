import assert from 'node:assert/strict';
import test from 'node:test';
import {
  accepting,
  answersIn,
  assertBadState,
  Parker,
  waitingOf,
} from '../support/asking-parker.ts';
import { askersForFile } from '../support/asking-scene.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { assertRefused, rpcOf, type JsonObject } from '../support/raw-http.ts';

/** What a modern client comes back with while its call waits at a legacy server: which state, which answers, for which call (R3). */

const askers = await askersForFile(['oldhttp', 'oldsse', 'newhttp']);
const { journal } = askers;
const { port } = await gatewayForFile({
  servers: askers.servers,
  app: JSON.stringify({ asks: { maxPerMinute: 10_000 } }),
});
const client = new Parker(port);
const OLD = ['oldhttp', 'oldsse'] as const;

let last = 0;

function tagged(): string {
  last += 1;
  return `state${last}`;
}

/** The call still waits, is answered by the state it has, and ran once. */
async function assertGoesOn(
  waiting: Awaited<ReturnType<Parker['park']>>,
  tag: string,
): Promise<void> {
  assert.deepEqual(journal.running(tag), [tag]);
  assert.equal(answersIn(await client.retry(waiting, accepting(waiting))).length, 1);
  await journal.untilOver(tag, 'ended');
  assert.equal(journal.begun(tag), 1);
}

for (const server of OLD) {
  test(`${server}: keys are named for what is asked, and go on over the rounds`, async () => {
    const tag = tagged();
    const rounds = [['elicitation', 'sampling'], ['roots'], ['elicitation']];
    const first = await client.park(server, { tag, rounds });
    assert.deepEqual(Object.keys(first.inputRequests), ['elicitation_1', 'sampling_2']);
    const got = await client.retry(first, accepting(first));
    const second = waitingOf(first.method, first.params, got);
    assert.deepEqual(Object.keys(second.inputRequests), ['roots_3']);
    assert.notEqual(second.requestState, first.requestState);
    const third = waitingOf(
      first.method,
      first.params,
      await client.retry(second, accepting(second)),
    );
    assert.deepEqual(Object.keys(third.inputRequests), ['elicitation_4']);
    assert.equal(answersIn(await client.retry(third, accepting(third))).length, 3);
    await journal.untilOver(tag, 'ended');
  });

  test(`${server}: a state is used once: during the call and after it, the same state does nothing more`, async () => {
    const tag = tagged();
    const first = await client.park(server, { tag, rounds: [['elicitation'], ['elicitation']] });
    const got = await client.retry(first, accepting(first));
    const second = waitingOf(first.method, first.params, got);
    assertBadState(await client.retry(first, accepting(first)), 'used');
    assert.deepEqual(journal.running(tag), [tag]);
    answersIn(await client.retry(second, accepting(second)));
    for (const waiting of [first, second])
      assertBadState(await client.retry(waiting, accepting(waiting)), 'used');
    await journal.untilOver(tag, 'ended');
    assert.equal(journal.begun(tag), 1);
  });

  test(`${server}: an altered state is refused, and the call waits on`, async () => {
    const tag = tagged();
    const waiting = await client.park(server, { tag });
    const bytes = Buffer.from(waiting.requestState, 'base64url');
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    for (const requestState of [bytes.toString('base64url'), `${waiting.requestState}AA`, '', 7])
      assertBadState(await client.retry(waiting, accepting(waiting), { requestState }), 'foreign');
    await assertGoesOn(waiting, tag);
  });

  test(`${server}: a state with other arguments, another tool or another method is refused, and the call waits on`, async () => {
    const tag = tagged();
    const waiting = await client.park(server, { tag });
    const answers = accepting(waiting);
    const { params, requestState } = waiting;
    for (const changes of [
      { arguments: { tag, more: 1 } },
      { arguments: {} },
      { name: `${server}__test_simple_text` },
      { name: `newhttp__fixture_interview` },
      { extra: true },
    ] as JsonObject[])
      assertBadState(await client.retry(waiting, answers, changes), 'foreign');
    const others = { ...params, requestState, inputResponses: answers };
    assertBadState(await client.ask('prompts/get', others), 'foreign');
    const uri = 'test://interview';
    assertBadState(await client.ask('resources/read', { uri, requestState }), 'foreign');
    await assertGoesOn(waiting, tag);
  });

  test(`${server}: answers that are none are refused, and the call waits on`, async () => {
    const tag = tagged();
    const waiting = await client.park(server, { tag });
    const [key = ''] = Object.keys(waiting.inputRequests);
    for (const answers of ['yes', 7, null, [], [{ action: 'accept' }], true])
      assertRefused(await client.retry(waiting, answers), 400, -32602, 'PARAMS_INVALID');
    for (const answer of ['yes', 7, null, [], false])
      assertRefused(await client.retry(waiting, { [key]: answer }), 400, -32602, 'PARAMS_INVALID');
    await assertGoesOn(waiting, tag);
  });

  test(`${server}: what is not answered is asked again under its key, and answers to nothing are ignored`, async () => {
    const tag = tagged();
    const first = await client.park(server, {
      tag,
      rounds: [['elicitation', 'roots', 'sampling']],
    });
    const all = accepting(first);
    const { elicitation_1: elicitation = {}, roots_2: roots = {}, sampling_3: sampling = {} } = all;
    let waiting = first;
    const steps: readonly (readonly [JsonObject | undefined, readonly string[]])[] = [
      [{}, ['elicitation_1', 'roots_2', 'sampling_3']],
      [undefined, ['elicitation_1', 'roots_2', 'sampling_3']],
      [{ roots_2: roots, nobody_9: { action: 'accept' } }, ['elicitation_1', 'sampling_3']],
      // An answer that was given stays as it was given.
      [{ roots_2: { roots: [{ uri: 'file:///late' }] } }, ['elicitation_1', 'sampling_3']],
      [{ sampling_3: sampling }, ['elicitation_1']],
    ];
    for (const [answers, left] of steps) {
      const got = await client.retry(waiting, answers);
      waiting = waitingOf(first.method, first.params, got);
      assert.deepEqual(Object.keys(waiting.inputRequests), left);
    }
    const got = await client.retry(waiting, { elicitation_1: elicitation, constructor: {} });
    assert.deepEqual(answersIn(got), [[elicitation, roots, sampling]]);
    await journal.untilOver(tag, 'ended');
    assert.equal(journal.begun(tag), 1);
  });

  test(`${server}: answers without a state begin a call anew, and answer nothing in it`, async () => {
    const tag = tagged();
    const waiting = await client.park(server, { tag });
    const params = { ...waiting.params, inputResponses: accepting(waiting) };
    const again = waitingOf('tools/call', waiting.params, await client.ask('tools/call', params));
    await journal.untilBegun(tag, 2);
    assert.deepEqual(Object.keys(again.inputRequests), ['elicitation_1']);
    for (const each of [waiting, again]) answersIn(await client.retry(each, accepting(each)));
    await journal.untilOver(tag, 'ended');
  });

  test(`${server}: a retry may come under any id, that of the first request too`, async () => {
    const tag = tagged();
    const params = { name: `${server}__fixture_interview`, arguments: { tag } };
    const fixed = new Parker(port);
    const first = waitingOf('tools/call', params, await fixed.ask('tools/call', params));
    // Another client object counts its ids from the start again.
    answersIn(await new Parker(port).retry(first, accepting(first)));
    await journal.untilOver(tag, 'ended');
  });
}

test('a modern server gets answers of which some are missing or unknown as they are (R11)', async () => {
  const tag = tagged();
  const first = await client.park('newhttp', { tag, rounds: [['elicitation', 'roots']] });
  const [elicitation = '', roots = ''] = Object.keys(first.inputRequests);
  const some = await client.retry(first, { [roots]: { roots: [] }, other: {} });
  const again = waitingOf(first.method, first.params, some);
  assert.deepEqual(Object.keys(again.inputRequests).toSorted(), [elicitation, roots].toSorted());
  assert.equal(answersIn(await client.retry(again, accepting(again))).length, 1);
  await journal.assertNoOrphan();
});

test('a state of a modern server is refused altered and for other arguments, and none of this reaches it (R11)', async () => {
  const tag = tagged();
  const waiting = await client.park('newhttp', { tag });
  const answers = accepting(waiting);
  assertBadState(
    await client.retry(waiting, answers, { requestState: `${waiting.requestState}AA` }),
    'foreign',
  );
  assertBadState(await client.retry(waiting, answers, { arguments: { tag, more: 1 } }), 'foreign');
  assert.equal(journal.begun(tag), 1);
  answersIn(await client.retry(waiting, answers));
});

test('a prompt and a resource wait and go on as a tool does, and the state of one is nothing to the other', async () => {
  const tag = tagged();
  const prompt = { name: 'oldhttp__fixture_interview', arguments: { tag } };
  const uri = 'test://interview';
  const meta = { 'example.com/interview': { tag: `${tag}r` } };
  const asked = waitingOf('prompts/get', prompt, await client.ask('prompts/get', prompt));
  const read = await client.ask('resources/read', { uri }, meta);
  const reading = waitingOf('resources/read', { uri }, read);
  assertBadState(
    await client.retry(reading, accepting(reading), { requestState: asked.requestState }, meta),
    'foreign',
  );
  const tool = { ...asked, method: 'tools/call' };
  assertBadState(await client.retry(tool, accepting(asked)), 'foreign');
  assert.ok(rpcOf(await client.retry(asked, accepting(asked))).result?.['messages']);
  assert.ok(rpcOf(await client.retry(reading, accepting(reading), {}, meta)).result?.['contents']);
  await journal.assertNoOrphan();
});

test('no call was left running upstream', () => journal.assertNoOrphan());
