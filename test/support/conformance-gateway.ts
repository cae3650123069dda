import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIXTURE, freePort, startNode, stop, until } from './conformance-processes.ts';

export type Era = 'legacy' | 'modern';

/** A gateway started as a user starts one, with the fixture of one era behind it. */
export interface TestGateway {
  readonly url: string;
  output(): string;
  stop(): Promise<void>;
}

/** One stateless request: enough to see that the fixture's tools have arrived. */
async function listsTools(url: string): Promise<boolean> {
  const version = '2026-07-28';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'conformance-test', version: '1.0.0' },
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } }),
    signal: AbortSignal.timeout(5_000),
  });
  return (await response.text()).includes('"test_simple_text"');
}

/** Starts `mcpx serve` in front of the fixture and waits until its tools are listed. */
export async function startGateway(era: Era): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-conformance-'));
  const servers = join(folder, 'mcp.json');
  const app = join(folder, 'app.yaml');
  const fixture = { command: process.execPath, args: [FIXTURE, '--era', era] };
  await writeFile(servers, JSON.stringify({ mcpServers: { fixture } }));
  await writeFile(app, 'naming: flat\n');
  const port = await freePort();
  const started = startNode(['bin/mcpx.js', 'serve'], {
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: String(port),
    SERVE_METRICS_PORT: String(await freePort()),
    SERVERS_CONFIG_PATH: servers,
    APP_CONFIG_PATH: app,
    MCPX_DATA_DIR: join(folder, 'data'),
  });
  const gateway = {
    url: `http://127.0.0.1:${port}/mcp`,
    output: started.output,
    stop: async () => {
      await stop(started);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until(started, 'it was healthy', async () => {
      const health = await fetch(`http://127.0.0.1:${port}/healthcheck`, {
        signal: AbortSignal.timeout(2_000),
      });
      await health.body?.cancel();
      return health.status === 200;
    });
    await until(started, 'it listed the tools', () => listsTools(gateway.url));
  } catch (failure) {
    await gateway.stop();
    throw failure;
  }
  return gateway;
}
