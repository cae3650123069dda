import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cancelled } from '../../../src/kernel/answer.ts';
import { Cancellation, type Owner } from '../../../src/kernel/exchange.ts';
import type { UpstreamLimits } from '../../../src/kernel/plan.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import { Instances } from '../../../src/upstream/instances.ts';
import type { Link } from '../../../src/upstream/link.ts';

interface FakeLink {
  readonly owner: Owner | undefined;
  inFlight: number;
  askingSince: number | undefined;
  isOpen: boolean;
  close(reason: string): Promise<void>;
}

interface World {
  readonly instances: Instances;
  /** Links that were opened, by the key of their owner. */
  readonly opened: string[];
  readonly closed: string[];
  readonly dropped: string[];
  /** Why links were closed. */
  readonly reasons: string[];
  /** The most that were ever open at once. */
  most(): number;
}

const LIMITS = { maxInstances: 2, restartWaitMs: 1000, instanceIdleMs: 0 };
const JUST_USED_MS = 40;

function worldOf(
  t: TestContext,
  limits: Partial<typeof LIMITS> = {},
  open?: () => Promise<void>,
): World {
  const [opened, closed, dropped]: string[][] = [[], [], []];
  const reasons: string[] = [];
  let now = 0;
  let most = 0;
  const instances = new Instances({
    upstream: 'it',
    limits: { ...LIMITS, ...limits } as unknown as UpstreamLimits,
    open: async (owner) => {
      const key = owner?.key ?? 'mute';
      opened?.push(key);
      now += 1;
      most = Math.max(most, now);
      await open?.();
      const link: FakeLink = {
        owner,
        inFlight: 0,
        askingSince: undefined,
        isOpen: true,
        close: async (reason) => {
          if (link.isOpen) now -= 1;
          link.isOpen = false;
          closed?.push(key);
          reasons.push(reason);
          await sleep(5);
        },
      };
      return link as unknown as Link;
    },
    onDropped: (key) => void dropped?.push(key),
    log: () => undefined,
  });
  t.after(() => instances.close('over'));
  return {
    instances,
    opened: opened ?? [],
    closed: closed ?? [],
    dropped: dropped ?? [],
    reasons,
    most: () => most,
  };
}

/** A client of a caller: of the one before the blank. */
function ownerOf(key: string): Owner {
  const credential = key.split(' ', 1)[0] ?? '';
  return { key, principal: Principal.prove({ credential, proof: 'local' }) } as Owner;
}

/** Since when a link waits for its client alone. */
function asking(link: Link, since: number): void {
  busy(link);
  (link as unknown as FakeLink).askingSince = since;
}

const busy = (link: Link, count = 1): void => {
  (link as unknown as FakeLink).inFlight = count;
};

test('every client has an instance of its own and keeps it (R9)', async (t) => {
  const { instances, opened } = worldOf(t);
  const [anne, bert] = [await instances.get(ownerOf('anne')), await instances.get(ownerOf('bert'))];
  assert.notEqual(anne, bert);
  assert.equal(await instances.get(ownerOf('anne')), anne);
  assert.deepEqual([opened, instances.size], [['anne', 'bert'], 2]);
  assert.equal(instances.peek('anne'), anne);
  assert.equal(instances.peek('carl'), undefined);
});

test('clients that cannot be asked anything share one (R9)', async (t) => {
  const { instances, opened } = worldOf(t);
  const [one, other] = await Promise.all([instances.get(undefined), instances.get(undefined)]);
  assert.equal(one, other);
  assert.deepEqual(opened, ['mute']);
});

test('when every place is taken the one idle for longest makes room, and is never handed to another (R9)', async (t) => {
  const { instances, opened, closed, dropped } = worldOf(t);
  const anne = await instances.get(ownerOf('anne'));
  await sleep(5);
  await instances.get(ownerOf('bert'));
  await sleep(JUST_USED_MS);
  const carl = await instances.get(ownerOf('carl'));
  assert.notEqual(carl, anne);
  assert.deepEqual([opened, closed, dropped], [['anne', 'bert', 'carl'], ['anne'], ['anne']]);
});

test('one with a call in flight is never ended for another: whoever comes waits, first come first (R9)', async (t) => {
  const { instances, opened } = worldOf(t);
  const links = [await instances.get(ownerOf('anne')), await instances.get(ownerOf('bert'))];
  for (const link of links) busy(link);
  const waiting = [instances.get(ownerOf('carl')), instances.get(ownerOf('dora'))];
  await sleep(JUST_USED_MS);
  assert.deepEqual(opened, ['anne', 'bert']);
  busy(links[0] as Link, 0);
  instances.wakeNext();
  busy(await (waiting[0] as Promise<Link>));
  assert.deepEqual(opened, ['anne', 'bert', 'carl']);
  instances.drop('bert', 'its client is gone');
  await waiting[1];
  assert.deepEqual(opened, ['anne', 'bert', 'carl', 'dora']);
});

test('whoever waits too long is refused and told why (R9)', async (t) => {
  const { instances } = worldOf(t, { restartWaitMs: 60 });
  for (const key of ['anne', 'bert']) busy(await instances.get(ownerOf(key)));
  await assert.rejects(instances.get(ownerOf('carl')), {
    code: 'UPSTREAM_BUSY',
    message: /All 2 instances/u,
  });
});

test('however many come at once, there are never more instances than maxInstances (R9)', async (t) => {
  const { instances, most } = worldOf(t, { restartWaitMs: 5000 }, () => sleep(5));
  const clients = Array.from({ length: 20 }, (_, index) => ownerOf(`client ${index}`));
  await Promise.all(
    clients.map(async (client) => {
      const link = await instances.get(client);
      busy(link);
      await sleep(10);
      busy(link, 0);
      instances.wakeNext();
    }),
  );
  assert.ok(most() <= 2, `${most()} at once`);
});

test('one that broke is replaced for its own client', async (t) => {
  const { instances, opened } = worldOf(t);
  const first = await instances.get(ownerOf('anne'));
  (first as unknown as FakeLink).isOpen = false;
  assert.equal(instances.peek('anne'), undefined);
  const second = await instances.get(ownerOf('anne'));
  assert.notEqual(second, first);
  assert.deepEqual(opened, ['anne', 'anne']);
});

test('one that cannot be opened takes no place, and the next try opens it anew', async (t) => {
  let fails = true;
  const { instances } = worldOf(t, {}, () =>
    fails ? Promise.reject(new Error('no')) : Promise.resolve(),
  );
  await assert.rejects(instances.get(ownerOf('anne')), /no/u);
  assert.equal(instances.size, 0);
  fails = false;
  await instances.get(ownerOf('anne'));
  assert.equal(instances.size, 1);
});

test('one unused for instanceIdleMs ends, one with a call in flight does not', async (t) => {
  const { instances, closed } = worldOf(t, { instanceIdleMs: 60 });
  await instances.get(ownerOf('anne'));
  busy(await instances.get(ownerOf('bert')));
  await sleep(250);
  assert.deepEqual([closed, instances.size], [['anne'], 1]);
});

test('with instanceIdleMs 0 none ends by idling', async (t) => {
  const { instances } = worldOf(t);
  await instances.get(ownerOf('anne'));
  await sleep(150);
  assert.equal(instances.size, 1);
});

test('the end ends all, those still opening too', async (t) => {
  const { instances, closed } = worldOf(t, {}, () => sleep(20));
  await instances.get(ownerOf('anne'));
  const opening = instances.get(ownerOf('bert'));
  await instances.close('over');
  await opening;
  assert.deepEqual(closed.toSorted(), ['anne', 'bert']);
});

function codeOf(error: unknown): unknown {
  return error instanceof Refusal ? error.code : error;
}

/** Resolves once so many instances were opened. */
async function whenOpened({ opened }: World, count: number): Promise<void> {
  const end = performance.now() + 5000;
  while (opened.length < count) {
    assert.ok(performance.now() < end, `only ${opened.join()} were opened`);
    await sleep(5);
  }
}

test('the caller with the fewest instances is served first, however many calls of another came before (R9)', async (t) => {
  const world = worldOf(t, { maxInstances: 2, restartWaitMs: 5000 });
  const { instances, opened } = world;
  const links = [await instances.get(ownerOf('anne 1')), await instances.get(ownerOf('anne 2'))];
  for (const link of links) busy(link);
  const flood = Array.from({ length: 200 }, (_, index) => instances.get(ownerOf(`anne w${index}`)));
  const bert = [instances.get(ownerOf('bert 1')), instances.get(ownerOf('bert 2'))];
  for (const waiting of [...flood, ...bert]) waiting.then(busy, () => undefined);
  const carl = instances.get(ownerOf('carl 1'));
  carl.then(busy, () => undefined);
  assert.equal(instances.queued, 203);
  for (const [index, key] of ['anne 1', 'anne 2', 'bert 1', 'bert 2'].entries()) {
    instances.drop(key, 'its exchange ended');
    await whenOpened(world, index + 3);
  }
  // Of callers with equal shares the one that came first is next: anne, when both of hers have ended.
  assert.deepEqual(opened.slice(2), ['bert 1', 'anne w0', 'bert 2', 'carl 1']);
});

test('several calls of one client wait for one place, and get it together (R9)', async (t) => {
  const { instances, opened } = worldOf(t, { maxInstances: 1 });
  busy(await instances.get(ownerOf('anne')));
  const waiting = [1, 2, 3].map(() => instances.get(ownerOf('bert')));
  assert.equal(instances.queued, 3);
  instances.drop('anne', 'gone');
  const links = await Promise.all(waiting);
  assert.equal(new Set(links).size, 1);
  assert.deepEqual([opened, instances.queued], [['anne', 'bert'], 0]);
});

test('whoever holds two instances more than one who waits gives up the one that has waited longest for its client (R9)', async (t) => {
  const { instances, opened, closed, reasons } = worldOf(t, {
    maxInstances: 3,
    restartWaitMs: 5000,
  });
  for (const [index, since] of [300, 100, 200].entries())
    asking(await instances.get(ownerOf(`anne ${index}`)), since);
  await instances.get(ownerOf('bert 1'));
  assert.deepEqual(closed, ['anne 1']);
  assert.match(reasons[0] ?? '', /place to another caller while the call waited.*maxInstances/u);
  assert.deepEqual(opened.slice(3), ['bert 1']);
});

test('a call that is worked on is never ended for another caller, nor one of a caller whose share is fair (R9)', async (t) => {
  const { instances, closed } = worldOf(t, { maxInstances: 3, restartWaitMs: 150 });
  busy(await instances.get(ownerOf('anne 1')));
  busy(await instances.get(ownerOf('anne 2')));
  asking(await instances.get(ownerOf('bert 1')), 1);
  await assert.rejects(instances.get(ownerOf('carl 1')), { code: 'UPSTREAM_BUSY' });
  await assert.rejects(instances.get(ownerOf('bert 2')), { code: 'UPSTREAM_BUSY' });
  assert.deepEqual(closed, []);
});

test('one place each is a fair share, also for those who come later (R9)', async (t) => {
  const { instances, closed } = worldOf(t, { maxInstances: 2, restartWaitMs: 100 });
  for (const [index, who] of ['anne 1', 'bert 1'].entries())
    asking(await instances.get(ownerOf(who)), index);
  await assert.rejects(instances.get(ownerOf('carl 1')), { code: 'UPSTREAM_BUSY' });
  assert.deepEqual(closed, []);
});

test('a caller takes no place from its own calls that wait (R9)', async (t) => {
  const { instances, closed } = worldOf(t, { maxInstances: 3, restartWaitMs: 100 });
  for (const index of [1, 2, 3]) asking(await instances.get(ownerOf(`anne ${index}`)), index);
  await assert.rejects(instances.get(ownerOf('anne 4')), { code: 'UPSTREAM_BUSY' });
  assert.deepEqual(closed, []);
});

test('an idle instance makes room before one that waits for its client does (R9)', async (t) => {
  const { instances, closed } = worldOf(t, { maxInstances: 3 });
  for (const index of [1, 2]) asking(await instances.get(ownerOf(`anne ${index}`)), index);
  await instances.get(ownerOf('anne 3'));
  await sleep(JUST_USED_MS);
  await instances.get(ownerOf('bert 1'));
  assert.deepEqual(closed, ['anne 3']);
});

test('a call that is cancelled waits no longer, and no instance is opened for it', async (t) => {
  const world = worldOf(t, { maxInstances: 1, restartWaitMs: 5000 });
  const { instances, opened } = world;
  busy(await instances.get(ownerOf('anne')));
  const [signal, early] = [new Cancellation(), new Cancellation()];
  early.cancel('before');
  const waiting = instances.get(ownerOf('bert'), signal);
  await assert.rejects(instances.get(ownerOf('dora'), early), Cancelled);
  signal.cancel('the client is gone');
  await assert.rejects(waiting, Cancelled);
  assert.equal(instances.queued, 0);
  const carl = instances.get(ownerOf('carl'));
  instances.drop('anne', 'gone');
  await carl;
  assert.deepEqual(opened, ['anne', 'carl']);
});

test('a call that is cancelled while its instance is being opened does not wait for that', async (t) => {
  let open = (): void => undefined;
  const { instances } = worldOf(t, {}, () => new Promise<void>((resolve) => (open = resolve)));
  const signal = new Cancellation();
  const waiting = instances.get(ownerOf('anne'), signal);
  signal.cancel('the client is gone');
  await assert.rejects(waiting, Cancelled);
  open();
});

test('the calls of a client that is gone wait for no place any more', async (t) => {
  const { instances, opened } = worldOf(t, { maxInstances: 1, restartWaitMs: 5000 });
  busy(await instances.get(ownerOf('anne')));
  const waiting = instances.get(ownerOf('bert'));
  instances.forget('bert', 'its client is gone');
  await assert.rejects(waiting, Cancelled);
  assert.deepEqual([instances.queued, opened], [0, ['anne']]);
});

test('when all is over nobody waits and nothing is left (R9)', async (t) => {
  const { instances } = worldOf(t, { maxInstances: 1, restartWaitMs: 5000 });
  busy(await instances.get(ownerOf('anne')));
  const waiting = [1, 2].map((each) => instances.get(ownerOf(`bert ${each}`)));
  const ended = Promise.allSettled(waiting);
  await instances.close('over');
  for (const outcome of await ended)
    assert.ok(outcome.status === 'rejected' && codeOf(outcome.reason) === 'UPSTREAM_UNAVAILABLE');
  assert.deepEqual([instances.queued, instances.size, instances.inFlight], [0, 0, 0]);
  await assert.rejects(instances.get(ownerOf('carl')), { code: 'UPSTREAM_UNAVAILABLE' });
});
