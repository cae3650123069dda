import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Cancellation } from '../../../src/kernel/exchange.ts';
import type { ParkingPlan } from '../../../src/kernel/plan.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { Parking, type ParkedEnd } from '../../../src/session/parking.ts';
import type { RoundTrip } from '../../../src/session/round-trip.ts';
import { exchangeOf, form, PARKING, SUBJECT } from '../../support/unit-parking.ts';

const lots: Parking[] = [];
after(() => {
  for (const parking of lots) parking.close();
});

interface Lot {
  readonly parking: Parking;
  readonly ends: ParkedEnd[];
}

function lot(changes: Partial<ParkingPlan> = {}): Lot {
  const ends: ParkedEnd[] = [];
  let lastId = 0;
  const parking = new Parking({
    plan: () => ({ ...PARKING, ...changes }),
    newId: () => `p${(lastId += 1)}`,
    now: () => 1_000,
    onEnded: (how) => ends.push(how),
    whenLapsed: () => () => undefined,
    onGone: () => undefined,
  });
  lots.push(parking);
  return { parking, ends };
}

/** A call whose server has asked something. */
async function asking({ parking }: Lot, name: string, message = 'what?'): Promise<RoundTrip> {
  const exchange = exchangeOf(name);
  const trip = parking.begin(exchange, SUBJECT);
  trip.follow(new Promise(() => undefined));
  const round = trip.next({ exchange, progressToken: undefined });
  void trip.ask(form(message), new Cancellation()).catch(() => undefined);
  await round;
  return trip;
}

const isLimited = (error: unknown): boolean => error instanceof Refusal && error.code === 'LIMITED';

test('a call that waits is taken up once, by its id alone (R3)', async () => {
  const one = lot();
  const trip = await asking(one, 'alice');
  const { id, expiresAt } = one.parking.park(trip);
  assert.equal(expiresAt, 1_000 + PARKING.timeoutMs);
  assert.equal(one.parking.stored.count, 1);
  assert.ok(one.parking.stored.bytes > 0);
  assert.equal(one.parking.take('other'), undefined);
  assert.equal(one.parking.take(id), trip);
  assert.equal(one.parking.take(id), undefined);
  assert.deepEqual(one.parking.stored, { count: 0, bytes: 0 });
  assert.deepEqual(one.ends, ['resumed']);
  assert.equal(trip.cancellation.reason, undefined);
});

test('a call whose client does not come back is given up in time, at its server too', async () => {
  const one = lot({ timeoutMs: 5 });
  const trip = await asking(one, 'alice');
  const { id } = one.parking.park(trip);
  await new Promise<void>((resolve) => {
    trip.cancellation.listen(() => resolve());
  });
  assert.equal(one.parking.take(id), undefined);
  assert.deepEqual(one.ends, ['expired']);
  assert.deepEqual(one.parking.stored, { count: 0, bytes: 0 });
});

test('a caller with too many that wait is refused one more, and nobody else is', async () => {
  const one = lot({ maxPerPrincipal: 2 });
  for (let n = 0; n < 2; n += 1) one.parking.park(await asking(one, 'alice'));
  const third = await asking(one, 'alice');
  assert.throws(() => one.parking.park(third), isLimited);
  one.parking.drop(third, 'refused');
  assert.equal(third.cancellation.reason, 'refused');
  one.parking.park(await asking(one, 'bob'));
  assert.equal(one.parking.stored.count, 3);
});

test('where all places are taken the caller with most gives way, never one with fewer', async () => {
  const one = lot({ maxCount: 4 });
  const trips: RoundTrip[] = [];
  for (let n = 0; n < 3; n += 1) {
    const trip = await asking(one, 'alice');
    one.parking.park(trip);
    trips.push(trip);
  }
  one.parking.park(await asking(one, 'bob'));
  one.parking.park(await asking(one, 'carol'));
  assert.deepEqual(
    trips.map(({ cancellation }) => cancellation.reason !== undefined),
    [true, false, false],
  );
  assert.deepEqual(one.ends, ['evicted']);
  const more = await asking(one, 'alice');
  assert.throws(() => one.parking.park(more), isLimited);
  assert.equal(one.parking.stored.count, 4);
});

test('what waits is bounded in bytes, for a caller and for all', async () => {
  const one = lot({ maxBytesPerPrincipal: 5_000, maxBytes: 8_000 });
  one.parking.park(await asking(one, 'alice', 'x'.repeat(4_000)));
  const second = await asking(one, 'alice', 'x'.repeat(4_000));
  assert.throws(() => one.parking.park(second), isLimited);
  one.parking.park(await asking(one, 'bob', 'x'.repeat(3_000)));
  const { bytes } = one.parking.stored;
  one.parking.park(await asking(one, 'carol', 'x'.repeat(3_000)));
  assert.deepEqual(one.ends, ['evicted']);
  assert.ok(one.parking.stored.bytes < bytes);
});

test('a server that says too much while its client is away has the call given up', async () => {
  const one = lot({ maxBytesPerPrincipal: 5_000 });
  const trip = await asking(one, 'alice');
  one.parking.park(trip);
  const data = 'x'.repeat(1_000);
  for (let n = 0; n < 6; n += 1)
    trip.notify({ jsonrpc: '2.0', method: 'notifications/message', params: { data } });
  assert.deepEqual(one.ends, ['evicted']);
  assert.deepEqual(one.parking.stored, { count: 0, bytes: 0 });
});

test('all that wait are given up when the gateway ends, and one that is denied is too', async () => {
  const one = lot();
  const denied = await asking(one, 'alice');
  one.parking.deny(one.parking.park(denied).id);
  const [first, second] = [await asking(one, 'alice'), await asking(one, 'bob')];
  one.parking.park(first);
  one.parking.park(second);
  one.parking.close();
  assert.deepEqual(one.ends, ['denied', 'shutdown', 'shutdown']);
  for (const { cancellation } of [denied, first, second])
    assert.notEqual(cancellation.reason, undefined);
  assert.deepEqual(one.parking.stored, { count: 0, bytes: 0 });
});
