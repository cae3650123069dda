import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from './conformance-processes.ts';
import { startRaw, type RawGateway } from './raw-gateway.ts';

/** What runs `mcpx`, from the repository's folder. */
export const COMMAND = 'bin/mcpx.js';

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder with a configuration, in which commands are run as a user runs them. */
export class Workplace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #servers: Record<string, object>;
  readonly #gateways: RawGateway[] = [];

  private constructor(folder: string, servers: Record<string, object>) {
    this.folder = folder;
    this.#servers = servers;
    this.env = {
      SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
      APP_CONFIG_PATH: join(folder, 'app.yaml'),
      MCPX_DATA_DIR: join(folder, 'data'),
    };
  }

  /** A new folder with these servers and this app.yaml, removed after the test. */
  static async make(
    t: TestContext,
    app: string,
    servers: Record<string, object> = {},
  ): Promise<Workplace> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-command-'));
    const place = new Workplace(folder, servers);
    t.after(() => place.#end());
    await place.write('app.yaml', app);
    await place.write('mcp.json', JSON.stringify({ mcpServers: servers }));
    return place;
  }

  /** Writes a file and returns its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, text);
    return path;
  }

  /** Starts a gateway here, with this app.yaml, and waits for its servers; it ends with the test at the latest. */
  async serve(app: string): Promise<RawGateway> {
    const servers = this.#servers;
    // Its servers cannot be asked for without a key; what it prints says as much.
    const gateway = await startRaw({ folder: this.folder, app, servers, isReady: false });
    this.#gateways.push(gateway);
    const deadline = performance.now() + 15_000;
    while (!gateway.output().includes(' servers ready')) {
      if (performance.now() > deadline) throw new Error(`not ready:\n${gateway.output()}`);
      await sleep(20);
    }
    return gateway;
  }

  async #end(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Runs `mcpx` to its end. */
  run(...args: readonly string[]): Promise<Ran> {
    return runWith(this.env, args);
  }
}

async function runWith(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Ran> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: ROOT,
    env: { PATH, HOME, TZ: 'UTC', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed.err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...printed };
}
