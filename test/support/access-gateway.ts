import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { freePort, startNode, stop, until, type Started } from './conformance-processes.ts';
import { eventually } from './processes.ts';
import type { JsonObject } from './raw-http.ts';

/** What a gateway is started with. */
export interface AccessTerms {
  readonly servers: Readonly<Record<string, object>>;
  /** Text of app.yaml. */
  readonly app?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A key long enough that nobody is warned of it. */
export const SHARED_KEY = 'shared-key-0123456789-abcdef';

/** Headers with the shared key, and a consumer tag where there is one. */
export function keyed(consumer?: string): Record<string, string> {
  return { 'x-lunar-api-key': SHARED_KEY, ...tagged(consumer) };
}

/** A header with a consumer tag, where there is one. */
export function tagged(consumer?: string): Record<string, string> {
  return consumer === undefined ? {} : { 'x-lunar-consumer-tag': consumer };
}

const LISTENING = /listening on https?:\/\/\S+:(\d+)\/mcp/u;
const SETTLED = /servers ready: /u;
const IN_FORCE = 'the changed configuration is in force';
const REFUSED = 'the last good one stays in force';
const WAIT_MS = 15_000;

/** `mcpx serve` in a folder of its own, seen from outside the process. */
export class AccessGateway {
  readonly folder: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly #started: Started;

  private constructor(folder: string, started: Started, ports: { main: number; metrics: number }) {
    this.folder = folder;
    this.#started = started;
    this.port = ports.main;
    this.metricsPort = ports.metrics;
  }

  /** Writes the configuration, starts the gateway and waits until no server is starting any more. */
  static async start(terms: AccessTerms): Promise<AccessGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-access-'));
    const metrics = await freePort();
    const started = startNode(['bin/mcpx.js', 'serve'], await prepare(folder, terms, metrics));
    try {
      await until(started, 'its servers had settled', async () => {
        // Metrics come after the port is open.
        return SETTLED.test(started.output()) && (await isOpen(metrics));
      });
    } catch (failure) {
      await stop(started);
      await rm(folder, { recursive: true, force: true });
      throw failure;
    }
    const main = Number(LISTENING.exec(started.output())?.[1]);
    return new AccessGateway(folder, started, { main, metrics });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  output(): string {
    return this.#started.output();
  }

  /** Replaces app.yaml and waits until the gateway has taken it over; fails when it refuses it. */
  async reload(app: string): Promise<void> {
    const refusedBefore = this.#count(REFUSED);
    const before = this.#count(IN_FORCE);
    await writeFile(join(this.folder, 'app.yaml'), app);
    await eventually('the new configuration was in force', WAIT_MS, () => {
      if (this.#count(REFUSED) > refusedBefore)
        throw new Error(`It was refused:\n${this.output().slice(-2000)}`);
      return this.#count(IN_FORCE) > before;
    });
  }

  /** Replaces app.yaml and waits until the gateway has refused it; returns what it said since. */
  async reloadBadly(app: string): Promise<string> {
    const before = this.#count(REFUSED);
    const start = this.output().length;
    await writeFile(join(this.folder, 'app.yaml'), app);
    await eventually('it was refused', WAIT_MS, () => this.#count(REFUSED) > before);
    return this.output().slice(start);
  }

  /** The exchanges in the audit so far, and what stands beside them of callers turned away. */
  async audit(): Promise<JsonObject[]> {
    return linesOf(await this.auditText());
  }

  /** The audit log as it stands on disk. */
  async auditText(): Promise<string> {
    const folder = join(this.folder, 'data/audit');
    const names = await readdir(folder).catch((): string[] => []);
    const texts = await Promise.all(
      names.toSorted().map((name) => readFile(join(folder, name), 'utf8')),
    );
    // Each process writes a file of its own, and may be in the middle of its last line.
    return texts.map((text) => text.slice(0, text.lastIndexOf('\n') + 1)).join('');
  }

  /** Waits until the audit log has so many lines that a test accepts, and returns all such lines. */
  audited(count: number, accepts: (line: JsonObject) => boolean): Promise<JsonObject[]> {
    let found: JsonObject[] = [];
    return eventually(
      `the audit log had ${count} such lines`,
      WAIT_MS,
      async () => {
        found = (await this.audit()).filter((line) => accepts(line));
        return found.length >= count && found;
      },
      () => found,
    );
  }

  /** Ends it in order, so that all it has to write is written; the folder stays. */
  async end(): Promise<void> {
    await stop(this.#started);
  }

  /** Ends it and removes its folder. */
  async close(): Promise<void> {
    await this.end();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #count(text: string): number {
    return this.output().split(text).length - 1;
  }
}

/** Starts a gateway for all tests of a file, or of a `describe`, and ends it after them. */
export async function accessGateway(
  terms: AccessTerms,
  scope: { after: typeof after } = { after },
): Promise<AccessGateway> {
  const gateway = await AccessGateway.start(terms);
  scope.after(() => gateway.close());
  return gateway;
}

/** Starts a gateway that must refuse its configuration; returns its exit code and what it said. */
export async function refusedStart(
  terms: AccessTerms,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-access-'));
  const started = startNode(['bin/mcpx.js', 'serve'], await prepare(folder, terms, 0));
  try {
    const code = await eventually(
      'the gateway ended',
      WAIT_MS,
      () => started.child.exitCode !== null && started.exited.then((code) => ({ code })),
      () => started.output(),
    );
    return { ...code, output: started.output() };
  } finally {
    await stop(started);
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(
  folder: string,
  { servers, app = '', env = {} }: AccessTerms,
  metricsPort: number,
): Promise<Record<string, string>> {
  await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: servers }));
  await writeFile(join(folder, 'app.yaml'), app);
  return {
    MCPX_HOST: '127.0.0.1',
    MCPX_PORT: '0',
    SERVE_METRICS_PORT: String(metricsPort),
    SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
    APP_CONFIG_PATH: join(folder, 'app.yaml'),
    MCPX_DATA_DIR: join(folder, 'data'),
    ...env,
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function linesOf(text: string): JsonObject[] {
  // A line that is being written has no end yet.
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JsonObject);
  // What was not counted in time follows in a line of its own.
  const counted = new Map(
    lines.filter(({ event }) => event === 'tokens-counted').map((line) => [line['id'], line]),
  );
  return lines
    .filter(({ outcome }) => outcome !== undefined)
    .map((line) => {
      const { model, tokens, cost } = counted.get(line['id']) ?? {};
      return tokens === undefined ? line : { ...line, model, tokens, cost };
    });
}
