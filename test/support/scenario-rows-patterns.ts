import assert from 'node:assert/strict';
import { objectOf, type Id, type JsonObject } from '../fixture/json-rpc.ts';
import { structured } from './fidelity-peer.ts';
import { eventually } from './raw-eventually.ts';
import { WAYS } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { codeOf, freshId, hello, requestIn } from './scenario-speech.ts';
import type { Came, Talk } from './scenario-talk.ts';
import { LEGACY_WAYS, MODERN_WAYS, type Scenario } from './scenario.ts';

const META = 'io.modelcontextprotocol/';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

function subscriptionOf({ message }: Came): unknown {
  return objectOf(message.params?.['_meta'])[`${META}subscriptionId`];
}

/** Everything that came under the id of a listen stream. */
function toldOn(talk: Talk, id: Id): Came[] {
  return talk.came.filter((came) => subscriptionOf(came) === id);
}

async function listen(talk: Talk, notifications: JsonObject): Promise<Id> {
  const [message, headers] = requestIn('modern', 'subscriptions/listen', { notifications });
  await talk.say(message, headers);
  await talk.next((came) => subscriptionOf(came) === message.id, 'the acknowledgement');
  return message.id;
}

async function endListening(scene: ScenarioScene, talk: Talk, id: Id): Promise<void> {
  if (scene.inbound === 'http') talk.abandon(id);
  else
    await talk.say({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: id },
    });
}

async function acknowledgedFirst(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const wanted = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] };
  const id = await listen(talk, wanted);
  const [first] = toldOn(talk, id);
  assert.equal(first?.message.method, ACKNOWLEDGED);
  assert.deepEqual(first.message.params?.['notifications'], wanted);
  const none = await listen(talk, {});
  assert.deepEqual(toldOn(talk, none)[0]?.message.params?.['notifications'], {});
  await endListening(scene, talk, id);
  await endListening(scene, talk, none);
}

/** Two streams that want different things, and everything a server can announce. */
async function streamsGetTheirOwn(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const uri = scene.uri('test://watched-resource');
  const prompts = await listen(talk, { promptsListChanged: true });
  const updates = await listen(talk, { resourceSubscriptions: [uri] });
  const meta = { [`${META}logLevel`]: 'debug', progressToken: 'p' };
  const start = talk.came.length;
  const call = (tool: string, args: JsonObject = {}): Promise<unknown> =>
    talk.ask(
      ...requestIn('modern', 'tools/call', { name: scene.name(tool), arguments: args }, { meta }),
    );
  await Promise.all([
    call('test_trigger_prompt_change'),
    call('test_tool_with_logging'),
    call('test_tool_with_progress'),
  ]);
  await call('fixture_touch_resource', { uri: 'test://watched-resource' });
  await call('test_trigger_prompt_change');
  const count = (id: Id): number => toldOn(talk, id).length;
  await eventually('both streams were told', () => count(prompts) > 2 && count(updates) > 1);
  const methods = (id: Id): (string | undefined)[] =>
    toldOn(talk, id).map(({ message }) => message.method);
  assert.deepEqual(
    new Set(methods(prompts)),
    new Set([ACKNOWLEDGED, 'notifications/prompts/list_changed']),
  );
  assert.deepEqual(
    new Set(methods(updates)),
    new Set([ACKNOWLEDGED, 'notifications/resources/updated']),
  );
  assert.equal(toldOn(talk, updates).at(-1)?.message.params?.['uri'], uri);
  // Whatever is news has the id of a stream; nothing comes without.
  const news = talk.came
    .slice(start)
    .filter(({ message }) => /list_changed|updated/u.test(message.method ?? ''));
  assert.ok(news.every((came) => subscriptionOf(came) !== undefined));
  await endListening(scene, talk, prompts);
  await endListening(scene, talk, updates);
}

async function closedStreamsAreQuiet(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const uri = scene.uri('test://watched-resource');
  const [one, two] = [
    await listen(talk, { resourceSubscriptions: [uri] }),
    await listen(talk, { resourceSubscriptions: [uri] }),
  ];
  await endListening(scene, talk, one);
  const before = toldOn(talk, one).length;
  const touch = (): Promise<unknown> =>
    scene.call('fixture_touch_resource', { uri: 'test://watched-resource' });
  await touch();
  await talk.next(
    (came) => subscriptionOf(came) === two && came.message.method !== ACKNOWLEDGED,
    'an update',
  );
  assert.equal(toldOn(talk, one).length, before);
  await endListening(scene, talk, two);
}

/** However many want it, the server is asked once; and no more when nobody does. */
async function serversAreListenedToOnce(scene: ScenarioScene): Promise<void> {
  const uri = 'test://static-text';
  const peers = [await scene.client(), await scene.client()];
  const subscribed = async (): Promise<number> => {
    const all = structured(await scene.call('fixture_state'))['subscriptions'] as unknown[];
    return all.filter((one) => one === uri).length;
  };
  const notifications = { resourceSubscriptions: [scene.uri(uri)] };
  const begun =
    scene.era === 'modern'
      ? peers.map((peer) => peer.begin('subscriptions/listen', { notifications }))
      : [];
  for (const { response } of begun) response.catch(() => undefined);
  if (scene.era === 'legacy')
    await peers[0]?.result('resources/subscribe', { uri: scene.uri(uri) });
  await eventually('the server was asked', async () => (await subscribed()) === 1);
  for (const one of begun) await peers[0]?.cancel(one);
  if (scene.era === 'legacy')
    await peers[0]?.result('resources/unsubscribe', { uri: scene.uri(uri) });
  await eventually('the server was asked no more', async () => (await subscribed()) === 0);
}

async function cancelledIsUnanswered(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const params = {
    name: scene.name('fixture_slow'),
    arguments: { ms: 20_000, progressEveryMs: 30 },
  };
  const [message, headers] = requestIn(scene.era, 'tools/call', params, {
    meta: { progressToken: String(freshId()) },
  });
  const other = requestIn(scene.era, 'tools/call', { ...params, arguments: { ms: 300 } });
  await talk.say(message, headers);
  await talk.say(...other);
  const sent = await scene.whenSent(
    'tools/call',
    (one) => objectOf(one.params?.['arguments'])['ms'] === 20_000,
  );
  const token = objectOf(message['params'])['_meta'];
  const about = (came: Came): boolean =>
    came.message.params?.['progressToken'] === objectOf(token)['progressToken'];
  await talk.next(about, 'progress');
  const cancel = { requestId: message.id, reason: 'no longer wanted' };
  if (scene.door === 'modern-http') talk.abandon(message.id);
  else await talk.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: cancel });
  if (scene.server === 'modern-http')
    await eventually('the request was closed', () => sent.http?.isAbandoned === true);
  else {
    const told = await scene.whenSent('notifications/cancelled');
    assert.equal(told.message?.params?.['requestId'], sent.message?.id);
  }
  // What was on its way when the cancellation came has arrived now.
  await talk.ask(...requestIn(scene.era, 'prompts/list'));
  const told = talk.came.filter(about).length;
  assert.ok((await talk.reply(other[0].id)).result !== undefined, 'another request was hit');
  assert.equal(talk.came.filter(about).length, told, 'progress of a cancelled request');
  assert.ok(
    talk.came.every(({ message: one }) => one.id !== message.id),
    'a cancelled request was answered',
  );
  assert.ok(talk.came.every(({ message: one }) => one.method !== 'notifications/cancelled'));
}

async function badCancelsAreIgnored(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const foreign = await scene.freshTalk();
  if (scene.era === 'legacy') await hello(foreign);
  const slow = requestIn(scene.era, 'tools/call', {
    name: 'legacy-http__fixture_slow',
    arguments: { ms: 200 },
  });
  await talk.say(...slow);
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'notifications/cancelled' };
  for (const one of [talk, foreign])
    for (const params of [
      { requestId: 'nobody' },
      {},
      { requestId: { a: 1 } },
      ...(one === foreign ? [{ requestId: slow[0].id }] : []),
    ])
      await one
        .say(
          { jsonrpc: '2.0', method: 'notifications/cancelled', params },
          scene.era === 'modern' ? headers : {},
        )
        .catch(() => undefined);
  assert.ok((await talk.reply(slow[0].id)).result !== undefined);
}

async function progressIsAsAsked(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const call = async (meta: JsonObject): Promise<{ start: number; end: number }> => {
    const start = talk.came.length;
    const [message, headers] = requestIn(
      scene.era,
      'tools/call',
      { name: scene.name('fixture_slow'), arguments: { ms: 60, progressEveryMs: 20 } },
      { meta },
    );
    await talk.ask(message, headers);
    return { start, end: talk.came.findIndex(({ message: one }) => one.id === message.id) };
  };
  const progressIn = (from: number, to?: number): JsonObject[] =>
    talk.came
      .slice(from, to)
      .filter(({ message }) => message.method === 'notifications/progress')
      .map(({ message }) => message.params ?? {});
  for (const progressToken of [`t ${String(freshId())}`, 8_000_000 + talk.came.length]) {
    const { start, end } = await call({ progressToken });
    const told = progressIn(start, end);
    assert.ok(told.every((one) => one['progressToken'] === progressToken));
    assert.deepEqual(
      told.map(({ progress }) => progress),
      [20, 40, 60],
    );
    assert.deepEqual(progressIn(end), [], 'progress after the answer');
  }
  const { start } = await call({});
  assert.deepEqual(progressIn(start), [], 'progress nobody asked for');
}

async function levelsAreKept(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const messages = async (): Promise<number> => {
    const start = peer.heard.length;
    await scene.call('test_tool_with_logging');
    return peer.heardOf('notifications/message', start).length;
  };
  await peer.result('logging/setLevel', { level: 'debug' });
  assert.equal(await messages(), 3);
  await peer.result('logging/setLevel', { level: 'error' });
  assert.equal(await messages(), 0);
  assert.equal(codeOf(await peer.request('logging/setLevel', { level: 'loud' })), -32602);
  const told =
    scene.sent('logging/setLevel').length +
    scene
      .received()
      .filter(
        ({ message }) => objectOf(message?.params?.['_meta'])[`${META}logLevel`] !== undefined,
      ).length;
  assert.ok(told > 0, 'the server was told no level');
}

async function levelsAreOfRequests(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const logged = async (level?: string): Promise<Came[]> => {
    const start = talk.came.length;
    const meta = level === undefined ? {} : { [`${META}logLevel`]: level };
    const [message, headers] = requestIn(
      'modern',
      'tools/call',
      { name: scene.name('test_tool_with_logging'), arguments: {} },
      { meta },
    );
    await talk.ask(message, headers);
    const told = talk.came
      .slice(start)
      .filter(({ message: one }) => one.method === 'notifications/message');
    if (scene.inbound === 'http') assert.ok(told.every(({ about }) => about === message.id));
    assert.equal(talk.came.at(-1)?.message.id, message.id, 'something came after the answer');
    return told;
  };
  assert.equal((await logged()).length, 0);
  assert.equal((await logged('info')).length, 3);
  assert.equal((await logged('warning')).length, 0);
}

async function badLevelsAreRefused(scene: ScenarioScene): Promise<void> {
  const meta = { [`${META}logLevel`]: 'loud' };
  const talk = await scene.talk();
  assert.equal(codeOf(await talk.ask(...requestIn('modern', 'tools/list', {}, { meta }))), -32602);
}

/** Listen streams, cancellation, progress and log messages. */
export const PATTERN_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a stream begins with what it will tell, which is no more than was asked for',
    cites: ['modern.listen.acknowledged-first', 'modern.listen.granted'],
    doors: MODERN_WAYS,
    run: acknowledgedFirst,
  },
  {
    name: 'each stream tells what it was opened for, under its own id, and nothing of calls',
    cites: [
      'modern.listen.only-requested',
      'modern.listen.several',
      'modern.listen.resources',
      'modern.listen.prompts',
      'modern.listen.nothing-else',
      'modern.meta.subscription-id',
      'modern.stdio.multiplexed',
      'modern.stdio.no-requests',
      'modern.stdio.demultiplexed',
    ],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: streamsGetTheirOwn,
  },
  {
    name: 'a stream that was ended tells nothing more',
    cites: ['modern.listen.cancelled'],
    doors: MODERN_WAYS,
    servers: ['legacy-http', 'modern-http'],
    run: closedStreamsAreQuiet,
  },
  {
    name: 'a server is asked for updates once, and no more when nobody wants them (R10)',
    cites: ['modern.listen.client.one', 'modern.listen.client.dropped'],
    servers: MODERN_WAYS,
    run: serversAreListenedToOnce,
  },
  {
    name: 'a cancelled request is not answered, its server stops, and no other is hit',
    cites: [
      'cancel.no-answer',
      'cancel.stops-work',
      'modern.stdio.cancelled',
      'modern.stdio.cancels',
      'modern.http.client.close-cancels',
      'modern.cancel.not-sent',
      'cancel.client.own-requests',
      'cancel.client.late-answer',
    ],
    servers: WAYS,
    run: cancelledIsUnanswered,
  },
  {
    name: 'cancelling what is unknown, malformed or of another client does nothing',
    cites: ['cancel.unknown-ignored', 'cancel.only-own'],
    run: badCancelsAreIgnored,
  },
  {
    name: 'progress comes to who asked for it, under its token, rising, until the answer',
    cites: [
      'progress.token',
      'progress.only-asked',
      'progress.increases',
      'progress.stops',
      'progress.fields',
    ],
    servers: WAYS,
    isAlone: true,
    run: progressIsAsAsked,
  },
  {
    name: 'log messages come from the level of the session on',
    cites: ['logging.level', 'logging.invalid-level', 'logging.client.level'],
    doors: LEGACY_WAYS,
    servers: WAYS,
    isAlone: true,
    run: levelsAreKept,
  },
  {
    name: 'log messages come where the request asks for them, from its level on, before its answer',
    cites: ['modern.logging.opt-in', 'modern.logging.level', 'modern.logging.own-stream'],
    doors: MODERN_WAYS,
    servers: WAYS,
    isAlone: true,
    run: levelsAreOfRequests,
  },
  {
    name: 'a request with a log level that is none is refused',
    cites: ['modern.logging.invalid-level'],
    doors: MODERN_WAYS,
    run: badLevelsAreRefused,
  },
];
