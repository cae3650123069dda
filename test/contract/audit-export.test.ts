import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { selfSigned } from '../support/access-certificate.ts';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { freePort, startNode, stop, type Started } from '../support/conformance-processes.ts';
import { eventually } from '../support/processes.ts';

/** Lines of the audit sent on to a receiver: a process of its own. */

interface Receiver {
  readonly port: number;
  readonly started: Started;
  got(): readonly Readonly<Record<string, unknown>>[];
}

async function receiver(t: TestContext, args: readonly string[], wanted = 0): Promise<Receiver> {
  const started = startNode(['test/support/log-receiver.ts', ...args], {
    LOG_PORT: String(wanted),
  });
  t.after(() => stop(started));
  const port = await eventually(
    'it listens',
    10_000,
    () => /^port (\d+)$/mu.exec(started.output())?.[1],
  );
  const got = (): Readonly<Record<string, unknown>>[] =>
    started
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { port: Number(port), started, got };
}

const MESSAGE =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S{1,255}) (\S{1,48}) (\d{1,128}) (\S{1,32}) - (\{.*\})$/su;

/** The parts of a message (RFC 5424, section 6). */
function parts(message: unknown): { priority: number; app: string; id: string; text: string } {
  const found = MESSAGE.exec(String(message));
  assert.ok(found !== null, String(message));
  const [, priority, , , app = '', , id = '', text = ''] = found;
  return { priority: Number(priority), app, id, text };
}

/** The gateway's lines as they stand on disk. */
function textsOf(audited: AuditedGateway): string[] {
  return audited.lines().map((line) => JSON.stringify(line));
}

for (const protocol of ['udp', 'tcp', 'tls'] as const) {
  test(`every line is sent on by syslog over ${protocol}, as it stands in the audit`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcpx-syslog-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const pair = selfSigned('127.0.0.1');
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key);
    const siem = await receiver(t, [protocol, ...(protocol === 'tls' ? [cert, key] : [])]);
    const syslog = { host: '127.0.0.1', port: siem.port, protocol, facility: 13, appName: 'gate' };
    const app = { audit: { syslog, flushMs: 20 } };
    const audited = await AuditedGateway.start(t, { app, env: { NODE_EXTRA_CA_CERTS: cert } });
    for (let number = 0; number < 20; number += 1) await audited.call(number);
    await audited.gateway.end('SIGTERM');
    const lines = textsOf(audited);
    await eventually('all have come', 10_000, () => siem.got().length >= lines.length);
    const messages = siem.got().map(({ message }) => parts(message));
    assert.deepEqual(messages.map(({ text }) => text).toSorted(), lines.toSorted());
    assert.ok(messages.every(({ app: name, priority }) => name === 'gate' && priority >> 3 === 13));
    const call = messages.find(({ text }) => text.includes('"method":"tools/call"'));
    assert.deepEqual([call?.id, (call?.priority ?? 0) & 7], ['ok', 6]);
  });
}

test('lines are sent on by HTTP, with the headers of the configuration, once more where the receiver could not take them', async (t) => {
  const siem = await receiver(t, ['http', '503', '429']);
  const http = {
    url: `http://127.0.0.1:${siem.port}/in`,
    headers: { authorization: 'Bearer siem-token-123' },
  };
  const audited = await AuditedGateway.start(t, { app: { audit: { http, flushMs: 20 } } });
  for (let number = 0; number < 20; number += 1) await audited.call(number);
  await eventually('it was refused twice', 20_000, () => siem.got().length > 2);
  await audited.gateway.end('SIGTERM');
  const taken = siem.got().filter(({ status }) => status === 204);
  assert.deepEqual(
    taken.flatMap(({ lines }) => lines as string[]),
    textsOf(audited),
  );
  const headers = taken[0]?.['headers'] as Record<string, string>;
  assert.deepEqual(
    [headers['authorization'], headers['content-type']],
    ['Bearer siem-token-123', 'application/x-ndjson'],
  );
  assert.match(
    audited.gateway.output(),
    /The audit cannot be sent to http:\/\/127\.0\.0\.1:\d+: answered 503/u,
  );
  assert.ok(!audited.gateway.output().includes('siem-token-123'));
});

test('a receiver that is gone holds nothing up, and gets what it missed when it is back', async (t) => {
  const port = await freePort();
  const syslog = { host: '127.0.0.1', port, protocol: 'tcp' };
  const audited = await AuditedGateway.start(t, { app: { audit: { syslog, flushMs: 20 } } });
  for (let number = 0; number < 20; number += 1)
    assert.equal((await audited.call(number)).status, 200);
  await eventually('all are in the audit', 20_000, () => audited.numbers().size === 20);
  const failure = /cannot be sent to 127\.0\.0\.1:\d+ \(syslog, tcp\)/u;
  await eventually('that is told of', 20_000, () => failure.test(audited.gateway.output()));
  const siem = await receiver(t, ['tcp'], port);
  await eventually('it gets all', 30_000, () => {
    const texts = new Set(siem.got().map(({ message }) => parts(message).text));
    return textsOf(audited).every((text) => texts.has(text));
  });
});
