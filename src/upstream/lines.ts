const NEWLINE = 0x0a;
/** A byte that arrives alone takes up a hundred times its size while it waits. */
const MAX_CRUMBS = 512;

/** Splits a byte stream into lines; a line is decoded whole, so UTF-8 split across chunks survives. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #onOverflow: (bytes: number) => void;
  #parts: Buffer[] = [];
  /** The latest parts of the line, not yet put together. */
  #crumbs: Buffer[] = [];
  #size = 0;

  /** Lines longer than maxBytes are not delivered: onOverflow is called once and the rest of the line is skipped. */
  constructor(
    maxBytes: number,
    onLine: (line: string) => void,
    onOverflow: (bytes: number) => void,
  ) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onOverflow = onOverflow;
  }

  /** Feeds the next bytes. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#finish(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(start === 0 ? chunk : chunk.subarray(start));
  }

  /** Passes over the next bytes: a line that they end, or that ends in them, is not delivered. */
  skip(chunk: Buffer): void {
    const end = chunk.lastIndexOf(NEWLINE);
    this.#drop();
    // What goes on here is the rest of a line whose beginning is gone.
    this.#size = end === chunk.length - 1 ? 0 : this.#maxBytes + 1;
  }

  #finish(chunk: Buffer, start: number, end: number): void {
    if (this.#size === 0) {
      if (end - start > this.#maxBytes) this.#onOverflow(end - start);
      else this.#deliver(chunk.toString('utf8', start, end));
      return;
    }
    this.#keep(chunk.subarray(start, end));
    const isWhole = this.#size <= this.#maxBytes;
    const line = isWhole ? this.#put().toString('utf8') : '';
    this.#drop();
    this.#size = 0;
    if (isWhole) this.#deliver(line);
  }

  /** The line so far. */
  #put(): Buffer {
    return Buffer.concat([...this.#parts, ...this.#crumbs], this.#size);
  }

  #drop(): void {
    this.#parts = [];
    this.#crumbs = [];
  }

  #deliver(line: string): void {
    if (line.length > 0 && line !== '\r') this.#onLine(line);
  }

  #keep(part: Buffer): void {
    const before = this.#size;
    this.#size += part.length;
    if (this.#size <= this.#maxBytes) {
      this.#crumbs.push(part);
      if (this.#crumbs.length < MAX_CRUMBS) return;
      this.#parts.push(Buffer.concat(this.#crumbs));
      this.#crumbs = [];
    } else if (before <= this.#maxBytes) {
      this.#drop();
      this.#onOverflow(this.#size);
    }
  }
}
