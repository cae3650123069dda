import { setTimeout as sleep } from 'node:timers/promises';
import { LegacyClient } from '../load/clients.ts';
import { ORDER, type Order } from '../load/order.ts';
import { line, once, type Line, type Outcome } from '../outcome.ts';
import { CONFIGURATIONS } from '../sides/configurations.ts';
import { memoryOf, type Memory } from '../sides/heap.ts';
import { startGateway, stdioServer } from '../sides/sides.ts';

const SESSIONS = 1000;
const AT_ONCE = 50;
const TARGET = { atMost: 20 };

/** What a thousand legacy sessions take that do nothing: left by their clients, and with a connection and a stream each. */
export async function idleSessions(): Promise<Outcome> {
  const gateway = await startGateway({
    ...CONFIGURATIONS.gateway,
    name: 'gateway',
    servers: { bench: stdioServer() },
    hasProbe: true,
  });
  const order: Order = { ...ORDER, port: gateway.port, key: gateway.key };
  try {
    // What the first sessions bring into memory for good is not theirs alone.
    const first = await openAll(order, SESSIONS);
    for (const client of first) client.listen();
    await Promise.all(first.map((client) => client.close()));
    const before = await settled(() => memoryOf(gateway));
    for (const client of await openAll(order, SESSIONS)) client.leave();
    const left = await settled(() => memoryOf(gateway));
    const held = await openAll(order, SESSIONS);
    for (const client of held) client.listen();
    const listening = await settled(() => memoryOf(gateway));
    for (const client of held) client.leave();
    const lines = [
      ...linesOf('left by its client', before, left),
      ...linesOf('with a connection and a stream', left, listening),
    ];
    return { lines, sides: [], notes: [], data: { before, left, listening } };
  } finally {
    await gateway.stop();
  }
}

async function openAll(order: Order, count: number): Promise<LegacyClient[]> {
  const clients: LegacyClient[] = [];
  while (clients.length < count) {
    const opening = Array.from({ length: Math.min(AT_ONCE, count - clients.length) }, () =>
      LegacyClient.open(order),
    );
    clients.push(...(await Promise.all(opening)));
  }
  return clients;
}

async function settled(read: () => Promise<Memory>): Promise<Memory> {
  await sleep(1500);
  await read();
  await sleep(500);
  return read();
}

function linesOf(what: string, before: Memory, after: Memory): Line[] {
  const each = (of: (memory: Memory) => number): number =>
    (of(after) - of(before)) / SESSIONS / 1000;
  return [
    line('2', `idle session ${what}: live memory each`, once(each(({ live }) => live)), {
      unit: 'kB',
      target: TARGET,
    }),
    line('2', `idle session ${what}: RSS each`, once(each(({ resident }) => resident)), {
      unit: 'kB',
      target: TARGET,
    }),
  ];
}
