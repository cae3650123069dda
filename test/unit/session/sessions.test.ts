import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RemoteError } from '../../../src/kernel/answer.ts';
import { Cancellation } from '../../../src/kernel/exchange.ts';
import { notification } from '../../../src/kernel/json-rpc.ts';
import type { Plan } from '../../../src/kernel/plan.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { newId, newSecret, Seal } from '../../../src/seal/seal.ts';
import type { SessionNotes, SessionPorts } from '../../../src/session/ports.ts';
import type { ClientSession } from '../../../src/session/session.ts';
import { SessionTable } from '../../../src/session/sessions.ts';

const [alice, bob] = [
  Principal.prove({ credential: 'alice', proof: 'api-key' }),
  Principal.prove({ credential: 'bob', proof: 'api-key' }),
];
const CLIENT = { capabilities: { elicitation: {} }, info: { name: 'c', version: '1' } };

interface World {
  table: SessionTable;
  readonly clock: { ms: number };
  readonly gone: string[];
  readonly detached: string[];
  readonly restored: string[];
  /** The same as after a restart of the process: what is stored is there, what is in memory is not. */
  restart(): void;
}

function worldOf(t: TestContext, sessions: object = {}): World {
  const seal = new Seal([{ id: 1, secret: newSecret() }]);
  const buried = new Set<string>();
  const notes = new Map<string, SessionNotes>();
  const clock = { ms: 1_000_000 };
  const [gone, detached, restored]: string[][] = [[], [], []];
  const ports: SessionPorts = {
    now: () => clock.ms,
    newId,
    seal: (text) => seal.seal('session', text),
    open: (sealed) => seal.open('session', sealed),
    bury: (key) => buried.add(key),
    isBuried: (key) => buried.has(key),
    saveNotes: (key, saved) => notes.set(key, saved),
    loadNotes: (key) => notes.get(key),
    onRestored: ({ key }) => restored?.push(key),
    onDetached: (key) => detached?.push(key),
    onGone: ({ key }) => gone?.push(key),
  };
  const plan = {
    sessions: {
      idleMs: 60_000,
      maxAgeMs: 1_000_000,
      maxCount: 100,
      maxPerPrincipal: 100,
      detachedMs: 20,
      askTimeoutMs: 5000,
      ...sessions,
    },
    sse: { maxStoredMessages: 10, maxStoredBytes: 1000, maxTotalBytes: 1600, resumableMs: 1000 },
  } as unknown as Plan;
  const world: World = {
    table: new SessionTable(ports, () => plan),
    clock,
    gone: gone ?? [],
    detached: detached ?? [],
    restored: restored ?? [],
    restart: () => {
      world.table.close();
      clock.ms += 100;
      world.table = new SessionTable(ports, () => plan);
    },
  };
  t.after(() => world.table.close());
  return world;
}

function create({ table }: World, principal = alice): ClientSession {
  return table.create(principal, '2025-11-25', CLIENT);
}

test('a session is found by its id, by its own principal alone (R13)', (t) => {
  const world = worldOf(t);
  const session = create(world);
  assert.equal(world.table.find(session.id, alice), session);
  assert.equal(world.table.find(session.id, bob), undefined);
  assert.equal(world.table.find(`${session.id}A`, alice), undefined);
  assert.equal(world.table.find('', alice), undefined);
  assert.equal(world.table.withKey(session.key), session);
});

test('after a restart an id restores its session: version, capabilities, client, log level, subscriptions (R13)', (t) => {
  const world = worldOf(t);
  const before = create(world);
  before.setLogLevel('error');
  before.setSubscribed('x:1', true);
  before.setSubscribed('x:2', true);
  before.setSubscribed('x:1', false);
  world.restart();
  assert.equal(
    world.table.find(before.id, bob),
    undefined,
    'of another principal it restores nothing',
  );
  const after = world.table.find(before.id, alice);
  assert.deepEqual(world.restored, [before.key]);
  assert.notEqual(after, before);
  assert.deepEqual(
    [after?.key, after?.version, after?.capabilities, after?.clientInfo],
    [before.key, before.version, before.capabilities, before.clientInfo],
  );
  assert.deepEqual([after?.logLevel, [...(after?.subscriptions ?? [])]], ['error', ['x:2']]);
  assert.equal(after?.isRestored, true);
  assert.equal(after.isInitialized, true, 'it was before');
  assert.equal(world.table.find(before.id, alice), after, 'restored once');
});

test('an ended session stays ended, also after a restart (R13)', (t) => {
  const world = worldOf(t);
  const session = create(world);
  world.table.end(session);
  assert.equal(world.table.find(session.id, alice), undefined);
  assert.deepEqual(world.gone, [session.key]);
  world.restart();
  assert.equal(world.table.find(session.id, alice), undefined);
});

test('a session ends at its age, used or not, in memory and restored (R13)', (t) => {
  const world = worldOf(t, { maxAgeMs: 1000 });
  const [one, other] = [create(world), create(world)];
  world.clock.ms += 999;
  assert.equal(world.table.find(one.id, alice), one);
  world.clock.ms += 1;
  assert.equal(world.table.find(one.id, alice), undefined);
  world.restart();
  assert.equal(world.table.find(other.id, alice), undefined);
});

test('an idle session is reaped and stays ended; one with something open is not (R13)', async (t) => {
  const world = worldOf(t, { idleMs: 100 });
  const [idle, held, busy] = [create(world), create(world), create(world)];
  held.hold();
  busy.inFlight.set(1, new Cancellation());
  await sleep(300);
  const found = [idle, held, busy].map(({ id }) => world.table.find(id, alice) !== undefined);
  assert.deepEqual(found, [false, true, true]);
  world.restart();
  assert.equal(world.table.find(idle.id, alice), undefined);
});

test('with idleMs 0 no session is reaped', async (t) => {
  const world = worldOf(t, { idleMs: 0 });
  const session = create(world);
  await sleep(150);
  assert.equal(world.table.find(session.id, alice), session);
});

test('above sessions.maxCount the one idle for longest leaves memory, and its id still restores it', async (t) => {
  const world = worldOf(t, { maxCount: 2 });
  const first = create(world);
  await sleep(5);
  const second = create(world);
  await sleep(5);
  second.touch();
  create(world);
  assert.deepEqual(world.gone, [first.key]);
  assert.equal([...world.table.all()].length, 2);
  assert.equal(world.table.find(first.id, alice)?.key, first.key);
  assert.deepEqual(world.restored, [first.key]);
});

test('above sessions.maxPerPrincipal the idlest of that caller alone leaves memory, and its id still restores it', async (t) => {
  const world = worldOf(t, { maxPerPrincipal: 2 });
  const [others, first] = [create(world, bob), create(world)];
  await sleep(5);
  create(world);
  create(world);
  assert.deepEqual(world.gone, [first.key]);
  assert.equal([...world.table.all()].length, 3);
  assert.equal(world.table.find(first.id, alice)?.key, first.key);
  assert.ok(!world.gone.includes(others.key));
});

test('a caller whose sessions ended may have as many again', (t) => {
  const world = worldOf(t, { maxPerPrincipal: 2 });
  for (let round = 0; round < 5; round += 1) world.table.end(create(world));
  world.gone.length = 0;
  create(world);
  create(world);
  assert.deepEqual(world.gone, []);
});

test('sse.maxTotalBytes holds over all sessions: the one that keeps most loses its oldest, others lose nothing', (t) => {
  const world = worldOf(t);
  const [small, large, third] = [create(world), create(world), create(world)];
  const kept = ({ standalone }: ClientSession): string => {
    let text = '';
    standalone.attach({ write: (_event, one) => (text += one[0]), end: () => undefined }, 0)();
    return text;
  };
  for (const letter of 'abc') small.standalone.write(letter.repeat(100));
  for (const letter of 'defghijkl') large.standalone.write(letter.repeat(100));
  assert.equal(world.table.stored().chars, 1200);
  for (const letter of 'mnopq') third.standalone.write(letter.repeat(100));
  assert.ok(world.table.stored().chars <= 1600);
  assert.deepEqual([kept(small), kept(third)], ['abc', 'mnopq']);
  assert.match('defghijkl', new RegExp(`.+${kept(large)}$`, 'u'));
  world.table.end(large);
  assert.equal(world.table.stored().chars, 800);
  for (const session of [small, third]) world.table.end(session);
  assert.equal(world.table.stored().chars, 0);
});

test('the id stays short whatever a client says of itself, and what matters is restored all the same', (t) => {
  const world = worldOf(t);
  const info = { name: 'n'.repeat(5000), version: '1', icons: [{ src: 'x'.repeat(50_000) }] };
  const capabilities = {
    elicitation: { form: {}, url: {} },
    sampling: { tools: {} },
    roots: { listChanged: true },
    experimental: { x: 'y'.repeat(50_000) },
  };
  const { id } = world.table.create(alice, '2025-11-25', { capabilities, info });
  assert.ok(id.length < 4000, `${id.length} characters`);
  world.restart();
  const { experimental: _left, ...essential } = capabilities;
  assert.deepEqual(world.table.find(id, alice)?.capabilities, essential);
});

test('a client whose last stream broke is told of as detached after a while, not when it comes back', async (t) => {
  const world = worldOf(t);
  const [gone, back] = [create(world), create(world)];
  const letGo = gone.hold();
  assert.equal(gone.hasLeft, false);
  letGo();
  const release = back.hold();
  release();
  release();
  assert.equal(gone.hasLeft, true);
  const again = back.hold();
  await sleep(80);
  assert.deepEqual(world.detached, [gone.key]);
  again();
});

test('of two open streams the first to break makes no client detached', async (t) => {
  const world = worldOf(t);
  const session = create(world);
  const [one, other] = [session.hold(), session.hold()];
  one();
  await sleep(50);
  assert.equal(session.hasLeft, false);
  assert.deepEqual(world.detached, []);
  other();
});

test('a question is answered by its own id, with result or error; what answers nothing is told apart', async (t) => {
  const session = create(worldOf(t));
  const written: { id: string; method: string }[] = [];
  const stream = {
    write: (text: string) => void written.push(JSON.parse(text) as { id: string; method: string }),
  };
  const question = { method: 'elicitation/create', params: { message: 'x' } };
  const asked = [0, 1].map(() => session.askOn(stream, question, new Cancellation()));
  const [first, second] = written;
  assert.notEqual(first?.id, second?.id);
  assert.equal(session.answer({ jsonrpc: '2.0', id: second?.id ?? '', result: { a: 1 } }), true);
  assert.equal(session.answer({ jsonrpc: '2.0', id: second?.id ?? '', result: { a: 2 } }), false);
  assert.equal(session.answer({ jsonrpc: '2.0', id: 'mcpx-99', result: {} }), false);
  assert.equal(
    session.answer({ jsonrpc: '2.0', id: null, error: { code: 1, message: '' } }),
    false,
  );
  session.answer({ jsonrpc: '2.0', id: first?.id ?? '', error: { code: -1, message: 'no' } });
  assert.deepEqual(await asked[1], { a: 1 });
  await assert.rejects(asked[0] ?? Promise.resolve(), RemoteError);
});

test('a question nobody answers is withdrawn: by time, by its server, or with the session', async (t) => {
  const session = create(worldOf(t, { askTimeoutMs: 30 }));
  const written: string[] = [];
  const stream = { write: (text: string) => void written.push(text) };
  const ask = (signal = new Cancellation()) =>
    session.askOn(stream, { method: 'roots/list' }, signal);
  await assert.rejects(ask(), { code: 'CLIENT_UNREACHABLE' });
  assert.match(written.at(-1) ?? '', /notifications\/cancelled.*mcpx-1/u);
  const signal = new Cancellation();
  const withdrawn = ask(signal);
  signal.cancel('withdrawn by the server');
  await assert.rejects(withdrawn, /withdrawn by the server/u);
  const abandoned = ask();
  session.close('over');
  await assert.rejects(abandoned, { code: 'CLIENT_UNREACHABLE' });
});

test('progress of the client on a question goes to its server under the token the server chose', (t) => {
  const session = create(worldOf(t));
  const told: object[] = [];
  const question = {
    method: 'sampling/createMessage',
    params: { _meta: { progressToken: 7 } },
    onProgress: (params: object) => void told.push(params),
  };
  let sent: { params?: { _meta: { progressToken: string } } } = {};
  const stream = { write: (text: string) => void (sent = JSON.parse(text) as typeof sent) };
  void session.askOn(stream, question, new Cancellation()).catch(() => undefined);
  const token = sent.params?._meta.progressToken ?? '';
  assert.match(token, /^mcpx-/u);
  session.progress({ progressToken: token, progress: 1 });
  session.progress({ progressToken: 7, progress: 2 });
  session.progress({});
  assert.deepEqual(told, [{ progressToken: 7, progress: 1 }]);
  session.close('over');
});

test('log messages outside a call reach a client as its level allows', (t) => {
  const session = create(worldOf(t));
  const got: string[] = [];
  session.standalone.attach(
    { write: (_event, text) => void got.push(text), end: () => undefined },
    undefined,
  );
  const log = (level: string) => notification('notifications/message', { level });
  session.notify(log('debug'));
  session.setLogLevel('error');
  session.notify(log('info'));
  session.notify(log('critical'));
  session.notify(notification('notifications/tools/list_changed'));
  assert.equal(got.length, 3);
});

test('the end of a session cancels what it has in flight', (t) => {
  const world = worldOf(t);
  const session = create(world);
  const cancellation = new Cancellation();
  session.inFlight.set('x', cancellation);
  world.table.end(session);
  assert.equal(cancellation.reason, 'ended by the client');
});

test('an event id leads to its stream and event, one of another form to nothing', (t) => {
  const session = create(worldOf(t));
  const stream = session.openStream();
  assert.deepEqual(session.resume(`${stream.id}_3`), { stream, afterEvent: 3 });
  for (const id of [
    '',
    '_',
    `${stream.id}`,
    `${stream.id}_`,
    `${stream.id}_x`,
    `-${stream.id}_1`,
    `${stream.id}_1_1`,
    '99_0',
    `${'9'.repeat(20)}_1`,
  ])
    assert.equal(session.resume(id), undefined, id);
});

test('an event id from before a restart leads to no stream that began after it (R13)', (t) => {
  const world = worldOf(t);
  const before = create(world);
  const old = [before.standalone, before.openStream()].map(({ id }) => `${id}_5`);
  world.restart();
  const after = world.table.find(before.id, alice);
  after?.openStream();
  for (const id of old) assert.equal(after?.resume(id), undefined, id);
});

test('where all other sessions are in use the one that just began stays, above the bound or not', (t) => {
  for (const bound of [{ maxCount: 2 }, { maxPerPrincipal: 2 }]) {
    const world = worldOf(t, bound);
    for (const used of [create(world), create(world)]) used.hold();
    const begun = create(world);
    assert.equal(world.table.withKey(begun.key), begun, JSON.stringify(bound));
    assert.equal(begun.standalone.isEnded, false);
    assert.deepEqual(world.gone, []);
    // Once it is not in use while another one begins, it is the idlest.
    const next = create(world);
    assert.equal(world.table.withKey(next.key), next);
    assert.deepEqual(world.gone, [begun.key]);
  }
});
