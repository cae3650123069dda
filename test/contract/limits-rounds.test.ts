import assert from 'node:assert/strict';
import test from 'node:test';
import type { CountReport } from '../../src/kernel/limit-report.ts';
import { answersTo, askable } from '../support/ledger-rounds.ts';
import { assertLimited, limitedForTest } from '../support/limits-gateway.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';

/** Limits of calls that wait at a legacy server for their modern client. */

const ASKING = 'old__test_input_required_result_multi_round';
const ACCEPTED = { action: 'accept', content: { name: 'Ada', color: 'green' } };
const RULE = {
  id: 'waiting',
  tools: ['old/test_input_required_result_multi_round', 'old/fixture_echo'],
  rate: { calls: 2, per: '1d' },
  concurrency: 1,
  budget: { window: 'day', calls: 2 },
};

test('a call that waits for its client is charged once over all its rounds, and holds no concurrency meanwhile (R3)', async (t) => {
  const gateway = await limitedForTest(t, {
    rules: [RULE],
    servers: { old: fixtureEntry('legacy') },
  });
  const { port } = gateway;
  const counted = async (): Promise<CountReport> => {
    const [top] = (await gateway.limit('waiting')).top;
    return top ?? assert.fail('nothing was counted');
  };
  const call = { name: ASKING, arguments: {} };
  const first = await askable(port, call);
  const firstAnswers = answersTo(first, ACCEPTED);
  const waiting = await counted();
  assert.deepEqual([waiting.inFlight, waiting.budget?.calls?.used], [0, 1]);
  const other = await askable(port, { name: 'old__fixture_echo', arguments: {} });
  assert.equal(other.result?.['resultType'], 'complete', 'though only one call may be in flight');
  const second = await askable(port, { ...call, ...firstAnswers });
  const third = await askable(port, { ...call, ...answersTo(second, ACCEPTED) });
  assert.equal(third.result?.['resultType'], 'complete', JSON.stringify(third));
  assert.deepEqual((await counted()).budget?.calls?.used, 2, 'though nothing was left for another');
  const { inputResponses } = firstAnswers;
  assertLimited((await askable(port, { ...call, inputResponses })).error, 'waiting');
  const forged = await askable(port, { ...call, inputResponses, requestState: 'made up' });
  assert.equal(forged.error?.code, -32_602);
  assert.deepEqual((await counted()).budget?.calls?.used, 2);
});

test('what a forged retry cannot do to the call of another: each state is good for its own call alone (R3)', async (t) => {
  const gateway = await limitedForTest(t, {
    rules: [{ ...RULE, concurrency: 5, rate: { calls: 9, per: '1d' } }],
    servers: { old: fixtureEntry('legacy') },
  });
  const { port } = gateway;
  const call = { name: ASKING, arguments: {} };
  const first = await askable(port, call);
  const answers = answersTo(first, ACCEPTED);
  // Without the state that names a call this is a call of its own: it must not use up what the other's retry is free by.
  const pretended = await askable(port, { ...call, inputResponses: answers['inputResponses'] });
  assert.equal(pretended.result?.['resultType'], 'input_required', 'a new call, asked anew');
  assertLimited((await askable(port, call)).error, 'waiting');
  const second = await askable(port, { ...call, ...answers });
  assert.equal(second.result?.['resultType'], 'input_required', JSON.stringify(second.error));
});
