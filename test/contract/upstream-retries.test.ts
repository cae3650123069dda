import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { RawLegacy, type Told } from '../support/access-callers.ts';
import { modernRequest, textOf } from '../support/gateway-session.ts';
import { TestGateway, type ServerEntry } from '../support/gateway.ts';
import { HeldServer } from '../support/held-server.ts';
import { eventually } from '../support/processes.ts';
import { metricsOf, reportOf } from '../support/upstream-report.ts';
import { fileScope } from '../support/upstream-shared.ts';

const SERVER = fileURLToPath(new URL('../support/lossy-server.ts', import.meta.url));
const scope = fileScope();
const folder = await mkdtemp(join(tmpdir(), 'mcpx-lossy-'));
scope.after(() => rm(folder, { recursive: true, force: true }));

/** A server whose first so many calls of each kind end its process. */
function lossy(name: string, times: number, more: ServerEntry = {}): ServerEntry {
  const args = [SERVER, '--journal', join(folder, name), '--times', String(times)];
  return { command: process.execPath, args, breakAfter: 0, ...more };
}

const [moving, gone] = [await HeldServer.open(scope), await HeldServer.open(scope)];
moving.onCall = (call) => call.answer();
const gateway = await TestGateway.start(scope, {
  servers: {
    // Three crashes within ten seconds are borne, a fourth makes a server count as failed.
    once: lossy('once', 1),
    reading: lossy('reading', 1),
    unsafe: lossy('unsafe', 1),
    twice: lossy('twice', 2),
    told: lossy('told', 1),
    single: lossy('single', 1, { retries: 0 }),
    own: lossy('own', 1, { isolation: 'session' }),
    moving: { url: moving.url },
    gone: { url: gone.url, callTimeoutMs: 700, restartMinMs: 20_000, restartMaxMs: 20_000 },
  },
  app: {
    shutdown: { drainMs: 100 },
    upstreams: { restartMinMs: 20, restartMaxMs: 100, restartWaitMs: 60_000 },
  },
});
await gateway.whenReady(
  'once',
  'reading',
  'unsafe',
  'twice',
  'told',
  'single',
  'own',
  'moving',
  'gone',
);
const port = Number(new URL(gateway.base).port);
const CAPABILITIES = { elicitation: { form: {} } };
const session = await RawLegacy.open(port, { capabilities: CAPABILITIES });

function tool(server: string, name: string, more: object = {}): Promise<Told> {
  return session.request('tools/call', { name: `${server}__${name}`, arguments: {}, ...more });
}

async function runs(server: string, name: string): Promise<number> {
  const journal = await readFile(join(folder, server), 'utf8').catch(() => '');
  return journal.split('\n').filter((line) => line === name).length;
}

function assertLost({ error }: Told): void {
  assert.equal(error?.data?.['refusal'], 'UPSTREAM_LOST', JSON.stringify(error));
}

for (const name of ['read', 'put'])
  test(`a call of a tool that is marked as safe to repeat (${name}) and got lost is sent again, once`, async () => {
    const answer = await tool('once', name);
    assert.equal(textOf(answer), 'ran 2 times', JSON.stringify(answer));
    assert.equal(await runs('once', name), 2);
  });

const READING = [
  ['prompts/get', { name: 'reading__prompt' }],
  ['resources/read', { uri: 'test://reading' }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'reading__prompt' }, argument: { name: 'a', value: 'b' } },
  ],
] as const;

test('so are prompts, resources and completions, and the metrics count it', async () => {
  const before = (await reportOf(gateway, 'reading')).retries;
  for (const [method, params] of READING) {
    const answer = await session.request(method, params);
    assert.match(JSON.stringify(answer), /ran 2 times/u, method);
  }
  assert.equal((await reportOf(gateway, 'reading')).retries - before, 3);
  const metrics = await metricsOf(gateway);
  assert.match(
    metrics,
    new RegExp(`mcpx_upstream_retries_total\\{server="reading"\\} ${before + 3}`),
  );
});

for (const name of ['plain', 'cautious'])
  test(`a call of a tool that is not (${name}) runs once and is told as lost`, async () => {
    assertLost(await tool('unsafe', name));
    assert.equal(await runs('unsafe', name), 1);
  });

test('one that gets lost again is told as lost, and with retries: 0 none is sent again', async () => {
  assertLost(await tool('twice', 'read'));
  assert.equal(await runs('twice', 'read'), 2);
  assertLost(await tool('single', 'read'));
  assert.equal(await runs('single', 'read'), 1);
});

test('once its client has heard of a call, by progress, a log message or a question, it is not sent again', async () => {
  assertLost(await tool('told', 'progress', { _meta: { progressToken: 'mine' } }));
  assertLost(await tool('told', 'log'));
  for (const name of ['progress', 'log']) assert.equal(await runs('told', name), 1, name);
  const asked = await tool('told', 'ask');
  assertLost(asked);
  assert.equal(await runs('told', 'ask'), 1);
});

test('a call that asks for a task is not sent again: its client would know nothing of the first one', async () => {
  assertLost(await tool('unsafe', 'task', { task: { ttl: 60_000 } }));
  assert.equal(await runs('unsafe', 'task'), 1);
});

test('what ran in an instance of the client is not sent again: what the instance knew is lost (R9)', async () => {
  assertLost(await tool('own', 'read'));
  assert.equal(await runs('own', 'read'), 1);
});

test('a call of which nothing was sent waits for its server to be back, whatever it is', async () => {
  await moving.close();
  const params = { name: 'moving__hold', arguments: { text: 'moved' } };
  const call = modernRequest(gateway.url, 'tools/call', params);
  await eventually(
    'the connection was found to be gone',
    10_000,
    async () => (await gateway.server('moving')).phase !== 'ready',
  );
  await moving.listen();
  assert.equal(textOf(await call), 'moved');
  assert.deepEqual(moving.texts, ['moved']);
});

test('it waits no longer than the time for the call, and is told what became of it', async () => {
  await gone.close();
  const reference = tool('moving', 'hold', { arguments: { text: 'meanwhile' } });
  const begin = performance.now();
  const params = { name: 'gone__read', arguments: {} };
  const { error } = await modernRequest(gateway.url, 'tools/call', params);
  assert.equal(error?.data?.['refusal'], 'UPSTREAM_UNAVAILABLE', JSON.stringify(error));
  assert.ok(performance.now() - begin < 15_000, 'it waited until its server was tried again');
  assert.equal(textOf(await reference), 'meanwhile');
});
