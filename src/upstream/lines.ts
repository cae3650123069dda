const NEWLINE = 0x0a;

/** Splits a byte stream into lines; a line is decoded whole, so UTF-8 split across chunks survives. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #onOverflow: (bytes: number) => void;
  #parts: Buffer[] = [];
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

  #finish(chunk: Buffer, start: number, end: number): void {
    if (this.#size === 0) {
      if (end - start > this.#maxBytes) this.#onOverflow(end - start);
      else this.#deliver(chunk.toString('utf8', start, end));
      return;
    }
    this.#keep(chunk.subarray(start, end));
    const isWhole = this.#size <= this.#maxBytes;
    const line = isWhole ? Buffer.concat(this.#parts, this.#size).toString('utf8') : '';
    this.#parts = [];
    this.#size = 0;
    if (isWhole) this.#deliver(line);
  }

  #deliver(line: string): void {
    if (line.length > 0 && line !== '\r') this.#onLine(line);
  }

  #keep(part: Buffer): void {
    const before = this.#size;
    this.#size += part.length;
    if (this.#size <= this.#maxBytes) {
      this.#parts.push(part);
    } else if (before <= this.#maxBytes) {
      this.#parts = [];
      this.#onOverflow(this.#size);
    }
  }
}
