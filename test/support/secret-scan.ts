import { randomBytes } from 'node:crypto';

/**
 * Secrets that are planted, each in a place of its own, and the search for them in all that a gateway puts out.
 *
 * What counts as a secret, and so must be told nowhere:
 * - whatever an operator entrusts to the gateway under a name that tells of a secret, in a header, in a password of a URL, or by
 *   a reference to a variable;
 * - of callers: credentials, cookies, headers the gateway does not know, ids of sessions, all that it does not keep for its own
 *   ends; in arguments, URIs, names and texts of servers what stands under a telling name or looks like a credential by itself;
 * - results, and answers to questions of servers, whatever is in them.
 *
 * Known by design: free text in arguments, without a telling name or shape, is kept in the modes `redacted` and `full`; who
 * asks is told of its own words again, and of its own results.
 */
export class SecretBook {
  readonly secrets: Secret[] = [];
  readonly #needles = new Map<string, Secret>();

  /**
   * A new secret for a place. `form` puts random letters and digits into a text; what it adds is no secret. A secret may stand
   * in outputs whose names begin with one of `told`.
   */
  plant(
    place: string,
    form: (core: string) => string = (core) => core,
    told: readonly string[] = [],
  ): string {
    const core = randomCore();
    this.add({ place, core, told });
    return form(core);
  }

  /** A secret of the gateway's own making, long and random. */
  add(secret: Secret): void {
    this.secrets.push(secret);
    for (const needle of needlesOf(secret.core)) this.#needles.set(needle, secret);
  }

  /** Every secret that stands where it must not, once for each output and place. */
  leaks(outputs: Iterable<Output>): Leak[] {
    const found = new Map<string, Leak>();
    for (const { name, text } of outputs)
      for (const { secret, at } of this.#hits(text)) {
        if (secret.told.some((prefix) => name.startsWith(prefix))) continue;
        const key = `${secret.place}\n${name}`;
        if (!found.has(key))
          found.set(key, { place: secret.place, output: name, excerpt: around(text, at) });
      }
    return [...found.values()];
  }

  /** Places of the secrets that stand in a text. */
  placesIn(text: string): Set<string> {
    return new Set(Array.from(this.#hits(text), ({ secret }) => secret.place));
  }

  *#hits(text: string): Generator<{ readonly secret: Secret; readonly at: number }> {
    // Names of hosts and headers lose their capitals; base64 has both.
    const folded = text.toLowerCase();
    for (const searched of folded === text ? [text] : [text, folded])
      for (let at = 0; at + WINDOW <= searched.length; at += 1) {
        const secret = this.#needles.get(searched.slice(at, at + WINDOW));
        if (secret !== undefined) yield { secret, at };
      }
  }
}

/** A text that must not be told, and where it was planted. */
export interface Secret {
  readonly place: string;
  /** Random letters and digits, at least twice as many as are searched for at once. */
  readonly core: string;
  /** Beginnings of the names of outputs it may stand in. */
  readonly told: readonly string[];
}

/** One thing the gateway has put out. */
export interface Output {
  readonly name: string;
  readonly text: string;
}

/** A secret in an output it must not stand in. */
export interface Leak {
  readonly place: string;
  readonly output: string;
  readonly excerpt: string;
}

/** Leaks as a test says them: one a line, most telling first. */
export function leakText(leaks: readonly Leak[]): string {
  return leaks
    .map(({ place, output, excerpt }) => `${output} <- ${place}: ${excerpt}`)
    .toSorted()
    .join('\n');
}

/** A part so long is found: a secret that was cut off somewhere is one too. */
const WINDOW = 12;
const CORE_CHARS = 2 * WINDOW;
const EXCERPT_CHARS = 90;
const DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Lower case and digits alone: no encoding of URLs, JSON or headers changes it. */
function randomCore(): string {
  const chars = Array.from(randomBytes(CORE_CHARS), (byte) => DIGITS[byte % DIGITS.length]);
  return chars.join('');
}

/** The beginning and the end of a text, as it is, in hexadecimal and in base64, wherever in a group of three bytes it begins. */
function needlesOf(core: string): string[] {
  const bytes = Buffer.from(core);
  const plain = [core, core.toLowerCase(), bytes.toString('hex')];
  const encoded = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The first and the last digits depend on what stands next to it.
    const inner = text.slice(
      before === 0 ? 0 : before + 1,
      Math.floor((before + bytes.length) / 3) * 4,
    );
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [...plain, ...encoded].flatMap((text) => [text.slice(0, WINDOW), text.slice(-WINDOW)]);
}

function around(text: string, at: number): string {
  const part = text.slice(Math.max(0, at - EXCERPT_CHARS), at + WINDOW + EXCERPT_CHARS);
  return JSON.stringify(part).replaceAll(/\\u0000+/gu, ' ');
}
