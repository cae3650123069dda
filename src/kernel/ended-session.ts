/** A session that is no more. */
export interface EndedSession {
  readonly key: string;
  /** Key of its caller. */
  readonly principal: string;
  readonly version: string;
  readonly client: string | undefined;
  readonly reason: string;
  /** How long this process knew it, in milliseconds. */
  readonly ageMs: number;
}
