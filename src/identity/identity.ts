import { hash } from 'node:crypto';

import type { AccessPlan, AuthPlan, IssuerPlan } from '../kernel/access.ts';
import type { Credentials } from '../kernel/arrival.ts';
import { Principal, type Proven } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import { ApiKeys } from './api-keys.ts';
import { BoundedMap } from './bounded-map.ts';
import { Consumers, namedConsumers } from './consumers.ts';
import { IDENTITY_TIMES, type IdentityPorts } from './ports.ts';
import { presentedBy, tagOf } from './presented.ts';
import { SlowList, sourceOf } from './slow-list.ts';
import { Tokens } from './tokens.ts';
import { Turns } from './turns.ts';
import { unauthenticated } from './unauthenticated.ts';
import type { Verdict, Verified } from './verified.ts';

const MAX_KNOWN = 5000;
const MAX_PRINCIPALS = 10_000;

/** A credential found good, under the fingerprint of its text. */
interface Known {
  readonly fingerprint: string;
  readonly verified: Verified;
  /** Between these it need not be verified again, in milliseconds since the epoch. */
  readonly freshFrom: number;
  readonly freshUntil: number;
}

/** One request on its way through, which counts once for its address. */
interface Attempt {
  readonly address: string | undefined;
  isAdmitted: boolean;
}

interface Settings {
  readonly auth: AuthPlan;
  readonly keys: ApiKeys;
  readonly tokens: Tokens;
  readonly consumers: Consumers;
}

/** Everybody on this machine, where nobody must prove anything. */
const LOCAL = knownLocally('local');

/** Who started this process: whatever the settings are, they are the same person's. */
const PARENT = knownLocally('parent');

/** Tells who is calling by the credentials they present. Until `apply` was called it knows nobody. */
export class Identity {
  readonly #ports: IdentityPorts;
  readonly #slow: SlowList;
  readonly #turns = new Turns();
  readonly #known = new BoundedMap<string, Known>(MAX_KNOWN);
  readonly #principals = new BoundedMap<string, Principal>(MAX_PRINCIPALS);
  readonly #origins = new WeakMap<Proven, Verified>();
  #settings: Settings | undefined;
  #applied = '';

  constructor(ports: IdentityPorts) {
    this.#ports = ports;
    this.#slow = new SlowList(() => ports.now());
  }

  /** Takes new settings over, for every credential presented from now on. */
  apply(auth: AuthPlan, access: AccessPlan): void {
    const applied = JSON.stringify([auth, access.consumers, namedConsumers(access)]);
    if (applied === this.#applied) return;
    this.#applied = applied;
    this.#settings = {
      auth,
      keys: new ApiKeys(auth.sharedKey, this.#ports),
      tokens: new Tokens(auth.issuers, this.#ports, this.#settings?.tokens),
      consumers: new Consumers(auth.issuers, access, this.#ports.keys),
    };
    this.#known.clear();
    this.#principals.clear();
  }

  /**
   * The caller behind these credentials; a promise only for a token that has to be verified. The same caller is the same object
   * while nothing changes. Throws or rejects with UNAUTHENTICATED, CONSUMER_REFUSED, INSUFFICIENT_SCOPE or GUESSING.
   */
  identify(credentials: Credentials): Principal | Promise<Principal> {
    const settings = this.#settings;
    if (settings === undefined) throw unauthenticated('The gateway knows no callers yet.');
    if (credentials.isParent === true) return this.#principal(PARENT, credentials, settings);
    if (!settings.auth.isOn) return this.#principal(LOCAL, credentials, settings);
    const { key, bearer } = presentedBy(credentials, settings.auth.header);
    const attempt = { address: credentials.address, isAdmitted: false };
    const byKey = key === undefined ? undefined : this.#byKey(key, attempt, settings);
    if (bearer === undefined) {
      if (byKey === undefined) throw nothingPresented(settings.auth);
      return this.#principal(byKey, credentials, settings);
    }
    const byBearer = this.#byBearer(bearer, attempt, settings);
    const finish = (known: Known): Principal =>
      this.#principal(strongest(known, byKey), credentials, settings);
    if (!(byBearer instanceof Promise)) return finish(byBearer);
    // Settings that changed meanwhile judge it anew.
    return byBearer.then((known) =>
      settings === this.#settings ? finish(known) : this.identify(credentials),
    );
  }

  /** Whether what proved a caller still does: nothing revoked, expired or switched off since. */
  holds(principal: Principal): boolean {
    const verified = this.#origins.get(principal.proven);
    const settings = this.#settings;
    if (verified === undefined || settings === undefined) return false;
    const { isTagged = false, consumer } = principal.proven;
    if (isTagged && consumer !== undefined && !settings.consumers.mayTag(consumer)) return false;
    return stands(verified, settings);
  }

  #byKey(text: string, attempt: Attempt, settings: Settings): Known {
    const fingerprint = fingerprintOf(text);
    const present = this.#fresh(fingerprint, settings);
    if (present !== undefined && present.verified.proven.proof !== 'token')
      return this.#used(present);
    this.#admit(attempt);
    return this.#used(this.#keep(fingerprint, settings.keys.verify(text), attempt));
  }

  #byBearer(text: string, attempt: Attempt, settings: Settings): Known | Promise<Known> {
    const fingerprint = fingerprintOf(text);
    const present = this.#fresh(fingerprint, settings);
    if (present !== undefined) return this.#used(present);
    // Known good, though to be verified again: its caller must not suffer for its neighbours.
    if (this.#known.get(fingerprint) === undefined) this.#admit(attempt);
    const candidate = settings.tokens.recognise(text);
    if (candidate !== undefined && 'jwt' in candidate)
      return this.#turns.take(sourceOf(attempt.address), async (hasWaited) => {
        const meanwhile = hasWaited
          ? this.#reconsidered(fingerprint, attempt, settings)
          : undefined;
        if (meanwhile !== undefined) return meanwhile;
        const verdict = await settings.tokens.verify(candidate);
        // A key its issuer took back: known good no longer.
        if ('refusal' in verdict && verdict.isGuess) this.#known.delete(fingerprint);
        return this.#keep(fingerprint, verdict, attempt);
      });
    const verdict = settings.keys.verify(text);
    const outcome = 'refusal' in verdict ? (candidate ?? verdict) : verdict;
    return this.#used(this.#keep(fingerprint, outcome, attempt));
  }

  /** While it waited the same token may have been found good, or its address to be guessing. */
  #reconsidered(fingerprint: string, attempt: Attempt, settings: Settings): Known | undefined {
    const present = this.#fresh(fingerprint, settings);
    if (present !== undefined || this.#known.get(fingerprint) !== undefined) return present;
    attempt.isAdmitted = false;
    this.#admit(attempt);
    return undefined;
  }

  #fresh(fingerprint: string, settings: Settings): Known | undefined {
    const known = this.#known.get(fingerprint);
    if (known === undefined) return undefined;
    if (!stands(known.verified, settings)) {
      this.#known.delete(fingerprint);
      return undefined;
    }
    const now = this.#ports.now();
    // A clock that was set back must not keep a token from being verified again.
    return now >= known.freshFrom && now < known.freshUntil ? known : undefined;
  }

  /** Refuses an address that tried too many wrong credentials. */
  #admit(attempt: Attempt): void {
    if (attempt.isAdmitted) return;
    const retryAfterSec = this.#slow.waitSec(attempt.address);
    attempt.isAdmitted = true;
    if (retryAfterSec !== undefined) throw new Refusal('GUESSING', undefined, { retryAfterSec });
  }

  #keep(fingerprint: string, verdict: Verdict, { address }: Attempt): Known {
    if ('refusal' in verdict) {
      if (verdict.isGuess) this.#slow.failed(address);
      throw verdict.refusal;
    }
    const isToken = verdict.proven.proof === 'token';
    const { tokenMs } = { ...IDENTITY_TIMES, ...this.#ports.times };
    const freshFrom = isToken ? this.#ports.now() : -Infinity;
    const freshUntil = isToken ? freshFrom + tokenMs : Infinity;
    // The same text under the same settings proves the same: principals made of it stay.
    const before = this.#known.get(fingerprint)?.verified;
    const verified = before?.ground === verdict.ground ? before : verdict;
    const known = { fingerprint, verified, freshFrom, freshUntil };
    this.#known.set(fingerprint, known);
    return known;
  }

  #used(known: Known): Known {
    const { proven, ground } = known.verified;
    if (proven.proof === 'api-key') this.#ports.keys.used(ground, this.#ports.now());
    return known;
  }

  #principal(known: Known, credentials: Credentials, { consumers, auth }: Settings): Principal {
    const { proven } = known.verified;
    const { consumer, isTagged } = consumers.choose(proven.consumer, tagOf(credentials));
    const { endpoint } = credentials;
    // A tag holds no space, and neither does a fingerprint.
    const at = endpoint === undefined ? '' : `/${endpoint}`;
    const place = `${known.fingerprint} ${isTagged ? consumer : ''} ${at}`;
    const present = this.#principals.get(place);
    if (present !== undefined && this.#origins.get(present.proven) === known.verified)
      return present;
    // Where callers must prove themselves, a tag must not lend them the name that another one has proven.
    const name = isTagged && auth.isOn ? (proven.name ?? proven.credential) : proven.name;
    const principal = Principal.prove({ ...proven, name, consumer, isTagged, endpoint });
    this.#origins.set(principal.proven, known.verified);
    this.#principals.set(place, principal);
    return principal;
  }
}

function knownLocally(ground: string): Known {
  const verified: Verified = { proven: { credential: 'local', proof: 'local' }, ground };
  return { fingerprint: ground, verified, freshFrom: -Infinity, freshUntil: Infinity };
}

function fingerprintOf(text: string): string {
  return hash('sha256', text, 'base64');
}

function stands(verified: Verified, { auth, keys, tokens }: Settings): boolean {
  if (verified === PARENT.verified) return true;
  if (verified === LOCAL.verified) return !auth.isOn;
  if (!auth.isOn) return false;
  return verified.proven.proof === 'token' ? tokens.holds(verified) : keys.holds(verified);
}

const STRENGTH = { local: 0, 'shared-key': 1, 'api-key': 2, token: 3 } as const;

/** Of two credentials of one caller the one that says more about it; the key header's where both say as much. */
function strongest(bearer: Known, key: Known | undefined): Known {
  if (key === undefined) return bearer;
  const isBearer = STRENGTH[bearer.verified.proven.proof] > STRENGTH[key.verified.proven.proof];
  return isBearer ? bearer : key;
}

function nothingPresented({ header, issuers }: AuthPlan): Refusal {
  const token = issuers.length === 0 ? '' : ', or a token as "Authorization: Bearer"';
  const scope = scopeOf(issuers);
  return unauthenticated(
    `No credential was sent. Send an API key in the header ${header}${token}.`,
    scope === '' ? {} : { scope },
  );
}

/** What to ask the issuer for; with several issuers nobody knows which one it will be. */
function scopeOf(issuers: readonly IssuerPlan[]): string {
  return issuers.length === 1 ? (issuers[0]?.requiredScopes ?? []).join(' ') : '';
}
