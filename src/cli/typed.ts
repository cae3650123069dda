import { InvalidArgumentError } from 'commander';

import { isObject, type JsonObject } from '../kernel/json.ts';
import type { ModelRef } from '../kernel/spending.ts';

/** When something ends: after so many milliseconds, or at a moment in milliseconds since the epoch. */
export type Expiry = { readonly inMs: number } | { readonly at: number };

const UNITS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const SPAN = /^(\d{1,6})([mhdw])$/;
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;
const MAX_TEXT_CHARS = 100;

/** Reads `90d` or a moment. */
export function expiry(text: string): Expiry {
  const [, count, unit] = SPAN.exec(text) ?? [];
  const inMs = Number(count) * (UNITS[unit ?? ''] ?? 0);
  if (inMs > 0) return { inMs };
  const at = momentIn(text);
  if (at !== undefined) return { at };
  throw new InvalidArgumentError(
    'Give a time such as 90d (m, h, d or w), or a moment such as 2027-01-31 or 2027-01-31T12:00Z.',
  );
}

/** Reads a moment in ISO 8601, as milliseconds since the epoch. */
export function moment(text: string): number {
  const at = momentIn(text);
  if (at !== undefined) return at;
  throw new InvalidArgumentError(
    'Give a moment such as 2027-01-31T22:30 (local time) or 2027-01-31T22:30Z.',
  );
}

/** Reads a JSON object. */
export function jsonObject(text: string): JsonObject {
  const value = parsed(text);
  if (isObject(value)) return value;
  throw new InvalidArgumentError(`Give a JSON object in quotes, such as '{"path": "/srv"}'.`);
}

/** Reads a name: some visible characters, and no more than a hundred. */
export function label(text: string): string {
  const isVisible = !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text) && text.trim() === text;
  if (text !== '' && text.length <= MAX_TEXT_CHARS && isVisible) return text;
  throw new InvalidArgumentError(
    `Give 1 to ${MAX_TEXT_CHARS} characters, none of them invisible, without spaces around them.`,
  );
}

/** Reads a model: `provider/id`, or an id alone. */
export function model(text: string): ModelRef {
  const name = label(text);
  const slash = name.indexOf('/');
  return { provider: name.slice(0, Math.max(0, slash)).toLowerCase(), id: name.slice(slash + 1) };
}

/** Adds one more value of an option that may be given several times. */
export function oneMore(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

function momentIn(text: string): number | undefined {
  const at = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
