import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { debianTool } from './debian.ts';
import { isRunning, descendantsOf, processOf, type ProcessInfo } from './processes.ts';

/** The password of the database's user. No output may hold it. */
export const PASSWORD = 'pg:pa55/word@äß-3141';

const USER = 'postgres';
const START_MS = 30_000;
const OPTIONS = ['fsync=off', 'full_page_writes=off', 'max_connections=40', 'shared_buffers=64MB'];

/** A real PostgreSQL server on a port of its own, which asks for a password; no user but its own sees its folder. */
export class TestPostgres {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #stopped: readonly ProcessInfo[] = [];
  #written = '';
  #databases = 0;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** Makes a server and starts it; `end` removes it. */
  static async start(): Promise<TestPostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'mcpx-postgres-'));
    const server = new TestPostgres(folder, await freePort());
    try {
      server.#make();
      await server.launch();
    } catch (error) {
      await server.end();
      throw error;
    }
    return server;
  }

  /** The address of a database on this server. */
  url(database: string, password = PASSWORD): string {
    return `postgres://${USER}:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes a new, empty database and returns its address. */
  async database(): Promise<string> {
    this.#databases += 1;
    const name = `usage_${this.#databases}`;
    await this.run(this.url('postgres'), `CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Runs a statement and returns its rows. */
  async run(url: string, text: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Starts it again, with what it had; resolves when it answers. */
  async launch(): Promise<void> {
    const settings = [...OPTIONS, 'listen_addresses=127.0.0.1', `unix_socket_directories=`];
    const args = settings.flatMap((setting) => ['-c', setting]);
    const place = ['-D', this.#data, '-p', String(this.port)];
    const child = spawn(debianTool('postgres'), [...place, ...args], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...owner(),
    });
    this.#process = child;
    const collect = (chunk: Buffer): void => void (this.#written += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    endWithMe(child);
    const deadline = performance.now() + START_MS;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`PostgreSQL did not start:\n${this.#written}`);
      await sleep(50);
    }
  }

  /** Ends it at once: clients lose their connections in the middle, and the next start recovers as after a crash. */
  async crash(): Promise<void> {
    await this.#stop('SIGQUIT');
  }

  /** Stops it where it is: connections stay, and nothing is answered until `resume`. */
  pause(): void {
    const pid = this.#process?.pid ?? 0;
    const all = [processOf(pid), ...descendantsOf(pid)].filter((each) => each !== undefined);
    for (const each of all) process.kill(each.pid, 'SIGSTOP');
    this.#stopped = all;
  }

  /** Lets it go on after `pause`. */
  resume(): void {
    for (const each of this.#stopped) if (isRunning(each)) process.kill(each.pid, 'SIGCONT');
    this.#stopped = [];
  }

  /** Ends and removes it. */
  async end(): Promise<void> {
    this.resume();
    await this.#stop('SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  #make(): void {
    const secret = join(this.#folder, 'password');
    writeFileSync(secret, PASSWORD);
    const { uid, gid } = owner();
    for (const path of [this.#folder, secret]) {
      chmodSync(path, 0o700);
      if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
    }
    const args = ['-D', this.#data, '-U', USER, '--pwfile', secret, '--no-sync', '-E', 'UTF8'];
    const made = spawnSync(debianTool('initdb'), [...args, '-A', 'scram-sha-256', '--no-locale'], {
      cwd: this.#folder,
      encoding: 'utf8',
      ...owner(),
    });
    if (made.status !== 0) throw new Error(`initdb failed:\n${made.stdout}${made.stderr}`);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.run(this.url('postgres'), 'SELECT 1');
      return true;
    } catch {
      return false;
    }
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      child.kill(signal);
      await closed;
    }
  }
}

/** PostgreSQL refuses to run as root: the user that Debian makes for it does, or nobody. */
function owner(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line =
    lines.find((each) => each.startsWith(`${USER}:`)) ??
    lines.find((each) => each.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** A test runner that gives up must not leave it behind. */
function endWithMe(child: ChildProcess): void {
  const end = (): void => void child.kill('SIGQUIT');
  const endBoth = (): void => process.exit(1);
  process.once('exit', end);
  process.once('SIGTERM', endBoth);
  child.once('close', () => {
    process.off('exit', end);
    process.off('SIGTERM', endBoth);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
