import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { FIXTURE, startNode, stop, until, type Started } from './conformance-processes.ts';

/** What a gateway is started with. */
export interface RawTerms {
  /** Entries of mcp.json; without them one legacy fixture on stdio, called `it`. */
  readonly servers?: Record<string, object>;
  /** Text of app.yaml. */
  readonly app?: string;
  readonly env?: Record<string, string>;
  /** Where configuration and data live; without it a new folder, removed at the end. */
  readonly folder?: string;
  /** Whether to wait until no server is starting any more. */
  readonly isReady?: boolean;
}

/** The state of one server as the gateway tells its operator. */
export interface ServerState {
  readonly name: string;
  readonly phase: string;
  readonly reason?: string;
  readonly isInteractive: boolean;
  readonly instances: number;
}

/** A gateway as a user starts one, seen from outside the process. */
export interface RawGateway {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  output(): string;
  servers(): Promise<readonly ServerState[]>;
  /** Ends it and returns how long that took, in milliseconds. */
  stop(): Promise<number>;
}

/** In the environment of every gateway started here; no answer may hold it. */
export const SECRET = 'xK93-hush-do-not-tell-7712';

const LISTENING = /listening on http:\/\/\S+:(\d+)\/mcp/u;

/** An entry of mcp.json that starts the fixture on stdio. */
export function fixtureEntry(era: 'legacy' | 'modern', ...args: readonly string[]): object {
  return { command: process.execPath, args: [FIXTURE, '--era', era, ...args] };
}

/** Starts `mcpx serve` on a free port and waits until its servers have settled. */
export async function startRaw(terms: RawTerms = {}): Promise<RawGateway> {
  const folder = terms.folder ?? (await mkdtemp(join(tmpdir(), 'mcpx-raw-')));
  const servers = terms.servers ?? { it: fixtureEntry('legacy') };
  await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: servers }));
  await writeFile(join(folder, 'app.yaml'), terms.app ?? '');
  const started = startNode(['bin/mcpx.js', 'serve'], {
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: '0',
    ENABLE_METRICS: 'false',
    SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
    APP_CONFIG_PATH: join(folder, 'app.yaml'),
    MCPX_DATA_DIR: join(folder, 'data'),
    MCPX_TEST_SECRET: SECRET,
    ...terms.env,
  });
  const end = async (): Promise<number> => {
    const startedAt = performance.now();
    await stop(started);
    const tookMs = performance.now() - startedAt;
    if (terms.folder === undefined) await rm(folder, { recursive: true, force: true });
    return tookMs;
  };
  try {
    return await settled(started, folder, end, terms.isReady !== false);
  } catch (failure) {
    await end();
    throw failure;
  }
}

/** Starts a gateway for all tests of a file and ends it after them. */
export async function gatewayForFile(terms: RawTerms = {}): Promise<RawGateway> {
  const gateway = await startRaw(terms);
  after(() => gateway.stop());
  return gateway;
}

async function settled(
  started: Started,
  folder: string,
  end: () => Promise<number>,
  waits: boolean,
): Promise<RawGateway> {
  const portOf = (): string | undefined => LISTENING.exec(started.output())?.[1];
  await until(started, 'it listened', () => Promise.resolve(portOf() !== undefined));
  const port = Number(portOf());
  const states = async (): Promise<readonly ServerState[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/admin/servers`, {
      signal: AbortSignal.timeout(5000),
    });
    return ((await response.json()) as { servers: ServerState[] }).servers;
  };
  if (waits) {
    await until(started, 'its servers had settled', async () =>
      (await states()).every(({ phase }) => phase !== 'starting'),
    );
  }
  return {
    port,
    pid: started.child.pid ?? 0,
    folder,
    output: started.output,
    servers: states,
    stop: end,
  };
}
