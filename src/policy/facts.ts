import type { JsonObject } from '../kernel/json.ts';
import type { TargetKind } from '../kernel/target.ts';
import type { Root } from './cel/environment.ts';
import type { Roots } from './cel/part.ts';
import { Unknown, type CelMap, type Result } from './cel/value.ts';
import type { Caller } from './caller.ts';
import { clockValues } from './clock.ts';
import type { Subject } from './subject.ts';

/** What is known of a call when it is judged. */
export interface Known {
  /** Undefined where they are not known: any could be sent. */
  readonly args: JsonObject | undefined;
  /** Undefined where it is not known. */
  readonly method: string | undefined;
  /** Whether the claims of the caller are known; those of a recorded call are not. */
  readonly hasClaims: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The method by which a kind of target is mostly addressed, for where a decision is asked for without one. */
export const USUAL_METHODS: Readonly<Record<TargetKind, string>> = {
  tool: 'tools/call',
  prompt: 'prompts/get',
  resource: 'resources/read',
  template: 'completion/complete',
  task: 'tasks/get',
  ask: '',
  extension: '',
};

/** The variables of conditions: one call of one caller to one target. */
export class Facts implements Roots {
  readonly #caller: Caller;
  readonly #known: Known;
  readonly #subject: Subject | undefined;

  /** Without a subject: whatever could be called in whatever way. */
  constructor(caller: Caller, known: Known, subject: Subject | undefined) {
    this.#caller = caller;
    this.#known = known;
    this.#subject = subject;
  }

  root(name: Root): Result {
    return ROOT_VALUES[name](this.#caller, this.#known, this.#subject);
  }
}

const ROOT_VALUES: Readonly<
  Record<Root, (caller: Caller, known: Known, subject: Subject | undefined) => Result>
> = {
  principal: (caller) => principalValue(caller),
  claims: ({ claims }, { hasClaims }) => (hasClaims ? (claims ?? {}) : Unknown.any),
  client: ({ client }) => client ?? '',
  tool: (_, __, subject) => (subject === undefined ? Unknown.any : toolValue(subject)),
  args: (_, { args }, subject) => (subject === undefined ? Unknown.any : (args ?? Unknown.any)),
  request: (_, { method }, subject) =>
    subject === undefined || method === undefined ? Unknown.any : { method },
  now: (_, { now }) => clockValues(now),
};

/** What conditions know of a caller. */
export function principalValue({
  name,
  consumer,
  groups,
  scopes,
  proof,
  endpoint,
}: Caller): CelMap {
  return {
    name,
    consumer: consumer ?? '',
    groups,
    scopes: scopes ?? [],
    proof,
    endpoint: endpoint ?? '',
  };
}

function toolValue({ name, upstream, kind, title, annotations }: Subject): Result {
  return { name, server: upstream, kind, title, annotations };
}
