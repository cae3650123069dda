import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';
import { initializeBody } from '../support/raw-clients.ts';

const MEBIBYTE = 2 ** 20;

/** `mcpx stdio`, initialized, and not read any further. */
async function deafStdio(
  t: TestContext,
): Promise<{ child: ChildProcessByStdio<Writable, Readable, null>; send(message: object): void }> {
  const gateway = await TestGateway.prepare(t, {
    servers: { it: fixture('legacy') },
    app: { server: { maxUnreadBytes: 24 * MEBIBYTE } },
  });
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['bin/mcpx.js', 'stdio'], {
    cwd: ROOT,
    env: { PATH, HOME, ...gateway.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  child.stdin.on('error', () => undefined);
  const send = (message: object): void => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  send(initializeBody());
  await once(child.stdout, 'data');
  child.stdout.pause();
  send({ method: 'notifications/initialized' });
  return { child, send };
}

function sendBig(send: (message: object) => void, id: number): void {
  const params = { name: 'it__fixture_big', arguments: { bytes: 4 * MEBIBYTE } };
  send({ id, method: 'tools/call', params });
}

test('a client of `mcpx stdio` that does not read gets all its answers once it reads', async (t) => {
  const { child, send } = await deafStdio(t);
  for (let id = 1; id <= 3; id += 1) sendBig(send, id);
  await once(child.stdout, 'readable');
  for (let id = 4; id <= 200; id += 1) send({ id, method: 'ping' });
  const ids = new Set<unknown>();
  for await (const line of createInterface({ input: child.stdout })) {
    ids.add((JSON.parse(line) as { id?: unknown }).id);
    if (ids.size === 200) break;
  }
  assert.equal(ids.size, 200);
});

test(
  'a client of `mcpx stdio` for whom more than server.maxUnreadBytes waits is given up',
  ON_LINUX,
  async (t) => {
    const { child, send } = await deafStdio(t);
    for (let id = 1; id <= 64; id += 1) sendBig(send, id);
    let [isOver, peak] = [false, 0];
    child.on('exit', () => (isOver = true));
    await eventually('it ended', 15_000, () => {
      peak = Math.max(peak, isOver ? 0 : residentMebibytes(child.pid ?? 0) || 0);
      return isOver;
    });
    assert.equal(child.exitCode, 0);
    assert.ok(peak < 600, `it held ${peak} MiB`);
  },
);
