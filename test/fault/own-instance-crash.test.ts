import assert from 'node:assert/strict';
import test from 'node:test';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { reportOf } from '../support/upstream-report.ts';

/** What a client does to a process of its own says nothing of the processes of others (docs/rules.md R9). */

const BREAK_AFTER = 2;

test('a client that crashes its own instance again and again, or has it hang, keeps no other client from the server (R9)', async (t) => {
  const limits = { breakAfter: BREAK_AFTER, breakMs: 60_000, retries: 0, callTimeoutMs: 300 };
  const gateway = await TestGateway.start(t, {
    servers: { own: { ...fixture('legacy'), ...limits, isolation: 'session' } },
  });
  await gateway.whenReady('own');
  const [bad, other] = [await RawSession.open(gateway.url), await RawSession.open(gateway.url)];
  // Its instance may take longer to start than a call may take here.
  await eventually('the other one had an instance', 10_000, async () => {
    const { error } = await other.call('own__fixture_echo', { text: 'x' });
    return error === undefined;
  });
  for (const [tool, refusal] of [
    ['fixture_exit', 'UPSTREAM_LOST'],
    ['fixture_slow', 'UPSTREAM_TIMEOUT'],
  ] as const) {
    let count = 0;
    await eventually(`${tool} failed ${BREAK_AFTER + 1} times`, 20_000, async () => {
      const { error } = await bad.call(`own__${tool}`, { ms: 60_000 });
      if (error?.data?.['refusal'] === refusal) count += 1;
      return count > BREAK_AFTER;
    });
    assert.equal((await reportOf(gateway, 'own')).breaker, 'closed');
    assert.match(textOf(await other.call('own__fixture_echo', { text: 'well' })), /well/u);
  }
});
