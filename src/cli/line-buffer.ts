/** What takes the text of lines, such as the standard error of the process. */
export interface Outlet {
  write(bytes: Buffer): void;
  /** Resolves once all that was given has been taken by the system, or will not be soon. */
  flush(): Promise<void>;
  /** Has all of it and this written before it returns. */
  flushSync(last: Buffer): void;
}

const MAX_WAITING_BYTES = 65_536;
/** UTF-16 units have at most three bytes each in UTF-8. */
const BYTES_PER_CHAR = 3;
const NOTHING = Buffer.alloc(0);
const DELAY_MS = 100;

/**
 * Log lines on their way out. Those of exchanges go many at a time: a write for each one takes longer than all else of a
 * line. What still waits when the process exits is written then.
 */
export class LineBuffer {
  readonly #outlet: Outlet;
  /** Bytes, for texts that wait would be copied by the collector again and again. */
  #bytes: Buffer = Buffer.allocUnsafeSlow(MAX_WAITING_BYTES);
  #used = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** Takes a line of JSON with its end, and passes it on with all that wait. */
  write(line: string): void {
    this.#add(line);
    this.#pass();
  }

  /** Takes a line that waits for others, a tenth of a second at most. */
  writeSoon(line: string): void {
    this.#add(line);
    this.#timer ??= setTimeout(() => this.#pass(), DELAY_MS).unref();
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
    const bytes = this.#taken();
    if (bytes.length > 0) this.#outlet.write(bytes);
  }

  #add(line: string): void {
    if (this.#used + line.length * BYTES_PER_CHAR > MAX_WAITING_BYTES) this.#pass();
    if (line.length * BYTES_PER_CHAR > MAX_WAITING_BYTES) this.#outlet.write(Buffer.from(line));
    else this.#used += this.#bytes.write(line, this.#used);
  }

  /** The outlet keeps what it is given: the next lines go somewhere else. */
  #taken(): Buffer {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#used === 0) return NOTHING;
    const taken = this.#bytes.subarray(0, this.#used);
    this.#used = 0;
    if (taken.length < MAX_WAITING_BYTES / 2) return Buffer.from(taken);
    this.#bytes = Buffer.allocUnsafeSlow(MAX_WAITING_BYTES);
    return taken;
  }
}
