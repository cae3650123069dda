import assert from 'node:assert/strict';
import test from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { FIXTURE, freePort, startNode, stop } from '../support/conformance-processes.ts';
import {
  allowDescriptors,
  allowMore,
  IdleSockets,
  WITH_PRLIMIT,
} from '../support/faults-descriptors.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer } from '../support/gateway.ts';
import { descendantsOf, eventually, openHandles } from '../support/processes.ts';
import { rpcOf } from '../support/raw-http.ts';

const WAIT_MS = 20_000;
const PLENTY = 1000;

async function isOpen(audited: AuditedGateway): Promise<boolean> {
  return rpcOf(await audited.call(1)).error === undefined;
}

test(
  'while clients hold all descriptors further ones are turned away at once, calls on open connections and health on the way go on, and nothing is left when they go',
  WITH_PRLIMIT,
  async (t) => {
    const audited = await AuditedGateway.start(t);
    const { gateway } = audited;
    const session = await RawSession.open(gateway.url);
    assert.match(textOf(await session.call('echo__echo', { text: 'before' })), /./u);
    const before = openHandles(gateway.pid);
    allowMore(gateway.pid, 4);
    const crowd = new IdleSockets(audited.port, 100);
    t.after(() => crowd.end());
    await eventually(
      'most are turned away',
      WAIT_MS,
      () => crowd.ended > 50,
      () => crowd.ended,
    );
    for (let call = 0; call < 10; call += 1)
      assert.match(textOf(await session.call('echo__echo', { text: 'within' })), /./u);
    crowd.end();
    await eventually('health answers again', WAIT_MS, async () => {
      const response = await fetch(`${gateway.base}/healthcheck`, {
        headers: { connection: 'close' },
      });
      return response.status === 200;
    });
    assert.ok(await isOpen(audited));
    await eventually(
      'no descriptor is left',
      WAIT_MS,
      () => openHandles(gateway.pid) <= before + 4,
      () => openHandles(gateway.pid),
    );
    assert.doesNotMatch(gateway.output(), /nobody handled|crashed/u);
  },
);

test(
  'without a descriptor for a process of a server and for a segment of the audit, the log says so, lists go on, calls are refused, and all is well when there are some again (R22)',
  WITH_PRLIMIT,
  async (t) => {
    const port = await freePort();
    const remote = startNode([
      FIXTURE,
      '--era',
      'modern',
      '--transport',
      'http',
      '--port',
      String(port),
    ]);
    t.after(() => stop(remote));
    await eventually('the remote server listens', WAIT_MS, async () => {
      return await fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      );
    });
    const web = { url: `http://127.0.0.1:${port}/mcp` };
    const audit = { flushMs: 10, maxSegmentBytes: 65_536, arguments: 'full', onFailure: 'refuse' };
    const audited = await AuditedGateway.start(t, {
      servers: { echo: echoServer(), web },
      app: { audit },
    });
    const { gateway } = audited;
    await gateway.whenReady('echo', 'web');
    const session = await RawSession.open(gateway.url);
    // The thread that counts tokens, connections and journals are there.
    assert.equal((await session.call('echo__echo', { text: 'before' })).error, undefined);
    assert.equal((await session.call('web__fixture_echo', { text: 'before' })).error, undefined);
    await gateway.whenRecorded('web');
    // Connections that idle upstream are given back; those of this client stay.
    allowDescriptors(gateway.pid, 10);
    await gateway.configure({ echo: echoServer(), web, more: echoServer() });
    const answers = new Set<string>();
    await eventually('calls are refused: no segment can be begun', WAIT_MS, async () => {
      const answer = await session.call('echo__echo', { text: 'x'.repeat(30_000) });
      answers.add(String(answer.error?.data?.['refusal'] ?? 'answered'));
      return answers.has('RECORD_UNAVAILABLE');
    });
    assert.ok(answers.has('answered'));
    assert.match(gateway.output(), /the audit is not in order/u);
    // Lists and what needs no record go on, also over an open connection.
    assert.ok((await session.tools()).includes('echo__echo'));
    const child = descendantsOf(gateway.pid).find(({ command }) => command.includes('echo-stdio'));
    process.kill(child?.pid ?? 0, 'SIGKILL');
    await eventually('the log says why it cannot be started again', WAIT_MS, () =>
      gateway.log('echo').some(({ msg }) => msg.includes('cannot be started: EMFILE')),
    );
    allowDescriptors(gateway.pid, PLENTY);
    await gateway.whenReady('echo', 'web', 'more');
    await eventually('calls are made', WAIT_MS, () => isOpen(audited));
    assert.equal((await session.call('web__fixture_echo', { text: 'after' })).error, undefined);
    assert.equal((await session.call('more__echo', { text: 'after' })).error, undefined);
    assert.doesNotMatch(gateway.output(), /nobody handled|crashed/u);
    assert.equal(await gateway.end('SIGTERM'), 0);
    assert.deepEqual((await audited.verify()).findings, []);
  },
);
