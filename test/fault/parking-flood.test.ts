import assert from 'node:assert/strict';
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
import { eventually } from '../support/processes.ts';
import { gatewayForFile, type RawGateway } from '../support/raw-gateway.ts';
import type { Got, JsonObject } from '../support/raw-http.ts';

/** One client that leaves calls waiting without end meets its bounds, and no other client feels it. */

const askers = await askersForFile(['oldhttp', 'oldsse', 'oldio']);
const { journal } = askers;
const PER_PRINCIPAL = 20;
const INSTANCES = 4;

function gatewayWith(parking: JsonObject, more: JsonObject = {}): Promise<RawGateway> {
  const app = {
    asks: { maxPerMinute: 100_000 },
    parking: { timeoutMs: 60_000, gatherMs: 1, ...parking },
    ...more,
  };
  const servers = Object.entries(askers.servers).map(
    ([name, entry]) => [name, { ...entry, maxInstances: INSTANCES, restartWaitMs: 3_000 }] as const,
  );
  return gatewayForFile({ servers: Object.fromEntries(servers), app: JSON.stringify(app) });
}

const [usual, counted, full, weighed, heavy] = await Promise.all([
  gatewayWith({}),
  gatewayWith({ maxPerPrincipal: PER_PRINCIPAL }),
  gatewayWith({ maxPerPrincipal: 100, maxCount: 10 }),
  gatewayWith({ maxBytesPerPrincipal: 100_000 }),
  gatewayWith({ maxBytes: 100_000, maxBytesPerPrincipal: 1_000_000 }),
]);

let last = 0;

function tagged(length = 0): string {
  last += 1;
  return `flood${last}${'x'.repeat(length)}`;
}

function by(name: string, { port }: RawGateway): Parker {
  return new Parker(port, { headers: { 'x-lunar-consumer-tag': name } });
}

function assertLimited(got: Got): void {
  const { error } = finalOf(got);
  assert.equal(error?.data?.['refusal'], 'LIMITED', got.text.slice(0, 500));
}

/** A call, and a call that waits and is gone on with, as if there were nobody else. */
async function assertUntouched(client: Parker, server: string): Promise<void> {
  const plain = finalOf(await client.tool(`${server}__test_simple_text`));
  assert.match(JSON.stringify(plain.result), /simple text/u, JSON.stringify(plain));
  const tag = tagged();
  const first = await client.park(server, { tag, rounds: [['elicitation'], ['roots']] });
  const got = await client.retry(first, accepting(first));
  const second = waitingOf(first.method, first.params, got);
  assert.equal(answersIn(await client.retry(second, accepting(second))).length, 2);
  await journal.untilOver(tag, 'ended');
}

test('one call more than parking.maxPerPrincipal is refused LIMITED and cancelled upstream; those before wait on', async () => {
  const flooder = by('flooder', counted);
  const parked: Waiting[] = [];
  for (let count = 0; count < PER_PRINCIPAL; count += 1)
    parked.push(await flooder.park('oldhttp', { tag: tagged() }));
  const tag = tagged();
  assertLimited(await flooder.interview('oldhttp', { tag }));
  await journal.untilOver(tag, 'given-up');
  await assertUntouched(by('other', counted), 'oldhttp');
  for (const waiting of parked)
    assert.equal(answersIn(await flooder.retry(waiting, accepting(waiting))).length, 1);
  await assertUntouched(flooder, 'oldhttp');
});

test('under the usual bounds, too: one client leaves as many calls waiting as it may, and another calls, waits and comes back', async () => {
  const [flooder, other] = [by('flooder', usual), by('other', usual)];
  const parked: Waiting[] = [];
  // More than upstreams.maxConnections, and as many as parking.maxPerPrincipal.
  for (let count = 0; count < 100; count += 1)
    parked.push(await flooder.park('oldhttp', { tag: tagged() }));
  assertLimited(await flooder.interview('oldhttp', { tag: tagged() }));
  await assertUntouched(other, 'oldhttp');
  for (const waiting of parked)
    assert.equal(answersIn(await flooder.retry(waiting, accepting(waiting))).length, 1);
});

test('a flood of calls that are left waiting goes on while another client calls, waits and comes back', async () => {
  const [flooder, other] = [by('flood', counted), by('neighbour', counted)];
  const over = new AbortController();
  let refused = 0;
  const flood = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { error } = finalOf(await flooder.interview('oldhttp', { tag: tagged() }));
      if (error !== undefined) refused += 1;
    }
  };
  const flooding = Promise.all(Array.from({ length: 4 }, flood));
  try {
    await eventually('the flood met its bound', 20_000, () => refused > 20);
    const tag = tagged();
    const waiting = await other.park('oldhttp', { tag });
    for (let count = 0; count < 20; count += 1) await assertUntouched(other, 'oldhttp');
    assert.equal(answersIn(await other.retry(waiting, accepting(waiting))).length, 1);
  } finally {
    over.abort();
    await flooding;
  }
});

test('at parking.maxCount another client gets the place of the oldest call of the one with most, and that one none', async () => {
  const [flooder, other] = [by('flooder', full), by('other', full)];
  const parked: { tag: string; waiting: Waiting }[] = [];
  for (let count = 0; count < 10; count += 1) {
    const tag = tagged();
    parked.push({ tag, waiting: await flooder.park('oldhttp', { tag }) });
  }
  assertLimited(await flooder.interview('oldhttp', { tag: tagged() }));
  const own = await other.park('oldhttp', { tag: tagged() });
  const [oldest, ...others] = parked;
  assert.ok(oldest);
  await journal.untilOver(oldest.tag, 'given-up');
  assertBadState(await flooder.retry(oldest.waiting, accepting(oldest.waiting)), 'used');
  assert.equal(answersIn(await other.retry(own, accepting(own))).length, 1);
  for (const { tag, waiting } of others) {
    assert.deepEqual(journal.running(tag), [tag]);
    assert.equal(answersIn(await flooder.retry(waiting, accepting(waiting))).length, 1);
  }
});

test('what one client has waiting is bounded in bytes, too', async () => {
  const [flooder, other] = [by('flooder', weighed), by('other', weighed)];
  // What a server asks holds the tag of its call.
  const parked = [await flooder.park('oldhttp', { tag: tagged(30_000) })];
  let got = await flooder.interview('oldhttp', { tag: tagged(30_000) });
  while (finalOf(got).error === undefined && parked.length < 10) {
    const { params = {} } = parked[0] ?? {};
    parked.push(waitingOf('tools/call', params, got));
    got = await flooder.interview('oldhttp', { tag: tagged(30_000) });
  }
  assertLimited(got);
  assert.ok(parked.length < 4, `${parked.length} wait`);
  await assertUntouched(other, 'oldhttp');
});

test('what a server goes on telling while its call waits is kept within bounds, and costs the call nothing', async () => {
  const client = by('talked-to', weighed);
  const tag = tagged(10_000);
  // Each message it logs holds the tag: all of them are more than what the client may have waiting.
  const waiting = await client.park('oldhttp', { tag, chatter: 60 });
  await assertUntouched(client, 'oldhttp');
  assert.equal(answersIn(await client.retry(waiting, accepting(waiting))).length, 1);
});

test('at parking.maxBytes another client gets the place of the one with most', async () => {
  const [flooder, other] = [by('flooder', heavy), by('other', heavy)];
  const tag = tagged(30_000);
  const waiting = await flooder.park('oldhttp', { tag });
  const own = await other.park('oldhttp', { tag: tagged(20_000) });
  const more = await other.park('oldhttp', { tag: tagged(5_000) });
  await journal.untilOver(tag, 'given-up');
  assertBadState(await flooder.retry(waiting, accepting(waiting)), 'used');
  for (const each of [own, more])
    assert.equal(answersIn(await other.retry(each, accepting(each))).length, 1);
});

for (const server of ['oldsse', 'oldio'])
  test(`${server}: one client that holds every private instance leaves room for another (R9)`, async () => {
    const [flooder, other] = [by('flooder', counted), by('other', counted)];
    for (let count = 0; count < INSTANCES; count += 1)
      await flooder.park(server, { tag: tagged() });
    await assertUntouched(other, server);
    const more = Array.from({ length: INSTANCES }, () =>
      flooder.interview(server, { tag: tagged() }),
    );
    await assertUntouched(other, server);
    await Promise.all(more);
    const waiting = await other.park(server, { tag: tagged() });
    assert.equal(answersIn(await other.retry(waiting, accepting(waiting))).length, 1);
  });

test('when the gateways end, no call is left running upstream', async () => {
  await Promise.all([usual, counted, full, weighed, heavy].map((gateway) => gateway.stop()));
  await journal.assertNoOrphan();
});
