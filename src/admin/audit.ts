import { auditSearch, type AuditSearch } from './audit-query.ts';

/** The path of the audit. */
export const AUDIT_PATH = '/admin/audit';

/** What was found. */
export interface AuditFound {
  readonly entries: readonly {
    /** Id of the chain a line is part of. */
    readonly chain: string;
    /** The line as it stands in the audit, the text of a JSON object. */
    readonly text: string;
  }[];
  /** Where to go on; undefined where there is nothing more. */
  readonly next: string | undefined;
}

/** What looks for lines of the audit. Rejects with PARAMS_INVALID for a cursor that is none. */
export interface AuditSource {
  query(search: AuditSearch): Promise<AuditFound>;
}

/**
 * The body of `GET /admin/audit`: `{ entries, nextCursor }`, the newest first. Query parameters: from, to, order, limit, cursor, and
 * the filters, each once. There may be fewer entries than asked for, even none, and more to come: there are no more when
 * `nextCursor` is null. Rejects with PARAMS_INVALID for what cannot be answered.
 */
export async function auditBody(source: AuditSource, params: URLSearchParams): Promise<string> {
  const { entries, next } = await source.query(auditSearch(params));
  const lines = entries.map((entry) => entryText(entry));
  return `{"entries":[${lines.join(',')}],"nextCursor":${JSON.stringify(next ?? null)}}`;
}

/** A line with the chain it is part of; else as it stands. */
export function entryText({ chain, text }: AuditFound['entries'][number]): string {
  return OWN_CHAIN.test(text) ? text : `{"chain":${JSON.stringify(chain)},${text.slice(1)}`;
}

/** Lines that hold a chain together name it themselves. */
const OWN_CHAIN = /^\{"seq":\d+,"prev":"\w+","at":"[^"]+","event":"[\w-]+","chain":/;
