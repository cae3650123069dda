import type { JWTVerifyGetKey } from 'jose';

import type { IssuerPlan } from '../kernel/access.ts';
import { fetchJson } from './bounded-fetch.ts';
import { discoverKeys, reasonOf } from './discovery.ts';
import { IDENTITY_TIMES, type IdentityPorts, type IdentityTimes } from './ports.ts';
import { Remembered } from './remembered.ts';

/** The public keys of one issuer: found, fetched and fetched again as it changes them, however often they are asked for. */
export class IssuerKeys {
  readonly #plan: IssuerPlan;
  readonly #ports: IdentityPorts;
  readonly #times: IdentityTimes;
  readonly #place: Remembered<URL>;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #set: { readonly href: string; readonly get: JWTVerifyGetKey } | undefined;

  constructor(plan: IssuerPlan, ports: IdentityPorts) {
    this.#plan = plan;
    this.#ports = ports;
    this.#times = { ...IDENTITY_TIMES, ...ports.times };
    const { discoveryMs, failureMs } = this.#times;
    this.#place = this.#remembered(() => this.#find(), discoveryMs, failureMs);
  }

  /** How to find the key of one token. Rejects when the issuer's keys cannot be found. */
  async getter(): Promise<JWTVerifyGetKey> {
    const [place, jose] = await Promise.all([this.#place.get(), import('jose')]);
    this.#forgetWhenSetBack();
    if (this.#set?.href === place.href) return this.#set.get;
    const document = this.#document(place);
    const get = jose.createRemoteJWKSet(place, {
      cacheMaxAge: this.#times.keysMs,
      cooldownDuration: this.#times.keysCooldownMs,
      timeoutDuration: this.#times.fetchMs,
      [jose.customFetch]: async () => Response.json(await document.get()),
    });
    this.#set = { href: place.href, get };
    return get;
  }

  /** Says in the log, now and then, why tokens of this issuer cannot be verified. */
  complain(error: unknown): void {
    const now = this.#ports.now();
    if (Math.abs(now - this.#complainedAt) < this.#times.failureMs) return;
    this.#complainedAt = now;
    const fields = { issuer: this.#plan.issuer, reason: reasonOf(error) };
    this.#ports.log?.warn(fields, 'tokens of an issuer cannot be verified');
  }

  /** The set times itself by the wall clock: where that was set back, it would fetch no new key until the time is made up. */
  #forgetWhenSetBack(): void {
    const now = this.#ports.now();
    if (now < this.#askedAt) this.#set = undefined;
    this.#askedAt = now;
  }

  async #find(): Promise<URL> {
    const { issuer, jwksUri } = this.#plan;
    if (jwksUri !== undefined) return new URL(jwksUri);
    return discoverKeys(issuer, this.#deadline());
  }

  /** Fetched whenever the set asks, but not again and again while that fails. */
  #document(place: URL): Remembered<unknown> {
    const { keysFailureMs } = this.#times;
    return this.#remembered(() => fetchJson(place, this.#deadline()), 0, keysFailureMs);
  }

  #remembered<T>(ask: () => Promise<T>, answerMs: number, failureMs: number): Remembered<T> {
    return new Remembered(ask, { now: () => this.#ports.now(), answerMs, failureMs });
  }

  #deadline(): AbortSignal {
    return AbortSignal.timeout(this.#times.fetchMs);
  }
}
