import type { JsonObject } from './json.ts';
import { saidName } from './secrets.ts';

/** How a caller was proven: by being on this machine, by the key many share, by a key of its own, by a token. */
export type Proof = 'local' | 'shared-key' | 'api-key' | 'token';

/** What identity found out about a caller. */
export interface Proven {
  /** The credential: the same for all that is proven by the same key, or by tokens for the same subject. */
  readonly credential: string;
  readonly proof: Proof;
  /** What rules and values know the caller by; the consumer where there is one. */
  readonly name?: string | undefined;
  readonly consumer?: string | undefined;
  /** Whether the consumer is no more than what the caller said of itself. */
  readonly isTagged?: boolean;
  /** Groups a token names. */
  readonly groups?: readonly string[];
  /** Scopes of a token; undefined for all that is no token. */
  readonly scopes?: readonly string[] | undefined;
  readonly claims?: JsonObject | undefined;
  /** When the proof ends, in milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
  /** The tool group whose endpoint the caller uses: nothing outside it exists for this caller. */
  readonly endpoint?: string | undefined;
}

const NO_GROUPS: readonly string[] = [];

/** Who is calling now, proven. Only identity makes one; the private field keeps any other object from passing as one. */
export class Principal {
  /** Stable key of this caller, used to bind sessions and sealed state to it: credential, consumer and endpoint. */
  readonly key: string;
  readonly credential: string;
  readonly proof: Proof;
  readonly name: string;
  readonly consumer: string | undefined;
  readonly groups: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly claims: JsonObject | undefined;
  readonly expiresAt: number | undefined;
  readonly endpoint: string | undefined;
  /** What the caller's client calls itself, unless that looks like a credential; proves nothing. */
  readonly client: string | undefined;
  readonly #proven: Proven;
  readonly #byClient = new Map<string, Principal>();

  private constructor(proven: Proven, client: string | undefined) {
    const { credential, consumer, endpoint } = proven;
    this.#proven = proven;
    this.key = keyOf(proven);
    this.credential = credential;
    this.proof = proven.proof;
    this.name = proven.name ?? consumer ?? credential;
    this.consumer = consumer;
    this.groups = proven.groups ?? NO_GROUPS;
    this.scopes = proven.scopes;
    this.claims = proven.claims;
    this.expiresAt = proven.expiresAt;
    this.endpoint = endpoint;
    this.client = client;
  }

  /** For identity alone: the result of a verified credential. */
  static prove(proven: Proven): Principal {
    return new Principal(proven, undefined);
  }

  /** What identity found out: the same object whatever the client calls itself. */
  get proven(): Proven {
    return this.#proven;
  }

  /** Whether both are the same caller. */
  is(other: Principal): boolean {
    return #proven in other && this.key === other.key;
  }

  /** The same caller with what its client calls itself. */
  withClient(client: string | undefined): Principal {
    if (client === this.client || client === undefined) return this;
    const name = client.slice(0, MAX_CLIENT_CHARS);
    const present = this.#byClient.get(name);
    if (present !== undefined) return present;
    const named = new Principal(this.#proven, saidName(name));
    // Clients choose their names: what is kept of them must not grow.
    if (this.#byClient.size >= MAX_CLIENTS) this.#byClient.clear();
    this.#byClient.set(name, named);
    return named;
  }
}

const MAX_CLIENT_CHARS = 200;
const MAX_CLIENTS = 100;

/** Unambiguous however the parts are written. */
function keyOf({ credential, consumer, endpoint }: Proven): string {
  if (consumer === undefined && endpoint === undefined) return credential;
  return JSON.stringify([credential, consumer ?? null, endpoint ?? null]);
}
