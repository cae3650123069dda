import type { AuditPlan } from '../kernel/access.ts';
import type { Entry, TurnedAway } from '../kernel/entry.ts';
import { entryLine, lossLine, turnedAwayLine } from './audit-line.ts';
import { DayFiles } from './day-files.ts';

/** What an audit log is made of. */
export interface AuditTerms {
  /** Folder of the files; made when it is missing. */
  readonly folder: string;
  plan(): AuditPlan;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Takes why something could not be written. */
  onError(error: unknown): void;
}

/**
 * The audit log: one line of JSON per exchange, as `entryLine` describes it, in `audit-YYYY-MM-DD.jsonl` (UTC) that its
 * owner alone may read. Taking something never waits and never throws.
 */
export class AuditSink {
  readonly #terms: AuditTerms;
  readonly #files: DayFiles;

  constructor(terms: AuditTerms) {
    this.#terms = terms;
    this.#files = new DayFiles({
      folder: terms.folder,
      name: 'audit',
      now: () => terms.now(),
      lossLine,
      onError: (error) => terms.onError(error),
    });
  }

  /** Writes one exchange down. */
  take(entry: Entry): void {
    this.#write((mode, at) => entryLine(entry, mode, at));
  }

  /** Writes requests down that were refused before they were on any road (docs/rules.md R22). */
  turnedAway(record: TurnedAway): void {
    this.#write((_mode, at) => turnedAwayLine(record, at));
  }

  /** Resolves when all that was taken is written, or cannot be. */
  close(): Promise<void> {
    return this.#files.close();
  }

  #write(line: (mode: AuditPlan['arguments'], at: number) => string): void {
    const { isOn, arguments: mode } = this.#terms.plan();
    if (!isOn) return;
    try {
      const at = this.#terms.now();
      this.#files.add(line(mode, at), at);
    } catch (error) {
      this.#terms.onError(error);
    }
  }
}
