import { MinHeap } from './min-heap.ts';
import type { RankTable } from './rank-table.ts';

const ASCII = /^\p{ASCII}*$/u;
const MAX_KNOWN = 20_000;
const MAX_KNOWN_CHARS = 64;
/** More than any piece is long: a piece is at most a text, and those are bounded. */
const SPAN = 2 ** 26;

/** Counts tokens of one byte pair encoding. Texts of special tokens, such as `<|endoftext|>`, are text like any other. */
export class BytePairs {
  readonly #ranks: RankTable;
  readonly #pattern: RegExp;
  /** Words of several tokens that were counted before, for the same come again and again. */
  readonly #known = new Map<string, number>();

  constructor(ranks: RankTable, pattern: RegExp) {
    this.#ranks = ranks;
    this.#pattern = pattern;
  }

  /** How many tokens a text has. */
  count(text: string): number {
    let count = 0;
    for (const piece of text.match(this.#pattern) ?? []) count += this.#countPiece(piece);
    return count;
  }

  #countPiece(piece: string): number {
    const isAscii = ASCII.test(piece);
    if (isAscii && this.#ranks.rankOf(piece) !== undefined) return 1;
    const known = this.#known.get(piece);
    if (known !== undefined) return known;
    const bytes = isAscii ? piece : Buffer.from(piece, 'utf8').toString('latin1');
    const isToken = this.#ranks.rankOf(bytes) !== undefined;
    const count = isToken ? 1 : this.#merge(bytes);
    if (piece.length <= MAX_KNOWN_CHARS) this.#keep(piece, count);
    return count;
  }

  #keep(piece: string, count: number): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    // A part of a text keeps all of it in memory, a copy does not.
    this.#known.set(Buffer.from(piece, 'utf16le').toString('utf16le'), count);
  }

  /** Joins neighbours, always the pair of lowest rank, and of several the first, until none has a rank. */
  #merge(bytes: string): number {
    const parts = new Parts(bytes.length);
    const heap = new MinHeap();
    const rate = (start: number): void => {
      const end = parts.endOfPair(start);
      const rank = end === undefined ? undefined : this.#ranks.rankOf(bytes, start, end);
      parts.setRank(start, rank);
      if (rank !== undefined) heap.push(rank * SPAN + start);
    };
    for (let start = 0; start < bytes.length - 1; start += 1) rate(start);
    for (let item = heap.pop(); item !== undefined; item = heap.pop()) {
      const start = item % SPAN;
      if (!parts.hasRank(start, (item - start) / SPAN)) continue;
      parts.join(start);
      rate(start);
      const before = parts.before(start);
      if (before !== undefined) rate(before);
    }
    return parts.count;
  }
}

const NO_RANK = -1;

/** The parts a piece is cut into, each known by where it starts. */
class Parts {
  count: number;
  readonly #length: number;
  readonly #ends: Int32Array;
  readonly #befores: Int32Array;
  /** Rank of each part joined with the next one. */
  readonly #ranks: Int32Array;

  constructor(length: number) {
    this.count = length;
    this.#length = length;
    this.#ends = Int32Array.from({ length }, (_, start) => start + 1);
    this.#befores = Int32Array.from({ length }, (_, start) => start - 1);
    this.#ranks = new Int32Array(length).fill(NO_RANK);
  }

  /** Where the part after this one ends; undefined for the last. */
  endOfPair(start: number): number | undefined {
    return this.#ends[this.#ends[start] ?? this.#length];
  }

  before(start: number): number | undefined {
    const before = this.#befores[start] ?? -1;
    return before < 0 ? undefined : before;
  }

  setRank(start: number, rank: number | undefined): void {
    this.#ranks[start] = rank ?? NO_RANK;
  }

  hasRank(start: number, rank: number): boolean {
    return this.#ranks[start] === rank;
  }

  /** Joins a part with the next one. */
  join(start: number): void {
    const gone = this.#ends[start] ?? this.#length;
    const end = this.#ends[gone] ?? this.#length;
    this.#ends[start] = end;
    this.#ranks[gone] = NO_RANK;
    if (end < this.#length) this.#befores[end] = start;
    this.count -= 1;
  }
}
