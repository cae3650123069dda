import type { IssuerPlan } from '../kernel/access.ts';
import { stringAt, type JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { provenBy } from './claims.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { readJwt, type UnverifiedJwt } from './jwt-text.ts';
import type { IdentityPorts } from './ports.ts';
import { cannotJudge, isUnjudged, tokenFault } from './token-faults.ts';
import { invalidCredential } from './unauthenticated.ts';
import type { Fault, Verdict, Verified } from './verified.ts';

const MAX_TOKEN_CHARS = 16 * 1024;

/** Only signatures that the verifier cannot make itself: with a public key taken for a shared secret anybody could. */
const ASYMMETRIC = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/;

/** Types of a JWT that may be an access token (RFC 9068, section 4); many issuers say no more than JWT. */
const TYPES = new Set<unknown>([undefined, 'jwt', 'at+jwt', 'application/at+jwt']);

interface Issuer {
  readonly plan: IssuerPlan;
  readonly ground: string;
  readonly algorithms: readonly string[];
  readonly keys: IssuerKeys;
}

/** A token that says it comes from a known issuer. */
export interface Candidate {
  readonly text: string;
  readonly jwt: UnverifiedJwt;
  readonly issuer: Issuer;
}

/** Verifies JWT access tokens of the issuers that are believed (RFC 9068, RFC 8725). */
export class Tokens {
  readonly #ports: IdentityPorts;
  readonly #issuers: ReadonlyMap<string, Issuer>;

  /** Keys that were fetched are taken over from before, for issuers whose entry did not change. */
  constructor(plans: readonly IssuerPlan[], ports: IdentityPorts, before?: Tokens) {
    this.#ports = ports;
    this.#issuers = new Map(
      plans.map((plan) => {
        const ground = JSON.stringify(plan);
        const present = before === undefined ? undefined : before.#issuers.get(plan.issuer);
        const keys = present?.ground === ground ? present.keys : new IssuerKeys(plan, ports);
        const algorithms = plan.algorithms.filter((name) => ASYMMETRIC.test(name));
        return [plan.issuer, { plan, ground, algorithms, keys }];
      }),
    );
  }

  /** Tells a token of a known issuer, nothing fetched; a Fault for a JWT of anybody else; undefined for what is no JWT. */
  recognise(text: string): Candidate | Fault | undefined {
    if (text.length > MAX_TOKEN_CHARS)
      return wrong('The token is longer than 16 kB. Ask its issuer for a smaller one.');
    const jwt = readJwt(text);
    if (jwt === undefined) return undefined;
    const issuer = this.#issuers.get(stringAt(jwt.payload, 'iss') ?? '');
    if (issuer === undefined)
      return wrong('The token comes from an issuer that is not known here.');
    return { text, jwt, issuer };
  }

  /** Verifies a token. Never rejects. */
  async verify(candidate: Candidate): Promise<Verdict> {
    const { jwt, issuer } = candidate;
    const fault = headerFault(jwt.header, issuer);
    if (fault !== undefined) return fault;
    try {
      return await this.#verified(candidate);
    } catch (error) {
      if (error instanceof Refusal) return { refusal: error, isGuess: false };
      if (!isUnjudged(error)) return tokenFault(error);
      issuer.keys.complain(error);
      return cannotJudge();
    }
  }

  /** Whether a token that was good still is, as far as it can be told without asking anybody. */
  holds({ proven, ground }: Verified): boolean {
    const issuer = this.#issuers.get(stringAt(proven.claims, 'iss') ?? '');
    return issuer?.ground === ground && this.#ports.now() < (proven.expiresAt ?? 0);
  }

  async #verified({ text, issuer }: Candidate): Promise<Verified> {
    const { plan, ground, algorithms, keys } = issuer;
    const [getKey, jose] = await Promise.all([keys.getter(), import('jose')]);
    const { payload } = await jose.jwtVerify<JsonObject>(text, getKey, {
      issuer: plan.issuer,
      audience: [...plan.audience],
      algorithms: [...algorithms],
      clockTolerance: plan.clockToleranceSec,
      currentDate: new Date(this.#ports.now()),
      requiredClaims: ['exp', 'sub'],
    });
    const claims = payload as JsonObject;
    if (stringAt(claims, 'sub') === '' || typeof claims['sub'] !== 'string')
      throw invalidCredential('The token names no subject.');
    if (!Number.isFinite(payload.exp)) throw invalidCredential('The token never expires.');
    const expiresAt = (Number(payload.exp) + plan.clockToleranceSec) * 1000;
    return { proven: provenBy(claims, plan, expiresAt), ground };
  }
}

function headerFault(header: JsonObject, { algorithms }: Issuer): Fault | undefined {
  if (!algorithms.includes(stringAt(header, 'alg') ?? ''))
    return wrong('The token is signed in a way that is not accepted here.');
  const { typ } = header;
  if (!TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ))
    return wrong('The token is no access token. Send the one that is meant for this gateway.');
  return undefined;
}

function wrong(reason: string): Fault {
  return { refusal: invalidCredential(reason), isGuess: true };
}
