/** A place between two lines of an audit: after the one it names, in the order it was made in. */
export interface AuditCursor {
  readonly order: AuditOrder;
  /** The moment it stands at, in milliseconds since the epoch. */
  readonly at: number;
  readonly file: string;
  /** Where the line begins in its file, and where it ends. */
  readonly offset: number;
  readonly end: number;
}

/** Which lines come first. */
export type AuditOrder = 'newest' | 'oldest';

const MAX_CHARS = 300;

/** A cursor as text. */
export function cursorText({ order, at, file, offset, end }: AuditCursor): string {
  return Buffer.from(JSON.stringify([order, at, file, offset, end])).toString('base64url');
}

/** A cursor from its text; undefined where it is none. */
export function parseCursor(text: string): AuditCursor | undefined {
  if (text.length > MAX_CHARS) return undefined;
  const [order, at, file, offset, end] = parse(Buffer.from(text, 'base64url').toString());
  if (order !== 'newest' && order !== 'oldest') return undefined;
  if (typeof at !== 'number' || typeof file !== 'string') return undefined;
  if (!isOffset(offset) || !isOffset(end)) return undefined;
  return { order, at, file, offset, end };
}

function isOffset(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as unknown[]) : [];
  } catch {
    return [];
  }
}
