/** A pattern in which `*` stands for any run of characters and nothing else is special. */
export class Pattern {
  /** Whether it has no `*`: it names one thing. */
  readonly isExact: boolean;
  readonly #parts: readonly string[];

  constructor(text: string) {
    this.#parts = text.split('*');
    this.isExact = this.#parts.length === 1;
  }

  /** In time linear in the text: the leftmost place for each part is always good enough. */
  matches(text: string): boolean {
    const parts = this.#parts;
    const first = parts[0] ?? '';
    const last = parts.at(-1) ?? '';
    if (parts.length === 1) return text === first;
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  }
}

/**
 * A selector `server/name`: servers in any case, names and URIs exactly; a lone `*` is everything. One without a server,
 * which the configuration refuses, is for nothing.
 */
export class TargetGlob {
  /** Whether its name part names one thing. */
  readonly isExactName: boolean;
  readonly #server: Pattern;
  readonly #name: Pattern;

  constructor(text: string) {
    const [server, name] = partsOf(text);
    this.#server = new Pattern(server.toLowerCase());
    this.#name = new Pattern(name);
    this.isExactName = this.#name.isExact;
  }

  /** Whether anything of a server, given in lower case, can match. */
  covers(server: string): boolean {
    return this.#server.matches(server);
  }

  /** Whether the name part matches; the server is asked with `covers`. */
  names(name: string): boolean {
    return this.#name.matches(name);
  }
}

function partsOf(text: string): [server: string, name: string] {
  if (text === '*') return ['*', '*'];
  const slash = text.indexOf('/');
  return slash === -1 ? ['', text] : [text.slice(0, slash), text.slice(slash + 1)];
}
