import assert from 'node:assert/strict';
import test from 'node:test';
import { accepting, answersIn, Parker, waitingOf, type Waiting } from '../support/asking-parker.ts';
import { askersForFile } from '../support/asking-scene.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { send, type Got, type JsonObject } from '../support/raw-http.ts';

/** What a client answers is bounded, matched by nothing but its keys, and does nothing to the gateway (R3). */

const MAX_BODY = 300_000;
const askers = await askersForFile(['oldhttp']);
const { journal } = askers;
const gateway = await attackedForFile({
  servers: { ...askers.servers, it: fixtureEntry('modern') },
  app: { asks: { maxPerMinute: 100_000 }, server: { maxBodyBytes: MAX_BODY } },
});
const { port } = gateway;
const client = new Parker(port, { headers: { [KEY_HEADER]: SHARED_KEY } });

let last = 0;

function tagged(): string {
  last += 1;
  return `answer${last}`;
}

/** A retry whose answers are JSON text as it is, with what no object of ours could hold. */
function retryText({ method, params, requestState }: Waiting, answers: string): Promise<Got> {
  const mark = 'ANSWERS-GO-HERE';
  const sent = client.sent(method, { ...params, requestState, inputResponses: mark });
  const body = JSON.stringify(sent.body).replace(`"${mark}"`, () => answers);
  return send(port, { ...sent, body });
}

async function assertWaitsOn(waiting: Waiting, tag: string): Promise<void> {
  assert.deepEqual(journal.running(tag), [tag]);
  assert.equal(answersIn(await client.retry(waiting, accepting(waiting))).length, 1);
  await journal.untilOver(tag, 'ended');
  assert.equal(journal.begun(tag), 1);
}

test('answers larger than server.maxBodyBytes are refused, and the call waits on; smaller ones reach the server whole', async () => {
  const [tag, big] = [tagged(), tagged()];
  const waiting = await client.park('oldhttp', { tag });
  const huge = accepting(waiting, { answer: 'x'.repeat(MAX_BODY) });
  const got = await client.retry(waiting, huge).catch((failure: unknown) => String(failure));
  // The connection may be closed before all is written.
  if (typeof got !== 'string') assert.equal(got.status, 413, got.text);
  await assertWaitsOn(waiting, tag);
  const other = await client.park('oldhttp', { tag: big });
  const content = { answer: 'y'.repeat(MAX_BODY - 10_000) };
  const [[answer] = []] = answersIn(await client.retry(other, accepting(other, content)));
  assert.deepEqual(answer?.['content'], content);
});

test('answers nested deeper than any parser likes do no harm, and the call waits on or is answered by them', async () => {
  for (const depth of [50, 1_000, 20_000, 100_000]) {
    const tag = tagged();
    const waiting = await client.park('oldhttp', { tag });
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    const text = `{"elicitation_1":{"action":"accept","content":{"answer":${nested}}}}`;
    const got = await retryText(waiting, text);
    if (got.status === 200) answersIn(got);
    else {
      assert.equal(got.status, 400, got.text);
      await assertWaitsOn(waiting, tag);
    }
    await journal.untilOver(tag, 'ended');
  }
  await assertServes(gateway);
});

const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''];

test('answers under the names of what every object has are ignored, and are nothing that is asked', async () => {
  const tag = tagged();
  let waiting = await client.park('oldhttp', { tag });
  for (const key of PROTOTYPE_KEYS) {
    const text = `{${JSON.stringify(key)}:{"action":"accept","content":{"polluted":"yes"}}}`;
    const got = await retryText(waiting, text);
    waiting = waitingOf(waiting.method, waiting.params, got);
    assert.deepEqual(Object.keys(waiting.inputRequests), ['elicitation_1']);
    assert.ok(!got.text.includes('polluted'), got.text);
  }
  await assertWaitsOn(waiting, tag);
});

test('an answer that holds such names reaches the server as it is, and nothing else changes', async () => {
  const tag = tagged();
  const waiting = await client.park('oldhttp', { tag });
  const value = '{"action":"accept","content":{"__proto__":{"polluted":1},"constructor":{"x":1}}}';
  const got = await retryText(waiting, `{"elicitation_1":${value},"__proto__":{}}`);
  assert.ok(got.text.includes('"constructor":{"x":1}'), got.text);
  const next = await client.park('oldhttp', { tag: tagged() });
  assert.ok(!JSON.stringify(next.inputRequests).includes('polluted'));
  answersIn(await client.retry(next, accepting(next)));
});

test('thousands of keys are thousands of nothing', async () => {
  const tag = tagged();
  const first = await client.park('oldhttp', { tag });
  const many: JsonObject = {};
  for (let count = 2; count < 5_000; count += 1)
    many[`elicitation_${count}`] = { action: 'accept' };
  const got = await client.retry(first, many);
  const waiting = waitingOf(first.method, first.params, got);
  assert.deepEqual(Object.keys(waiting.inputRequests), ['elicitation_1']);
  await assertWaitsOn(waiting, tag);
});

test('keys of an earlier round, of a later one and of another call answer nothing', async () => {
  const [tag, other] = [tagged(), tagged()];
  const rounds = [['elicitation', 'roots'], ['sampling'], ['elicitation']];
  const first = await client.park('oldhttp', { tag, rounds });
  const apart = await client.park('oldhttp', { tag: other, rounds: [['elicitation', 'sampling']] });
  // Of this call sampling_2 is asked, of the first one roots_2.
  const foreign = accepting(apart);
  const early = { ...foreign, sampling_3: { role: 'assistant', content: {} }, elicitation_4: {} };
  delete (early as JsonObject)['elicitation_1'];
  const again = waitingOf(first.method, first.params, await client.retry(first, early));
  assert.deepEqual(Object.keys(again.inputRequests), ['elicitation_1', 'roots_2']);
  const got = await client.retry(again, accepting(again));
  const second = waitingOf(first.method, first.params, got);
  const stale = await client.retry(second, { ...accepting(first), elicitation_4: { action: 'x' } });
  const still = waitingOf(first.method, first.params, stale);
  assert.deepEqual(Object.keys(still.inputRequests), ['sampling_3']);
  const third = waitingOf(first.method, first.params, await client.retry(still, accepting(still)));
  const content = { answer: 'the right one' };
  const answers = answersIn(await client.retry(third, accepting(third, content)));
  assert.deepEqual(answers[2]?.[0]?.['content'], content);
  answersIn(await client.retry(apart, accepting(apart)));
});

test('a hundred answers to a hundred calls at once reach a hundred calls', async () => {
  const calls = Array.from({ length: 100 }, async (_, number) => {
    const tag = tagged();
    const waiting = await client.park('oldhttp', { tag });
    const content = { answer: `for ${number}` };
    const [[answer] = []] = answersIn(await client.retry(waiting, accepting(waiting, content)));
    assert.deepEqual(answer?.['content'], content);
  });
  await Promise.all(calls);
});

test('after all of this nothing runs on, and the gateway serves as before', async () => {
  await journal.assertNoOrphan();
  await assertServes(gateway);
});
