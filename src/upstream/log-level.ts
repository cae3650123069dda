import { LOG_LEVELS } from '../kernel/era.ts';

/** The log level one server was told, which all who use its link share (docs/rules.md R10). */
export class LogLevel {
  readonly #tell: (level: string, timeoutMs: number) => Promise<unknown>;
  #told: string | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(tell: (level: string, timeoutMs: number) => Promise<unknown>) {
    this.#tell = tell;
  }

  /** Tells the server; resolves when it has answered, or has not within the time. A refusal changes nothing. */
  set(level: string, timeoutMs: number): Promise<void> {
    this.#told = level;
    this.#telling = this.#tell(level, timeoutMs).then(nothing, nothing);
    return this.#telling;
  }

  /** Tells the server when it was told a less verbose level or none; resolves when it knows what it was last told. */
  raise(level: string, timeoutMs: number): Promise<void> {
    return this.#isMoreVerbose(level) ? this.set(level, timeoutMs) : this.#telling;
  }

  #isMoreVerbose(level: string): boolean {
    const rank = LOG_LEVELS.indexOf(level);
    if (rank === -1) return false;
    return this.#told === undefined || rank < LOG_LEVELS.indexOf(this.#told);
  }
}

function nothing(): void {
  // Only that it is over matters.
}
