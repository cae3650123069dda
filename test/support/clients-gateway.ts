import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, startNode, stop, until } from './conformance-processes.ts';

type JsonObject = Record<string, unknown>;

/** What the operator's list says of one server. */
export interface ServerState {
  readonly name: string;
  readonly phase: string;
  readonly isInteractive: boolean;
  readonly instances: number;
}

/** A gateway started as a user starts one, in front of the given servers. */
export interface RunningGateway {
  /** Where streamable HTTP is spoken. */
  readonly url: string;
  /** Where HTTP+SSE is spoken. */
  readonly sseUrl: string;
  /** The environment with which a program started by a client serves the same configuration. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder that lives as long as the gateway. */
  readonly folder: string;
  output(): string;
  states(): Promise<ServerState[]>;
  /** Waits until the operator's list is as wanted, for fifteen seconds at most. */
  untilStates(what: string, accepts: (states: readonly ServerState[]) => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** How a gateway is to be started. */
export interface GatewayWish {
  /** The entries of mcp.json. */
  readonly servers: Readonly<Record<string, JsonObject>>;
  /** The text of app.yaml. */
  readonly app?: string;
}

/** The launcher of the gateway. */
export const MCPX = join(ROOT, 'bin/mcpx.js');

/** A server of one of our dependencies, as an entry of mcp.json. */
export function packagedServer(name: string, ...args: readonly string[]): JsonObject {
  const main = join(ROOT, 'node_modules/@modelcontextprotocol', name, 'dist/index.js');
  return { command: process.execPath, args: [main, ...args] };
}

async function writeConfig(folder: string, wish: GatewayWish): Promise<Record<string, string>> {
  const servers = join(folder, 'mcp.json');
  const app = join(folder, 'app.yaml');
  await writeFile(servers, JSON.stringify({ mcpServers: wish.servers }));
  await writeFile(app, wish.app ?? 'naming: prefix\n');
  return {
    SERVERS_CONFIG_PATH: servers,
    APP_CONFIG_PATH: app,
    MCPX_DATA_DIR: join(folder, 'data'),
  };
}

async function statesAt(origin: string): Promise<ServerState[]> {
  const response = await fetch(`${origin}/admin/servers`, { signal: AbortSignal.timeout(2_000) });
  const { servers } = (await response.json()) as { servers: ServerState[] };
  return servers;
}

/** Starts `mcpx serve` and waits until every server is ready. */
export async function startServing(wish: GatewayWish): Promise<RunningGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-clients-'));
  const env = await writeConfig(folder, wish);
  const started = startNode([MCPX, 'serve'], {
    ...env,
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: '0',
    SERVE_METRICS_PORT: '0',
  });
  const end = async (): Promise<void> => {
    await stop(started);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    let origin = '';
    await until(started, 'it listened', () => {
      origin = /listening on (http:\S+)\/mcp/.exec(started.output())?.[1] ?? '';
      return Promise.resolve(origin !== '');
    });
    const untilStates: RunningGateway['untilStates'] = (what, accepts) =>
      until(started, what, async () => accepts(await statesAt(origin)));
    const count = Object.keys(wish.servers).length;
    await untilStates(
      'all servers were ready',
      (states) => states.length === count && states.every(({ phase }) => phase === 'ready'),
    );
    return {
      url: `${origin}/mcp`,
      sseUrl: `${origin}/sse`,
      env,
      folder,
      output: started.output,
      states: () => statesAt(origin),
      untilStates,
      stop: end,
    };
  } catch (failure) {
    await end();
    throw failure;
  }
}
