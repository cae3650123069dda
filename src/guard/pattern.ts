import { RE2JS } from 're2js';

/** A regular expression that runs in linear time (RE2), as patterns of JSON Schema are written. */
export class Pattern {
  /** Instructions of its program: the work of a match is at most this times the length of the text. */
  readonly size: number;
  readonly #source: string;
  readonly #program: RE2JS;

  private constructor(source: string, program: RE2JS) {
    this.size = program.programSize();
    this.#source = source;
    this.#program = program;
  }

  /** Reads a pattern; a sentence that says what is wrong and what to do where it cannot be used. */
  static read(source: string): Pattern | string {
    if (source.length > MAX_CHARS) {
      return `This pattern has more than ${MAX_CHARS} characters; write a shorter one.`;
    }
    const foreign = source.match(FOREIGN)?.[1];
    if (foreign !== undefined) return unusable(`\\${foreign} is unknown`);
    const text = RE2JS.translateRegExp(source);
    if (estimatedSize(text) > MAX_SIZE) return TOO_LARGE;
    try {
      const pattern = new Pattern(source, RE2JS.compile(text));
      return pattern.size > MAX_SIZE ? TOO_LARGE : pattern;
    } catch (error) {
      return unusable(error instanceof Error ? error.message : 'it cannot be read');
    }
  }

  /** Whether some part of a text matches. */
  test(text: string): boolean {
    return this.#program.test(text);
  }

  toString(): string {
    return this.#source;
  }
}

const MAX_CHARS = 1000;
const MAX_SIZE = 4000;
const TOO_LARGE = `This pattern repeats too much; lower the numbers in its braces, or nest them less (its program may have ${MAX_SIZE} instructions).`;

/** An escaped letter that means nothing here; an engine that took it for the letter itself would match something else. */
const FOREIGN = /^(?:[^\\]|\\[^])*?\\(?![AaBbcDdfnPprSstuvWwxz])([A-Za-z])/u;

function unusable(why: string): string {
  return `This pattern cannot be used (${why}); write it in the syntax of RE2, which has no lookarounds and no back references.`;
}

/** What is wrong with a pattern that constrains a parameter, and what to do; undefined when it can be used. */
export function patternFault(source: string): string | undefined {
  const pattern = Pattern.read(source);
  return typeof pattern === 'string' ? pattern : undefined;
}

/** A repetition with its numbers, a character by its name, a class, an escaped character, or any other. */
const TOKENS = /\{(\d+)(?:,(\d*))?\}|\\[xpP]\{[^}]*\}|\[\^?\]?(?:\\[^]|[^\]\\])*\]|\\[^]|[^]/gu;

/** About how large the program will be. Compiling one that is too large to be used may take a second. */
function estimatedSize(text: string): number {
  const outer: number[] = [];
  let size = 0;
  let last = 0;
  for (const [token, least, most] of text.matchAll(TOKENS)) {
    if (token === '(') {
      outer.push(size);
      size = 0;
    } else if (token === ')') {
      last = size + 2;
      size = last + (outer.pop() ?? 0);
    } else if (least === undefined) {
      size += 1;
      last = '*+?'.includes(token) ? last + 1 : 1;
    } else {
      const more = last * Math.max(0, Number(most === '' ? least : (most ?? least)) - 1);
      size += more;
      last += more;
    }
  }
  return size;
}
