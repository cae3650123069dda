import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FIXTURE,
  freePort,
  startNode,
  stop,
  until,
  type Started,
} from './conformance-processes.ts';

export type Era = 'legacy' | 'modern';

/** A gateway started as a user starts one, with one server behind it whose names it serves as they are. */
export interface TestGateway {
  readonly url: string;
  output(): string;
  stop(): Promise<void>;
}

const LISTENING = /listening on (http:\/\/\S+:\d+)\/mcp/u;

/** Starts `mcpx serve` in front of the fixture on stdio and waits until that has started. */
export function startGateway(era: Era): Promise<TestGateway> {
  return startGatewayFor({ command: process.execPath, args: [FIXTURE, '--era', era] });
}

/** The same with the fixture reached over streamable HTTP. */
export async function startGatewayOverHttp(era: Era): Promise<TestGateway> {
  const port = await freePort();
  const args = [FIXTURE, '--era', era, '--transport', 'http', '--port', String(port)];
  const server = startNode(args);
  try {
    await until(server, 'it listened', () =>
      Promise.resolve(server.output().includes('listening')),
    );
    const gateway = await startGatewayFor({ url: `http://127.0.0.1:${port}/mcp` });
    return {
      ...gateway,
      stop: async () => {
        await gateway.stop();
        await stop(server);
      },
    };
  } catch (failure) {
    await stop(server);
    throw failure;
  }
}

/** Starts `mcpx serve` in front of one entry of mcp.json and waits until that server has started, or cannot. */
export async function startGatewayFor(server: object, app = ''): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-conformance-'));
  const servers = join(folder, 'mcp.json');
  const settings = join(folder, 'app.yaml');
  await writeFile(servers, JSON.stringify({ mcpServers: { conformance: server } }));
  await writeFile(settings, `naming: flat\n${app}`);
  const started = startNode(['bin/mcpx.js', 'serve'], {
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: '0',
    ENABLE_METRICS: 'false',
    SERVERS_CONFIG_PATH: servers,
    APP_CONFIG_PATH: settings,
    MCPX_DATA_DIR: join(folder, 'data'),
  });
  const end = async (): Promise<void> => {
    await stop(started);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const base = await connected(started);
    return { url: `${base}/mcp`, output: started.output, stop: end };
  } catch (failure) {
    await end();
    throw failure;
  }
}

/** Waits until the gateway listens and its server has settled; resolves with the gateway's address. */
async function connected(started: Started): Promise<string> {
  const base = (): string | undefined => LISTENING.exec(started.output())?.[1];
  await until(started, 'it listened', () => Promise.resolve(base() !== undefined));
  await until(started, 'its server had settled', async () => {
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(`${base()}/admin/servers`, { signal });
    const { servers } = (await response.json()) as { servers: { phase: string }[] };
    return servers.every(({ phase }) => phase !== 'starting');
  });
  return base() ?? '';
}
