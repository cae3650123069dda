/** Headers that every POST of a message has. */
const JSON_BOTH_WAYS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** The headers of requests to one server: those configured, and what its session adds (spec 2025-11-25, transports). */
export class SessionHeaders {
  readonly #configured: Readonly<Record<string, string>>;
  #session: Readonly<Record<string, string>> = {};
  /** Of a message with none of its own; made anew when the session changes. */
  #ofMessage: Readonly<Record<string, string>> | undefined;

  constructor(configured: Readonly<Record<string, string>>) {
    this.#configured = configured;
  }

  /** Id of the session, where there is one. */
  get id(): string | undefined {
    return this.#session['mcp-session-id'];
  }

  /** What every request has. */
  get all(): Readonly<Record<string, string>> {
    return { ...this.#configured, ...this.#session };
  }

  /** Notes what the session adds. */
  note(header: 'mcp-session-id' | 'mcp-protocol-version', value: string): void {
    this.#session = { ...this.#session, [header]: value };
    this.#ofMessage = undefined;
  }

  /** Of a POST of a message, with what this one has besides. */
  ofMessage(own: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
    const usual = (this.#ofMessage ??= { ...this.all, ...JSON_BOTH_WAYS });
    return own === undefined ? usual : { ...usual, ...own, ...JSON_BOTH_WAYS };
  }
}
