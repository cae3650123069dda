import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { textOf, type WireMessage } from '../support/gateway-session.ts';
import type { OwnAnswer } from '../support/haproxy.ts';
import { callTool, lunarScene, type LunarScene } from '../support/lunar-scene.ts';
import { KINDS, RemoteServer } from '../support/lunar-servers.ts';
import { TestGateway } from '../support/gateway.ts';
import { eventually, ON_LINUX, processOf } from '../support/processes.ts';

const BACK_MS = 5_000;
/** Long enough that no cool-down ends within a test. */
const NO_RETURN = { LUNAR_EXIT_COOLDOWN_AFTER_SEC: '600' };

interface Called {
  readonly n: number;
  readonly begun: number;
  readonly ended: number;
  readonly answer: WireMessage;
}

for (const kind of KINDS) {
  test(`a Lunar Gateway stopped in mid-load: calls to a ${kind} server go on directly, those under way are lost and told so, none runs twice (R26)`, async (t) => {
    const remote = await RemoteServer.start(t, kind);
    const { gateway, lunar } = await lunarScene(t, {
      servers: { far: remote.entry },
      app: { upstreams: { restartMinMs: 50, restartMaxMs: 200 } },
      env: NO_RETURN,
    });
    const called: Called[] = [];
    let n = 0;
    const work = async (): Promise<void> => {
      while (n < 200) {
        n += 1;
        const mine = n;
        const begun = performance.now();
        const answer = await callTool(gateway, 'far__count', { n: mine, ms: 30 });
        called.push({ n: mine, begun, ended: performance.now(), answer });
      }
    };
    const load = Promise.all(Array.from({ length: 8 }, work));
    await eventually('the load was on its way', BACK_MS, () => called.length > 40);
    await lunar.stop();
    const stopped = performance.now();
    await load;

    const isOk = ({ answer: { error } }: Called): boolean => error === undefined;
    const after = called.filter((each) => each.begun > stopped && isOk(each));
    assert.ok(after.length > 50, `${after.length} calls went on`);
    const back = Math.min(...after.map(({ ended }) => ended));
    const lost = called.filter((each) => !isOk(each));
    assert.ok(lost.length > 0, 'no call was under way when the proxy was stopped');
    for (const { n: one, begun, answer } of lost) {
      assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST', JSON.stringify(answer));
      assert.ok(begun < back, `call ${one} began when another had gone on already`);
    }
    for (const each of called.filter(isOk)) assert.equal(remote.runs.get(each.n), 1);
    for (const [one, times] of remote.runs) assert.equal(times, 1, `call ${String(one)} ran again`);
    assert.equal(called.length, n);
  });
}

test('a Lunar Gateway that is not there is done without: five failures in a row begin a cool-down, after it one request tries and the traffic returns', async (t) => {
  const remote = await RemoteServer.start(t, 'modern HTTP');
  const { gateway, lunar } = await lunarScene(t, {
    servers: { far: remote.entry },
    env: { LUNAR_EXIT_COOLDOWN_AFTER_SEC: '1.5' },
  });
  const count = async (n: number): Promise<string> => {
    const text = textOf(await callTool(gateway, 'far__count', { n }));
    // The log is written a moment later, and in order: what was said of a call comes before its record.
    await gateway.whenRecorded('far', n);
    return text;
  };
  const lines = (text: string): number =>
    gateway.log('far').filter(({ msg }) => msg.includes(text)).length;
  await lunar.stop();
  for (let n = 1; n <= 4; n += 1) assert.equal(await count(n), `ran ${n}`);
  assert.equal(lines('goes directly'), 4);
  assert.equal(lines('5 times in a row'), 0);
  assert.equal(await count(5), 'ran 5');
  assert.equal(lines('5 times in a row: all servers are reached directly for 1500 ms'), 1);

  await lunar.restart();
  const before = lunar.requests().length;
  assert.equal(await count(6), 'ran 6');
  assert.equal(lunar.requests().length, before, 'it was asked within the cool-down');
  assert.equal(lines('goes directly'), 5, 'within the cool-down it is not even tried');
  let n = 6;
  await eventually('calls went through it again', BACK_MS, async () => {
    n += 1;
    await count(n);
    return lunar.requests().length > before;
  });
  await eventually('the return was told', BACK_MS, () => lines('is in use again') === 1);
  for (const [one, times] of remote.runs) assert.equal(times, 1, `call ${String(one)} ran again`);
});

test(
  'a Lunar Gateway that does not even take a connection holds up a start for seconds alone',
  ON_LINUX,
  async (t) => {
    const remote = await RemoteServer.start(t, 'modern HTTP');
    const port = await fullPort(t);
    const gateway = await TestGateway.start(t, {
      servers: { far: remote.entry },
      app: { upstreams: { connectTimeoutMs: 20_000 } },
      env: { LUNAR_PROXY_HOST: `127.0.0.1:${port}`, LUNAR_ENTER_COOLDOWN_AFTER_ATTEMPTS: '1' },
    });
    await gateway.whenServer('far', ({ phase }) => phase === 'ready', 10_000);
    assert.equal(textOf(await callTool(gateway, 'far__count', { n: 1 })), 'ran 1');
    assert.equal(remote.runs.get(1), 1);
    await gateway.whenRecorded('far');
    const told = gateway.log('far').find(({ msg }) => msg.includes('reached directly'));
    assert.match(told?.msg ?? '', /cannot be reached: UND_ERR_CONNECT_TIMEOUT/u);
  },
);

/** A port of a process that has been stopped, with as many connections as may wait: the kernel takes no more. */
async function fullPort(t: TestContext): Promise<number> {
  const listening =
    'const s = require("node:net").createServer().listen(0, "127.0.0.1", 1, () => console.log(s.address().port))';
  const child = spawn(process.execPath, ['-e', listening], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(chunk.toString());
  child.kill('SIGSTOP');
  await eventually('it was stopped', BACK_MS, () => processOf(child.pid ?? 0)?.state === 'T');
  const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'));
  t.after(() => {
    for (const socket of waiting) socket.destroy();
  });
  for (const socket of waiting) socket.on('error', () => undefined);
  await eventually('it took no more', BACK_MS, () => {
    const taken = waiting.filter(({ connecting }) => !connecting);
    return taken.length >= 2;
  });
  return port;
}

/** Answers of the Lunar Gateway itself, and what becomes of a call that gets one. */
const REPEATED: readonly OwnAnswer[] = ['unreachable', 'unknown', 'closing'];
const KEPT: readonly (readonly [OwnAnswer, string, RegExp])[] = [
  ['timeout', 'UPSTREAM_LOST', /x-lunar-error 1, HTTP 504/u],
  ['novel', 'UPSTREAM_LOST', /x-lunar-error 42, HTTP 500/u],
  ['blocked', 'UPSTREAM_UNAVAILABLE', /not allowed by the Lunar Gateway/u],
];

for (const kind of KINDS) {
  test(`a call to a ${kind} server that the Lunar Gateway has not sent on runs directly, once; where it may have been sent, or must not be, it fails (R26)`, async (t) => {
    const remote = await RemoteServer.start(t, kind);
    const { gateway, lunar } = await lunarScene(t, {
      servers: { far: remote.entry },
      env: { ...NO_RETURN, LUNAR_ENTER_COOLDOWN_AFTER_ATTEMPTS: '1000' },
    });
    const call = (): Promise<WireMessage> => callTool(gateway, 'far__count', { n: 'one' });
    for (const how of REPEATED) {
      remote.runs.clear();
      await lunar.answers(remote.host, how);
      const answer = await call();
      assert.equal(textOf(answer), 'ran one', `${how}: ${JSON.stringify(answer)}`);
      assert.equal(remote.runs.get('one'), 1, how);
      await lunar.passes(remote.host, how);
    }
    for (const [how, refusal, told] of KEPT) {
      remote.runs.clear();
      await lunar.answers(remote.host, how);
      const { error } = await call();
      assert.equal(error?.data?.['refusal'], refusal, `${how}: ${JSON.stringify(error)}`);
      assert.match(error?.message ?? '', told);
      assert.equal(remote.runs.size, 0, how);
      await lunar.passes(remote.host, how);
    }
    assert.equal(textOf(await call()), 'ran one', 'the connection has survived all this');
  });
}

test('a server too slow for the Lunar Gateway is not asked again: its call may have run (R26)', async (t) => {
  const remote = await RemoteServer.start(t, 'modern HTTP');
  const { gateway } = await lunarScene(
    t,
    { servers: { far: remote.entry } },
    { serverTimeoutMs: 500 },
  );
  // The proxy's own clock runs while no header of the answer has come.
  remote.intercept = (response, { headers }) => {
    if (headers['mcp-method'] !== 'tools/call') return false;
    remote.runs.set('slow', (remote.runs.get('slow') ?? 0) + 1);
    return true;
  };
  const { error } = await callTool(gateway, 'far__count', {});
  assert.equal(error?.data?.['refusal'], 'UPSTREAM_LOST', JSON.stringify(error));
  assert.match(
    error?.message ?? '',
    /gave the Lunar Gateway no answer \(x-lunar-error 3, HTTP 504\)/u,
  );
  assert.equal(remote.runs.get('slow'), 1);
});

test('what the Lunar Gateway says of one server is held against it for that server alone', async (t) => {
  const [one, two] = [
    await RemoteServer.start(t, 'modern HTTP'),
    await RemoteServer.start(t, 'modern HTTP'),
  ];
  const scene = await lunarScene(t, {
    servers: { one: one.entry, two: two.entry },
    env: NO_RETURN,
  });
  const { lunar } = scene;
  await lunar.answers(one.host, 'unreachable');
  for (let n = 1; n <= 5; n += 1) await callsOf(scene, 'one');
  const before = lunar.requests(one.host).length;
  await callsOf(scene, 'one');
  assert.equal(lunar.requests(one.host).length, before, 'this server is in its cool-down');
  const ofTwo = lunar.requests(two.host).length;
  await callsOf(scene, 'two');
  assert.equal(lunar.requests(two.host).length, ofTwo + 1, 'the other one is not');
});

test('an answer with HTTP 200 is an answer, whatever the server says of x-lunar-error: its call has run (R26)', async (t) => {
  const remote = await RemoteServer.start(t, 'modern HTTP');
  remote.intercept = (response) => {
    response.setHeader('x-lunar-error', '1');
    return false;
  };
  const { gateway } = await lunarScene(t, { servers: { far: remote.entry } });
  assert.equal(textOf(await callTool(gateway, 'far__count', { n: 1 })), 'ran 1');
  assert.equal(remote.runs.get(1), 1);
});

async function callsOf({ gateway }: LunarScene, server: string): Promise<void> {
  const answer = await callTool(gateway, `${server}__count`, { n: 1 });
  assert.equal(textOf(answer), 'ran 1', JSON.stringify(answer));
}
