import type { JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';

/** A result as JSON text. Throws Refusal where it is nested too deep to be written. */
export function textOf(result: JsonObject): string {
  try {
    return JSON.stringify(result);
  } catch {
    throw new Refusal('UPSTREAM_PROTOCOL', 'The answer cannot be written as JSON.');
  }
}

const MOST_BYTES_PER_UNIT = 3;

/** Whether a text has at most so many bytes in UTF-8. */
export function withinBytes(text: string, most: number): boolean {
  if (text.length > most) return false;
  return text.length * MOST_BYTES_PER_UNIT <= most || new TextEncoder().encode(text).length <= most;
}
