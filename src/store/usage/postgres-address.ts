/** Where a PostgreSQL database is, and how to talk of it without telling its password. */
export class PostgresAddress {
  readonly #url: string;
  readonly #place: string;
  readonly #secrets: readonly string[];

  /** Throws for what is no address of a PostgreSQL database, without telling it. */
  constructor(url: string) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !/^postgres(?:ql)?:$/.test(parsed.protocol))
      throw new Error('usage.database is no address of a PostgreSQL database.');
    this.#url = url;
    const { hostname, port, pathname, password, searchParams } = parsed;
    const host = hostname === '' ? (searchParams.get('host') ?? 'localhost') : hostname;
    this.#place = `${host}:${port === '' ? '5432' : port}${pathname}`;
    const written = [password, searchParams.get('password') ?? '', url];
    this.#secrets = written.flatMap((text) => [text, decoded(text)]).filter((text) => text !== '');
  }

  /** All of it, for the driver alone. */
  get url(): string {
    return this.#url;
  }

  /** What went wrong, without the password, and with the place. */
  failure(error: unknown): Error {
    let why = messageOf(error);
    for (const secret of this.#secrets) why = why.replaceAll(secret, '[redacted]');
    // Without the cause, which may hold the whole address.
    return new Error(`PostgreSQL at ${this.#place}: ${why}`);
  }
}

/** Where a name has several addresses, each failure is a part of one that says nothing. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
