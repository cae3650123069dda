import type { KeyRecord } from '../kernel/key-record.ts';

/** The named API keys. */
export interface KeyRecords {
  find(id: string): KeyRecord | undefined;
  /** Consumers that have a key, also where it is revoked or expired: ending a key must not open its consumer (docs/rules.md R20). */
  boundConsumers(): ReadonlySet<string>;
  /** Says that a key proved somebody, in milliseconds since the epoch. */
  used(id: string, at: number): void;
}

/** How long what identity learned is believed, in milliseconds. */
export interface IdentityTimes {
  /** One document of an issuer, from the request to its last byte. */
  readonly fetchMs: number;
  /** Where an issuer has its keys. */
  readonly discoveryMs: number;
  /** That an issuer's discovery failed. */
  readonly failureMs: number;
  /** That an issuer's keys could not be fetched. */
  readonly keysFailureMs: number;
  /** An issuer's keys: what it removes is refused after that. */
  readonly keysMs: number;
  /** Between two fetches of the keys for a key that is not among them. */
  readonly keysCooldownMs: number;
  /** A token that was verified. */
  readonly tokenMs: number;
}

/** What identity needs from the rest of the gateway. */
export interface IdentityPorts {
  /** Milliseconds since the epoch. */
  now(): number;
  readonly keys: KeyRecords;
  /** Where it says that an issuer cannot be used. */
  readonly log?: { warn(fields: object, message: string): void };
  /** Changes to the usual times. */
  readonly times?: Partial<IdentityTimes>;
}

/** The usual times. */
export const IDENTITY_TIMES: IdentityTimes = {
  fetchMs: 5000,
  discoveryMs: 3_600_000,
  failureMs: 30_000,
  keysFailureMs: 5000,
  keysMs: 600_000,
  keysCooldownMs: 30_000,
  tokenMs: 60_000,
};
