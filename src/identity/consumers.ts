import type { AccessPlan, IssuerPlan } from '../kernel/access.ts';
import { Refusal } from '../kernel/refusals.ts';
import { looksSecret } from '../kernel/secrets.ts';
import type { KeyRecords } from './ports.ts';

const TAG = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/;

/** The consumer of a caller. */
export interface Choice {
  readonly consumer: string | undefined;
  /** Whether it is no more than the tag the caller sent. */
  readonly isTagged: boolean;
}

/** Who may select which consumer (docs/rules.md R20). */
export class Consumers {
  readonly #keys: KeyRecords;
  readonly #mapped: ReadonlySet<string>;
  readonly #named: ReadonlySet<string>;
  /** Members of each entry that is a group, by the group's name. */
  readonly #members = new Map<string, string[]>();

  constructor(issuers: readonly IssuerPlan[], access: AccessPlan, keys: KeyRecords) {
    this.#keys = keys;
    this.#named = new Set(namedConsumers(access));
    this.#mapped = new Set(issuers.flatMap((issuer) => namesOf(issuer, access)));
    for (const [name, { memberOf }] of Object.entries(access.consumers))
      if (memberOf !== undefined)
        this.#members.set(memberOf, [...(this.#members.get(memberOf) ?? []), name]);
  }

  /**
   * The consumer a credential is bound to, else the one the tag names. Throws CONSUMER_REFUSED for a tag that contradicts the
   * credential, that is no name, that looks like a credential, or that names a consumer which only a credential of its own may select.
   */
  choose(bound: string | undefined, tag: string | undefined): Choice {
    if (tag === undefined || tag === bound) return { consumer: bound, isTagged: false };
    if (bound !== undefined)
      throw refused('The consumer tag contradicts the credential, which is bound to another one.');
    if (!TAG.test(tag))
      throw refused(
        'The consumer tag is not a name: up to 100 letters, digits and . _ @ + -, the first a letter or a digit.',
      );
    // Consumers stand in records: a key that was sent in the wrong header must not.
    if (!this.#named.has(tag) && looksSecret(tag))
      throw refused('The consumer tag looks like a credential. Send a name here.');
    if (!this.mayTag(tag))
      throw refused('This consumer is selected by a credential of its own, not by a tag.');
    return { consumer: tag, isTagged: true };
  }

  /** Whether a tag may select this consumer: no credential is its own, nor of one that has its rights by being its member. */
  mayTag(consumer: string): boolean {
    return ![consumer, ...(this.#members.get(consumer) ?? [])].some((name) => this.#isBound(name));
  }

  #isBound(consumer: string): boolean {
    return this.#mapped.has(consumer) || this.#keys.boundConsumers().has(consumer);
  }
}

/** The consumers that tokens of an issuer stand for. */
function namesOf(issuer: IssuerPlan, access: AccessPlan): readonly string[] {
  if (issuer.consumerClaim === undefined && issuer.groupsClaim === undefined) return [];
  return issuer.consumers ?? namedConsumers(access);
}

/** Every consumer that has rights of its own by some entry or rule. */
export function namedConsumers({ consumers, rules }: AccessPlan): readonly string[] {
  const groups = Object.values(consumers).flatMap(({ memberOf }) => memberOf ?? []);
  const inRules = rules.flatMap((rule) => rule.consumers ?? []).filter((name) => name !== '*');
  return [...new Set([...Object.keys(consumers), ...groups, ...inRules])];
}

function refused(detail: string): Refusal {
  return new Refusal('CONSUMER_REFUSED', detail);
}
