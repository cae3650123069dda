import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import {
  FIXTURE,
  ROOT,
  freePort,
  startNode,
  stop,
  until,
} from '../support/conformance-processes.ts';
import { eventually } from '../support/processes.ts';
import { startHostileHttp, type HostileHttp } from './hostile-http.ts';
import { faultOfLog, KEY, SECRET } from './inspect.ts';
import { Random } from './random.ts';

const HOSTILE = join(ROOT, 'test/fuzz/hostile-stdio.ts');
const KEPT_CHARS = 200_000;
const WAIT_MS = 30_000;

/** Everything on that can be: whatever a call can pass through, it passes. */
const APP = `auth: { enabled: true }
server: { trustedProxies: [127.0.0.1], maxBodyBytes: 1000000 }
sessions: { idleMs: 15000, maxCount: 3000, askTimeoutMs: 3000, detachedMs: 1000 }
parking: { timeoutMs: 4000 }
list: { firstWaitMs: 500, pageSize: 40 }
sse: { afterMs: 300, keepAliveMs: 1000, resumableMs: 3000 }
upstreams:
  connectTimeoutMs: 5000
  probeTimeoutMs: 1500
  listTimeoutMs: 3000
  callTimeoutMs: 6000
  progressResetsCallTimeout: false
  pingIntervalMs: 3000
  pingTimeoutMs: 3000
  restartMinMs: 50
  restartMaxMs: 1000
  restartWaitMs: 2000
  shutdownGraceMs: 300
  maxInstances: 3
  instanceIdleMs: 5000
shutdown: { drainMs: 2000 }
asks: { maxPerMinute: 100000 }
permissions:
  default: { block: [] }
  consumers: { narrow: { allow: [few] } }
toolGroups:
  - { name: few, services: { ls: [test_simple_text, fixture_echo], lh: "*" } }
rules:
  - { id: no-exit, effect: deny, servers: ["*h", ss, steady, modest], tools: ["*/fixture_exit"] }
  - { id: not-too-big, effect: deny, tools: ["*/fixture_big"], when: "double(args.bytes) > 2000000.0" }
  - { id: by-text, effect: deny, tools: ["*/fixture_echo"], when: "has(args.path) && args.path.within('/etc')" }
  - { id: shadowed, effect: deny, mode: shadow, tools: ["*/test_*"], when: "principal.name == 'x' || now.hour > 30" }
  - { id: keep-tools, effect: deny, tools: ["*/fixture_remove_tool"] }
toolExtensions:
  services:
    ls:
      fixture_echo:
        childTools:
          - name: custom_echo
            description: { action: append, text: Made from another. }
            overrideParams:
              text: { maxLength: 50, pattern: "^[a-z ]*$" }
              who: { value: "\${principal.name}" }
limits:
  showState: true
  rules:
    - { id: many, per: [caller], rate: { calls: 1000000, per: 1s } }
    - { id: at-once, per: [consumer, tool], concurrency: 100000, budget: { window: day, tokens: 1000000000000 } }
    - { id: size, maxResultBytes: 3000000 }
audit: { enabled: true, arguments: redacted, retention: { maxBytes: 90000000 } }
tokens: { enabled: true }
usage: { enabled: true }
`;

/** The servers behind a gateway that recordings address, and those that answer the same with faults. */
export const ORDINARY = ['ls', 'ms', 'lh', 'mh', 'ss'] as const;
export const FAULTY = ['hs', 'hm', 'hh', 'ho'] as const;

/** A gateway with real servers behind it, some of them behind a relay that spoils what they say. */
export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'mcpx-fuzz-'));
  readonly #random: Random;
  readonly #faults: string[] = [];
  readonly #ends: (() => Promise<void> | void)[] = [];
  readonly #relays: HostileHttp[] = [];
  #child: ChildProcess | undefined;
  #stdio: ChildProcess | undefined;
  #tail = '';
  #rest = '';
  #env: Record<string, string> = {};
  port = 0;
  /** What the gateway that is a client's own process has said, since the last look. */
  readonly lines: string[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  get isStdioAlive(): boolean {
    return this.#stdio?.exitCode === null && this.#stdio.signalCode === null;
  }

  /** The end of what the gateway has written. */
  get tail(): string {
    return this.#tail;
  }

  get files(): Readonly<Record<'mcp.json' | 'app.yaml', string>> {
    return { 'mcp.json': this.#mcp, 'app.yaml': APP };
  }

  #mcp = '';

  /** What was wrong in the log since this was asked last. */
  takeFaults(): string[] {
    return this.#faults.splice(0);
  }

  /** What the servers that spoil their answers have said last. */
  spoilt(): Record<string, readonly string[]> {
    const file = (name: string): string[] => {
      try {
        return readFileSync(join(this.folder, name), 'utf8').split('\n').slice(-40);
      } catch {
        return [];
      }
    };
    return {
      hs: file('hs.log'),
      hm: file('hm.log'),
      http: this.#relays.flatMap((relay) => relay.spoilt()),
    };
  }

  async start(): Promise<void> {
    const [lh, mh, ss, modest] = await Promise.all([
      this.#remote('legacy', 'http'),
      this.#remote('modern', 'http'),
      this.#remote('legacy', 'sse'),
      this.#remote('modern', 'http'),
    ]);
    const [hh, ho] = await Promise.all([this.#relay(lh), this.#relay(mh)]);
    const headers = { 'x-upstream-key': SECRET };
    const env = { UPSTREAM_KEY: SECRET };
    const own = (era: string): object => ({
      command: process.execPath,
      args: [FIXTURE, '--era', era],
      env,
    });
    const hostile = (era: string, name: string): object => ({
      command: process.execPath,
      args: [HOSTILE, String(this.#random.next()), join(this.folder, `${name}.log`), '--era', era],
      env,
    });
    const remote = (port: number, path = 'mcp'): object => ({
      url: `http://127.0.0.1:${port}/${path}`,
      headers,
    });
    this.#mcp = JSON.stringify(
      {
        mcpServers: {
          steady: own('legacy'),
          modest: remote(modest),
          ls: own('legacy'),
          ms: own('modern'),
          lh: remote(lh),
          mh: remote(mh),
          ss: { ...remote(ss, 'sse'), type: 'sse' },
          hs: hostile('legacy', 'hs'),
          hm: hostile('modern', 'hm'),
          hh: remote(hh),
          ho: remote(ho),
        },
      },
      undefined,
      2,
    );
    this.configure('mcp.json', this.#mcp);
    this.configure('app.yaml', APP);
    await this.#launch();
    this.startStdio();
  }

  configure(file: 'mcp.json' | 'app.yaml', text: string): void {
    writeFileSync(join(this.folder, file), text, 'latin1');
  }

  /** Starts the gateway that is a client's own process, in front of two servers. */
  startStdio(): void {
    const servers = {
      ls: { command: process.execPath, args: [FIXTURE, '--era', 'legacy'] },
      ms: { command: process.execPath, args: [FIXTURE, '--era', 'modern'] },
    };
    const path = join(this.folder, 'stdio.json');
    writeFileSync(path, JSON.stringify({ mcpServers: servers }));
    const env = {
      ...this.#env,
      SERVERS_CONFIG_PATH: path,
      APP_CONFIG_PATH: join(this.folder, 'none.yaml'),
      MCPX_DATA_DIR: join(this.folder, 'stdio-data'),
      ENABLE_METRICS: 'false',
    };
    Reflect.deleteProperty(env, 'API_KEY');
    writeFileSync(join(this.folder, 'none.yaml'), 'sse: { afterMs: 300 }\n');
    const child = this.#spawn(['stdio'], env);
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
    });
    this.#stdio = child;
  }

  /** Gives bytes to the gateway that is a client's own process. */
  say(bytes: string): void {
    this.#stdio?.stdin?.write(bytes, 'latin1');
  }

  async stop(): Promise<void> {
    for (const child of [this.#stdio, this.#child]) if (child !== undefined) await end(child);
    for (const end of this.#ends) await end();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #launch(): Promise<void> {
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      MCPX_HOST: '127.0.0.1',
      MCPX_PORT: '0',
      SERVE_METRICS_PORT: '0',
      SERVERS_CONFIG_PATH: join(this.folder, 'mcp.json'),
      APP_CONFIG_PATH: join(this.folder, 'app.yaml'),
      MCPX_DATA_DIR: join(this.folder, 'data'),
      API_KEY: KEY,
      FUZZ_SECRET: SECRET,
    };
    const child = this.#spawn(['serve'], { ...this.#env, NODE_OPTIONS: '--inspect=127.0.0.1:0' });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#log(chunk));
    this.#child = child;
    const port = await eventually(
      'the gateway listened',
      WAIT_MS,
      () => /listening on http:\/\/\S+:(\d+)\/mcp/u.exec(this.#tail)?.[1],
      () => this.#tail,
    );
    this.port = Number(port);
  }

  #spawn(args: readonly string[], env: Record<string, string>): ChildProcess {
    // A folder of its own: a mutated path must not lead into the repository.
    const child = spawn(process.execPath, [join(ROOT, 'bin/mcpx.js'), ...args], {
      cwd: this.folder,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdin?.on('error', () => undefined);
    // A fuzzer that fails itself must leave nothing behind.
    process.on('exit', () => killGroup(child));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => this.#log(chunk));
    return child;
  }

  #log(chunk: string): void {
    this.#tail = (this.#tail + chunk).slice(-KEPT_CHARS);
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const fault = faultOfLog(line);
      if (fault !== undefined)
        this.#faults.push(`log: ${fault.slice(0, 1500)} in ${line.slice(0, 1500)}`);
    }
  }

  async #remote(era: 'legacy' | 'modern', transport: 'http' | 'sse'): Promise<number> {
    const port = await freePort();
    const args = [FIXTURE, '--era', era, '--transport', transport, '--port', String(port)];
    const started = startNode(args);
    this.#ends.push(() => stop(started));
    await until(started, 'it listened', () =>
      Promise.resolve(started.output().includes('listening on')),
    );
    return port;
  }

  async #relay(port: number): Promise<number> {
    const relay = await startHostileHttp(port, this.#random.fork());
    this.#relays.push(relay);
    this.#ends.push(() => relay.stop());
    return relay.port;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await eventually('the gateway ended', 20_000, () => child.exitCode !== null).catch(() =>
    child.kill('SIGKILL'),
  );
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
