import { secretsOf } from '../config/secrets-of.ts';
import type { Plan } from '../kernel/plan.ts';
import type { LogLayer, LogPort } from '../record/log-sink.ts';
import { Scrubber } from '../record/scrub.ts';

const FORMER_PLANS = 3;

/** Takes the secrets of the plan in force, and all that looks like a credential, out of texts. */
export class Scrubbing {
  readonly #scrubber = new Scrubber();
  #latest: readonly (readonly string[])[] = [];

  constructor(plan: Plan) {
    this.apply(plan);
  }

  /** Takes over the secrets of a new plan. */
  apply(plan: Plan): void {
    const names = new Set([
      ...plan.servers.map(({ name }) => name),
      ...Object.keys(plan.access.consumers),
    ]);
    // A name that is also somewhere among the values is no secret: without it no line could be understood.
    const secrets = secretsOf(plan).filter((text) => !names.has(text));
    // Servers of the plans before are still ending, and may print what they were given.
    this.#latest = [secrets, ...this.#latest.slice(0, FORMER_PLANS)];
    this.#scrubber.use(this.#latest.flat());
  }

  text(text: string): string {
    return this.#scrubber.text(text);
  }

  /** The text without the secrets of the plan alone. */
  exact(text: string): string {
    return this.#scrubber.exact(text);
  }

  /** Takes out all, of a name, which comes again and again. */
  name(name: string): string {
    return this.#scrubber.name(name);
  }
}

/** Fields that hold names of the configuration, ids of our own and words of ours. */
const OWN: ReadonlySet<string> = new Set(['id', 'server', 'code', 'layer', 'level', 'time']);
const MAX_DEPTH = 6;

/**
 * A log none of whose lines holds a secret. The lines of exchanges go as they are: they are too many to be looked through,
 * so whoever makes them takes care of each field.
 */
export function scrubbedLog(log: LogPort, scrub: Pick<Scrubbing, 'text'>): LogPort {
  const clean = (fields: object): object => scrubbedFields(fields, scrub, 0) as object;
  return {
    debug: (fields, message) => {
      if (log.isLevelEnabled?.('debug') !== false) log.debug(clean(fields), scrub.text(message));
    },
    info: (fields, message) => {
      if (log.isLevelEnabled?.('info') !== false) log.info(clean(fields), scrub.text(message));
    },
    warn: (fields, message) => log.warn(clean(fields), scrub.text(message)),
    error: (fields, message) => log.error(clean(fields), scrub.text(message)),
    isLevelEnabled: (level) => log.isLevelEnabled?.(level) ?? true,
    layer: (name) => {
      const own = log.layer?.(name) ?? log;
      return name === 'exchange' ? own : scrubbedLog(own, scrub);
    },
  };
}

function scrubbedFields(value: unknown, scrub: Pick<Scrubbing, 'text'>, depth: number): unknown {
  if (typeof value === 'string') return scrub.text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[cut]';
  if (Array.isArray(value)) return value.map((item) => scrubbedFields(item, scrub, depth + 1));
  if (value instanceof Error) return scrub.text(value.stack ?? value.message);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      OWN.has(key) ? inner : scrubbedFields(inner, scrub, depth + 1),
    ]),
  );
}

/** The log of the gateway by layers, none of whose lines holds a secret. */
export class Logs {
  readonly #log: LogPort;

  constructor(log: LogPort, scrub: Pick<Scrubbing, 'text'>) {
    this.#log = scrubbedLog(log, scrub);
  }

  of(layer: LogLayer): LogPort {
    return this.#log.layer?.(layer) ?? this.#log;
  }
}
