import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startNode } from './conformance-processes.ts';
import { echoServer, TestGateway, type GatewaySetup } from './gateway.ts';
import { eventually } from './processes.ts';
import { modernCall } from './raw-clients.ts';
import type { Got, JsonObject } from './raw-http.ts';

const WAIT_MS = 20_000;

/** What verifying says, as `mcpx audit verify --json` prints it. */
export interface Verified {
  readonly code: number | null;
  readonly findings: readonly {
    readonly kind: string;
    readonly file: string;
    readonly from?: number;
  }[];
  readonly chains: readonly {
    readonly chain: string;
    readonly state: string;
    readonly lines: number;
  }[];
}

/** A gateway with one cheap server, seen through its audit. */
export class AuditedGateway {
  readonly gateway: TestGateway;

  private constructor(gateway: TestGateway) {
    this.gateway = gateway;
  }

  /** Writes the configuration only. */
  static async prepare(t: TestContext, setup: Partial<GatewaySetup> = {}): Promise<AuditedGateway> {
    const servers = { echo: echoServer() };
    return new AuditedGateway(await TestGateway.prepare(t, { servers, ...setup }));
  }

  /** Starts it and waits until its server is ready. */
  static async start(t: TestContext, setup: Partial<GatewaySetup> = {}): Promise<AuditedGateway> {
    const audited = await AuditedGateway.prepare(t, setup);
    await audited.launch();
    return audited;
  }

  get folder(): string {
    return join(this.gateway.dataDir, 'audit');
  }

  get port(): number {
    return Number(new URL(this.gateway.base).port);
  }

  async launch(): Promise<void> {
    await this.gateway.launch();
    await this.gateway.whenReady('echo');
  }

  /** A call with a number, by which its record is found. */
  call(number: number): Promise<Got> {
    return modernCall(this.port, 'echo__echo', { text: `number ${number}` });
  }

  files(): string[] {
    return readdirSync(this.folder)
      .filter((file) => file.endsWith('.jsonl'))
      .toSorted();
  }

  /** All whole lines. */
  lines(): JsonObject[] {
    return this.files()
      .flatMap((file) => readFileSync(join(this.folder, file), 'utf8').split('\n').slice(0, -1))
      .map((line) => JSON.parse(line) as JsonObject);
  }

  /** Waits for a line. */
  line(what: string, accepts: (line: JsonObject) => boolean): Promise<JsonObject> {
    return eventually(what, WAIT_MS, () => this.lines().find((line) => accepts(line)));
  }

  /** Numbers of the calls that were recorded. */
  numbers(): Set<number> {
    const texts = this.lines()
      .filter(({ method }) => method === 'tools/call')
      .map((line) => String((line['arguments'] as JsonObject | undefined)?.['text']));
    return new Set(texts.map((text) => Number(text.replace('number ', ''))));
  }

  /** Runs `mcpx` on its configuration and data. */
  async mcpx(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const started = startNode(['bin/mcpx.js', ...args], { ...this.gateway.env, TZ: 'UTC' });
    const code = await started.exited;
    return { code, output: started.output() };
  }

  async verify(...more: readonly string[]): Promise<Verified> {
    const { code, output } = await this.mcpx('audit', 'verify', '--json', ...more);
    assert.ok(code === 0 || code === 1, output);
    return { code, ...(JSON.parse(output) as Omit<Verified, 'code'>) };
  }
}
