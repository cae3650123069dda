import assert from 'node:assert/strict';
import test from 'node:test';
import { faulty } from '../support/faults.ts';
import { modernRequest, RawSession, textOf, type WireMessage } from '../support/gateway-session.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX } from '../support/processes.ts';
import { reportOf } from '../support/upstream-report.ts';

const GOOD = ['good1', 'good2', 'good3', 'good4', 'good5', 'good6', 'good7'];
const CLIENTS = 12;
const ROUNDS = 3;
/** Fewer places than calls that hang, so that some wait for one too. */
const HUNG = 10;
const BAD: Readonly<Record<string, ServerEntry>> = {
  hung: { ...faulty(), maxInFlight: 6, callTimeoutMs: 600_000, queueWaitMs: 600_000 },
  slow: fixture('legacy'),
  loops: faulty('--die-after', '300'),
};
/** What a call to the one that ends all the time may be told. */
const TOLD = new Set(['UPSTREAM_LOST', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_BUSY', 'TARGET_UNKNOWN']);

function modern(gateway: TestGateway, name: string, args = {}, signal?: AbortSignal) {
  return modernRequest(gateway.url, 'tools/call', { name, arguments: args }, signal);
}

/** One client from its first request on: initializes, lists and calls every good server again and again. */
async function client(gateway: TestGateway, number: number): Promise<void> {
  const session = await RawSession.open(gateway.url);
  for (let round = 0; round < ROUNDS; round += 1) {
    const names = await session.tools();
    for (const server of GOOD) assert.ok(names.includes(`${server}__text`), server);
    for (const server of GOOD) {
      const text = `${server} ${number}.${round}`;
      const args = { text };
      const call = { name: `${server}__text`, arguments: args };
      const answer =
        round % 2 === 0
          ? await session.call(call.name, args)
          : await modernRequest(gateway.url, 'tools/call', call);
      assert.equal(textOf(answer), text, JSON.stringify(answer));
    }
  }
  assert.equal(await session.delete(), 204);
}

/** Calls a server until told to stop; what it answered. */
function hammer(gateway: TestGateway, name: string) {
  const over = new AbortController();
  const answers: WireMessage[] = [];
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) answers.push(await modern(gateway, name));
  };
  const done = Promise.all([work(), work()]);
  return {
    /** Whether one of the calls was refused, or lost. */
    isTold: () => answers.some(({ error }) => error !== undefined),
    stop: async () => {
      over.abort();
      await done;
      return answers;
    },
  };
}

test(
  'with a hung, an ever crashing and a slow server of ten, every initialize and list succeeds and no call to the other seven waits for them',
  ON_LINUX,
  async (t) => {
    const good = Object.fromEntries(GOOD.map((name) => [name, faulty()]));
    const gateway = await TestGateway.start(t, {
      servers: { ...BAD, ...good },
      app: { upstreams: { restartMinMs: 50, restartMaxMs: 200, restartWaitMs: 2_000 } },
    });
    await gateway.whenReady(...GOOD, 'hung', 'slow');
    await client(gateway, 0);

    let ended = 0;
    const stop = new AbortController();
    const bad = [
      ...Array.from({ length: HUNG }, () => modern(gateway, 'hung__never', {}, stop.signal)),
      ...Array.from({ length: HUNG }, () =>
        modern(gateway, 'slow__fixture_slow', { ms: 600_000 }, stop.signal),
      ),
    ];
    const ends = bad.map((call) => call.catch(() => undefined).then(() => (ended += 1)));
    await eventually('the bad ones had all their calls', 10_000, async () => {
      const [hung, slow] = [await reportOf(gateway, 'hung'), await reportOf(gateway, 'slow')];
      return hung.inFlight === 6 && hung.queued === HUNG - 6 && slow.inFlight === HUNG;
    });
    const loops = hammer(gateway, 'loops__pid');

    const slow = modern(gateway, 'slow__fixture_slow', { ms: 700 });
    await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(gateway, number)));
    assert.equal(ended, 0, 'the good ones waited until a call to a bad one ended');
    assert.equal(textOf(await slow), 'waited 700 ms');

    // Those who called the one that ends all the time were told so, each by its name; mostly it ends between two calls.
    await eventually('it ended in a call', 30_000, loops.isTold);
    const told = (await loops.stop()).flatMap(({ error }) => error ?? []);
    for (const { data, message } of told)
      assert.ok(TOLD.has(String(data?.['refusal'])), `${message} ${JSON.stringify(data)}`);

    stop.abort();
    await Promise.all(ends);
    await eventually('nothing was left of those calls', 10_000, async () => {
      const states = await Promise.all(['hung', 'slow'].map((name) => reportOf(gateway, name)));
      return states.every(({ inFlight, queued }) => inFlight === 0 && queued === 0);
    });
    // They hang no more: all works again, with every place.
    const again = Array.from({ length: HUNG }, () =>
      modern(gateway, 'hung__text', { text: 'well' }),
    );
    for (const answer of await Promise.all(again)) assert.equal(textOf(answer), 'well');
    for (const name of GOOD) assert.equal((await gateway.server(name)).restarts, 0);
    // Ten servers and the watchdog; one of them may be between two lives.
    await eventually(
      'no process was left over',
      10_000,
      () => [10, 11].includes(descendantsOf(gateway.pid).length),
      () => descendantsOf(gateway.pid),
    );
  },
);
