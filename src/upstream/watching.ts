/** Sends one request of the gateway's own. */
type Send = (method: string, uri: string) => Promise<unknown>;

/** The resources a legacy server was asked to report changes of. */
export class Watching {
  readonly #uris = new Set<string>();
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Has exactly these reported. Rejects when the server takes none of those that are new. */
  async set(uris: readonly string[]): Promise<void> {
    const wanted = new Set(uris);
    const added = [...wanted].filter((uri) => !this.#uris.has(uri));
    const removed = [...this.#uris].filter((uri) => !wanted.has(uri));
    for (const uri of removed) this.#uris.delete(uri);
    // Noted before the server has answered: what comes meanwhile must not ask for them again.
    for (const uri of added) this.#uris.add(uri);
    const leaving = removed.map((uri) => this.#send('resources/unsubscribe', uri));
    const joining = await Promise.allSettled(
      added.map((uri) => this.#send('resources/subscribe', uri)),
    );
    const failed = joining.flatMap((outcome, index) => {
      if (outcome.status === 'fulfilled') return [];
      this.#uris.delete(added[index] ?? '');
      return [outcome.reason as Error];
    });
    await Promise.all(leaving);
    const [first] = failed;
    if (first !== undefined && failed.length === added.length) throw first;
  }
}
