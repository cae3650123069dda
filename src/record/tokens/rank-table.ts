/**
 * Ranks of an encoding's tokens, by their bytes. A Map of 200,000 texts would take 40 MB, of which the collector would look at every
 * one; this is three arrays of together 7 MB.
 */
export class RankTable {
  /** Length of the longest token, in bytes. */
  readonly longest: number;
  /** The bytes of all tokens, one after the other. */
  readonly #bytes: Uint8Array;
  /** By rank, and one more: where the bytes of a token start. */
  readonly #starts: Uint32Array;
  /** Ranks by hash, each plus one; zero where there is none. A place that is taken leads to the next. */
  readonly #slots: Uint32Array;
  readonly #mask: number;

  private constructor(bytes: Uint8Array, starts: Uint32Array) {
    const count = starts.length - 1;
    const size = 2 ** Math.ceil(Math.log2(Math.max(1, count) * SPARSITY));
    this.#bytes = bytes;
    this.#starts = starts;
    this.#mask = size - 1;
    this.#slots = new Uint32Array(size);
    let longest = 0;
    for (let rank = 0; rank < count; rank += 1) longest = Math.max(longest, this.#add(rank));
    this.longest = longest;
  }

  /** Reads a file of ranks: a line for each token, its bytes in base64, a space and its rank; ranks count up from nought, some may be left out. */
  static read(file: Uint8Array): RankTable {
    const bytes = new Uint8Array(Math.ceil((file.length * 3) / 4));
    const starts: number[] = [];
    let end = 0;
    for (let at = 0; at < file.length;) {
      const start = end;
      let held = 0;
      let bits = 0;
      for (; file[at] !== SPACE && at < file.length; at += 1) {
        const value = SIXTY_FOUR[file[at] ?? 0] ?? NO_VALUE;
        if (value === NO_VALUE) continue;
        held = ((held << 6) | value) & 0xff_ff;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes[end] = held >> bits;
        end += 1;
      }
      let rank = 0;
      for (at += 1; at < file.length && file[at] !== LINE_END; at += 1)
        rank = rank * 10 + ((file[at] ?? ZERO) - ZERO);
      at += 1;
      // A rank nobody has is a token of no bytes, which nothing is looked up as.
      while (starts.length <= rank) starts.push(start);
    }
    return new RankTable(bytes.slice(0, end), Uint32Array.from([...starts, end]));
  }

  /** The rank of a part of a text whose characters are bytes; undefined where those are no token. */
  rankOf(text: string, start = 0, end: number = text.length): number | undefined {
    if (end - start > this.longest) return undefined;
    let hash = SEED;
    for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
    for (let place = spread(hash) & this.#mask; ; place = (place + 1) & this.#mask) {
      const rank = (this.#slots[place] ?? 0) - 1;
      if (rank < 0) return undefined;
      if (this.#is(rank, text, start, end)) return rank;
    }
  }

  #is(rank: number, text: string, start: number, end: number): boolean {
    const from = this.#starts[rank] ?? 0;
    if ((this.#starts[rank + 1] ?? 0) - from !== end - start) return false;
    for (let at = start; at < end; at += 1)
      if (this.#bytes[from + at - start] !== text.charCodeAt(at)) return false;
    return true;
  }

  /** Enters a token; returns its length. */
  #add(rank: number): number {
    const start = this.#starts[rank] ?? 0;
    const end = this.#starts[rank + 1] ?? start;
    if (start === end) return 0;
    let hash = SEED;
    for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (this.#bytes[at] ?? 0), PRIME);
    let place = spread(hash) & this.#mask;
    while (this.#slots[place] !== 0) place = (place + 1) & this.#mask;
    this.#slots[place] = rank + 1;
    return end - start;
  }
}

// FNV-1a, whose low bits are those of the last bytes unless they are spread.
const SEED = 0x81_1c_9d_c5;
const PRIME = 0x01_00_01_93;

function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** Places for each token. */
const SPARSITY = 2;
const SPACE = 0x20;
const LINE_END = 0x0a;
const ZERO = 0x30;
const NO_VALUE = 255;
const SIXTY_FOUR = new Uint8Array(256).fill(NO_VALUE);
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let value = 0; value < DIGITS.length; value += 1) SIXTY_FOUR[DIGITS.charCodeAt(value)] = value;
