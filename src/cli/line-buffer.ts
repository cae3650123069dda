/** What takes the text of lines, such as the standard error of the process. */
export interface Outlet {
  write(text: string): void;
  /** Resolves once all that was given has been taken by the system, or will not be soon. */
  flush(): Promise<void>;
  /** Has all of it and this written before it returns. */
  flushSync(last: string): void;
}

const MAX_WAITING_CHARS = 65_536;
const DELAY_MS = 100;

/**
 * Log lines on their way out. Those of exchanges go many at a time: a write for each one takes longer than all else of a
 * line. What still waits when the process exits is written then.
 */
export class LineBuffer {
  readonly #outlet: Outlet;
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** Takes a line of JSON with its end, and passes it on with all that wait. */
  write(line: string): void {
    this.#waiting += line;
    this.#pass();
  }

  /** Takes a line that waits for others, a tenth of a second at most. */
  writeSoon(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= MAX_WAITING_CHARS) this.#pass();
    else this.#timer ??= setTimeout(() => this.#pass(), DELAY_MS).unref();
  }

  /** Writes what waits. */
  flush(): Promise<void> {
    this.#pass();
    return this.#outlet.flush();
  }

  /** The same before it returns: a process that exits has no other time. */
  flushSync(): void {
    this.#outlet.flushSync(this.#taken());
  }

  #pass(): void {
    const text = this.#taken();
    if (text !== '') this.#outlet.write(text);
  }

  #taken(): string {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#waiting;
    this.#waiting = '';
    return text;
  }
}
