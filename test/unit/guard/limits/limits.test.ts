import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '../../../../src/kernel/refusals.ts';
import {
  budget,
  caller,
  DAY,
  HOUR,
  limit,
  LimitScene,
  MINUTE,
  NOON,
  SECOND,
  target,
} from './scene.ts';

const ANNA = caller('anna');
const BERT = caller('bert');

test('without limits nothing is admitted, counted or kept', (t) => {
  const scene = new LimitScene(t, []);
  assert.equal(scene.call(ANNA), undefined);
  assert.deepEqual(scene.limits.report(10), []);
});

test('a rate lets a burst through, then as many calls as its time brings, and says how long to wait', (t) => {
  const rate = { calls: 10, perMs: MINUTE, burst: 3 };
  const scene = new LimitScene(t, [limit('gentle', { rate })]);
  assert.equal(scene.run(ANNA, 10), 3);
  const refused = scene.call(ANNA);
  assert.ok(refused instanceof Refusal);
  assert.equal(refused.code, 'LIMITED');
  assert.deepEqual(refused.data, { limit: 'gentle', retryAfterMs: 6 * SECOND });
  assert.equal(
    refused.message,
    'The limit "gentle" of 10 calls in 1 minute is reached. Try again in 6 seconds.',
  );
  scene.pass(6 * SECOND - 1);
  assert.equal(scene.run(ANNA, 1), 0);
  scene.pass(1);
  assert.equal(scene.run(ANNA, 10), 1);
  scene.pass(HOUR);
  assert.equal(scene.run(ANNA, 10), 3);
});

test('a rate does not ask the clock of the wall, however that is set', (t) => {
  const scene = new LimitScene(t, [limit('r', { rate: { calls: 1, perMs: MINUTE, burst: 1 } })]);
  assert.equal(scene.run(ANNA, 2), 1);
  for (const jump of [DAY, -2 * DAY]) {
    scene.now += jump;
    assert.equal(scene.run(ANNA, 1), 0);
  }
  scene.monotonic += MINUTE;
  assert.equal(scene.run(ANNA, 2), 1);
});

test('concurrency counts calls that have begun and not ended, each once however often it is released', (t) => {
  const scene = new LimitScene(t, [limit('two', { concurrency: 2 })]);
  const [one, two] = [scene.call(ANNA), scene.call(ANNA)];
  assert.ok(one !== undefined && !(one instanceof Refusal));
  assert.ok(two !== undefined && !(two instanceof Refusal));
  const refused = scene.call(ANNA);
  assert.ok(refused instanceof Refusal);
  assert.equal(refused.data?.['retryAfterMs'], SECOND, 'nothing is known of how long calls take');
  assert.match(refused.message, /of 2 calls at once is reached\. Try again in about 1 second\.$/u);
  scene.pass(4 * SECOND);
  one.release();
  one.release();
  const third = scene.call(ANNA);
  assert.ok(third !== undefined && !(third instanceof Refusal));
  const again = scene.call(ANNA);
  assert.ok(again instanceof Refusal, 'the second release freed nothing');
  assert.equal(again.data?.['retryAfterMs'], 2 * SECOND, 'half of what a call took');
});

test('a budget of calls lasts until its window ends, by the clock of the wall', (t) => {
  const scene = new LimitScene(t, [limit('day', { budget: budget({ calls: 2 }) })]);
  assert.equal(scene.run(ANNA, 5), 2);
  const refused = scene.call(ANNA);
  assert.ok(refused instanceof Refusal);
  assert.deepEqual(refused.data, { limit: 'day', retryAfterMs: 12 * HOUR });
  assert.equal(
    refused.message,
    'The limit "day" of 2 calls a day is reached. Try again in 12 hours.',
  );
  scene.now += 12 * HOUR - 1;
  assert.equal(scene.run(ANNA, 1), 0);
  scene.now += 1;
  assert.equal(scene.run(ANNA, 5), 2);
});

test('tokens and cost are charged when a call is settled, once, and refuse from then on; calls in flight may go beyond (R23)', (t) => {
  const limits = [
    limit('tokens', { servers: ['files'], budget: budget({ tokens: 100 }) }),
    limit('cost', { servers: ['web'], budget: budget({ window: 'month', cost: 0.5 }) }),
  ];
  const scene = new LimitScene(t, limits);
  const web = { target: target('web/get') };
  assert.equal(scene.run(ANNA, 1, { id: 'a' }), 1);
  scene.settle('a', { tokens: 99, cost: 3 });
  scene.settle('a', { tokens: 99, cost: 3 });
  scene.settle('never admitted', { tokens: 1e9 });
  assert.equal(scene.run(ANNA, 1, { id: 'b' }), 1);
  assert.equal(scene.run(ANNA, 1, { id: 'c' }), 1);
  scene.settle('b', { tokens: 1 });
  assert.equal(scene.once(ANNA), 'tokens');
  assert.equal(scene.once(ANNA, { ...web, id: 'd' }), undefined);
  scene.settle('d', { tokens: 1e9, cost: 0.499 });
  assert.equal(scene.once(ANNA, { ...web, id: 'e' }), undefined);
  scene.settle('e', { cost: 0.001 });
  assert.equal(scene.once(ANNA, web), 'cost');
  scene.now = Date.UTC(2026, 11, 1) - 1;
  assert.equal(scene.once(ANNA, web), 'cost');
  scene.now += 1;
  assert.equal(scene.once(ANNA, web), undefined);
});

test('calls are checked for concurrency, then rates, then budgets; a refused one counts nowhere', (t) => {
  const scene = new LimitScene(t, [
    limit('budget', { budget: budget({ calls: 3 }) }),
    limit('rate', { rate: { calls: 1, perMs: SECOND, burst: 2 } }),
    limit('flight', { concurrency: 1 }),
  ]);
  const first = scene.call(ANNA);
  assert.ok(first !== undefined && !(first instanceof Refusal));
  for (let time = 0; time < 5; time += 1) assert.equal(scene.once(ANNA), 'flight');
  first.release();
  assert.equal(scene.once(ANNA), undefined, 'the refused ones took nothing of the rate');
  for (let time = 0; time < 5; time += 1) assert.equal(scene.once(ANNA), 'rate');
  scene.pass(10 * SECOND);
  assert.equal(scene.once(ANNA), undefined, 'nor of the budget');
  assert.equal(scene.once(ANNA), 'budget');
  scene.pass(10 * SECOND);
  for (let time = 0; time < 3; time += 1) assert.equal(scene.once(ANNA), 'budget');
  scene.pass(DAY);
  assert.equal(scene.run(ANNA, 5), 2, 'and what budgets refused took nothing of the rate');
});

test('tools, prompts and resources count; what a call has become is only looked at', (t) => {
  const limits = [
    limit('calls', { budget: budget({ calls: 3 }) }),
    limit('tokens', { budget: budget({ tokens: 10 }) }),
  ];
  const scene = new LimitScene(t, limits);
  const task = { target: target('files/42', 'task'), method: 'tasks/result' };
  const word = { target: target('files/x', 'prompt'), method: 'completion/complete' };
  assert.equal(scene.call(ANNA, word), undefined, 'no limit is for completions');
  assert.equal(
    scene.once(ANNA, { target: target('files/p', 'prompt'), method: 'prompts/get' }),
    undefined,
  );
  assert.equal(
    scene.once(ANNA, { target: target('files/file:///x', 'resource'), method: 'resources/read' }),
    undefined,
  );
  assert.equal(scene.once(ANNA), undefined);
  assert.equal(scene.once(ANNA), 'calls');
  assert.equal(scene.once(ANNA, { ...task, id: 'task' }), undefined, 'its call was counted');
  scene.settle('task', { tokens: 10 });
  scene.pass(DAY);
  assert.equal(scene.run(ANNA, 1, { id: 'next' }), 1);
  scene.settle('next', { tokens: 10 });
  assert.equal(scene.once(ANNA), 'tokens');
  assert.equal(scene.once(ANNA, task), undefined, 'what was worked for is handed out');
});

test('a retry that an answer asked for is not counted again, one that nobody asked for is', (t) => {
  const limits = [
    limit('calls', { budget: budget({ calls: 2 }) }),
    limit('flight', { concurrency: 1 }),
  ];
  const scene = new LimitScene(t, limits);
  const first = scene.call(ANNA);
  assert.ok(first !== undefined && !(first instanceof Refusal));
  first.expectRetry();
  first.release();
  const retry = { isRetry: true };
  assert.equal(scene.once(BERT, retry), undefined, 'the answer was not for this caller');
  const round = scene.call(ANNA, retry);
  assert.ok(round !== undefined && !(round instanceof Refusal), 'though no call is left');
  assert.equal(scene.once(ANNA, retry), 'flight', 'it is in flight like any other');
  round.release();
  assert.equal(scene.once(ANNA, retry), 'calls', 'one answer is good for one retry');
  assert.equal(scene.once(ANNA, { ...retry, target: target('files/other') }), 'calls');
});

test('a retry that a state names is free once for its own call, and holds nothing while its client is away (R3)', (t) => {
  const limits = [
    limit('calls', { budget: budget({ calls: 2 }) }),
    limit('flight', { concurrency: 1 }),
  ];
  const scene = new LimitScene(t, limits);
  const first = scene.call(ANNA, { id: 'first' });
  assert.ok(first !== undefined && !(first instanceof Refusal));
  first.expectRetry(true);
  first.release();
  const own = { isRetry: true, callId: 'first' };
  const second = scene.call(ANNA, { ...own, id: 'second' });
  assert.ok(second !== undefined && !(second instanceof Refusal), 'nothing is in flight');
  second.expectRetry(true);
  second.release();
  assert.equal(
    scene.once(ANNA, { isRetry: true }),
    undefined,
    'without a state: a call of its own',
  );
  assert.equal(scene.once(ANNA, { isRetry: true, callId: 'another' }), 'calls');
  assert.equal(scene.once(BERT, own), 'calls', 'the call was not his');
  assert.equal(scene.once(ANNA, own), undefined, 'the third round of the first call');
  assert.equal(scene.once(ANNA, own), 'calls', 'the same state again is a call of its own');
});

test('a caller that begins calls without end and never comes back costs no other caller its retry (R3)', (t) => {
  const scene = new LimitScene(t, [
    limit('calls', { per: ['caller'], budget: budget({ calls: 1e6 }) }),
  ]);
  const begin = (who: typeof ANNA, id: string): void => {
    const call = scene.call(who, { id });
    assert.ok(call !== undefined && !(call instanceof Refusal));
    call.expectRetry(true);
    call.release();
  };
  begin(BERT, 'of-bert');
  for (let made = 0; made < 20_000; made += 1) begin(ANNA, `of-anna-${made}`);
  const used = (): number =>
    scene.limits
      .report(2)[0]
      ?.top.reduce((sum, { budget: told }) => sum + (told?.calls?.used ?? 0), 0) ?? 0;
  const before = used();
  assert.equal(scene.once(BERT, { isRetry: true, callId: 'of-bert' }), undefined);
  assert.equal(used(), before, 'his retry was expected');
});

test('a method that only an extension of a server has is a call like any other', (t) => {
  const scene = new LimitScene(t, [limit('calls', { budget: budget({ calls: 1 }) })]);
  const foreign = { target: target('files/weather/now', 'extension'), method: 'weather/now' };
  assert.deepEqual([scene.once(ANNA, foreign), scene.once(ANNA, foreign)], [undefined, 'calls']);
});

test('a limit in shadow mode counts what it would count, and only says what it would have done', (t) => {
  const rate = { calls: 1, perMs: MINUTE, burst: 1 };
  const limits = [
    limit('shadow-rate', { mode: 'shadow', rate }),
    limit('shadow-calls', { mode: 'shadow', budget: budget({ calls: 4 }), warnAt: 1 }),
    limit('real', { budget: budget({ calls: 6 }), warnAt: 1 }),
  ];
  const scene = new LimitScene(t, limits);
  const seen = Array.from({ length: 7 }, () => {
    const came = scene.call(ANNA);
    return came instanceof Refusal ? came.data?.['limit'] : came?.warnings;
  });
  assert.deepEqual(seen, [
    [],
    ['shadow shadow-rate'],
    ['shadow shadow-rate'],
    ['shadow shadow-rate', 'near shadow-calls'],
    ['shadow shadow-rate', 'shadow shadow-calls'],
    ['shadow shadow-rate', 'shadow shadow-calls', 'near real'],
    'real',
  ]);
  const hits = scene.limits.report(0).map(({ id, hits }) => [id, hits]);
  assert.deepEqual(hits, [
    ['shadow-rate', 5],
    ['shadow-calls', 2],
    ['real', 1],
  ]);
  scene.apply([limit('shadow-rate', { rate })]);
  assert.equal(scene.once(ANNA), 'shadow-rate', 'once enforced it holds with what it has counted');
});

test('a budget that comes near its end is told with each call, and in the log once a window', (t) => {
  const plan = budget({ calls: 4, tokens: 100, cost: 10 });
  const scene = new LimitScene(t, [
    limit('day', { budget: plan, warnAt: 0.75, per: ['consumer'] }),
  ]);
  const warned = (): readonly string[] => {
    const came = scene.call(ANNA, { id: 'x' });
    return came === undefined || came instanceof Refusal ? ['refused'] : came.warnings;
  };
  assert.deepEqual(warned(), []);
  scene.settle('x', { tokens: 74, cost: 7.4 });
  assert.deepEqual([warned(), scene.warnings.length], [[], 0]);
  scene.settle('x', { tokens: 1 });
  assert.equal(scene.warnings.length, 1, 'told as soon as it is known');
  assert.deepEqual(warned(), ['near day']);
  assert.deepEqual(scene.warnings, [
    {
      message: 'a budget is nearly used up',
      fields: {
        limit: 'day',
        mode: 'enforce',
        for: { consumer: 'anna' },
        calls: { limit: 4, used: 2, left: 2 },
        tokens: { limit: 100, used: 75, left: 25 },
        cost: { limit: 10, used: 7.4, left: 2.6 },
        since: '2026-11-04T00:00:00.000Z',
        resetsAt: '2026-11-05T00:00:00.000Z',
      },
    },
  ]);
  assert.equal(scene.limits.report(1)[0]?.warnings, 1);
  scene.pass(DAY);
  for (const expected of [[], [], ['near day'], ['near day'], ['refused']])
    assert.deepEqual(warned(), expected);
  assert.equal(scene.warnings.length, 2);
});

test('a call is charged to the budget of the window in which it is settled', (t) => {
  const scene = new LimitScene(t, [limit('day', { budget: budget({ tokens: 10 }) })]);
  scene.now = NOON + 12 * HOUR - 1;
  assert.equal(scene.once(ANNA, { id: 'late' }), undefined);
  scene.pass(1);
  scene.settle('late', { tokens: 10 });
  assert.equal(scene.once(ANNA), 'day');
});

test('a clock that is set back does not give a budget back', (t) => {
  const scene = new LimitScene(t, [limit('day', { budget: budget({ calls: 1 }) })]);
  scene.now = NOON + 12 * HOUR;
  assert.equal(scene.run(ANNA, 2), 1);
  scene.now -= 1;
  const refused = scene.call(ANNA);
  assert.ok(refused instanceof Refusal);
  assert.equal(refused.data?.['retryAfterMs'], DAY + 1);
  scene.now -= 3 * DAY;
  assert.equal(scene.run(ANNA, 2), 1, 'one that was days ahead was wrong before');
});

test('the smallest longest result that is enforced holds; one in shadow mode is told', (t) => {
  const limits = [
    limit('large', { maxResultBytes: 1000 }),
    limit('small', { maxResultBytes: 100, tools: ['files/*'] }),
    limit('tiny', { maxResultBytes: 10, mode: 'shadow' }),
  ];
  const scene = new LimitScene(t, limits);
  const admitted = scene.call(ANNA);
  assert.ok(admitted !== undefined && !(admitted instanceof Refusal));
  assert.deepEqual([admitted.maxResultBytes, admitted.maxResultLimit], [100, 'small']);
  const of = (bytes: number) => (max: number) => bytes <= max;
  admitted.checkResult(of(10));
  assert.deepEqual(admitted.warnings, []);
  admitted.checkResult(of(100));
  assert.deepEqual(admitted.warnings, ['shadow tiny']);
  assert.throws(
    () => admitted.checkResult(of(101)),
    (error: unknown) =>
      error instanceof Refusal &&
      error.code === 'RESULT_TOO_LARGE' &&
      error.data?.['limit'] === 'small' &&
      error.data['maxResultBytes'] === 100 &&
      error.message.includes('"small"'),
  );
  const other = scene.call(ANNA, { target: target('web/get') });
  assert.ok(other !== undefined && !(other instanceof Refusal));
  assert.equal(other.maxResultBytes, 1000);
});

test('callers are shown what is left of what is enforced for them, and nothing where that is off', (t) => {
  const limits = [
    limit('rate', { rate: { calls: 10, perMs: MINUTE, burst: 5 } }),
    limit('flight', { concurrency: 3 }),
    limit('day', { budget: budget({ calls: 5, tokens: 100 }) }),
    limit('unseen', { mode: 'shadow', budget: budget({ calls: 5 }) }),
    limit('size', { maxResultBytes: 5 }),
  ];
  const scene = new LimitScene(t, limits);
  const admitted = scene.call(ANNA, { id: 'x' });
  assert.ok(admitted !== undefined && !(admitted instanceof Refusal));
  assert.deepEqual(admitted.state(), {
    rate: { rate: { limit: 10, perMs: MINUTE, left: 4 } },
    flight: { concurrency: { limit: 3, left: 2 } },
    day: {
      calls: { limit: 5, used: 1, left: 4 },
      tokens: { limit: 100, used: 0, left: 100 },
      resetsAt: '2026-11-05T00:00:00.000Z',
    },
  });
  admitted.release();
  scene.settle('x', { tokens: 130 });
  scene.apply(limits.slice(2, 3), false);
  scene.pass(DAY);
  const hidden = scene.call(ANNA);
  assert.ok(hidden !== undefined && !(hidden instanceof Refusal));
  assert.equal(hidden.state(), undefined);
});

test('operators see each limit, and of its counts those nearest to it first', (t) => {
  const limits = [
    limit('day', { per: ['consumer', 'server'], budget: budget({ calls: 10, cost: 1 }) }),
    limit('idle', { concurrency: 1 }),
  ];
  const scene = new LimitScene(t, limits);
  scene.run(ANNA, 2);
  scene.run(BERT, 3);
  scene.run(BERT, 1, { target: target('web/get'), id: 'dear' });
  scene.settle('dear', { cost: 0.9 });
  const [day, idle] = scene.limits.report(2);
  assert.deepEqual(
    [day?.id, day?.mode, day?.counts, day?.warnings, day?.hits],
    ['day', 'enforce', 3, 1, 0],
  );
  assert.deepEqual(
    day?.top.map(({ for: whose }) => whose),
    [
      { consumer: 'bert', server: 'web' },
      { consumer: 'bert', server: 'files' },
    ],
  );
  assert.deepEqual(day.top[0]?.budget, {
    calls: { limit: 10, used: 1, left: 9 },
    tokens: undefined,
    cost: { limit: 1, used: 0.9, left: 0.1 },
    since: '2026-11-04T00:00:00.000Z',
    resetsAt: '2026-11-05T00:00:00.000Z',
  });
  assert.deepEqual([idle?.counts, idle?.top], [0, []]);
});
