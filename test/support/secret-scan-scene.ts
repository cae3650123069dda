import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after } from 'node:test';
import { freePort, startNode, stop, until, type Started } from './conformance-processes.ts';
import { OtlpReceiver } from './otlp.ts';
import { eventually } from './raw-eventually.ts';
import { send, type Got } from './raw-http.ts';
import {
  appWith,
  environmentWith,
  serversWith,
  type AppChanges,
  type Places,
} from './secret-scan-config.ts';
import { echoServer, postCollector, tcpCollector, type Collected } from './secret-scan-remote.ts';
import type { Plant } from './secret-scan-shapes.ts';
import { StdioClient } from './secret-scan-stdio.ts';
import { SecretBook, type Output } from './secret-scan.ts';

export const KEY_HEADER = 'x-lunar-api-key';

/** Pages of the admin API. */
const PAGES = [
  'servers',
  'usage?by=client,consumer,tool,server&top=1000&method=*',
  'limits?top=1000',
  'context',
  'audit?limit=1000',
] as const;

const WAIT_MS = 20_000;

/** A gateway with everything on and secrets everywhere, and all that it puts out. */
export class ScanScene {
  readonly book = new SecretBook();
  readonly folder: string;
  readonly port: number;
  /** Keys by consumer. */
  readonly keys = new Map<string, string>();
  readonly places: Places;
  /** For what lives as long as the scene. */
  readonly scope = { after };
  readonly #metricsPort: number;
  readonly #receiver: OtlpReceiver;
  readonly #collected: readonly (readonly [name: string, Collected])[];
  readonly #env: Record<string, string>;
  readonly #answers = new Map<string, string[]>();
  readonly #said: Output[] = [];
  #runs = 0;
  #started: Started | undefined;

  private constructor(parts: Parts) {
    const { folder, receiver, echo, sink, syslog, ports } = parts;
    this.folder = folder;
    this.#receiver = receiver;
    this.#collected = [
      ['audit by HTTP', sink],
      ['audit by syslog', syslog],
    ];
    [this.port, this.#metricsPort] = ports;
    this.places = {
      says: join(folder, 'says.json'),
      echo,
      closed: ports[2],
      sink: `http://127.0.0.1:${sink.port}`,
      syslog: syslog.port,
    };
    this.#env = {
      ...environmentWith(this.operators('environment')),
      OTEL_EXPORTER_OTLP_ENDPOINT: new URL(receiver.endpoint).origin,
      ENABLE_METRICS: 'true',
      MCPX_HOST: '127.0.0.1',
      MCPX_PORT: String(this.port),
      SERVE_METRICS_PORT: String(this.#metricsPort),
      SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
      APP_CONFIG_PATH: join(folder, 'app.yaml'),
      MCPX_DATA_DIR: join(folder, 'data'),
    };
  }

  /** Sets up all but the gateway; removed after all tests of the file. */
  static async make(): Promise<ScanScene> {
    const folder = mkdtempSync(join(tmpdir(), 'mcpx-scan-'));
    after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    const scope = { after };
    const [receiver, echo, sink, syslog, ...ports] = await Promise.all([
      OtlpReceiver.start(scope),
      echoServer(scope),
      postCollector(scope),
      tcpCollector(scope),
      freePort(),
      freePort(),
      freePort(),
    ]);
    const scene = new ScanScene({ folder, receiver, echo: echo.origin, sink, syslog, ports });
    after(() => scene.stop());
    mkdirSync(join(folder, 'data'));
    return scene;
  }

  /** Plants what an operator entrusts to the gateway: nobody is told, but for parameters, which are told like arguments. */
  operators(phase: string, argumentsTold: readonly string[] = []): Plant {
    return (place, form) =>
      this.book.plant(
        `${phase}: ${place}`,
        form,
        /parameter/u.test(place) ? argumentsTold : undefined,
      );
  }

  /** Plants what is somebody's own: only they may be told of it again, and what else is named. */
  own(phase: string, who: string, ...told: readonly string[]): Plant {
    return (place, form) =>
      this.book.plant(`${phase}: ${place}`, form, [`answers to ${who}`, ...told]);
  }

  /** The key that all share, which its operator calls with. */
  get sharedKey(): string {
    return this.#env['API_KEY'] ?? '';
  }

  /** Writes a configuration with new secrets. A running gateway takes it over by itself. */
  configure(phase: string, changes: AppChanges = {}, argumentsTold?: readonly string[]): void {
    const plant = this.operators(phase, argumentsTold);
    const app = appWith(plant, this.places, changes);
    const servers = serversWith(plant, this.places);
    writeFileSync(
      join(this.folder, 'mcp.json'),
      JSON.stringify({ mcpServers: servers }, undefined, 2),
    );
    writeFileSync(join(this.folder, 'app.yaml'), JSON.stringify(app, undefined, 2));
  }

  /** Starts a gateway and waits until its servers have settled. */
  async start(): Promise<void> {
    const started = startNode(['bin/mcpx.js', 'serve'], this.#env);
    this.#started = started;
    this.#runs += 1;
    await until(started, 'it listened', () =>
      Promise.resolve(/listening on/u.test(started.output())),
    );
    await this.settled();
  }

  /** Has the running gateway take over a configuration with new secrets. */
  async reload(
    phase: string,
    changes: AppChanges = {},
    argumentsTold?: readonly string[],
  ): Promise<void> {
    const count = (): number => this.log().split('the changed configuration is in force').length;
    const before = count();
    this.configure(phase, changes, argumentsTold);
    await eventually('it was taken over', () => count() > before);
    await this.settled();
  }

  /** Starts `mcpx stdio` for somebody; what it writes is kept. */
  stdioClient(who: string): StdioClient {
    return new StdioClient(
      { ...this.#env, MCPX_PORT: '0', ENABLE_METRICS: 'false' },
      (sent, log) => {
        this.note(who, sent);
        this.#said.push({ name: 'log on stdio', text: log });
      },
    );
  }

  /** Waits until no server is starting any more, for the first time. */
  async settled(): Promise<void> {
    await eventually(
      'the servers settled',
      async () => {
        const { text } = await this.page('/admin/servers');
        const { servers } = JSON.parse(text) as { servers: { name: string; phase: string }[] };
        return servers.every(({ name, phase }) => phase !== 'starting' || name === 'flaky');
      },
      WAIT_MS,
    );
  }

  /** What the present gateway has written so far. */
  log(): string {
    return this.#started?.output() ?? '';
  }

  async stop(): Promise<void> {
    const started = this.#started;
    if (started === undefined) return;
    this.#started = undefined;
    await stop(started);
    this.#said.push({ name: `log of gateway ${this.#runs}`, text: started.output() });
  }

  /** Runs `mcpx` on the configuration and data of the gateway. What it writes is kept, and returned. */
  async mcpx(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const started = startNode(['bin/mcpx.js', ...args], { ...this.#env, ...env });
    await started.exited;
    const text = started.output();
    this.#said.push({ name: `command ${args.slice(0, 2).join(' ')}`, text });
    return text;
  }

  /** Makes a key for a consumer; the command that makes it is the only one to tell it. */
  async createKey(consumer: string): Promise<void> {
    const text = await this.mcpx([
      'keys',
      'create',
      '--name',
      `of-${consumer}`,
      '--consumer',
      consumer,
    ]);
    const key = /mcpx_[\w-]+/u.exec(text)?.[0] ?? '';
    assert.ok(key.length > 40, text);
    this.book.add({
      place: `key of ${consumer}`,
      core: key.slice(-40),
      told: ['command keys create'],
    });
    this.keys.set(consumer, key);
  }

  /** Keeps what somebody was answered. */
  async keep<Answer extends Pick<Got, 'text' | 'headers'>>(
    who: string,
    answer: Promise<Answer>,
  ): Promise<Answer> {
    const got = await answer;
    this.note(who, `${got.text}\n${JSON.stringify(got.headers)}`);
    return got;
  }

  /** Keeps a text that somebody was sent. */
  note(who: string, text: string): void {
    const all = this.#answers.get(who) ?? [];
    all.push(text);
    this.#answers.set(who, all);
  }

  page(path: string, port = this.port): Promise<Got> {
    return send(port, { method: 'GET', path, headers: { [KEY_HEADER]: this.sharedKey } });
  }

  /** All that the gateway and its commands have put out so far. */
  async outputs(): Promise<Output[]> {
    this.#noteKeys();
    return [
      ...this.#said,
      { name: `log of gateway ${this.#runs}`, text: this.log() },
      ...this.files(),
      ...(await this.#pages()),
      ...(await this.traces()),
      ...this.#collected.map(([name, { text }]) => ({ name, text: text() })),
      ...Array.from(this.#answers, ([who, texts]) => ({
        name: `answers to ${who}`,
        text: texts.join('\n'),
      })),
    ];
  }

  /** The spans that were sent. */
  async traces(): Promise<Output[]> {
    return [{ name: 'traces', text: JSON.stringify(await this.#receiver.spans()) }];
  }

  /** Every file below the data folder, byte by byte. */
  files(): Output[] {
    const data = join(this.folder, 'data');
    return readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ name: `file ${relative(data, path)}`, text: textOf(path) }));
  }

  async #pages(): Promise<Output[]> {
    if (this.#started === undefined) return [];
    const metrics = await this.page('/metrics');
    const own = await this.page('/metrics', this.#metricsPort);
    const pages = await Promise.all(PAGES.map((name) => this.page(`/admin/${name}`)));
    return [
      { name: 'metrics', text: metrics.text },
      { name: 'metrics on their own port', text: own.text },
      ...pages.map(({ text }, index) => ({ name: `page ${PAGES[index]?.split('?')[0]}`, text })),
    ];
  }

  /** What these two files hold must be in no other. */
  #noteKeys(): void {
    const ring = JSON.parse(this.#keyFile('seal')) as { secret: string }[];
    const pairs = JSON.parse(this.#keyFile('audit')) as { privateKey: string }[];
    const bytes = [
      ...ring.map(({ secret }) => Buffer.from(secret, 'base64url')),
      // The first 16 bytes of a private key in this form are always the same.
      ...pairs.map(({ privateKey }) => Buffer.from(privateKey, 'base64').subarray(16)),
    ];
    for (const key of bytes)
      for (const encoding of ['latin1', 'base64', 'base64url', 'hex'] as const)
        this.book.add({
          place: 'the gateway\u2019s own keys',
          core: key.toString(encoding),
          told: KEY_FILES,
        });
  }

  #keyFile(name: string): string {
    return readFileSync(join(this.folder, 'data/keys', `${name}.json`), 'utf8');
  }
}

/** The files that hold keys, as they must. */
const KEY_FILES = ['file keys/seal.json', 'file keys/audit.json'];

interface Parts {
  readonly folder: string;
  readonly receiver: OtlpReceiver;
  readonly echo: string;
  readonly sink: Collected;
  readonly syslog: Collected;
  readonly ports: readonly [main: number, metrics: number, closed: number];
}

/** Databases come and go with their journals. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
