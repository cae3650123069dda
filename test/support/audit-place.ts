import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AuditPlan } from '../../src/kernel/record-plan.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { AuditSink } from '../../src/record/audit-sink.ts';
import { AuditVerifier } from '../../src/record/audit/keys.ts';
import { lifeOf } from '../../src/record/audit/ports.ts';
import { verifyAudit, type Proof, type Verdict } from '../../src/record/audit/verify.ts';
import { readAnchors } from '../../src/store/anchor-table.ts';
import { findAuditKeys } from '../../src/store/audit-key-file.ts';
import { isAuditLife, openAudit } from '../../src/wiring/audit.ts';
import { entryOf } from '../unit/record/entries.ts';
import { eventually } from './raw-eventually.ts';

/** A plan of an audit as it is by default, with what a test wants to be otherwise. */
export function auditPlan(changes: Partial<AuditPlan> = {}): AuditPlan {
  return {
    isOn: true,
    arguments: 'full',
    flushMs: 10,
    onFailure: 'refuse',
    maxSegmentBytes: 67_108_864,
    retention: { maxAgeDays: 0, maxBytes: 0 },
    syslog: undefined,
    http: undefined,
    ...changes,
  };
}

/** A data folder with an audit in it, removed after the test. */
export class AuditPlace {
  readonly dataDir: string;
  readonly errors: string[] = [];
  readonly lost: string[] = [];
  plan: AuditPlan;
  /** Set where a test has a time of its own. */
  now: number | undefined;

  constructor(t: TestContext | undefined, plan: Partial<AuditPlan> = {}, dataDir?: string) {
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'mcpx-audit-'));
    this.plan = auditPlan(plan);
    t?.after(() => this.remove());
  }

  get folder(): string {
    return join(this.dataDir, 'audit');
  }

  remove(): void {
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** An audit as a gateway opens one. */
  open(): AuditSink {
    return openAudit({
      dataDir: this.dataDir,
      plan: () => this.plan,
      now: () => this.now ?? Date.now(),
      onLost: (chains) => this.lost.push(...chains),
      onError: (error) => this.errors.push(error instanceof Error ? error.message : String(error)),
    });
  }

  /** A whole chain with so many exchanges, ended in order; returns its id. */
  async chain(exchanges: number): Promise<string> {
    const before = new Set(this.files());
    const sink = this.open();
    for (let index = 0; index < exchanges; index += 1) sink.take(exchange(index));
    await sink.close();
    const file = this.files().find((name) => !before.has(name)) ?? '';
    return file.slice(11, 27);
  }

  /** Names of the files, sorted. */
  files(): string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => name.endsWith('.jsonl'))
        .toSorted();
    } catch {
      return [];
    }
  }

  /** The lines of a file, without their ends. */
  lines(file: string): string[] {
    return readFileSync(join(this.folder, file), 'utf8').split('\n').slice(0, -1);
  }

  write(file: string, lines: readonly string[]): void {
    writeFileSync(join(this.folder, file), lines.map((line) => `${line}\n`).join(''));
  }

  /** All lines that are records: those that hold the chains together left out. */
  records(): JsonObject[] {
    return this.files()
      .flatMap((file) => this.lines(file))
      .map((line) => JSON.parse(line) as JsonObject)
      .filter((line) => line['signature'] === undefined);
  }

  /** Waits until the audit has so many records. */
  async recorded(count: number): Promise<JsonObject[]> {
    await eventually(`${count} records`, () => this.records().length >= count);
    return this.records();
  }

  /** What is anchored. */
  proofs(): Proof[] {
    return readAnchors(this.dataDir).flatMap(({ proof, retirements }) =>
      [proof, ...retirements]
        .filter((text) => text !== undefined)
        .map((text) => ({ text, source: 'anchors' })),
    );
  }

  /** Public keys of the data folder. */
  keys(): string[] {
    return findAuditKeys(this.dataDir).map(({ publicKey }) => publicKey);
  }

  verify(proofs: readonly Proof[] = this.proofs(), keys = this.keys()): Promise<Verdict> {
    return verifyAudit({
      folder: this.folder,
      verifier: new AuditVerifier(keys),
      proofs: () => proofs,
      isAlive: (chain) => isAuditLife(this.dataDir, lifeOf(chain)),
    });
  }
}

/** One exchange, told from others by its number. */
export function exchange(index: number) {
  return { entry: entryOf({ id: `run-${index}`, args: { index } }), spending: undefined };
}

/** What a verdict found, each as `kind file:from-to`, with the names of the chains made short. */
export function foundIn({ findings }: Verdict): string[] {
  return findings.map(({ kind, file, from, to }) => {
    const number = /-(\d{4})\.jsonl$/u.exec(file)?.[1] ?? file;
    if (from === undefined) return `${kind} ${number}`;
    return `${kind} ${number}:${from}${to === from ? '' : `-${to ?? ''}`}`;
  });
}
