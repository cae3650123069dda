import assert from 'node:assert/strict';
import test from 'node:test';
import { RawModern, type Told } from '../support/access-callers.ts';
import { tagged } from '../support/access-gateway.ts';
import { modernRequest, textOf, type WireMessage } from '../support/gateway-session.ts';
import { TestGateway, type ServerEntry } from '../support/gateway.ts';
import { HeldServer } from '../support/held-server.ts';
import { eventually } from '../support/processes.ts';
import { fileScope } from '../support/upstream-shared.ts';
import { metricsOf, reportOf } from '../support/upstream-report.ts';

interface Scene {
  readonly name: string;
  readonly held: HeldServer;
}

const LIMITS: Readonly<Record<string, ServerEntry>> = {
  few: { maxInFlight: 3 },
  full: { maxInFlight: 1, maxQueued: 1 },
  late: { maxInFlight: 1, queueWaitMs: 200 },
  connections: { maxConnections: 2, queueWaitMs: 200 },
  fair: { maxInFlight: 1 },
  leaving: { maxInFlight: 1 },
  pinged: { maxInFlight: 1, maxConnections: 1, pingIntervalMs: 100, pingTimeoutMs: 5_000 },
  timed: { maxInFlight: 1, callTimeoutMs: 1_500, queueWaitMs: 60_000, breakAfter: 0 },
  patient: { callTimeoutMs: 2_400 },
};
const scope = fileScope();
const scenes = new Map<string, Scene>();
for (const name of Object.keys(LIMITS))
  scenes.set(name, { name, held: await HeldServer.open(scope) });
const remote = [...scenes].map(([name, { held }]) => [name, { url: held.url, ...LIMITS[name] }]);
const gateway = await TestGateway.start(scope, {
  servers: Object.fromEntries(remote) as Record<string, ServerEntry>,
  app: { shutdown: { drainMs: 100 } },
});
await gateway.whenReady(...scenes.keys());

function sceneOf(name: string): Scene {
  return scenes.get(name) as Scene;
}

/** A call of a modern client, which stands alone. */
function call({ name }: Scene, text: string, signal?: AbortSignal): Promise<WireMessage> {
  const params = { name: `${name}__hold`, arguments: { text } };
  return modernRequest(gateway.url, 'tools/call', params, signal);
}

async function whenHeld({ held }: Scene, count: number): Promise<void> {
  await eventually(
    `${count} calls had reached the server`,
    10_000,
    () => held.held.length === count,
    () => held.held.length,
  );
}

async function whenQueued({ name }: Scene, count: number): Promise<void> {
  await eventually(
    `${count} calls waited`,
    10_000,
    async () => (await reportOf(gateway, name)).queued === count,
    () => reportOf(gateway, name),
  );
}

function assertBusy(answer: WireMessage, message: RegExp): void {
  assert.equal(answer.error?.code, 1505, JSON.stringify(answer));
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_BUSY');
  assert.match(answer.error?.message ?? '', message);
}

test('a server has never more than maxInFlight calls under way, and all that wait are answered in the end', async () => {
  const scene = sceneOf('few');
  const { held } = scene;
  const calls = Array.from({ length: 12 }, (_, index) => call(scene, `call ${index}`));
  await whenHeld(scene, 3);
  await whenQueued(scene, 9);
  held.onCall = (one) => setTimeout(() => one.answer(), 5);
  held.answerAll();
  const texts = (await Promise.all(calls)).map(textOf);
  assert.deepEqual(
    texts,
    Array.from({ length: 12 }, (_, index) => `call ${index}`),
  );
  assert.equal(held.most, 3);
  await whenQueued(scene, 0);
});

test('where maxQueued wait already a call is refused at once, and told which settings say so', async () => {
  const scene = sceneOf('full');
  const first = call(scene, 'first');
  await whenHeld(scene, 1);
  const second = call(scene, 'second');
  await whenQueued(scene, 1);
  const refused = await call(scene, 'third');
  assertBusy(refused, /"full".*1 under way \(maxInFlight\) and 1 waiting \(maxQueued\)/u);
  scene.held.answerAll();
  await whenHeld(scene, 1);
  scene.held.answerAll();
  assert.deepEqual([textOf(await first), textOf(await second)], ['first', 'second']);
  assert.deepEqual(scene.held.texts, ['first', 'second']);
  const { refused: counts } = await reportOf(gateway, scene.name);
  assert.deepEqual(counts, { full: 1, late: 0, open: 0 });
  const metrics = await metricsOf(gateway);
  assert.match(metrics, /^mcpx_upstream_refused_total\{server="full",reason="full"\} 1$/mu);
});

test('a call that waits longer than queueWaitMs is refused and was not sent; one under way is left alone', async () => {
  const scene = sceneOf('late');
  const first = call(scene, 'first');
  await whenHeld(scene, 1);
  assertBusy(await call(scene, 'second'), /1 calls under way \(maxInFlight\) for 200 ms/u);
  scene.held.answerAll();
  assert.equal(textOf(await first), 'first');
  assert.deepEqual(scene.held.texts, ['first']);
  assert.deepEqual((await reportOf(gateway, scene.name)).refused, { full: 0, late: 1, open: 0 });
});

test('a remote server has no more calls under way than connections, and the refusal names that setting', async () => {
  const scene = sceneOf('connections');
  const calls = [call(scene, 'a'), call(scene, 'b')];
  await whenHeld(scene, 2);
  assertBusy(await call(scene, 'c'), /2 calls under way \(maxConnections\)/u);
  scene.held.answerAll();
  await Promise.all(calls);
});

test('callers take turns: one with a single call does not wait for all of another who came before', async () => {
  const scene = sceneOf('fair');
  const { held } = scene;
  const port = Number(new URL(gateway.base).port);
  const by = (who: string): RawModern => new RawModern(port, { headers: tagged(who) });
  const send = (who: string, text: string): Promise<Told> =>
    by(who).request('tools/call', { name: 'fair__hold', arguments: { text } });
  const calls = [send('anne', 'anne 0')];
  await whenHeld(scene, 1);
  for (let index = 1; index <= 8; index += 1) {
    calls.push(send('anne', `anne ${index}`));
    await whenQueued(scene, index);
  }
  calls.push(send('bert', 'bert'));
  await whenQueued(scene, 9);
  held.onCall = (one) => setTimeout(() => one.answer(), 5);
  held.answerAll();
  await Promise.all(calls);
  const place = held.texts.indexOf('bert');
  assert.ok(place === 1 || place === 2, held.texts.join());
});

test('a call whose client gives up while it waits never reaches the server', async () => {
  const scene = sceneOf('leaving');
  const first = call(scene, 'first');
  await whenHeld(scene, 1);
  const stop = new AbortController();
  const given = call(scene, 'given up', stop.signal);
  await whenQueued(scene, 1);
  stop.abort();
  await assert.rejects(given);
  await whenQueued(scene, 0);
  scene.held.answerAll();
  assert.equal(textOf(await first), 'first');
  const last = call(scene, 'last');
  await whenHeld(scene, 1);
  scene.held.answerAll();
  await last;
  assert.deepEqual(scene.held.texts, ['first', 'last']);
});

test('health checks wait for no call, though every place and every connection is taken (R2)', async () => {
  const scene = sceneOf('pinged');
  const first = call(scene, 'first');
  await whenHeld(scene, 1);
  const { methods } = scene.held;
  const before = methods.filter((method) => method === 'ping').length;
  await eventually(
    'it was pinged while it had a call',
    10_000,
    () => methods.filter((method) => method === 'ping').length >= before + 2,
  );
  assert.equal((await gateway.server('pinged')).phase, 'ready');
  scene.held.answerAll();
  assert.equal(textOf(await first), 'first');
});

test('the time for a call counts from when it came: waiting for a place is part of it', async () => {
  const scene = sceneOf('timed');
  const ends: string[] = [];
  const ended = async (name: string, sent: Promise<WireMessage>): Promise<string> => {
    const { error } = await sent;
    ends.push(name);
    return String(error?.data?.['refusal']);
  };
  const first = ended('first', call(scene, 'first'));
  await whenHeld(scene, 1);
  const reference = ended('patient', call(sceneOf('patient'), 'x'));
  // With the whole time for each, this one would end when the patient one does, or later.
  const second = ended('second', call(scene, 'second'));
  assert.deepEqual(await Promise.all([first, reference]), ['UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT']);
  assert.match(await second, /^UPSTREAM_(BUSY|TIMEOUT)$/u);
  assert.equal(ends.at(-1), 'patient', ends.join());
});
