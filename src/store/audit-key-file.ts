import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One key pair as kept on disk, base64 of its DER forms. Old keys need no private half. */
export interface StoredAuditKey {
  /** PKCS #8. */
  readonly privateKey: string | undefined;
  /** SPKI. */
  readonly publicKey: string;
}

/**
 * The keys that sign the audit, in `keys/audit.json` below a folder, newest first, readable by its owner alone (docs/rules.md
 * R22). When there are none yet, `make` makes the first. Throws, naming the file, when it holds anything else.
 */
export function readAuditKeys(
  folder: string,
  make: () => { readonly privateKey: string; readonly publicKey: string },
): readonly StoredAuditKey[] {
  const file = fileIn(folder);
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  if (!existsSync(file)) {
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify([make()])}\n`, { mode: 0o600 });
    try {
      // Whole or not at all; where another process was quicker, its key is the one.
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  return parseKeys(readFileSync(file, 'utf8'), file);
}

/** The keys that are there; none where no audit was signed yet. Throws, naming the file, when it holds anything else. */
export function findAuditKeys(folder: string): readonly StoredAuditKey[] {
  const file = fileIn(folder);
  return existsSync(file) ? parseKeys(readFileSync(file, 'utf8'), file) : [];
}

function fileIn(folder: string): string {
  return join(folder, 'keys', 'audit.json');
}

function parseKeys(text: string, file: string): StoredAuditKey[] {
  const keys = parse(text).map((entry) => keyOf(entry));
  const whole = keys.filter((key) => key !== undefined);
  if (whole.length > 0 && whole.length === keys.length && whole[0]?.privateKey !== undefined)
    return whole;
  const remedy =
    'restore it, or move it away to sign with a new key (what the old one signed is then verified with --public-key)';
  throw new Error(`${file} does not hold the keys of the audit: ${remedy}.`);
}

function keyOf(entry: unknown): StoredAuditKey | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { privateKey, publicKey } = entry as Partial<Record<string, unknown>>;
  if (typeof publicKey !== 'string') return undefined;
  if (privateKey !== undefined && typeof privateKey !== 'string') return undefined;
  return { privateKey, publicKey };
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
