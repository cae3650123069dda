import { open } from 'node:fs/promises';

import type { AuditCursor, AuditOrder } from './audit-cursor.ts';
import { hasSignature, momentOf } from './parsed-line.ts';
import { BackwardLines, ForwardLines, type FileLine, type LineReader } from './read-lines.ts';

/** A file of a source. */
export interface SourceFile {
  readonly file: string;
  readonly path: string;
  /** UTC, `YYYY-MM-DD`; undefined where its name has none. */
  readonly date: string | undefined;
}

/** A line, and where it comes among the lines of all sources. */
export interface SourcedLine extends FileLine {
  readonly file: string;
  readonly at: number;
}

/** Lines are written up to so long after the moment they are about. */
const SLACK_MS = 60_000;
const SEEK_BYTES = 65_536;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Between what moments lines are looked for. */
export interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** The lines of one chain, or of one file of an earlier version, in the order that is asked for. */
export class LineSource {
  readonly key: string;
  readonly #files: readonly SourceFile[];
  readonly #order: AuditOrder;
  readonly #bounds: Bounds;
  readonly #after: AuditCursor | undefined;
  /** Of the files, the one that is read next. */
  #next: number;
  #file: SourceFile | undefined;
  #reader: LineReader | undefined;
  /** The moment of the last line: the next one does not come before it. */
  #at: number;

  /** Takes the files in the order in which they were written. */
  constructor(
    key: string,
    files: readonly SourceFile[],
    terms: { order: AuditOrder; bounds: Bounds; after: AuditCursor | undefined },
  ) {
    this.key = key;
    this.#order = terms.order;
    this.#files = terms.order === 'newest' ? files.toReversed() : files;
    this.#bounds = terms.bounds;
    this.#after = terms.after;
    this.#next = 0;
    const { after, order } = terms;
    const begin = order === 'newest' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.#at = after !== undefined && this.has(after.file) ? after.at : begin;
  }

  /** No line comes before this moment in the order that is asked for, as the names of the files tell. */
  get earliest(): number {
    const date = this.#files[0]?.date;
    const begin = date === undefined ? Number.NaN : Date.parse(date);
    if (this.#order === 'newest')
      return Number.isNaN(begin) ? Number.POSITIVE_INFINITY : begin + DAY_MS + SLACK_MS;
    return Number.isNaN(begin) ? Number.NEGATIVE_INFINITY : begin - SLACK_MS;
  }

  has(file: string): boolean {
    return this.#files.some((each) => each.file === file);
  }

  /** The next line; undefined when there is none within the bounds. */
  async next(): Promise<SourcedLine | undefined> {
    for (;;) {
      this.#reader ??= await this.#open();
      if (this.#reader === undefined || this.#file === undefined) return undefined;
      const line = await unlessGone(this.#reader.next());
      if (line === undefined) {
        this.#reader = undefined;
        continue;
      }
      if (!line.isWhole) continue;
      // Lines that only hold a chain together are about no moment of their own.
      const isInherited = hasSignature(line.bytes) && Number.isFinite(this.#at);
      const at = (isInherited ? undefined : momentOf(line.bytes)) ?? this.#at;
      this.#at = this.#order === 'newest' ? Math.min(this.#at, at) : Math.max(this.#at, at);
      if (this.#isPast()) return undefined;
      return { ...line, file: this.#file.file, at: this.#at };
    }
  }

  #isPast(): boolean {
    const { from, to } = this.#bounds;
    return this.#order === 'newest' ? this.#at < from - SLACK_MS : this.#at >= to + SLACK_MS;
  }

  async #open(): Promise<LineReader | undefined> {
    for (;;) {
      const file = this.#files[this.#next];
      if (file === undefined) return undefined;
      this.#next += 1;
      if (this.#isSkipped(file)) continue;
      this.#file = file;
      return unlessGone(this.#readerOf(file));
    }
  }

  /** Whether all its lines come before what is asked for. */
  #isSkipped({ file, date }: SourceFile): boolean {
    const after = this.#after;
    const own =
      after === undefined ? -1 : this.#files.findIndex((each) => each.file === after.file);
    if (own >= 0) return this.#files.findIndex((each) => each.file === file) < own;
    const begin = Date.parse(date ?? '');
    if (this.#order === 'newest') return begin > this.#start + SLACK_MS;
    return begin + DAY_MS < this.#start - SLACK_MS;
  }

  /** The moment where reading begins. */
  get #start(): number {
    const { from, to } = this.#bounds;
    if (this.#order === 'newest') return Math.min(to, this.#after?.at ?? Number.POSITIVE_INFINITY);
    return Math.max(from, this.#after?.at ?? Number.NEGATIVE_INFINITY);
  }

  async #readerOf({ path, file }: SourceFile): Promise<LineReader> {
    const after = this.#after?.file === file ? this.#after : undefined;
    const start = this.#start;
    if (this.#order === 'newest') {
      if (after !== undefined) return new BackwardLines(path, after.offset);
      const found = Number.isFinite(start) ? await around(path, start + SLACK_MS) : undefined;
      return new BackwardLines(path, found?.after);
    }
    if (after !== undefined) return new ForwardLines(path, after.end);
    const found = Number.isFinite(start) ? await around(path, start - SLACK_MS) : undefined;
    return new ForwardLines(path, found?.before);
  }
}

/** Lines of a file that are about in the order of time: one before a moment, and one not before it, close together. */
async function around(
  path: string,
  at: number,
): Promise<{ readonly before: number; readonly after: number | undefined }> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const chunk = Buffer.alloc(SEEK_BYTES);
    let before = 0;
    let after = size;
    while (after - before > SEEK_BYTES) {
      const middle = Math.floor((before + after) / 2);
      const { bytesRead } = await handle.read(chunk, 0, SEEK_BYTES, middle);
      const found = firstLine(chunk.subarray(0, bytesRead));
      const start = middle + (found?.start ?? SEEK_BYTES);
      if (found === undefined || start >= after) break;
      if (found.at < at) before = start;
      else after = start;
    }
    return { before, after: after === size ? undefined : after };
  } finally {
    await handle.close();
  }
}

/** The first line that begins in a chunk and names a moment. */
function firstLine(chunk: Buffer): { readonly start: number; readonly at: number } | undefined {
  for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, end + 1)) {
    const at = momentOf(chunk.subarray(end + 1));
    if (at !== undefined) return { start: end + 1, at };
  }
  return undefined;
}

const NEWLINE = 10;

/** A gateway may remove what it no longer has to keep meanwhile. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
