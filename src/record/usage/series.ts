import type { Entry } from '../../kernel/entry.ts';
import { CLIENT_FEATURES, METHODS } from '../../kernel/methods.ts';
import { OTHER, type Series } from '../../kernel/usage.ts';

const MAX_CHARS = 200;
const MAX_KNOWN = 2000;
/** Databases keep no NUL, and names are shown on terminals. */
const UNFIT = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

const known = new Map<string, string>();

/** The series an exchange belongs to; undefined where it uses nothing: only calls, lists and what servers ask are counted. */
export function seriesOf(entry: Entry): Series | undefined {
  const { kind, method } = entry;
  const road = METHODS.get(method)?.road;
  const isCall = road === 'call' || kind === 'extension';
  if (!isCall && road !== 'list' && kind !== 'ask') return undefined;
  return {
    consumer: nameOf(entry.caller?.consumer),
    client: nameOf(entry.client),
    server: nameOf(entry.upstream),
    tool: kind === 'tool' || kind === 'prompt' ? nameOf(entry.custom ?? entry.target) : '',
    // A server may ask anything.
    method: road !== undefined || CLIENT_FEATURES.has(method) ? method : OTHER,
    outcome: entry.outcome,
  };
}

function nameOf(text: string | undefined): string {
  if (text === undefined || text === '') return '';
  const present = known.get(text);
  if (present !== undefined) return present;
  const name = text.slice(0, MAX_CHARS).toWellFormed().replaceAll(UNFIT, '\uFFFD');
  // Callers choose some of the names: what is kept of them must not grow.
  if (known.size >= MAX_KNOWN) known.clear();
  if (text.length <= MAX_CHARS) known.set(text, name);
  return name;
}
