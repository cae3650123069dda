import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Case } from './cases.ts';

/** What was found, and what it takes to see it again. */
export interface Finding {
  readonly fault: string;
  readonly seed: number;
  readonly cases: readonly Case[];
  /** What the servers that spoil their answers had said last. */
  readonly spoilt?: unknown;
  /** The end of the log. */
  readonly log?: string;
}

const MAX_FILES = 60;
const FOLDER = fileURLToPath(new URL('../../bench/results/fuzz/', import.meta.url));

/** Keeps findings in files, one for each kind of fault. */
export class Findings {
  readonly #seen = new Map<string, number>();
  readonly files: string[] = [];

  /** How often each kind of fault was seen. */
  get kinds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#seen);
  }

  get count(): number {
    return this.#seen.size;
  }

  add(finding: Finding): void {
    const kind = finding.fault
      .slice(0, 400)
      .replaceAll(/"(?:time|id|session|at)":"[^"]*"/gu, '')
      .replaceAll(/[\w-]{20,}/gu, '#')
      .replaceAll(/\d+/gu, '0')
      .slice(0, 140);
    const times = (this.#seen.get(kind) ?? 0) + 1;
    this.#seen.set(kind, times);
    if (times > 1 || this.files.length >= MAX_FILES) return;
    mkdirSync(FOLDER, { recursive: true });
    const file = `${FOLDER}finding-${finding.seed}-${this.files.length}.json`;
    writeFileSync(file, `${JSON.stringify(finding, undefined, 1)}\n`);
    this.files.push(file);
    process.stdout.write(`FOUND ${finding.fault.slice(0, 300)}\n  ${file}\n`);
  }
}

/** Writes the summary of a run beside the findings. */
export function writeSummary(summary: object): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = `${FOLDER}summary.json`;
  writeFileSync(file, `${JSON.stringify(summary, undefined, 2)}\n`);
  return file;
}
