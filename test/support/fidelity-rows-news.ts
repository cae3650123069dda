import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { structured, type Peer } from './fidelity-peer.ts';
import { able, everyPage, type Row, type Scene } from './fidelity-scene.ts';

const UPDATED = 'notifications/resources/updated';
const LOG = 'notifications/message';
const WATCHED = 'test://watched-resource';

function shown(server: string, uri: string): string {
  return server === 'apart' ? `mcpx://apart/${encodeURIComponent(uri)}` : uri;
}

/** Updates reach who subscribed, under the URI it subscribed to, until it unsubscribes. */
async function updatesArrive(scene: Scene, server: string): Promise<void> {
  const client = await scene.open();
  const other = await scene.open(able('other'));
  const uri = shown(server, WATCHED);
  const sentinel = shown(server, 'test://static-text');
  const touch = async (own: string): Promise<void> => {
    await client.call(`${server}__fixture_touch_resource`, { uri: own });
  };
  const updateOf = async (wanted: string, start: number): Promise<number> => {
    const from = performance.now();
    const { atMs } = await client.next(
      ({ method, params }) => method === UPDATED && params['uri'] === wanted,
      start,
    );
    return atMs - from;
  };
  assert.deepEqual(await client.result('resources/subscribe', { uri }), {});
  await touch(WATCHED);
  assert.ok((await updateOf(uri, 0)) < 1_000);
  assert.deepEqual(await client.result('resources/subscribe', { uri: sentinel }), {});
  assert.deepEqual(await client.result('resources/unsubscribe', { uri }), {});
  const start = client.heard.length;
  await touch(WATCHED);
  await touch('test://static-text');
  await updateOf(sentinel, start);
  assert.deepEqual(client.heardOf(UPDATED, start), [{ uri: sentinel }]);
  await other.result('ping');
  assert.deepEqual(other.heardOf(UPDATED), [], 'who did not subscribe hears nothing');
}

/** What two clients subscribe to is asked of the server once, and given up when the last one leaves. */
async function subscriptionsAreCounted(scene: Scene): Promise<void> {
  const clients = await Promise.all([scene.open(able('anna')), scene.open(able('boris'))]);
  const [first, second] = clients;
  const uri = 'test://static-binary';
  for (const client of clients) await client.result('resources/subscribe', { uri });
  await first.result('resources/unsubscribe', { uri });
  const start = [first.heard.length, second.heard.length] as const;
  await second.call('fixture__fixture_touch_resource', { uri });
  await second.next(({ method }) => method === UPDATED, start[1]);
  assert.deepEqual(first.heardOf(UPDATED, start[0]), []);
  await second.result('resources/unsubscribe', { uri });
  const state = structured(await second.call('fixture__fixture_state'));
  assert.ok(!(state['subscriptions'] as string[]).includes(uri));
}

/** server-everything tells its subscribers every five seconds, the first time at once. */
async function everythingTellsItsSubscribers(scene: Scene): Promise<void> {
  const client = await scene.open();
  const uri = 'demo://resource/dynamic/text/5';
  await client.result('resources/subscribe', { uri });
  await client.call('everything__toggle-subscriber-updates');
  const { params } = await client.next(({ method }) => method === UPDATED);
  assert.deepEqual(params, { uri });
  await client.call('everything__toggle-subscriber-updates');
}

/** Log messages arrive as the server sends them, from the level on that the client set. */
async function logsArrive(scene: Scene, server: string): Promise<void> {
  const run = async (peer: Peer, name: string, level: string): Promise<JsonObject[]> => {
    assert.deepEqual(await peer.result('logging/setLevel', { level }), {});
    const start = peer.heard.length;
    await peer.call(name);
    return peer.heardOf(LOG, start);
  };
  const client = await scene.open();
  const direct = await scene.openDirect(server);
  for (const [level, count] of [
    ['debug', 3],
    ['warning', 0],
    ['info', 3],
  ] as const) {
    const own = await run(direct, 'test_tool_with_logging', level);
    const seen = await run(client, `${server}__test_tool_with_logging`, level);
    assert.equal(own.length, count);
    assert.deepEqual(seen, own, `level ${level}`);
  }
}

/** The level is each client's own. */
async function levelsAreApart(scene: Scene): Promise<void> {
  const loud = await scene.open(able('loud'));
  const quiet = await scene.open(able('quiet'));
  await loud.result('logging/setLevel', { level: 'debug' });
  await quiet.result('logging/setLevel', { level: 'error' });
  for (const server of ['fixture', 'apart'] as const) {
    const start = [loud.heard.length, quiet.heard.length] as const;
    await quiet.call(`${server}__test_tool_with_logging`);
    assert.deepEqual(quiet.heardOf(LOG, start[1]), []);
    await loud.call(`${server}__test_tool_with_logging`);
    assert.equal(loud.heardOf(LOG, start[0]).length, 3, server);
    assert.deepEqual(
      quiet.heardOf(LOG, start[1]),
      [],
      'what one client does is not told to another',
    );
  }
}

/** A server that logs of its own accord. */
async function everythingLogs(scene: Scene): Promise<void> {
  const client = await scene.open();
  await client.result('logging/setLevel', { level: 'debug' });
  const start = client.heard.length;
  await client.call('everything__toggle-simulated-logging');
  const { params } = await client.next(
    ({ method, params }) =>
      method === LOG && /level-message|-level message/.test(String(params['data'])),
    start,
  );
  assert.match(String(params['level']), /^[a-z]+$/);
  await client.call('everything__toggle-simulated-logging');
}

/** A resource that a server makes for one client is told to that client and listed to it, as it is directly. */
async function ownResourcesAreListed(scene: Scene): Promise<void> {
  const client = await scene.open();
  const start = client.heard.length;
  const args = { name: 'own.gz', data: 'data:text/plain,own', outputType: 'resourceLink' };
  const { content } = await client.call('everything__gzip-file-as-resource', args);
  const link = objectOf((content as unknown[])[0]);
  await client.next(
    ({ method }) => method === 'notifications/resources/list_changed',
    start,
    2_000,
  );
  const resources = await everyPage(client, 'resources/list', 'resources');
  assert.ok(
    resources.some(({ name }) => name === 'own.gz'),
    'it is listed',
  );
  const { contents } = await client.result('resources/read', { uri: link['uri'] });
  assert.equal((contents as unknown[]).length, 1);
}

/** What servers tell without being asked. */
export const NEWS_ROWS: readonly Row[] = [
  {
    name: 'updates of a resource reach its subscriber within a second, until it unsubscribes',
    run: (scene) => updatesArrive(scene, 'fixture'),
  },
  {
    name: 'updates of a resource of a server that serves clients apart reach their subscriber',
    run: (scene) => updatesArrive(scene, 'apart'),
  },
  {
    name: 'subscriptions of two clients are counted, and end with the last one (R10)',
    run: subscriptionsAreCounted,
  },
  {
    name: 'updates that a server sends of its own accord arrive',
    run: everythingTellsItsSubscribers,
  },
  {
    name: 'log messages arrive as they are, from the level on that was set',
    run: (scene) => logsArrive(scene, 'fixture'),
  },
  {
    name: 'log messages of a server that serves clients apart arrive as they are',
    run: (scene) => logsArrive(scene, 'apart'),
  },
  {
    name: 'each client has its own log level, and hears only of its own calls (R10)',
    run: levelsAreApart,
  },
  { name: 'log messages that a server sends of its own accord arrive', run: everythingLogs },
  { name: 'a resource made for one client is told and listed to it', run: ownResourcesAreListed },
];
