import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Owner } from '../../../src/kernel/exchange.ts';
import type { UpstreamLimits } from '../../../src/kernel/plan.ts';
import { Instances } from '../../../src/upstream/instances.ts';
import type { Link } from '../../../src/upstream/link.ts';

interface FakeLink {
  readonly owner: Owner | undefined;
  inFlight: number;
  isOpen: boolean;
  close(reason: string): Promise<void>;
}

interface World {
  readonly instances: Instances;
  /** Links that were opened, by the key of their owner. */
  readonly opened: string[];
  readonly closed: string[];
  readonly dropped: string[];
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
        isOpen: true,
        close: async () => {
          if (link.isOpen) now -= 1;
          link.isOpen = false;
          closed?.push(key);
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
    most: () => most,
  };
}

const ownerOf = (key: string): Owner => ({ key }) as Owner;
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
