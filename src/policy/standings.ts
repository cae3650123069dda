import type { Principal } from '../kernel/principal.ts';
import { CallerClass, signatureOf, type Rulebook } from './caller-class.ts';
import { callerOf, withScopes, type Caller } from './caller.ts';
import type { Rule } from './rule.ts';

/** A caller and the class it is decided by. */
export interface Standing {
  readonly caller: Caller;
  readonly callers: CallerClass;
  /** The same for callers of one class, as long as it is kept. */
  readonly key: string;
  /** What it would be with the scopes a rule asks for. */
  readonly stepUps: Map<Rule, Standing>;
}

interface Kept {
  readonly callers: CallerClass;
  readonly key: string;
}

const MAX_CLASSES = 1_000;
const MAX_SIGNATURE_CHARS = 10_000;

/** Finds the class of each caller once. */
export class Standings {
  readonly #book: Rulebook;
  readonly #byPrincipal = new WeakMap<Principal, Standing>();
  readonly #classes = new Map<string, Kept>();
  #count = 0;

  constructor(book: Rulebook) {
    this.#book = book;
  }

  of(principal: Principal): Standing {
    const present = this.#byPrincipal.get(principal);
    if (present !== undefined) return present;
    const standing = this.#standing(this.#callerOf(principal));
    this.#byPrincipal.set(principal, standing);
    return standing;
  }

  /** A standing of its own, which gives this caller's reasons and not those of another one of its class. */
  fresh(principal: Principal): Standing {
    const caller = this.#callerOf(principal);
    return { caller, ...this.#kept(new CallerClass(caller, this.#book)), stepUps: new Map() };
  }

  /** The standing with the scopes a rule asks for. */
  stepUp(standing: Standing, rule: Rule): Standing {
    const present = standing.stepUps.get(rule);
    if (present !== undefined) return present;
    const stepped = this.#standing(withScopes(standing.caller, rule.plan.scopes ?? []));
    standing.stepUps.set(rule, stepped);
    return stepped;
  }

  #callerOf(principal: Principal): Caller {
    return callerOf(principal, this.#book.grants.memberOf(principal.consumer));
  }

  #standing(caller: Caller): Standing {
    const callers = new CallerClass(caller, this.#book);
    const signature = signatureOf(caller, callers);
    return { caller, ...this.#shared(signature, callers), stepUps: new Map() };
  }

  /** Claims come from tokens and are of any size and number: what is kept of them has bounds, and no key is used twice. */
  #shared(signature: string, callers: CallerClass): Kept {
    if (signature.length > MAX_SIGNATURE_CHARS) return this.#kept(callers);
    const present = this.#classes.get(signature);
    if (present !== undefined) return present;
    if (this.#classes.size >= MAX_CLASSES) this.#classes.clear();
    const kept = this.#kept(callers);
    this.#classes.set(signature, kept);
    return kept;
  }

  #kept(callers: CallerClass): Kept {
    this.#count += 1;
    return { callers, key: String(this.#count) };
  }
}
