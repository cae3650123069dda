import { METHODS } from '../kernel/methods.ts';
import { Refusal } from '../kernel/refusals.ts';
import { DIMENSIONS, MEASURES, STEPS, type Dimension, type UsageQuery } from '../kernel/usage.ts';

const OTHERS = ['from', 'to', 'last', 'step', 'by', 'top', 'orderBy'] as const;
type Other = (typeof OTHERS)[number];

const UNITS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const LENGTH = /^(\d{1,5})([mhdw])$/;
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;
const DEFAULT_MS = 86_400_000;
const MOST_TOP = 1000;
const MAX_CHARS = 200;
const MAX_VALUES = 50;
const MAX_SHOWN = 100;

/** Methods that do something at a server: what is meant where nobody says which. */
const CALLS = [...METHODS].flatMap(([name, { road }]) => (road === 'call' ? [name] : []));
/** Stands for all methods. */
const ALL = '*';

/**
 * The question in these parameters. Only calls are asked for where neither `method` nor a division by it is given; `method=*`
 * means everything. Throws PARAMS_INVALID, with the parameter named by `nameOf`.
 */
export function usageQuery(
  params: URLSearchParams,
  now: number,
  nameOf = (name: string) => `query parameter ${name}`,
): UsageQuery {
  const reader = new Reader(params, nameOf);
  reader.refuseUnknown();
  const by = reader.list('by', DIMENSIONS);
  return {
    ...reader.time(now),
    step: reader.one('step', STEPS) ?? 'total',
    by,
    filters: reader.filters(by),
    top: reader.top(),
    orderBy: reader.one('orderBy', MEASURES) ?? 'calls',
  };
}

class Reader {
  readonly #params: URLSearchParams;
  readonly #nameOf: (name: string) => string;

  constructor(params: URLSearchParams, nameOf: (name: string) => string) {
    this.#params = params;
    this.#nameOf = nameOf;
  }

  refuseUnknown(): void {
    const known: readonly string[] = [...OTHERS, ...DIMENSIONS];
    for (const name of this.#params.keys())
      if (!known.includes(name)) this.#refuse(name, `is not known; known are ${known.join(', ')}.`);
  }

  time(now: number): { from: number; to: number } {
    const to = this.#moment('to') ?? now;
    const [since, last] = [this.#moment('from'), this.#last()];
    if (since !== undefined && last !== undefined)
      this.#refuse('last', `give this or ${this.#nameOf('from')}, not both.`);
    const from = since ?? to - (last ?? DEFAULT_MS);
    if (from >= to) this.#refuse('from', `this is not before ${this.#nameOf('to')}.`);
    return { from, to };
  }

  /** One of some words; undefined where it is not given. */
  one<Word extends string>(name: Other, words: readonly Word[]): Word | undefined {
    const text = this.#only(name);
    return text === undefined ? undefined : this.#word(name, text, words);
  }

  /** Some of some words, with commas between them. */
  list<Word extends string>(name: Other, words: readonly Word[]): Word[] {
    const text = this.#only(name) ?? '';
    if (text === '') return [];
    return [...new Set(text.split(',').map((each) => this.#word(name, each.trim(), words)))];
  }

  top(): number | undefined {
    const text = this.#only('top');
    if (text === undefined) return undefined;
    const top = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    return top >= 1 && top <= MOST_TOP
      ? top
      : this.#refuse('top', `give a number from 1 to ${MOST_TOP}.`);
  }

  filters(by: readonly Dimension[]): UsageQuery['filters'] {
    const filters: Partial<Record<Dimension, readonly string[]>> = {};
    for (const dimension of DIMENSIONS) {
      const values = this.#params.getAll(dimension);
      if (values.length > MAX_VALUES) this.#refuse(dimension, `give at most ${MAX_VALUES}.`);
      if (values.some((value) => value.length > MAX_CHARS))
        this.#refuse(dimension, `give at most ${MAX_CHARS} characters.`);
      if (values.length > 0) filters[dimension] = values;
    }
    if (filters.method?.includes(ALL) === true) delete filters.method;
    else if (filters.method === undefined && !by.includes('method')) filters.method = CALLS;
    return filters;
  }

  #moment(name: 'from' | 'to'): number | undefined {
    const text = this.#only(name);
    if (text === undefined) return undefined;
    const at = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(at)
      ? this.#refuse(
          name,
          'give a day such as 2026-11-20 (UTC) or a moment such as 2026-11-20T08:00Z.',
        )
      : at;
  }

  #last(): number | undefined {
    const text = this.#only('last');
    if (text === undefined) return undefined;
    const [, count, unit] = LENGTH.exec(text) ?? [];
    const ms = Number(count) * (UNITS[unit ?? ''] ?? 0);
    return ms > 0 ? ms : this.#refuse('last', 'give a time such as 7d (m, h, d or w).');
  }

  #word<Word extends string>(name: Other, text: string, words: readonly Word[]): Word {
    const word = words.find((each) => each === text);
    return word ?? this.#refuse(name, `give ${words.join(', ')}.`);
  }

  #only(name: Other): string | undefined {
    const [text, ...more] = this.#params.getAll(name);
    return more.length > 0 ? this.#refuse(name, 'give it once.') : text;
  }

  #refuse(name: string, what: string): never {
    const shown = this.#nameOf(name.slice(0, MAX_SHOWN));
    throw new Refusal('PARAMS_INVALID', `${shown}: ${what}`);
  }
}
