import { cursorText, type AuditCursor, type AuditOrder } from './audit-cursor.ts';
import { lineFilter, type AuditFilter } from './audit-filter.ts';
import { LineSource, type SourcedLine } from './line-source.ts';
import { listAudit } from './segments.ts';

/** What is asked of an audit. */
export interface AuditQuery {
  readonly filter: AuditFilter;
  readonly order: AuditOrder;
  /** Most entries in the answer. */
  readonly limit: number;
  /** Where the answer before ended. */
  readonly cursor: AuditCursor | undefined;
  /** Most bytes that are read for one answer, about. */
  readonly maxBytes: number;
}

/** A line that was found. */
export interface AuditEntry {
  /** Id of its chain, or the name of its file where that is of an earlier version. */
  readonly chain: string;
  /** The line as it stands in the audit. */
  readonly text: string;
}

/** An answer. It may have fewer entries than were asked for, even none, though there are more to come. */
export interface AuditAnswer {
  readonly entries: readonly AuditEntry[];
  /** Undefined where there are no more. */
  readonly next: string | undefined;
}

interface Head {
  readonly source: LineSource;
  readonly line: SourcedLine;
}

/**
 * Looks for lines in the folder of an audit, of all chains in the order of time. Reads no more than it has to, and goes on where
 * the cursor says, whatever was appended since. Rejects with what the file system says.
 */
export async function queryAudit(folder: string, query: AuditQuery): Promise<AuditAnswer> {
  const merge = new Merge(await sourcesIn(folder, query), query);
  const matches = lineFilter(query.filter);
  const entries: AuditEntry[] = [];
  let bytes = 0;
  let last: SourcedLine | undefined;
  while (entries.length < query.limit && bytes < query.maxBytes) {
    const head = await merge.next();
    if (head === undefined) return { entries, next: undefined };
    const { line, source } = head;
    last = line;
    bytes += line.bytes.length;
    if (matches(line.bytes) !== undefined)
      entries.push({ chain: source.key, text: line.bytes.toString() });
  }
  return { entries, next: last && cursorText({ ...last, order: query.order }) };
}

async function sourcesIn(
  folder: string,
  { order, filter, cursor }: AuditQuery,
): Promise<LineSource[]> {
  const { chains, plain } = await listAudit(folder);
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = filter;
  const terms = { order, bounds: { from, to }, after: cursor };
  return [
    ...[...chains].map(([chain, segments]) => new LineSource(chain, segments, terms)),
    ...plain.map((file) => new LineSource(file.file, [file], terms)),
  ];
}

/** The lines of all sources in one order; a source is read only when its time has come. */
class Merge {
  readonly #waiting: LineSource[];
  readonly #isNewest: boolean;
  readonly #cursor: AuditCursor | undefined;
  readonly #cursorKey: string | undefined;
  #heads: Head[] = [];

  constructor(sources: readonly LineSource[], { order, cursor }: AuditQuery) {
    this.#isNewest = order === 'newest';
    this.#cursor = cursor;
    this.#cursorKey = cursor && sources.find((source) => source.has(cursor.file))?.key;
    // The one to begin with comes last.
    this.#waiting = sources.toSorted((a, b) =>
      this.#isNewest ? a.earliest - b.earliest : b.earliest - a.earliest,
    );
  }

  async next(): Promise<Head | undefined> {
    await this.#wake();
    let best: Head | undefined;
    for (const head of this.#heads)
      if (best === undefined || this.#comesBefore(head, best)) best = head;
    if (best === undefined) return undefined;
    await this.#advance(best);
    return best;
  }

  /** Begins with the sources that may have the next line. */
  async #wake(): Promise<void> {
    for (let source = this.#waiting.at(-1); source !== undefined; source = this.#waiting.at(-1)) {
      const { earliest } = source;
      const isDue = this.#heads.every(({ line }) =>
        this.#isNewest ? line.at <= earliest : line.at >= earliest,
      );
      if (!isDue) return;
      this.#waiting.pop();
      const line = await this.#first(source);
      if (line !== undefined) this.#heads.push({ source, line });
    }
  }

  async #first(source: LineSource): Promise<SourcedLine | undefined> {
    for (;;) {
      const line = await source.next();
      if (line === undefined || !this.#isTold(source, line)) return line;
    }
  }

  /** Whether an answer before had it. */
  #isTold({ key }: LineSource, line: SourcedLine): boolean {
    const cursor = this.#cursor;
    // The source of the cursor begins right there.
    if (cursor === undefined || key === this.#cursorKey) return false;
    if (line.at !== cursor.at) return this.#isNewest ? line.at > cursor.at : line.at < cursor.at;
    return key < (this.#cursorKey ?? '');
  }

  async #advance({ source }: Head): Promise<void> {
    const at = this.#heads.findIndex((head) => head.source === source);
    const line = await source.next();
    if (line === undefined) this.#heads.splice(at, 1);
    else this.#heads[at] = { source, line };
  }

  #comesBefore(a: Head, b: Head): boolean {
    if (a.line.at === b.line.at) return a.source.key < b.source.key;
    return this.#isNewest ? a.line.at > b.line.at : a.line.at < b.line.at;
  }
}
