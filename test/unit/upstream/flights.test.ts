import assert from 'node:assert/strict';
import test, { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RemoteError, type Answer } from '../../../src/kernel/answer.ts';
import { Cancellation, type Exchange } from '../../../src/kernel/exchange.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { Flights, resultOf, withProgressToken } from '../../../src/upstream/flights.ts';
import { timedOut } from '../../../src/upstream/unanswered.ts';

const TERMS = { method: 'tools/call', exchange: undefined, timeoutMs: 0 };

/** An exchange that remembers what it was notified of. */
function exchangeOf(told: JsonObject[] = []): Exchange {
  return {
    cancellation: new Cancellation(),
    notify: ({ params }: { params?: JsonObject }) => told.push(params ?? {}),
  } as unknown as Exchange;
}

function open(flights: Flights, terms: object = {}): { id: number; outcomes: (Answer | Error)[] } {
  const outcomes: (Answer | Error)[] = [];
  const { id } = flights.open({ ...TERMS, ...terms }, (outcome) => outcomes.push(outcome));
  return { id, outcomes };
}

const never = (): void => assert.fail('timed out');

test('ids begin where they are told to and are never given twice', () => {
  const flights = new Flights(never, 1000);
  const first = open(flights);
  flights.answer({ jsonrpc: '2.0', id: first.id, result: {} });
  assert.deepEqual([first.id, open(flights).id, open(flights).id], [1000, 1001, 1002]);
});

test('an answer settles its own flight once; one nobody waits for is told apart', () => {
  const flights = new Flights(never);
  const [one, two] = [open(flights), open(flights)];
  assert.equal(flights.answer({ jsonrpc: '2.0', id: two.id, result: { a: 1 } }), true);
  assert.equal(flights.answer({ jsonrpc: '2.0', id: two.id, result: { a: 2 } }), false);
  assert.equal(
    flights.answer({ jsonrpc: '2.0', id: one.id, error: { code: 5, message: 'no' } }),
    true,
  );
  assert.deepEqual(two.outcomes, [{ result: { a: 1 } }]);
  assert.deepEqual(one.outcomes, [{ error: { code: 5, message: 'no' } }]);
});

test('an id of another type or none settles nothing', () => {
  const flights = new Flights(never);
  const { id, outcomes } = open(flights);
  for (const wrong of [String(id), null, undefined, id + 0.5, id + 1, '__proto__'])
    assert.equal(flights.answer({ jsonrpc: '2.0', id: wrong as number, result: {} }), false);
  assert.equal(flights.get(String(id)), undefined);
  assert.deepEqual(outcomes, []);
});

test('when a link is gone every flight fails, each with its own error, and none is left', () => {
  const flights = new Flights(never);
  const all = [
    open(flights, { method: 'a' }),
    open(flights, { method: 'b', exchange: exchangeOf() }),
  ];
  assert.equal(flights.calls, 1);
  flights.failAll(({ method }) => new Error(method));
  assert.deepEqual(
    all.map(({ outcomes }) => outcomes.map((outcome) => (outcome as Error).message)),
    [['a'], ['b']],
  );
  assert.equal(flights.calls, 0);
  assert.deepEqual([...flights.exchanges()], []);
});

test('only calls of clients count as calls', () => {
  const flights = new Flights(never);
  open(flights);
  const call = open(flights, { exchange: exchangeOf() });
  assert.equal(flights.calls, 1);
  flights.fail(call.id, new Error('x'));
  flights.fail(call.id, new Error('again'));
  assert.equal(flights.calls, 0);
  assert.equal(call.outcomes.length, 1);
});

test('a flight that is over does not listen to its exchange any more', () => {
  const flights = new Flights(never);
  const exchange = exchangeOf();
  const { id } = open(flights, { exchange });
  exchange.cancellation.listen(() => assert.fail('heard'));
  flights.answer({ jsonrpc: '2.0', id, result: {} });
  exchange.cancellation.cancel('late');
});

test('progress goes to the client under the token it chose, other parameters as they came', () => {
  const flights = new Flights(never);
  const told: JsonObject[] = [];
  const { id } = open(flights, { exchange: exchangeOf(told), progressToken: 'mine' });
  flights.progress({ progressToken: id, progress: 1, future: { a: 1 } }, true);
  flights.progress({ progressToken: String(id), progress: 2 }, true);
  flights.progress({ progressToken: 999, progress: 3 }, true);
  flights.progress({ progress: 4 }, true);
  flights.progress(undefined, true);
  assert.deepEqual(told, [{ progressToken: 'mine', progress: 1, future: { a: 1 } }]);
});

test('progress nobody asked for is not passed on', () => {
  const flights = new Flights(never);
  const told: JsonObject[] = [];
  const { id } = open(flights, { exchange: exchangeOf(told) });
  flights.progress({ progressToken: id, progress: 1 }, true);
  assert.deepEqual(told, []);
});

test('a flight times out once; progress starts the wait anew only where that is configured', async () => {
  const late: number[] = [];
  const flights = new Flights(({ id }) => late.push(id));
  const [one, other] = [open(flights, { timeoutMs: 100 }), open(flights, { timeoutMs: 100 })];
  open(flights, { timeoutMs: 0 });
  await sleep(50);
  flights.progress({ progressToken: one.id }, true);
  flights.progress({ progressToken: other.id }, false);
  await sleep(200);
  // Timers run in the order in which they are due, however busy the machine is.
  assert.deepEqual(late, [other.id, one.id]);
});

test('a flight that was answered does not time out', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const flights = new Flights(never);
  const { id } = open(flights, { timeoutMs: 10 });
  flights.answer({ jsonrpc: '2.0', id, result: {} });
  mock.timers.tick(100);
});

test('parameters get our token only where the client asked for progress, and are not changed in place', () => {
  const asked = { a: 1, _meta: { progressToken: 'mine', trace: 2 } };
  assert.deepEqual(withProgressToken(asked, 7), { a: 1, _meta: { progressToken: 7, trace: 2 } });
  assert.equal(asked._meta.progressToken, 'mine');
  for (const params of [{}, { _meta: {} }, { _meta: { other: 1 } }])
    assert.equal(withProgressToken(params, 7), params);
});

test('the result of an outcome is its result; an error is thrown as what it is', () => {
  assert.deepEqual(resultOf({ result: { a: 1 } }), { a: 1 });
  assert.throws(() => resultOf({ error: { code: 1, message: 'no' } }), RemoteError);
  const refusal = new Refusal('UPSTREAM_LOST');
  assert.throws(() => resultOf(refusal), refusal);
});

test('the refusal of a call that took too long names server, method and time', () => {
  const flights = new Flights(never);
  const flight = flights.open({ ...TERMS, timeoutMs: 5000 }, () => undefined);
  const refusal = timedOut('slow-one', flight);
  assert.equal(refusal.code, 'UPSTREAM_TIMEOUT');
  assert.match(refusal.message, /"slow-one".*tools\/call.*5000 ms/u);
  flights.fail(flight.id, refusal);
});

test('of a call that has waited only what is left of its time is waited, and after progress all of it again', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const late: number[] = [];
  const flights = new Flights(({ id }) => late.push(id));
  const waited = flights.open({ ...TERMS, timeoutMs: 1000, leftMs: 100 }, () => undefined);
  const moved = flights.open({ ...TERMS, timeoutMs: 1000, leftMs: 100 }, () => undefined);
  mock.timers.tick(99);
  flights.progress({ progressToken: moved.id }, true);
  mock.timers.tick(1);
  assert.deepEqual(late, [waited.id]);
  mock.timers.tick(998);
  assert.deepEqual(late, [waited.id]);
  mock.timers.tick(1);
  assert.deepEqual(late, [waited.id, moved.id]);
  mock.timers.reset();
});

test('who is told of calls that wait for their clients hears each of them begin and end once, however it ends', () => {
  const told: boolean[] = [];
  const flights = new Flights(never, 1, (isAsking) => told.push(isAsking));
  const [exchange, other] = [exchangeOf(), exchangeOf()];
  const asked = flights.open({ ...TERMS, exchange }, () => undefined);
  const release = flights.hold([asked]);
  const again = flights.hold([asked]);
  assert.deepEqual([told, exchange.isBegun], [[true], true]);
  release();
  assert.deepEqual(told, [true]);
  again();
  assert.deepEqual(told, [true, false]);
  const cut = flights.open({ ...TERMS, exchange: other }, () => undefined);
  const late = flights.hold([cut]);
  flights.fail(cut.id, new Error('gone'));
  late();
  assert.deepEqual(told, [true, false, true, false]);
  // What belongs to no client takes no place.
  flights.hold([flights.open(TERMS, () => undefined)])();
  assert.equal(told.length, 4);
});
