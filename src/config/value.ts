import { z } from 'zod';
import type { LookUp } from './environment.ts';
import { interpolate, type Interpolation } from './interpolate.ts';

/** A value as it is written: text that may hold ${NAME}, or the name of a variable. */
export const VALUE = z.union(
  [z.string(), z.strictObject({ fromEnv: z.string().min(1) })],
  'Give a text in quotes, or {"fromEnv": "NAME"}.',
);

/** A value as it is written. */
export type Value = z.output<typeof VALUE>;

/** The text a value stands for; a variable that is not set leaves nothing in its place. */
export function resolved(value: Value, lookUp: LookUp): Interpolation {
  if (typeof value === 'string') return interpolate(value, lookUp);
  const text = lookUp(value.fromEnv);
  return {
    text: text ?? '',
    missing: text === undefined ? [value.fromEnv] : [],
    hasOddity: false,
  };
}

/** What is said of a text that begins like a reference to a variable and is none. */
export const ODD =
  'A "${" here begins no reference to a variable and stays; write "$${" where it is meant.';
