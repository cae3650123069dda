import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { freePort } from '../support/conformance-processes.ts';
import { debianTool } from '../support/debian.ts';
import { FaultScene } from '../support/fault-scene.ts';
import { eventually } from '../support/processes.ts';

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** HAProxy in front of a server on this port; returns its own. It waits 700 ms for answers. */
async function proxyTo(t: TestContext, port: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-502-'));
  const front = await freePort();
  const config = join(folder, 'haproxy.cfg');
  await writeFile(
    config,
    `defaults
  mode http
  retries 0
  timeout connect 500ms
  timeout client 1h
  timeout server 700ms
frontend in
  bind 127.0.0.1:${front}
  default_backend out
backend out
  server one 127.0.0.1:${port}
`,
  );
  const child = spawn(debianTool('haproxy'), ['-db', '-f', config], { stdio: 'ignore' });
  t.after(async () => {
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await exited;
    await rm(folder, { recursive: true, force: true });
  });
  await eventually('the proxy listened', 10_000, () => listens(front));
  return front;
}

for (const kind of ['legacy HTTP', 'modern HTTP'] as const) {
  test(`a proxy whose ${kind} server broke off, is too slow or is gone says 502, 504 and 503: so are its callers told, and all is well when it is back`, async (t) => {
    const port = await freePort();
    const front = await proxyTo(t, port);
    const entry = { url: `http://127.0.0.1:${front}/mcp` };
    const scene = await FaultScene.start(t, { kind, remote: { port }, entry });
    await scene.assertFault(
      ({ response }) => response.socket?.end('what is this?\r\n\r\n'),
      'UPSTREAM_LOST',
      /HTTP 502/u,
    );
    await scene.assertFault(() => undefined, 'UPSTREAM_LOST', /HTTP 504/u);
    await scene.remote.close();
    const answer = await scene.assertRefused('UPSTREAM_LOST', /HTTP 503/u);
    assert.doesNotMatch(JSON.stringify(answer), /<html/u);
    await scene.remote.open();
    await scene.untilWell();
    assert.equal((await scene.gateway.server(scene.name)).phase, 'ready');
    await scene.assertNothingLeft();
  });
}
