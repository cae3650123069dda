const MAX_NAMED = 5;

/** What is left out, by server: the first few by name, the others by number. */
export class Complaints {
  readonly #byUpstream = new Map<string, string[]>();
  readonly #more = new Map<string, number>();

  add(upstream: string, message: string): void {
    const named = this.#byUpstream.get(upstream) ?? [];
    this.#byUpstream.set(upstream, named);
    if (named.length < MAX_NAMED) named.push(message);
    else this.#more.set(upstream, (this.#more.get(upstream) ?? 0) + 1);
  }

  all(): ReadonlyMap<string, readonly string[]> {
    const whole = [...this.#byUpstream].map(([upstream, named]) => {
      const more = this.#more.get(upstream);
      return [upstream, more === undefined ? named : [...named, `and ${more} more`]] as const;
    });
    return new Map(whole);
  }
}
