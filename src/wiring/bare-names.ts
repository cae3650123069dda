const MAX_CLIENTS = 10_000;
const MAX_NAMES = 1000;

/** What names without prefix have meant, by client; the oldest are forgotten (docs/rules.md R6). */
export class BareNameMemory {
  readonly #byClient = new Map<string, Map<string, string>>();

  /** What is remembered for one client: a session, or the principal of modern requests. */
  of(client: string): {
    get(kind: string, name: string): string | undefined;
    keep(kind: string, name: string, upstream: string): void;
  } {
    return {
      get: (kind, name) => this.#byClient.get(client)?.get(`${kind} ${name}`),
      keep: (kind, name, upstream) => this.#keep(client, `${kind} ${name}`, upstream),
    };
  }

  /** The client is gone. */
  forget(client: string): void {
    this.#byClient.delete(client);
  }

  #keep(client: string, key: string, upstream: string): void {
    const names = this.#byClient.get(client) ?? new Map<string, string>();
    names.set(key, upstream);
    dropOldest(names, MAX_NAMES);
    this.#byClient.set(client, names);
    dropOldest(this.#byClient, MAX_CLIENTS);
  }
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
