import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import { Peer, type Manner } from '../support/fidelity-peer.ts';
import { fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

/** Who has asked for the changes of a resource hears of them, whatever became of its server meanwhile. */

const URI = 'test://watched-resource';
const UPDATED = 'notifications/resources/updated';
const WITHIN_MS = 10_000;
const MODERN: Partial<Manner> = { era: 'modern', version: '2026-07-28' };
const QUICK = { upstreams: { restartMinMs: 50, restartMaxMs: 100 } };

const CASES: readonly (readonly [string, 'legacy' | 'modern', ServerEntry])[] = [
  ['a legacy server', 'legacy', fixture('legacy')],
  ['a process of its own', 'legacy', { ...fixture('legacy'), isolation: 'session' }],
  ['a modern server', 'modern', fixture('modern')],
];

async function watcher(
  t: TestContext,
  gateway: TestGateway,
  era: 'legacy' | 'modern',
): Promise<Peer> {
  const manner = era === 'modern' ? MODERN : {};
  const peer = await Peer.open({ kind: 'http', url: gateway.url }, manner);
  t.after(() => peer.close());
  if (era === 'legacy') {
    await peer.result('resources/subscribe', { uri: URI });
    return peer;
  }
  const { response } = peer.begin('subscriptions/listen', {
    notifications: { resourceSubscriptions: [URI] },
  });
  response.catch(() => undefined);
  const { params } = await peer.next(({ method }) => method.endsWith('/acknowledged'));
  assert.deepEqual(params['notifications'], { resourceSubscriptions: [URI] });
  return peer;
}

async function assertHears(peer: Peer): Promise<void> {
  const start = peer.heard.length;
  await eventually('a call came through', WITHIN_MS, async () => {
    const { result } = await peer.request('tools/call', {
      name: 'it__fixture_touch_resource',
      arguments: { uri: URI },
    });
    return result !== undefined;
  });
  const { params } = await peer.next(({ method }) => method === UPDATED, start);
  assert.equal(params['uri'], URI);
}

for (const [title, era, it] of CASES) {
  test(`what is watched of ${title} is watched when its entry was changed`, async (t) => {
    const gateway = await TestGateway.start(t, { servers: { it }, app: QUICK });
    await gateway.whenReady('it');
    const peer = await watcher(t, gateway, era);
    await assertHears(peer);
    const args = [...(it['args'] as readonly string[]), '--extra-tools', '1'];
    await gateway.configure({ it: { ...it, args } });
    await eventually('the new entry was in force', WITHIN_MS, async () => {
      const { result } = await peer.request('tools/list');
      return JSON.stringify(result).includes('it__fixture_extra_0');
    });
    await assertHears(peer);
  });

  test(`what is watched of ${title} is watched when its process has ended`, async (t) => {
    const gateway = await TestGateway.start(t, { servers: { it }, app: QUICK });
    await gateway.whenReady('it');
    const peer = await watcher(t, gateway, era);
    await assertHears(peer);
    const { error } = await peer.request('tools/call', { name: 'it__fixture_exit', arguments: {} });
    assert.equal(objectOf(error?.data)['refusal'], 'UPSTREAM_LOST');
    await assertHears(peer);
  });
}

/** A modern server that ends when it is first asked to watch a resource, and watches it in its next life. */
const ENDING = `
import { existsSync, writeFileSync } from 'node:fs';
const MARK = process.argv[1];
const META = 'io.modelcontextprotocol/';
let rest = '';
let listening;
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) receive(JSON.parse(line));
});
function say(message) {
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
}
function tell(method, params) {
  say({ method, params: { ...params, _meta: { [META + 'subscriptionId']: listening.id } } });
}
function receive({ id, method, params }) {
  if (id === undefined) return;
  if (method === 'subscriptions/listen') {
    const { notifications } = params;
    if (notifications.resourceSubscriptions !== undefined && !existsSync(MARK)) {
      writeFileSync(MARK, '');
      process.exit(3);
    }
    listening = { id, uris: notifications.resourceSubscriptions ?? [] };
    tell('notifications/subscriptions/acknowledged', { notifications });
    return;
  }
  const results = {
    'server/discover': {
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {}, resources: { subscribe: true, listChanged: true } },
    },
    'tools/list': { tools: [{ name: 'fixture_touch_resource', inputSchema: { type: 'object' } }] },
    'resources/list': { resources: [{ uri: '${URI}', name: 'watched' }] },
    'tools/call': { content: [] },
  };
  const result = results[method];
  if (method === 'tools/call' && listening?.uris.includes('${URI}'))
    tell('${UPDATED}', { uri: '${URI}' });
  if (result === undefined) say({ id, error: { code: -32601, message: 'Method not found' } });
  else say({ id, result: { resultType: 'complete', ...result } });
}`;

test('what is watched of a server that ends while it is asked to is watched in its next life', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: {}, app: QUICK });
  const mark = `${gateway.folder}/ended-once`;
  await gateway.configure({
    it: {
      command: process.execPath,
      args: ['--input-type=module', '-e', ENDING, mark],
    },
  });
  await gateway.launch();
  await gateway.whenReady('it');
  const peer = await watcher(t, gateway, 'modern');
  await gateway.whenReady('it');
  await assertHears(peer);
});
