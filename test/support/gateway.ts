import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FIXTURE, ROOT, startNode, stop, type Started } from './conformance-processes.ts';
import { eventually } from './processes.ts';

/** An entry of mcp.json. */
export type ServerEntry = Readonly<Record<string, unknown>>;

/** What a gateway is to be configured with. */
export interface GatewaySetup {
  readonly servers: Readonly<Record<string, ServerEntry>>;
  /** The contents of app.yaml. */
  readonly app?: Readonly<Record<string, unknown>>;
  /** Further environment of the gateway. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A server's state as `GET /admin/servers` gives it. */
export interface ServerState {
  readonly name: string;
  readonly phase: string;
  readonly reason?: string;
  readonly since: string;
  readonly era?: string;
  readonly version?: string;
  readonly transport: string;
  readonly isInteractive: boolean;
  readonly instances: number;
  readonly restarts: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** A line of the gateway's log. */
export interface LogLine {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly server?: string;
}

const START_MS = 15_000;
/** Far above what any server here takes to start on a busy machine. */
const READY_MS = 20_000;

/** The fixture as an entry of mcp.json. */
export function fixture(era: 'legacy' | 'modern', ...args: readonly string[]): ServerEntry {
  return { command: process.execPath, args: [FIXTURE, '--era', era, ...args] };
}

/** A server as cheap as there is one: one tool, `echo`. */
export function echoServer(): ServerEntry {
  return { command: process.execPath, args: [join(ROOT, 'bench/servers/echo-stdio.ts')] };
}

/** A folder of configuration and data, and the gateways started on it, one after the other. */
export class TestGateway {
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;
  #started: Started | undefined;
  #base = '';

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#env = env;
  }

  /** Writes the configuration and starts `mcpx serve`; it is ended with the test. The port is open, servers may be starting. */
  static async start(t: TestContext, setup: GatewaySetup): Promise<TestGateway> {
    const gateway = await TestGateway.prepare(t, setup);
    await gateway.launch();
    return gateway;
  }

  /** Writes the configuration only. */
  static async prepare(t: TestContext, setup: GatewaySetup): Promise<TestGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-fault-'));
    const gateway = new TestGateway(folder, setup.env ?? {});
    t.after(async () => {
      if (Reflect.get(t, 'passed') === false)
        t.diagnostic(`The gateway wrote:\n${gateway.output().slice(-6_000)}`);
      await gateway.#stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    await gateway.configure(setup.servers);
    await writeFile(gateway.appPath, JSON.stringify(setup.app ?? {}));
    return gateway;
  }

  get serversPath(): string {
    return join(this.folder, 'mcp.json');
  }

  get appPath(): string {
    return join(this.folder, 'app.yaml');
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  /** `http://127.0.0.1:PORT` */
  get base(): string {
    return this.#base;
  }

  get url(): string {
    return `${this.#base}/mcp`;
  }

  get pid(): number {
    return this.#process.child.pid ?? 0;
  }

  /** The environment that makes a gateway use this folder. */
  get env(): Record<string, string> {
    return {
      MCPX_HOST: '127.0.0.1',
      MCPX_PORT: '0',
      SERVE_METRICS_PORT: '0',
      SERVERS_CONFIG_PATH: this.serversPath,
      APP_CONFIG_PATH: this.appPath,
      MCPX_DATA_DIR: this.dataDir,
      ...this.#env,
    };
  }

  /** Starts the process; returns how many milliseconds it took until the port was open. */
  async launch(): Promise<number> {
    const begin = performance.now();
    const started = startNode(['bin/mcpx.js', 'serve'], this.env);
    this.#started = started;
    this.#base = await eventually(
      'the gateway listened',
      START_MS,
      () => /listening on (http:\/\/\S+)\/mcp/u.exec(started.output())?.[1],
      () => started.output(),
    );
    return performance.now() - begin;
  }

  /** Replaces mcp.json. A running gateway takes it over by itself. */
  async configure(servers: Readonly<Record<string, ServerEntry>>): Promise<void> {
    await writeFile(this.serversPath, JSON.stringify({ mcpServers: servers }, undefined, 2));
  }

  /** All that this start of the gateway has written. */
  output(): string {
    return this.#started?.output() ?? '';
  }

  /** The lines of its log so far, those of one server or all. */
  log(server?: string): LogLine[] {
    return this.output()
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => JSON.parse(line) as LogLine)
      .filter((line) => server === undefined || line.server === server);
  }

  async servers(): Promise<ServerState[]> {
    const response = await fetch(`${this.#base}/admin/servers`, {
      signal: AbortSignal.timeout(5_000),
    });
    return ((await response.json()) as { servers: ServerState[] }).servers;
  }

  async server(name: string): Promise<ServerState> {
    const found = (await this.servers()).find((state) => state.name === name);
    if (found === undefined) throw new Error(`No server "${name}"`);
    return found;
  }

  /** Waits until a server's state is as wanted, and returns it. */
  async whenServer(
    name: string,
    isWanted: (state: ServerState) => boolean,
    withinMs = READY_MS,
  ): Promise<ServerState> {
    let last: ServerState | undefined;
    return eventually(
      `server "${name}" was as wanted`,
      withinMs,
      async () => {
        last = await this.server(name);
        return isWanted(last) ? last : undefined;
      },
      () => last,
    );
  }

  /** Waits until these servers are ready. */
  async whenReady(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.whenServer(name, ({ phase }) => phase === 'ready');
  }

  /**
   * Waits until so many exchanges with this server are on record, and with them all that was logged before. Tokens are
   * counted then: the thread that does so is there.
   */
  async whenRecorded(server: string, count = 1): Promise<void> {
    await eventually(
      `${count} exchanges with "${server}" were recorded`,
      READY_MS,
      () => this.log(server).filter(({ msg }) => msg === 'exchange').length >= count,
      () => this.log(server),
    );
  }

  /** Sends a signal to the gateway alone; resolves with its exit code, null when a signal ended it. */
  async end(signal: NodeJS.Signals, withinMs = READY_MS): Promise<number | null> {
    const { child, exited } = this.#process;
    child.kill(signal);
    await eventually(
      `the gateway ended after ${signal}`,
      withinMs,
      () => child.exitCode !== null || child.signalCode !== null,
    );
    return exited;
  }

  get #process(): Started {
    if (this.#started === undefined) throw new Error('The gateway was not started');
    return this.#started;
  }

  async #stop(): Promise<void> {
    if (this.#started !== undefined) await stop(this.#started);
  }
}
