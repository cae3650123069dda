import assert from 'node:assert/strict';
import test from 'node:test';
import { Cancelled, RemoteError, type Answer } from '../../../src/kernel/answer.ts';
import { Cancellation } from '../../../src/kernel/exchange.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { RoundTrip, type Asked, type Turn } from '../../../src/session/round-trip.ts';
import { exchangeOf, form, SUBJECT, type TestExchange } from '../../support/unit-parking.ts';

const ANSWER: Answer = { result: { content: [] } };

interface Scene {
  readonly trip: RoundTrip;
  readonly exchange: TestExchange;
  /** Ends the call at its server. */
  finish(outcome: Answer | Error): void;
}

function scene(gatherMs = 1): Scene {
  const exchange = exchangeOf('alice');
  const trip = new RoundTrip(exchange, SUBJECT, gatherMs);
  let finish: Scene['finish'] = () => undefined;
  trip.follow(
    new Promise((resolve, reject) => {
      finish = (outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
    }),
  );
  return { trip, exchange, finish: (outcome) => finish(outcome) };
}

const turnOf = (exchange: TestExchange, progressToken?: string): Turn => ({
  exchange,
  progressToken,
});

function askedOf(outcome: Answer | Asked): string[] {
  assert.ok('asked' in outcome, JSON.stringify(outcome));
  return Object.keys(outcome.asked);
}

test('a call that asks nothing is answered as its server answers it', async () => {
  const { trip, exchange, finish } = scene();
  const round = trip.next(turnOf(exchange));
  finish(ANSWER);
  assert.equal(await round, ANSWER);
});

test('questions that come together are one round, their keys go on over the rounds (R3)', async () => {
  const { trip, exchange, finish } = scene();
  const first = trip.next(turnOf(exchange));
  const answers = [
    trip.ask(form('one'), new Cancellation()),
    trip.ask({ method: 'roots/list' }, new Cancellation()),
  ];
  const outcome = await first;
  assert.deepEqual(askedOf(outcome), ['elicitation_1', 'roots_2']);
  assert.ok('asked' in outcome);
  assert.deepEqual(outcome.asked['roots_2'], { method: 'roots/list' });
  assert.deepEqual(outcome.asked['elicitation_1'], form('one'));

  trip.answer({ elicitation_1: { action: 'accept' }, roots_2: { roots: [] }, other: { a: 1 } });
  assert.deepEqual(await Promise.all(answers), [{ action: 'accept' }, { roots: [] }]);
  const second = trip.next(turnOf(exchangeOf('alice')));
  void trip.ask(form('two'), new Cancellation()).catch(() => undefined);
  assert.deepEqual(askedOf(await second), ['elicitation_3']);
  finish(ANSWER);
});

test('what was not answered is asked again, with what is new', async () => {
  const { trip, exchange } = scene();
  const first = trip.next(turnOf(exchange));
  const one = trip.ask(form('one'), new Cancellation());
  void trip.ask(form('two'), new Cancellation()).catch(() => undefined);
  await first;
  trip.answer({ elicitation_1: { action: 'decline' } });
  assert.deepEqual(await one, { action: 'decline' });
  void trip.ask(form('three'), new Cancellation()).catch(() => undefined);
  const second = await trip.next(turnOf(exchangeOf('alice')));
  assert.deepEqual(askedOf(second), ['elicitation_2', 'elicitation_3']);
});

test('a question that its server takes back is not asked any more', async () => {
  const { trip, exchange, finish } = scene(20);
  const round = trip.next(turnOf(exchange));
  const signal = new Cancellation();
  const asked = trip.ask(form('one'), signal);
  signal.cancel('withdrawn');
  await assert.rejects(asked, (error) => error instanceof Refusal);
  setTimeout(() => finish(ANSWER), 40);
  assert.equal(await round, ANSWER);
});

test('an answer that comes while the client is away is kept for it, and so is a failure (R3)', async () => {
  for (const outcome of [ANSWER, new Refusal('UPSTREAM_LOST')]) {
    const { trip, exchange, finish } = scene();
    const first = trip.next(turnOf(exchange));
    const asked = trip.ask(form('one'), new Cancellation());
    await first;
    finish(outcome);
    await assert.rejects(asked, (error) => error instanceof Refusal);
    const second = trip.next(turnOf(exchangeOf('alice')));
    if (outcome instanceof Error) await assert.rejects(second, outcome);
    else assert.equal(await second, outcome);
  }
});

test('progress goes under the token of the request that is open, and none to one without a token', async () => {
  const { trip, exchange } = scene();
  const progress = (n: number): void =>
    trip.notify({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 'first', progress: n },
    });
  const first = trip.next(turnOf(exchange, 'first'));
  progress(1);
  void trip.ask(form('one'), new Cancellation()).catch(() => undefined);
  await first;
  progress(2);
  const retry = exchangeOf('alice', 'debug');
  void trip.next(turnOf(retry, 'second')).catch(() => undefined);
  progress(3);
  assert.equal(trip.owner.logLevel, 'debug');
  const tokens = (told: TestExchange['told']): unknown[] =>
    told.map(({ params }) => [params?.['progressToken'], params?.['progress']]);
  assert.deepEqual(tokens(exchange.told), [['first', 1]]);
  assert.deepEqual(tokens(retry.told), [
    ['second', 2],
    ['second', 3],
  ]);
  const silent = scene();
  void silent.trip.next(turnOf(silent.exchange)).catch(() => undefined);
  silent.trip.notify({ jsonrpc: '2.0', method: 'notifications/progress', params: {} });
  assert.deepEqual(silent.exchange.told, []);
});

test('what is told while the client is away is kept within bounds', async () => {
  const { trip, exchange } = scene();
  const first = trip.next(turnOf(exchange));
  void trip.ask(form('one'), new Cancellation()).catch(() => undefined);
  await first;
  const before = trip.size;
  for (let n = 0; n < 500; n += 1)
    trip.notify({ jsonrpc: '2.0', method: 'notifications/message', params: { data: n } });
  assert.ok(trip.size > before);
  const retry = exchangeOf('alice');
  void trip.next(turnOf(retry)).catch(() => undefined);
  assert.equal(retry.told.length, 100);
  assert.equal(retry.told.at(-1)?.params?.['data'], 499);
});

test('a client that goes away while its request is open ends the call, one that was asked does not', async () => {
  const { trip, exchange } = scene();
  const first = trip.next(turnOf(exchange));
  void trip.ask(form('one'), new Cancellation()).catch(() => undefined);
  await first;
  exchange.cancellation.cancel('closed');
  assert.equal(trip.cancellation.reason, undefined);
  const retry = exchangeOf('alice');
  const second = trip.next(turnOf(retry));
  retry.cancellation.cancel('closed the stream');
  await assert.rejects(second, (error) => error instanceof Cancelled);
  assert.equal(trip.cancellation.reason, 'closed the stream');
});

test('a question for what the client did not declare ends the call with what it lacks (R16)', async () => {
  const { trip, exchange } = scene();
  const round = trip.next(turnOf(exchange));
  trip.lacks({ sampling: {} });
  await assert.rejects(round, (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, 'CAPABILITY_MISSING');
    assert.deepEqual(error.data, { requiredCapabilities: { sampling: {} } });
    return true;
  });
  assert.notEqual(trip.cancellation.reason, undefined);
});

test('a server that opens a link for a client may ask before the call is on its way', async () => {
  const { trip, exchange } = scene();
  const round = trip.next(turnOf(exchange));
  const roots = trip.owner.ask({ method: 'roots/list' }, new Cancellation());
  assert.deepEqual(askedOf(await round), ['roots_1']);
  trip.answer({ roots_1: { roots: [] } });
  assert.deepEqual(await roots, { roots: [] });
});

/** What JSON can read and cannot write. */
function deep(): JsonObject {
  return JSON.parse(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`) as JsonObject;
}

test('what cannot be written as JSON is neither kept nor asked, and harms nobody', async () => {
  const { trip, exchange, finish } = scene();
  const first = trip.next(turnOf(exchange));
  await assert.rejects(
    trip.ask({ method: 'elicitation/create', params: deep() }, new Cancellation()),
    (error) => error instanceof Refusal && error.code === 'UPSTREAM_PROTOCOL',
  );
  void trip.ask(form('one'), new Cancellation()).catch(() => undefined);
  await first;
  const before = trip.size;
  trip.notify({ jsonrpc: '2.0', method: 'notifications/message', params: deep() });
  assert.equal(trip.size, before);
  finish({ result: deep() });
  await new Promise(setImmediate);
  await assert.rejects(
    trip.next(turnOf(exchangeOf('alice'))),
    (error) => error instanceof Refusal && error.code === 'UPSTREAM_PROTOCOL',
  );
});

test('what a client of this protocol cannot be asked is answered to the server at once', async () => {
  const { trip, exchange } = scene();
  void trip.next(turnOf(exchange)).catch(() => undefined);
  await assert.rejects(
    trip.ask({ method: 'vendor/thing' }, new Cancellation()),
    (error) => error instanceof RemoteError && error.error.code === -32601,
  );
});

test('the client is who its latest request says, by what that declares and has proven (R13, R16)', async () => {
  const { trip, exchange } = scene();
  const first = trip.next(turnOf(exchange));
  void trip.ask(form('one'), new Cancellation()).catch(() => undefined);
  void trip.ask({ method: 'roots/list' }, new Cancellation()).catch(() => undefined);
  await first;
  const levels: string[] = [];
  trip.onLevel((level) => levels.push(level));
  const retry = exchangeOf('alice', 'debug', { elicitation: {} });
  const second = trip.next(turnOf(retry));
  assert.equal(trip.owner.principal, retry.owner.principal);
  assert.equal(trip.owner.key, exchange.owner.key);
  assert.deepEqual(levels, ['debug']);
  await assert.rejects(second, (error) => {
    assert.ok(error instanceof Refusal && error.code === 'CAPABILITY_MISSING');
    assert.deepEqual(error.data, { requiredCapabilities: { roots: {} } });
    return true;
  });
});

test('a server that talks all the while costs no more for what is kept already', async () => {
  const { trip, exchange } = scene();
  const first = trip.next(turnOf(exchange));
  void trip.ask(form('one'), new Cancellation()).catch(() => undefined);
  await first;
  const data = 'x'.repeat(8_000);
  for (let n = 0; n < 1_000; n += 1)
    trip.notify({ jsonrpc: '2.0', method: 'notifications/message', params: { data, n } });
  assert.ok(trip.size < 70_000, `${trip.size} characters are kept`);
  const retry = exchangeOf('alice');
  void trip.next(turnOf(retry)).catch(() => undefined);
  assert.equal(retry.told.at(-1)?.params?.['n'], 999);
  assert.ok(trip.size < 100);
});
