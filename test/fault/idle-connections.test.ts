import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { echoServer } from '../support/gateway.ts';
import { modernRequest, RawSession } from '../support/gateway-session.ts';
import { ROOT } from '../support/conformance-processes.ts';
import { eventually, ON_LINUX, openHandles, residentMebibytes } from '../support/processes.ts';

/** Ten thousand connections that say nothing cost little memory, and nobody else anything. */

const WANTED = 10_000;
/** What a process needs besides connections. */
const SPARE = 500;
const AT_ONCE = 250;

interface Gateway {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** How many files it may have open. */
  readonly limit: number;
}

/** Starts the gateway with as many files as the system lets it have. */
async function start(t: TestContext): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-idle-'));
  await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: { it: echoServer() } }));
  await writeFile(join(folder, 'app.yaml'), '{}');
  const { PATH = '', HOME = '' } = process.env;
  const script = 'ulimit -n "$(ulimit -Hn)" && ulimit -n && exec "$0" bin/mcpx.js serve';
  const child = spawn('sh', ['-c', script, process.execPath], {
    cwd: ROOT,
    env: {
      PATH,
      HOME,
      MCPX_HOST: '127.0.0.1',
      MCPX_PORT: '0',
      ENABLE_METRICS: 'false',
      SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
      APP_CONFIG_PATH: join(folder, 'app.yaml'),
      MCPX_DATA_DIR: join(folder, 'data'),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const url = await eventually('it listened', 15_000, () => /http:\/\/\S+\/mcp/u.exec(text)?.[0]);
  await eventually('its server was ready', 15_000, () => text.includes('servers ready'));
  const [limit = ''] = text.split('\n');
  const most = limit === 'unlimited' ? Infinity : Number(limit);
  return { url, port: Number(new URL(url).port), pid: child.pid ?? 0, limit: most };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Opens so many connections, some at a time: the queue of the system is short. */
async function openMany(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < count) {
    const more = Math.min(AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: more }, () => open(port)))));
  }
  for (const socket of sockets) socket.on('error', () => undefined);
  return sockets;
}

/** This test holds the other end of every connection: Node has raised its own limit as far as it may. */
function ownLimit(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: unknown } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}

test(
  'ten thousand idle connections, or as many as the system allows, leave room for others, and go without a trace',
  ON_LINUX,
  async (t) => {
    const gateway = await start(t);
    const { url, port, pid } = gateway;
    const count = Math.min(WANTED, gateway.limit - SPARE, ownLimit() - SPARE);
    t.diagnostic(`${count} connections`);
    assert.ok(count > 100, `only ${count} connections are possible here`);
    const session = await RawSession.open(url);
    assert.equal((await session.call('it__echo', { text: 'before' })).error, undefined);
    const [handles, memory] = [openHandles(pid), residentMebibytes(pid)];
    const sockets = await openMany(t, port, count);
    await eventually('all were taken', 20_000, () => openHandles(pid) >= handles + count - 5);
    assert.equal((await session.call('it__echo', { text: 'among them' })).error, undefined);
    assert.equal((await modernRequest(url, 'tools/list')).error, undefined);
    assert.equal((await fetch(new URL('/healthcheck', url))).status, 200);
    const grownKib = ((residentMebibytes(pid) - memory) * 1024) / count;
    assert.ok(grownKib < 30, `${grownKib} KiB a connection`);
    for (const socket of sockets) socket.destroy();
    await eventually('all were gone', 20_000, () => openHandles(pid) <= handles + 10);
    assert.equal((await session.call('it__echo', { text: 'after' })).error, undefined);
  },
);
