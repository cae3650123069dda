import { join } from 'node:path';

import type { Entry } from '../kernel/entry.ts';
import type { Plan } from '../kernel/plan.ts';
import type { RefusalCode } from '../kernel/refusals.ts';
import { AuditSink } from '../record/audit-sink.ts';
import { logEntry, logTurnedAway, type LogPort } from '../record/log-sink.ts';
import type { MetricsSink } from '../record/metrics-sink.ts';
import { TurnedAwayCounter } from '../record/turned-away.ts';

/** What the record needs. */
export interface RecordTerms {
  readonly dataDir: string;
  readonly log: LogPort;
  plan(): Plan;
  now(): number;
}

/** The sinks of all entries: log, metrics and audit. */
export class Records {
  readonly #terms: RecordTerms;
  readonly #audit: AuditSink;
  readonly #turnedAway: TurnedAwayCounter;
  #metrics: MetricsSink | undefined;

  constructor(terms: RecordTerms) {
    this.#terms = terms;
    this.#audit = new AuditSink({
      folder: join(terms.dataDir, 'audit'),
      plan: () => terms.plan().audit,
      now: () => terms.now(),
      onError: (error) => terms.log.error({ error: String(error) }, 'the audit cannot be written'),
    });
    this.#turnedAway = new TurnedAwayCounter({
      now: () => terms.now(),
      report: (record) => {
        this.#audit.turnedAway(record);
        logTurnedAway(record, terms.log);
      },
    });
  }

  take(entry: Entry): void {
    this.#metrics?.take(entry);
    this.#audit.take(entry);
    logEntry(entry, this.#terms.log);
  }

  /** A request was refused before it was on any road. */
  turnedAway(code: RefusalCode, address: string | undefined, principal: string | undefined): void {
    this.#turnedAway.note(code, address, principal);
  }

  /** The metrics, loaded after the port is open, which is what a start waits for. */
  async metrics(): Promise<MetricsSink> {
    const { MetricsSink } = await import('../record/metrics-sink.ts');
    this.#metrics ??= new MetricsSink();
    return this.#metrics;
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#turnedAway.close();
    await this.#audit.close();
  }
}
