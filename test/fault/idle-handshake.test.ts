import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { selfSigned } from '../support/access-certificate.ts';
import { freePort, startNode, stop, until } from '../support/conformance-processes.ts';

/** Whoever opens a connection for HTTPS and says nothing on it must not keep the gateway from ending. */

const DRAIN_MS = 500;
/** Five times what a stop may take beyond the drain, on a busy machine. */
const STOPPED_MS = 15_000;

test('a connection for HTTPS that is not secure yet does not delay the end of the gateway', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-idle-handshake-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const place = (name: string): string => join(folder, name);
  const { cert, key } = selfSigned('gateway');
  const tls = { cert: place('cert.pem'), key: place('key.pem') };
  await writeFile(tls.cert, cert);
  await writeFile(tls.key, key);
  await writeFile(place('mcp.json'), '{"mcpServers":{}}');
  const app = { server: { tls }, shutdown: { drainMs: DRAIN_MS } };
  await writeFile(place('app.yaml'), JSON.stringify(app));
  const metricsPort = await freePort();
  const started = startNode(['bin/mcpx.js', 'serve'], {
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: '0',
    ENABLE_METRICS: 'true',
    SERVE_METRICS_PORT: String(metricsPort),
    SERVERS_CONFIG_PATH: place('mcp.json'),
    APP_CONFIG_PATH: place('app.yaml'),
    MCPX_DATA_DIR: place('data'),
  });
  t.after(() => stop(started));
  const portOf = (): number =>
    Number(/listening on https:\/\/\S+:(\d+)\/mcp/u.exec(started.output())?.[1] ?? 0);
  await until(started, 'it listened', () => Promise.resolve(portOf() > 0));
  for (const port of [portOf(), metricsPort]) {
    // The port of the metrics may open a moment later.
    await until(started, `a connection to ${port} stood`, async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.on('error', () => undefined);
      t.after(() => socket.destroy());
      return true;
    });
  }

  const ended = once(started.child, 'exit', { signal: AbortSignal.timeout(STOPPED_MS) });
  started.child.kill('SIGTERM');
  const [code] = await ended;
  assert.equal(code, 0, started.output());
});
