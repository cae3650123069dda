/** Lines on their way to somewhere else, bounded: what finds no room is dropped and counted. */
export class ExportQueue {
  readonly #maxBytes: number;
  #lines: string[] = [];
  #first = 0;
  #bytes = 0;
  #sent = 0;
  #dropped = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Lines that wait. */
  get length(): number {
    return this.#lines.length - this.#first;
  }

  counts(): ExportCounts {
    return { sent: this.#sent, dropped: this.#dropped, waiting: this.length };
  }

  push(line: string): void {
    if (this.#bytes + line.length > this.#maxBytes) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push(line);
    this.#bytes += line.length;
  }

  /** The first lines, at most so many and so long together, but always one. They stay until they are done with. */
  peek(maxLines: number, maxBytes: number): readonly string[] {
    let bytes = 0;
    let end = this.#first;
    const limit = Math.min(this.#lines.length, this.#first + maxLines);
    while (end < limit) {
      bytes += this.#lines[end]?.length ?? 0;
      if (bytes > maxBytes && end > this.#first) break;
      end += 1;
    }
    return this.#lines.slice(this.#first, end);
  }

  /** Takes the first lines out, as sent or as dropped. */
  done(count: number, outcome: 'sent' | 'dropped'): void {
    for (const line of this.#lines.slice(this.#first, this.#first + count))
      this.#bytes -= line.length;
    this.#first += count;
    if (outcome === 'sent') this.#sent += count;
    else this.#dropped += count;
    if (this.#first < COMPACT_AT) return;
    this.#lines = this.#lines.slice(this.#first);
    this.#first = 0;
  }
}

/** Lines since the start. */
export interface ExportCounts {
  readonly sent: number;
  readonly dropped: number;
  readonly waiting: number;
}

const COMPACT_AT = 4096;
