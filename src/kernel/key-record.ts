/** What is kept of a named API key: enough to recognise it, nothing to use it. Times are milliseconds since the epoch. */
export interface KeyRecord {
  /** The part of the key's text that may be shown. */
  readonly id: string;
  /** What its operator calls it. */
  readonly name: string;
  /** SHA-256 of the key's secret, 32 bytes. */
  readonly digest: Uint8Array;
  /** The consumer it proves. */
  readonly consumer: string;
  readonly createdAt: number;
  /** Undefined where it holds until it is revoked. */
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  /** Undefined where it never proved anybody. */
  readonly lastUsedAt: number | undefined;
}
