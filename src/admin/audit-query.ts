import { Refusal } from '../kernel/refusals.ts';

/** Texts that lines of the audit are looked for by. */
export const AUDIT_FILTERS = [
  'consumer',
  'client',
  'server',
  'tool',
  'outcome',
  'code',
  'rule',
  'method',
  'session',
  'trace',
  'id',
  'call',
  'event',
] as const;

/** What is asked of the audit. */
export interface AuditSearch {
  readonly filter: Readonly<Partial<Record<(typeof AUDIT_FILTERS)[number], string>>> & {
    /** Milliseconds since the epoch; the end is not included. */
    readonly from?: number | undefined;
    readonly to?: number | undefined;
  };
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  readonly cursor: string | undefined;
}

const OTHERS = ['from', 'to', 'order', 'limit', 'cursor'] as const;
const NAMES: readonly string[] = [...AUDIT_FILTERS, ...OTHERS];
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;
const LIMIT = 100;
const MAX_LIMIT = 1000;
const MAX_CHARS = 1000;
const MAX_SHOWN = 100;

type Name = (typeof AUDIT_FILTERS)[number] | (typeof OTHERS)[number];

/** The question in these parameters. Throws PARAMS_INVALID, with the parameter named by `nameOf`. */
export function auditSearch(
  params: URLSearchParams,
  nameOf = (name: string) => `query parameter ${name}`,
): AuditSearch {
  const refuse = (name: string, what: string): never => {
    throw new Refusal('PARAMS_INVALID', `${nameOf(name.slice(0, MAX_SHOWN))}: ${what}`);
  };
  const unknown = [...params.keys()].find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    refuse(unknown, `there is no such; there are ${NAMES.map((name) => nameOf(name)).join(', ')}.`);
  const one = (name: Name): string | undefined => {
    const [text, ...more] = params.getAll(name);
    if (more.length > 0) refuse(name, 'give it once.');
    if (text !== undefined && (text === '' || text.length > MAX_CHARS))
      refuse(name, `give 1 to ${MAX_CHARS} characters.`);
    return text;
  };
  const given = AUDIT_FILTERS.map((name) => [name, one(name)] as const);
  const texts = given.filter(([, text]) => text !== undefined);
  const [from, to] = (['from', 'to'] as const).map((name) => momentIn(one(name), name, refuse));
  if (from !== undefined && to !== undefined && from >= to)
    refuse('from', `this is not before ${nameOf('to')}.`);
  return {
    filter: { ...(Object.fromEntries(texts) as AuditSearch['filter']), from, to },
    order: orderIn(one('order') ?? 'newest', refuse),
    limit: limitIn(one('limit'), refuse),
    cursor: one('cursor'),
  };
}

type Refuse = (name: string, what: string) => never;

function momentIn(text: string | undefined, name: string, refuse: Refuse): number | undefined {
  if (text === undefined) return undefined;
  const at = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  return refuse(name, 'give a day such as 2026-11-20 (UTC) or a moment such as 2026-11-20T08:00Z.');
}

function orderIn(text: string, refuse: Refuse): AuditSearch['order'] {
  return text === 'newest' || text === 'oldest' ? text : refuse('order', 'give newest or oldest.');
}

function limitIn(text: string | undefined, refuse: Refuse): number {
  if (text === undefined) return LIMIT;
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= MAX_LIMIT
    ? limit
    : refuse('limit', `give a number from 1 to ${MAX_LIMIT}.`);
}
