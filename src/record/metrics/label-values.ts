import { looksSecret } from '../../kernel/secrets.ts';

/** What further values of a label become when it has taken as many as it may. */
export const OTHER = 'other';

const MAX_CHARS = 100;
/** Control and format characters, line separators, and halves of characters cut in two. */
const UNFIT = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** What bounds the values of labels. */
export interface LabelTerms {
  /** Values one label may take (`metrics.maxLabelValues`). */
  maxLabelValues(): number;
  /** A text without the secrets of the configuration. */
  scrub?(text: string): string;
}

/** The values one label takes: short, printable, and only so many; no secrets where callers say what they are. */
export class LabelValues {
  readonly #terms: LabelTerms;
  readonly #isSaid: boolean;
  /** Text as it came, cut, and the value made of it. */
  readonly #known = new Map<string, string>();

  constructor(terms: LabelTerms, isSaid: boolean) {
    this.#terms = terms;
    this.#isSaid = isSaid;
  }

  /** How many it has taken, the empty one and `other` not among them. */
  get count(): number {
    return this.#known.size;
  }

  /** The value for a text; empty for none. */
  of(text: string | undefined): string {
    if (text === undefined || text === '') return '';
    const short = text.length > MAX_CHARS ? text.slice(0, MAX_CHARS) : text;
    return this.#known.get(short) ?? this.#admit(short);
  }

  #admit(text: string): string {
    if (this.#known.size >= this.#terms.maxLabelValues()) return OTHER;
    const shown = this.#isSaid ? this.#scrubbed(text) : text;
    const value = shown.replaceAll(UNFIT, '_');
    this.#known.set(text, value);
    return value;
  }

  #scrubbed(text: string): string {
    return looksSecret(text) ? OTHER : (this.#terms.scrub?.(text) ?? text);
  }
}
