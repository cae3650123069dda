import type { AuditPlan } from '../../kernel/record-plan.ts';
import { HttpExport } from './export-http.ts';
import type { ExportCounts } from './export-queue.ts';
import { SyslogExport } from './export-syslog.ts';

/** Lines sent on, since the start; undefined where none are. */
export interface ExportReading {
  readonly syslog: ExportCounts | undefined;
  readonly http: ExportCounts | undefined;
}

type Plans = Pick<AuditPlan, 'syslog' | 'http'>;

const CLOSE_MS = 3000;

/** Sends lines to where the plan says, also when that changes. */
export class Exports {
  readonly #onError: (error: unknown) => void;
  #syslog: { readonly key: string; readonly to: SyslogExport } | undefined;
  #http: { readonly key: string; readonly to: HttpExport } | undefined;
  /** Dropped by those that a change of the plan ended. */
  readonly #closing = new Set<Promise<void>>();
  #plans: Plans | undefined;

  /** `onError` takes the first failure of a row of them. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Takes lines as they stand in the audit; never waits. */
  take(lines: readonly string[], plans: Plans): void {
    if (plans !== this.#plans) this.#apply(plans);
    this.#syslog?.to.take(lines);
    this.#http?.to.take(lines);
  }

  counts(): ExportReading {
    return { syslog: this.#syslog?.to.counts(), http: this.#http?.to.counts() };
  }

  /** Sends what waits, for some seconds at most. */
  async close(): Promise<void> {
    await Promise.all([
      this.#syslog?.to.close(CLOSE_MS),
      this.#http?.to.close(CLOSE_MS),
      ...this.#closing,
    ]);
  }

  #apply(plans: Plans): void {
    this.#plans = plans;
    const { syslog, http } = plans;
    if (keyOf(syslog) !== this.#syslog?.key) {
      this.#end(this.#syslog?.to);
      this.#syslog = syslog && {
        key: keyOf(syslog) ?? '',
        to: new SyslogExport(syslog, this.#onError),
      };
    }
    if (keyOf(http) === this.#http?.key) return;
    this.#end(this.#http?.to);
    this.#http = http && { key: keyOf(http) ?? '', to: new HttpExport(http, this.#onError) };
  }

  #end(old: { close(withinMs: number): Promise<void> } | undefined): void {
    if (old === undefined) return;
    const closing = old.close(CLOSE_MS).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

function keyOf(plan: object | undefined): string | undefined {
  return plan && JSON.stringify(plan);
}
