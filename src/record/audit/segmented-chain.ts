import type { JsonObject } from '../../kernel/json.ts';
import type { Chain, ChainedLine, ChainEvent } from './chain.ts';
import type { Piece } from './segment-file.ts';
import { dateOf, type SegmentName } from './segment-name.ts';

/** A signed line, and how much it proves. */
export interface Seal extends ChainedLine {
  readonly event: ChainEvent;
  readonly segment: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Lines of one segment that are written together. */
export interface SegmentPiece extends Piece {
  readonly segment: SegmentName;
  readonly lines: readonly string[];
  /** The last signed line among them. */
  readonly seal: Seal | undefined;
  /** Whether the segment ends with them. */
  readonly isEnd: boolean;
}

/** A chain cut into files: by day (UTC), by length, and where it is told to. Every file begins and ends with a signed line. */
export class SegmentedChain {
  readonly #chain: Chain;
  readonly #maxBytes: () => number;
  readonly #pieces: SegmentPiece[] = [];
  #lines: string[] = [];
  #lineChars = 0;
  #seal: Seal | undefined;
  #segment: SegmentName | undefined;
  #segmentBytes = 0;
  #records = 0;
  #at = 0;
  #date = '';
  #unsignedSince: number | undefined;

  constructor(chain: Chain, maxBytes: () => number) {
    this.#chain = chain;
    this.#maxBytes = maxBytes;
  }

  /** When the oldest line that no signature covers was added, in monotonic milliseconds. */
  get unsignedSince(): number | undefined {
    return this.#unsignedSince;
  }

  /** Segments begun so far. */
  get segments(): number {
    return this.#segment === undefined ? 0 : this.#segment.number + 1;
  }

  /** Says what time it is, in milliseconds since the epoch, before lines are added. */
  setTime(at: number): void {
    this.#at = at;
    this.#date = dateOf(at);
  }

  /** Begins the chain. */
  begin(fields: JsonObject): void {
    this.#segment = { date: this.#date, chain: this.#chain.id, number: 0 };
    this.#push('chain-begun', { segment: 0, ...fields });
  }

  /** Adds a record, the text of a JSON object. */
  add(record: string): void {
    this.#turnWhenDue();
    const line = this.#chain.add(record);
    this.#lines.push(line);
    this.#lineChars += line.length;
    this.#records += 1;
    this.#unsignedSince ??= performance.now();
  }

  /** Adds a signed line. */
  seal(event: ChainEvent, fields: JsonObject = {}): ChainedLine {
    this.#turnWhenDue();
    return this.#push(event, { segment: this.#number, records: this.#records, ...fields });
  }

  /** Ends the segment; what follows goes into a new one. */
  turn(): void {
    if (this.#segment === undefined) return;
    if (this.#unsignedSince !== undefined || this.#lines.length === 0) this.#checkpoint();
    this.#cut(true);
    const number = this.#segment.number + 1;
    this.#segment = { date: this.#date, chain: this.#chain.id, number };
    this.#segmentBytes = 0;
    this.#push('segment-begun', { segment: number });
  }

  /** Takes what was added since. */
  take(): SegmentPiece[] {
    this.#cut(false);
    return this.#pieces.splice(0);
  }

  get #number(): number {
    return this.#segment?.number ?? 0;
  }

  #turnWhenDue(): void {
    const isFull = this.#segmentBytes + this.#lineChars >= this.#maxBytes();
    if (this.#segment?.date !== this.#date || isFull) this.turn();
  }

  #checkpoint(): void {
    this.#push('checkpoint', { segment: this.#number, records: this.#records });
  }

  #push(event: ChainEvent, fields: JsonObject): ChainedLine {
    const line = this.#chain.seal(event, this.#at, fields);
    this.#seal = { ...line, event, segment: this.#number, at: this.#at };
    this.#lines.push(line.text);
    this.#lineChars += line.text.length;
    this.#unsignedSince = undefined;
    return line;
  }

  #cut(isEnd: boolean): void {
    if (this.#lines.length === 0 || this.#segment === undefined) return;
    const bytes = Buffer.from(`${this.#lines.join('\n')}\n`);
    this.#segmentBytes += bytes.length;
    this.#pieces.push({
      segment: this.#segment,
      bytes,
      written: 0,
      lines: this.#lines,
      seal: this.#seal,
      isEnd,
    });
    this.#lines = [];
    this.#lineChars = 0;
    this.#seal = undefined;
  }
}
