import assert from 'node:assert/strict';
import test from 'node:test';
import { Caller, refusalOf } from '../support/attack-caller.ts';
import { assertServes, attackedForFile, KEY_HEADER } from '../support/attack-gateway.ts';
import { modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { residentMib } from '../support/raw-memory.ts';
import { begin } from '../support/raw-http.ts';

/** Whoever wishes to hear of everything there could be is told of a bounded part of it, and keeps nobody else waiting. */

const gateway = await attackedForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
});
const { port } = gateway;
const flooder = { [KEY_HEADER]: await gateway.createKey('flooder') };

function wishes(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `test://template/${from + index}/data`);
}

/** Serves a good caller, and fails where that takes long. */
async function assertPrompt(what: string): Promise<void> {
  const startedAt = performance.now();
  await assertServes(gateway);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 5000, `${what}: a good caller waited ${tookMs.toFixed(0)} ms`);
}

async function listen(notifications: object): Promise<EventReader> {
  const sent = modernSent('subscriptions/listen', { notifications });
  return new EventReader(await begin(port, { ...sent, headers: { ...sent.headers, ...flooder } }));
}

test('a listen stream that wishes for tens of thousands of resources is granted some of them at once', async () => {
  const before = residentMib(gateway.pid);
  const opening = listen({ resourceSubscriptions: wishes(50_000) });
  await assertPrompt('while it is opened');
  const stream = await opening;
  const { params } = await stream.nextMessage(
    ({ method }) => method?.includes('acknowledged') === true,
  );
  const grants = params?.['notifications'] as { resourceSubscriptions?: string[] } | undefined;
  const granted = grants?.resourceSubscriptions ?? [];
  assert.ok(granted.length <= 5000, `${granted.length} were granted`);
  await assertPrompt('while it is open');
  stream.break();
  await assertPrompt('when it is over');
  assert.ok(residentMib(gateway.pid) - before < 200);
});

test('the same of several streams that wish for a thousand each', async () => {
  const streams = await Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      listen({ resourceSubscriptions: wishes(1000, index * 1000) }),
    ),
  );
  await assertPrompt('while they are open');
  for (const stream of streams) stream.break();
  await assertPrompt('when they are over');
});

test('what is no wish at all, repeated, costs nothing', async () => {
  for (const notifications of [
    { taskIds: Array.from({ length: 50_000 }, (_, index) => `task-${index}`) },
    { resourceSubscriptions: Array.from({ length: 50_000 }, () => 'test://static-text') },
    { resourceSubscriptions: Array.from({ length: 50_000 }, (_, index) => `nope://${index}`) },
    { resourceSubscriptions: Array.from({ length: 200_000 }, () => 1) },
  ]) {
    const opening = listen(notifications);
    await assertPrompt('while it is opened');
    (await opening).break();
  }
});

test('a session that subscribes to thousands of resources is limited, or as quick at the end as at the beginning', async () => {
  const caller = await Caller.open(port, { headers: flooder });
  const uris = wishes(3000);
  const startedAt = performance.now();
  let limited = 0;
  for (let index = 0; index < uris.length; index += 50) {
    const answers = await Promise.all(
      uris.slice(index, index + 50).map((uri) => caller.ask('resources/subscribe', { uri })),
    );
    limited += answers.filter((got) => refusalOf(got) === 'LIMITED').length;
  }
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 20_000, `${tookMs.toFixed(0)} ms`);
  await assertPrompt('after it');
  if (limited > 0)
    await gateway.recorded(
      'it',
      ({ code, method }) => code === 'LIMITED' && method === 'resources/subscribe',
    );
  await caller.request('resources/unsubscribe', { uri: uris[0] });
});

test('after all of this news still reaches who asked for it', async () => {
  const stream = await listen({ resourceSubscriptions: ['test://watched-resource'] });
  await stream.nextMessage(({ method }) => method?.includes('acknowledged') === true);
  const caller = new Caller(port, { headers: flooder });
  await eventually('it is told', async () => {
    await caller.modernCall('it__fixture_touch_resource', { uri: 'test://watched-resource' });
    return stream.messages.some(({ method }) => method === 'notifications/resources/updated');
  });
  stream.break();
  await assertServes(gateway);
});
