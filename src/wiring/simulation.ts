import type { JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import type { Foresight } from '../policy/foresight.ts';
import { isChainEvent } from '../record/audit/chain.ts';
import { readAudit } from '../record/audit/read-audit.ts';
import { REDACTED } from '../record/redact.ts';
import type { Desk } from './desk.ts';
import type { Found, NotFound } from './offline-catalog.ts';
import { recordedCall, type RecordedCall } from './recorded-call.ts';

/** What would come of recorded calls. */
export type Effect = 'unchanged' | 'newly denied' | 'newly allowed' | 'undecidable';

/** Calls of one caller to one target for which the same would change, or could not be told. */
export interface Change {
  count: number;
  readonly effect: Exclude<Effect, 'unchanged'>;
  /** Consumer, or else what the caller is known by. */
  readonly caller: string;
  /** `server/name`. */
  readonly target: string;
  readonly wasAllowed: boolean;
  /** Id of what decides under the new configuration. */
  readonly rule: string | undefined;
  /** One sentence. */
  readonly why: string;
  /** Place of the first of these calls, `file:line`. */
  readonly first: string;
}

/** What a simulation found. */
export interface Simulated {
  readonly counts: Readonly<Record<Effect, number>>;
  /** The most frequent first. */
  readonly changes: readonly Change[];
  /** Changes of kinds beyond the bound: counted, not kept apart. */
  readonly unlisted: number;
  /** Lines about which policy decided nothing, such as lists. */
  readonly skipped: number;
  readonly unreadable: { readonly count: number; readonly lines: readonly string[] };
}

const MAX_CHANGES = 10_000;
const MAX_LINES = 20;
const MAX_CACHED = 10_000;

/** Replays the calls of an audit log, a file or a folder, on a desk. Rejects with what the file system says. */
export async function simulate(desk: Desk, path: string): Promise<Simulated> {
  const simulation = new Simulation(desk);
  for await (const { file, number, record } of readAudit(path))
    simulation.take(`${file}:${number}`, record);
  return simulation.result();
}

interface Outcome {
  readonly effect: Effect;
  readonly rule: string | undefined;
  readonly why: string;
}

class Simulation {
  readonly #desk: Desk;
  readonly #counts: Record<Effect, number> = {
    unchanged: 0,
    'newly denied': 0,
    'newly allowed': 0,
    undecidable: 0,
  };
  readonly #changes = new Map<string, Change>();
  readonly #found = new Cache<Found | NotFound>();
  readonly #principals = new Cache<Principal>();
  #unlisted = 0;
  #skipped = 0;
  #unreadable = 0;
  readonly #unreadableLines: string[] = [];

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  take(place: string, record: JsonObject | undefined): void {
    if (record === undefined) {
      this.#unreadable += 1;
      if (this.#unreadableLines.length < MAX_LINES) this.#unreadableLines.push(place);
      return;
    }
    // Lines that only hold the audit together are about nobody.
    if (record['signature'] !== undefined && isChainEvent(record['event'])) return;
    const call = recordedCall(record);
    if (call === undefined) {
      this.#skipped += 1;
      return;
    }
    this.#desk.setMoment(call.at);
    const outcome = this.#judge(call);
    this.#counts[outcome.effect] += 1;
    if (outcome.effect !== 'unchanged')
      this.#note(call, { ...outcome, effect: outcome.effect }, place);
  }

  result(): Simulated {
    return {
      counts: this.#counts,
      changes: [...this.#changes.values()].toSorted((a, b) => b.count - a.count),
      unlisted: this.#unlisted,
      skipped: this.#skipped,
      unreadable: { count: this.#unreadable, lines: this.#unreadableLines },
    };
  }

  #judge(call: RecordedCall): Outcome {
    if (call.target === REDACTED) return undecidable(undefined, 'target redacted');
    const closed = this.#closedDoor(call) ?? this.#notOffered(call);
    if (closed !== undefined) return denied(call, closed.rule, closed.why);
    const target = this.#target(call);
    const principal = this.#principal(call);
    const hasClaims = call.caller.proof !== 'token';
    try {
      const args = this.#arguments(call, principal, target);
      const { method } = call;
      const foresight = this.#desk.foresee(principal, target, { args, hasClaims, method });
      return outcomeOf(call, foresight);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // A value of a custom tool refers to what the caller's credential says, which only claims could tell.
      if (hasClaims) return denied(call, error.code, error.message);
      return undecidable(undefined, 'claims not recorded');
    }
  }

  /** Whoever was taken at their word is nobody where callers must prove themselves. */
  #closedDoor({ caller, transport, kind }: RecordedCall): Closed | undefined {
    const isOpen = !this.#desk.plan.auth.isOn || caller.proof !== 'local';
    // Standard input and output stay open; what a server asked came without a transport.
    if (isOpen || transport === 'stdio' || kind === 'ask') return undefined;
    return { rule: 'auth', why: 'callers must prove themselves, and this one did not.' };
  }

  #notOffered(call: RecordedCall): Closed | undefined {
    const found = this.#find(call);
    if ('problem' in found) return { rule: undefined, why: found.problem };
    if (found.absence === 'inactive')
      return { rule: undefined, why: 'its server is switched off.' };
    if (found.absence === 'replaced')
      return { rule: undefined, why: 'the custom tools made from it replace it.' };
    const isGone = call.custom !== undefined && found.target.shape === undefined;
    return isGone ? { rule: undefined, why: 'there is no such custom tool any more.' } : undefined;
  }

  /** What the recorded name stands for now. */
  #find({ kind, server, target, custom }: RecordedCall): Found | NotFound {
    return this.#found.get(JSON.stringify([kind, server, custom ?? null, target]), () => {
      const { catalog } = this.#desk;
      const place = catalog.server(server);
      if ('problem' in place) return place;
      if (kind === 'tool' || kind === 'prompt' || kind === 'resource')
        return catalog.ofServer(kind, place, custom ?? target);
      const own: Target = { kind, upstream: place.name, name: target, publicName: target };
      return { target: own, isSeen: false, absence: place.isActive ? undefined : 'inactive' };
    });
  }

  #target(call: RecordedCall): Target {
    const found = this.#find(call);
    if ('problem' in found) throw new Error('a target was lost');
    return found.target;
  }

  #principal({ caller }: RecordedCall): Principal {
    return this.#principals.get(JSON.stringify(caller), () => this.#desk.caller(caller));
  }

  /** As the server would get them now: custom tools may have been made anew. */
  #arguments(call: RecordedCall, principal: Principal, target: Target): JsonObject | undefined {
    const { args } = call;
    return 'missing' in args ? undefined : this.#desk.judged(principal, target, args.value);
  }

  #note(call: RecordedCall, outcome: Outcome & { effect: Change['effect'] }, place: string): void {
    const { effect, rule, why } = outcome;
    const { caller, server, target, custom, wasAllowed, kind } = call;
    const who = caller.consumer ?? caller.name ?? caller.proof;
    const what = kind === 'task' ? `${server} (tasks)` : `${server}/${custom ?? target}`;
    const key = JSON.stringify([who, what, effect, rule, why]);
    const present = this.#changes.get(key);
    if (present !== undefined) present.count += 1;
    else if (this.#changes.size >= MAX_CHANGES) this.#unlisted += 1;
    else
      this.#changes.set(key, {
        count: 1,
        effect,
        caller: who,
        target: what,
        wasAllowed,
        rule,
        why,
        first: place,
      });
  }
}

interface Closed {
  readonly rule: string | undefined;
  readonly why: string;
}

function denied({ wasAllowed }: RecordedCall, rule: string | undefined, why: string): Outcome {
  return { effect: wasAllowed ? 'newly denied' : 'unchanged', rule, why };
}

function outcomeOf(call: RecordedCall, { decision, rule, why }: Foresight): Outcome {
  if (decision === 'undecidable') return undecidable(rule, reasonOf(call, why));
  if (decision === 'deny') return denied(call, rule, why);
  return { effect: call.wasAllowed ? 'unchanged' : 'newly allowed', rule, why };
}

function undecidable(rule: string | undefined, why: string): Outcome {
  return { effect: 'undecidable', rule, why };
}

/** What the record lacks. */
function reasonOf({ args }: RecordedCall, why: string): string {
  const isArgs = 'missing' in args && why.includes('arguments');
  return [
    ...(isArgs ? [`arguments ${args.missing}`] : []),
    ...(why.includes('claims') || !isArgs ? ['claims not recorded'] : []),
  ].join(', ');
}

/** What is made once for the same key; forgotten when there is too much of it. */
class Cache<T> {
  readonly #values = new Map<string, T>();

  get(key: string, make: () => T): T {
    const present = this.#values.get(key);
    if (present !== undefined) return present;
    if (this.#values.size >= MAX_CACHED) this.#values.clear();
    const made = make();
    this.#values.set(key, made);
    return made;
  }
}
