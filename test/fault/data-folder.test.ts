import assert from 'node:assert/strict';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { startNode, stop } from '../support/conformance-processes.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { eventually } from '../support/processes.ts';
import { rpcOf } from '../support/raw-http.ts';

const WAIT_MS = 20_000;
const APP = {
  audit: { flushMs: 20, onFailure: 'refuse' },
  usage: { flushMs: 50 },
  limits: { rules: [{ id: 'day', budget: { window: 'day', calls: 10_000 } }] },
};

async function refusalOf(audited: AuditedGateway): Promise<unknown> {
  return rpcOf(await audited.call(1)).error?.data?.['refusal'];
}

async function isOpen(audited: AuditedGateway): Promise<boolean> {
  return (await refusalOf(audited)) === undefined;
}

function start(t: TestContext, app: Record<string, unknown> = APP): Promise<AuditedGateway> {
  return AuditedGateway.start(t, { app });
}

test('a data folder that is removed while the gateway runs ends no call and no session; the log says so, and the audit goes on in a new one', async (t) => {
  const audited = await start(t);
  const { gateway } = audited;
  const session = await RawSession.open(gateway.url);
  assert.equal(await refusalOf(audited), undefined);
  rmSync(gateway.dataDir, { recursive: true });
  await eventually(
    'the log says that the audit was removed',
    WAIT_MS,
    async () => {
      assert.match(textOf(await session.call('echo__echo', { text: 'on' })), /./u);
      return gateway.output().includes('was changed, moved or removed by somebody else');
    },
    () => gateway.output(),
  );
  await RawSession.open(gateway.url);
  assert.equal(await session.delete(), 204);
  await eventually('calls go on', WAIT_MS, () => isOpen(audited));
  await audited.line('the audit goes on in a new file', ({ method }) => method === 'tools/call');
  assert.equal(await gateway.end('SIGTERM'), 0);
  // The next start makes what is missing.
  await audited.launch();
  assert.equal(await refusalOf(audited), undefined);
  assert.equal(await gateway.end('SIGTERM'), 0);
});

test('while a file stands where the data folder was, calls are refused; once it is back they are made', async (t) => {
  const audited = await start(t, { audit: { ...APP.audit, maxSegmentBytes: 65_536 } });
  const { gateway } = audited;
  assert.equal(await refusalOf(audited), undefined);
  const aside = `${gateway.dataDir}.aside`;
  renameSync(gateway.dataDir, aside);
  writeFileSync(gateway.dataDir, 'no folder');
  await eventually('calls are refused', WAIT_MS, async () => {
    return (await refusalOf(audited)) === 'RECORD_UNAVAILABLE';
  });
  assert.match(gateway.output(), /ENOTDIR|EEXIST/u);
  const health = await fetch(`${gateway.base}/healthcheck`);
  assert.equal(health.status, 200);
  rmSync(gateway.dataDir);
  renameSync(aside, gateway.dataDir);
  await eventually('calls are made', WAIT_MS, () => isOpen(audited));
  assert.equal(await gateway.end('SIGTERM'), 0);
  assert.deepEqual((await audited.verify()).findings, []);
});

test('a data folder that cannot be made or written stops the start with one line that names it', async (t) => {
  const audited = await AuditedGateway.prepare(t, { app: APP });
  const { gateway } = audited;
  writeFileSync(gateway.dataDir, 'no folder');
  const started = startNode(['bin/mcpx.js', 'serve'], gateway.env);
  assert.equal(await started.exited, 1);
  const [line = '', ...more] = started.output().trim().split('\n');
  assert.deepEqual(more, []);
  assert.ok(line.includes(gateway.dataDir) && line.includes('MCPX_DATA_DIR'), line);
});

test('two gateways on one data folder both serve, know each other’s sessions, and leave an audit that verifies', async (t) => {
  const audited = await AuditedGateway.prepare(t, { app: APP });
  const { gateway } = audited;
  // Both make the folder and all that is in it, at the same moment.
  const other = startNode(['bin/mcpx.js', 'serve'], gateway.env);
  t.after(() => stop(other));
  await audited.launch();
  const url = await eventually(
    'the other listens',
    WAIT_MS,
    () => /listening on (http:\/\/\S+)/u.exec(other.output())?.[1],
    () => other.output(),
  );
  const session = await RawSession.open(gateway.url);
  const same = new RawSession(url, session.id);
  await eventually('the other has its server', WAIT_MS, async () =>
    (await same.tools()).includes('echo__echo'),
  );
  const both = [session, same];
  for (let turn = 0; turn < 20; turn += 1)
    for (const each of both) {
      const answer = await each.call('echo__echo', { text: `turn ${turn}` });
      assert.equal(answer.error, undefined, JSON.stringify(answer));
    }
  other.child.kill('SIGTERM');
  assert.equal(await other.exited, 0, other.output());
  assert.equal((await session.call('echo__echo', { text: 'alone' })).error, undefined);
  assert.equal(await gateway.end('SIGTERM'), 0);
  const { code, findings, chains } = await audited.verify();
  assert.deepEqual([code, findings], [0, []]);
  assert.deepEqual(
    chains.map(({ state }) => state),
    ['ended', 'ended'],
  );
  assert.ok(existsSync(join(gateway.dataDir, 'mcpx.db')));
  assert.doesNotMatch(`${gateway.output()}${other.output()}`, /"level":(?:50|60)/u);
});
