import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SECRET_BYTES = 32;
const MAX_ID = 255;

/** One key as kept on disk. */
export interface StoredKey {
  readonly id: number;
  readonly secret: Buffer;
}

/**
 * The key ring in `keys/seal.json` below a folder, newest key first, readable by its owner alone (docs/rules.md R13).
 * When there is none yet, `makeSecret` makes the first key. Throws, naming the file, when it is not a key ring.
 */
export function readKeyRing(folder: string, makeSecret: () => Buffer): readonly StoredKey[] {
  const file = join(folder, 'keys', 'seal.json');
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  if (!existsSync(file)) {
    const first = [{ id: 1, secret: makeSecret().toString('base64url') }];
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(first)}\n`, { mode: 0o600 });
    try {
      // Whole or not at all; where another process was quicker, its ring is the one.
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  return parseRing(readFileSync(file, 'utf8'), file);
}

function parseRing(text: string, file: string): StoredKey[] {
  const keys = parse(text).map((entry) => keyOf(entry));
  const whole = keys.filter((key) => key !== undefined);
  if (whole.length > 0 && whole.length === keys.length) return whole;
  const remedy = 'restore it, or delete it to end all sessions and begin a new one';
  throw new Error(`${file} is not a key ring: ${remedy}`);
}

function keyOf(entry: unknown): StoredKey | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { id, secret } = entry as { readonly id?: unknown; readonly secret?: unknown };
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_ID) return undefined;
  const bytes = Buffer.from(typeof secret === 'string' ? secret : '', 'base64url');
  return bytes.length === SECRET_BYTES ? { id, secret: bytes } : undefined;
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
