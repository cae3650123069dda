import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { realServer, remoteServerWith, serverWith } from './access-servers.ts';
import { appOf, FILE_TEXTS, FORECAST } from './ledger-config.ts';
import { freePort, ROOT, startNode, stop, until, type Started } from './conformance-processes.ts';
import { AUDIENCE, TestProvider } from './oidc.ts';
import { OtlpReceiver } from './otlp.ts';
import { eventually } from './raw-eventually.ts';
import { fixtureEntry } from './raw-gateway.ts';
import type { JsonObject } from './raw-http.ts';

export const SHARED_KEY = 'shared-of-the-ledger-0123456789';
export const KEY_HEADER = 'x-lunar-api-key';

/** A named key. */
export interface NamedKey {
  readonly id: string;
  readonly text: string;
}

const NAMED = ['alice', 'bob', 'frank', 'gone'] as const;
const SETTLED = /servers ready: /u;

/** A gateway in front of many servers, with the folders and processes around it. */
export class LedgerScene {
  readonly folder: string;
  /** What server-filesystem may read. */
  readonly files: string;
  readonly receiver: OtlpReceiver;
  readonly provider: TestProvider;
  readonly port: number;
  readonly metricsPort: number;
  readonly keys = new Map<string, NamedKey>();
  /** What every gateway that has run here has written. */
  output = '';
  #started: Started | undefined;

  private constructor(
    folder: string,
    receiver: OtlpReceiver,
    provider: TestProvider,
    ports: readonly [main: number, metrics: number],
  ) {
    this.folder = folder;
    this.files = join(folder, 'files');
    this.receiver = receiver;
    this.provider = provider;
    [this.port, this.metricsPort] = ports;
  }

  /** Sets everything up but the gateway; removed after all tests of the file. */
  static async make(): Promise<LedgerScene> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'mcpx-ledger-')));
    after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const [receiver, provider, ...ports] = await Promise.all([
      OtlpReceiver.start({ after }),
      TestProvider.start(),
      freePort(),
      freePort(),
    ]);
    after(() => provider.stop());
    const scene = new LedgerScene(folder, receiver, provider, ports);
    await mkdir(scene.files);
    for (const [name, text] of Object.entries(FILE_TEXTS))
      await writeFile(join(scene.files, name), text);
    await scene.#configure();
    await Promise.all(NAMED.map((name) => scene.#createKey(name)));
    after(() => scene.stop());
    return scene;
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#started?.child.pid ?? 0;
  }

  /** The key of a consumer. */
  key(consumer: (typeof NAMED)[number]): NamedKey {
    const key = this.keys.get(consumer);
    assert.ok(key !== undefined);
    return key;
  }

  /** A token that names its consumer. */
  token(consumer: string): Promise<string> {
    return this.provider.token({
      subject: 'subject-of-the-ledger',
      scope: 'read',
      claims: { team: consumer },
    });
  }

  /** Starts the gateway and waits until its servers have settled and its metrics are served. */
  async start(): Promise<void> {
    const started = startNode(['bin/mcpx.js', 'serve'], this.#env());
    this.#started = started;
    await until(
      started,
      'its servers had settled',
      async () => SETTLED.test(started.output()) && (await this.metrics()) !== '',
    );
  }

  /** Tells the gateway to end, and waits until it has. */
  async stop(): Promise<void> {
    const started = this.#started;
    if (started === undefined) return;
    this.#started = undefined;
    await stop(started);
    this.output += started.output();
  }

  /** The metrics page. */
  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`, {
      headers: { [KEY_HEADER]: SHARED_KEY },
    });
    return response.text();
  }

  /** A page of the admin API. */
  async page(path: string): Promise<JsonObject> {
    const headers = { [KEY_HEADER]: SHARED_KEY };
    const response = await fetch(new URL(path, this.base), { headers });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as JsonObject;
  }

  /** The lines of the audit log, by file. */
  async audit(): Promise<ReadonlyMap<string, JsonObject[]>> {
    const folder = join(this.folder, 'data/audit');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'));
    const files = names.map(async (name) => {
      const text = await readFile(join(folder, name), 'utf8');
      const lines = text.split('\n').slice(0, -1);
      return [name, lines.map((line) => JSON.parse(line) as JsonObject)] as const;
    });
    return new Map(await Promise.all(files));
  }

  /** Waits until something holds of the lines of the audit log. */
  untilAudited(what: string, accepts: (lines: readonly JsonObject[]) => boolean): Promise<void> {
    return eventually(what, async () => accepts([...(await this.audit()).values()].flat()), 20_000);
  }

  /** How a client starts a gateway of its own as a consumer, on the same configuration and data. */
  stdio(consumer: string): { command: string; args: string[]; env: Record<string, string> } {
    const { PATH = '', HOME = '' } = process.env;
    return {
      command: process.execPath,
      args: [join(ROOT, 'bin/mcpx.js'), 'stdio', '--consumer', consumer],
      env: { PATH, HOME, LOG_LEVEL: 'silent', ENABLE_METRICS: 'false', ...this.#env() },
    };
  }

  /** Runs `mcpx` on the configuration and data of the gateway. */
  async mcpx(...args: readonly string[]): Promise<string> {
    const started = startNode(['bin/mcpx.js', ...args], this.#env());
    assert.equal(await started.exited, 0, started.output());
    return started.output();
  }

  /** Waits until something holds of the metrics. */
  untilMetrics(what: string, accepts: (text: string) => boolean): Promise<void> {
    return eventually(what, async () => accepts(await this.metrics()), 20_000);
  }

  async #createKey(consumer: string): Promise<void> {
    const text = await this.mcpx('keys', 'create', '--name', consumer, '--consumer', consumer);
    const [key] = /mcpx_[\w-]+/u.exec(text) ?? [];
    const id = /\(id ([\w-]+)\)/u.exec(text)?.[1];
    assert.ok(key !== undefined && id !== undefined, text);
    this.keys.set(consumer, { id, text: key });
  }

  async #configure(): Promise<void> {
    const control = serverWith({ parts: ['control'] });
    const memory = realServer('memory');
    const servers = {
      everything: realServer('everything'),
      files: realServer('filesystem', this.files),
      memory: { ...memory, env: { MEMORY_FILE_PATH: join(this.folder, 'memory.jsonl') } },
      it: fixtureEntry('legacy'),
      new: fixtureEntry('modern'),
      far: await remoteServerWith({
        tools: ['weather', FORECAST],
        prompts: ['brief'],
        resources: ['far://a'],
        parts: ['control', 'plain'],
      }),
      slow: { ...control, callTimeoutMs: 400 },
      brittle: control,
      asker: serverWith({ parts: ['asking'] }),
      // Of one client alone: whose question it is must never be in doubt.
      quiz: serverWith({ parts: ['asking'] }),
    };
    const app = appOf({
      publicUrl: new URL(AUDIENCE).origin,
      issuer: this.provider.issuer,
      otlp: this.receiver.endpoint,
    });
    await writeFile(join(this.folder, 'mcp.json'), JSON.stringify({ mcpServers: servers }));
    await writeFile(join(this.folder, 'app.yaml'), JSON.stringify(app));
  }

  #env(): Record<string, string> {
    return {
      API_KEY: SHARED_KEY,
      MCPX_HOST: '127.0.0.1',
      MCPX_PORT: String(this.port),
      SERVE_METRICS_PORT: String(this.metricsPort),
      SERVERS_CONFIG_PATH: join(this.folder, 'mcp.json'),
      APP_CONFIG_PATH: join(this.folder, 'app.yaml'),
      MCPX_DATA_DIR: join(this.folder, 'data'),
    };
  }
}
