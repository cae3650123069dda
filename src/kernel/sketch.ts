/** How far a quantile may be from the value it stands for, as a share of that value. */
export const SKETCH_ACCURACY = 0.02;

const GAMMA = (1 + SKETCH_ACCURACY) / (1 - SKETCH_ACCURACY);
const PER_E = 1 / Math.log(GAMMA);
/** All that is smaller is one bucket, of the value zero. */
const LOWEST = 0.001;
const HIGHEST = 1e8;
const LAST = Math.ceil(Math.log(HIGHEST / LOWEST) * PER_E);
const GROWTH = 64;
const FORMAT = 1;
const SEVEN_BITS = 128;
const ROUNDING = 1e-6;

/**
 * Counts of values in buckets whose width grows with the value, from which quantiles are told within SKETCH_ACCURACY
 * (the idea of DDSketch). For values from 0.001 to 100,000,000: smaller ones count as zero, larger ones as that. Sketches add
 * up: whatever was accepted where, the sum is the same.
 */
export class Sketch {
  /** Counts of the buckets from `#first` on. */
  #counts = new Float64Array(0);
  #first = 0;

  /** Counts one value; what is no number, or is negative, counts as zero. */
  accept(value: number): void {
    this.#add(bucketOf(value), 1);
  }

  /** Adds encoded sketches: one, or several in a row. Throws for what is no sketch of this format. */
  add(encoded: Uint8Array): void {
    const reader = new Reader(encoded);
    while (!reader.isAtEnd) {
      let bucket = -1;
      for (let left = headOf(reader); left > 0; left -= 1) {
        const token = reader.next();
        bucket += token % 2 === 0 ? 1 : reader.next() + 2;
        this.#add(bucket, Math.floor(token / 2));
      }
    }
  }

  /** How many values were accepted. */
  get count(): number {
    let count = 0;
    for (const each of this.#counts) count += each;
    return count;
  }

  /** The value that a share of all values, 0 to 1, does not exceed; undefined where there is none. */
  quantile(share: number): number | undefined {
    const { count } = this;
    if (count === 0) return undefined;
    // A product of fractions may be a bit more than it should be.
    const wanted = Math.max(1, Math.ceil(share * count - ROUNDING));
    let seen = 0;
    let at = -1;
    while (seen < wanted && at < this.#counts.length - 1) {
      at += 1;
      seen += this.#counts[at] ?? 0;
    }
    return valueOf(this.#first + at);
  }

  /** All of it in few bytes; none where nothing was accepted. */
  encode(): Uint8Array {
    const writer = new Writer();
    for (let index = 0; index < this.#counts.length; index += 1)
      writer.bucket(this.#first + index, this.#counts[index] ?? 0);
    return writer.bytes();
  }

  #add(bucket: number, count: number): void {
    const index = bucket - this.#first;
    if (index < 0 || index >= this.#counts.length) this.#grow(bucket);
    const at = bucket - this.#first;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
  }

  #grow(bucket: number): void {
    if (!(bucket <= LAST)) throw new Error('This sketch has buckets that do not exist.');
    const isEmpty = this.#counts.length === 0;
    const end = isEmpty ? 0 : this.#first + this.#counts.length;
    const first = Math.floor((isEmpty ? bucket : Math.min(bucket, this.#first)) / GROWTH) * GROWTH;
    const last = Math.ceil(Math.max(end, bucket + 1) / GROWTH) * GROWTH;
    const counts = new Float64Array(last - first);
    if (!isEmpty) counts.set(this.#counts, this.#first - first);
    this.#counts = counts;
    this.#first = first;
  }
}

/** Two encoded sketches as one. Throws for what is no sketch of this format. */
export function mergedSketch(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  const [left, right, writer] = [new Buckets(one), new Buckets(other), new Writer()];
  while (left.at !== END || right.at !== END) {
    const at = Math.min(left.at, right.at);
    writer.bucket(at, (left.at === at ? left.count : 0) + (right.at === at ? right.count : 0));
    if (left.at === at) left.next();
    if (right.at === at) right.next();
  }
  return writer.bytes();
}

const END = Number.POSITIVE_INFINITY;

/** The buckets of one encoded sketch, in order. */
class Buckets {
  at = -1;
  count = 0;
  readonly #reader: Reader;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.#reader = new Reader(bytes);
    this.#left = headOf(this.#reader);
    this.next();
  }

  next(): void {
    this.#left -= 1;
    if (this.#left < 0) {
      this.at = END;
      return;
    }
    const token = this.#reader.next();
    this.at += token % 2 === 0 ? 1 : this.#reader.next() + 2;
    this.count = Math.floor(token / 2);
  }
}

function bucketOf(value: number): number {
  if (!(value > LOWEST)) return 0;
  if (value >= HIGHEST) return LAST;
  return Math.ceil(Math.log(value / LOWEST) * PER_E);
}

/** The value from which both ends of its bucket are equally far, as shares. */
function valueOf(bucket: number): number {
  return bucket === 0 ? 0 : (2 * LOWEST * GAMMA ** bucket) / (GAMMA + 1);
}

/** The format, and the number of buckets in one byte or two. */
const HEAD_BYTES = 3;
/** Two numbers of up to eight bytes for each bucket. */
const MOST_BYTES = HEAD_BYTES + 16 * (LAST + 1);
let scratch: Uint8Array | undefined;

/**
 * Writes buckets in order; only one at a time. A bucket is twice its count, where it follows the one before; else that and one,
 * and how many are skipped.
 */
class Writer {
  readonly #bytes: Uint8Array;
  /** The head goes before the buckets when their number is known. */
  #at = HEAD_BYTES;
  #before = -1;
  #buckets = 0;

  constructor() {
    scratch ??= new Uint8Array(MOST_BYTES);
    this.#bytes = scratch;
  }

  bucket(bucket: number, count: number): void {
    if (count === 0) return;
    const skipped = bucket - this.#before - 1;
    this.#write(skipped === 0 ? count * 2 : count * 2 + 1);
    if (skipped > 0) this.#write(skipped - 1);
    this.#before = bucket;
    this.#buckets += 1;
  }

  bytes(): Uint8Array {
    const end = this.#at;
    if (this.#buckets === 0) return new Uint8Array(0);
    const begin = this.#buckets < SEVEN_BITS ? 1 : 0;
    this.#at = begin;
    this.#write(FORMAT);
    this.#write(this.#buckets);
    return this.#bytes.slice(begin, end);
  }

  /** Seven bits a byte, the lowest first; counts may need more than the 32 bits that bit operators work on. */
  #write(number: number): void {
    let left = number;
    while (left >= SEVEN_BITS) {
      this.#bytes[this.#at++] = (left % SEVEN_BITS) + SEVEN_BITS;
      left = Math.floor(left / SEVEN_BITS);
    }
    this.#bytes[this.#at++] = left;
  }
}

/** How many buckets follow. */
function headOf(reader: Reader): number {
  if (reader.next() !== FORMAT) throw new Error('This is no sketch, or one of a newer version.');
  return reader.next();
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): number {
    let number = 0;
    let weight = 1;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new Error('A sketch ends in the middle.');
      this.#at += 1;
      if (byte < SEVEN_BITS) return number + byte * weight;
      number += (byte - SEVEN_BITS) * weight;
      weight *= SEVEN_BITS;
    }
  }
}
