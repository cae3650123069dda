import { CUT } from '../kernel/cut.ts';
import { REDACTED } from './redact.ts';
import {
  HEADER_MARK,
  looksSecret,
  NAMED_MARK,
  QUERY_MARK,
  TOKEN_MARKS,
  USER_MARKS,
} from '../kernel/secrets.ts';

/** A private key to its end, or as far as it was given. */
const PRIVATE_KEY = /-----BEGIN (?:(?!-----END )[\s\S])*(?:-----END [A-Z0-9 ]{0,64}-----)?/g;
const TOKEN = new RegExp(`(?:${TOKEN_MARKS})[^\\s"'\\\\<>,;(){}[\\]&|]*`, 'g');
const USER = new RegExp(USER_MARKS, 'g');
/** A value in quotes goes to the next quote, for names of secrets may stand before more than a word. */
const QUOTED = '["\'\\\\]{1,8}[^"\'\\n]{1,4000}';
const NAMED = new RegExp(
  `(${NAMED_MARK.name})(?=${NAMED_MARK.value})(?:${QUOTED}|[^\\s"'&]{1,4000})`,
  'gi',
);
const HEADER = new RegExp(
  `(${HEADER_MARK.name})(?=${HEADER_MARK.value})(?:${QUOTED}|[^\\n]{1,4000})`,
  'gi',
);
const QUERY = new RegExp(`(${QUERY_MARK.name})(?=${QUERY_MARK.value})[^\\s&"'<>]{1,4000}`, 'gi');

/** A text without what looks like a credential; what stands around it stays. Nothing is left that `looksSecret`. */
export function withoutCredentials(text: string): string {
  if (!looksSecret(text)) return text;
  const left = text
    .replaceAll(PRIVATE_KEY, REDACTED)
    .replaceAll(HEADER, `$1${REDACTED}`)
    .replaceAll(NAMED, `$1${REDACTED}`)
    .replaceAll(QUERY, `$1${REDACTED}`)
    .replaceAll(TOKEN, REDACTED)
    .replaceAll(USER, (found) => `${found.slice(0, found.indexOf('://'))}://${REDACTED}@`);
  return looksSecret(left) ? REDACTED : left;
}

const MAX_ESCAPED = 3;
const BASIC = /\bbasic\s{1,4}([A-Za-z0-9+/=_-]{8,4000})/gi;

/** Shorter secrets may be parts of other words. */
const MIN_CHARS = 8;
/** Shorter texts are not cut off anywhere, but where the mark of a cut stands. */
const MIN_CUT_CHARS = 1000;
const MAX_KNOWN = 2000;
const MAX_KNOWN_CHARS = 200;

/** Takes secrets out of texts: those it was told, wherever they stand, and what looks like a credential. */
export class Scrubber {
  #secrets: readonly string[] = [];
  #words: readonly RegExp[] = [];
  /** What became of texts that come again and again. */
  readonly #known = new Map<string, string>();

  /** Takes the exact texts that are secrets from now on. Those of fewer than 8 characters are one where they are a word. */
  use(secrets: readonly string[]): void {
    const all = new Set(secrets.flatMap((secret) => [...escapedForms(secret), ...linesOf(secret)]));
    const longestFirst = [...all].toSorted((one, other) => other.length - one.length);
    this.#secrets = longestFirst.filter((secret) => secret.length >= MIN_CHARS);
    this.#words = longestFirst
      .filter((secret) => secret !== '' && secret.length < MIN_CHARS)
      .map((secret) => asWord(secret));
    this.#known.clear();
  }

  /** The text without the exact ones of 8 characters or more, whatever else in it may look like a credential. */
  exact(text: string): string {
    const left = this.#withoutSecrets(text);
    // A password stands in this as nobody wrote it down.
    return left.replaceAll(BASIC, (found: string, encoded: string) => {
      const decoded = Buffer.from(encoded, 'base64').toString('utf8');
      return this.#secrets.some((secret) => decoded.includes(secret)) ? `Basic ${REDACTED}` : found;
    });
  }

  /** The text without them. */
  text(text: string): string {
    let left = this.#withoutSecrets(text);
    for (const word of this.#words) left = left.replaceAll(word, REDACTED);
    // By its length as it came: what was taken out of it does not undo a cut.
    if (text.length >= MIN_CUT_CHARS || left.includes(CUT)) left = this.#withoutBegun(left);
    return withoutCredentials(left);
  }

  #withoutSecrets(text: string): string {
    let left = text;
    for (const secret of this.#secrets)
      if (left.includes(secret)) left = left.replaceAll(secret, REDACTED);
    return left;
  }

  /** Long texts are cut off somewhere, marked or not: what is left of a secret there is one too. */
  #withoutBegun(text: string): string {
    return text
      .split(CUT)
      .map((part) => this.#withoutBegunAtEnd(part))
      .join(CUT);
  }

  #withoutBegunAtEnd(text: string): string {
    for (const secret of this.#secrets)
      for (let length = secret.length - 1; length >= MIN_CHARS; length -= 1)
        if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}${REDACTED}`;
    return text;
  }

  /** The same for a name, which comes again and again. */
  name(name: string): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const left = this.text(name);
    // Callers choose names too: what is kept of them must not grow.
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    if (name.length <= MAX_KNOWN_CHARS) this.#known.set(name, left);
    return left;
  }
}

/** As it is, and as it stands in JSON that somebody wrote into a text, and in JSON within that, and so on. */
function escapedForms(secret: string): string[] {
  const forms = [secret];
  for (let depth = 0; depth < MAX_ESCAPED; depth += 1) forms.push(escaped(forms.at(-1) ?? ''));
  return forms;
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The text where neither a letter nor a digit is next to it. */
function asWord(secret: string): RegExp {
  const literal = secret.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, (sign) => `\\${sign}`);
  return new RegExp(`(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`, 'g');
}

/** Servers print line by line. */
function linesOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/);
  if (lines.length === 1) return [];
  return lines.map((line) => line.trim()).filter((line) => line.length >= MIN_CHARS);
}
