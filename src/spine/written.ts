import type { JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { verbatim } from '../kernel/verbatim.ts';

/** A result as JSON text. Throws Refusal where it is nested too deep to be written. */
export function textOf(result: JsonObject): string {
  try {
    return hasVerbatim(result) ? joined(result) : JSON.stringify(result);
  } catch {
    throw new Refusal('UPSTREAM_PROTOCOL', 'The answer cannot be written as JSON.');
  }
}

function hasVerbatim(result: JsonObject): boolean {
  for (const name in result) if (verbatim(result[name]) !== undefined) return true;
  return false;
}

/** A result whose long parts came as text already. */
function joined(result: JsonObject): string {
  let text = '';
  for (const [name, value] of Object.entries(result)) {
    const part = verbatim(value) ?? JSON.stringify(value);
    // A member without a value is not written.
    if (part !== undefined) text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${part}`;
  }
  return `${text}}`;
}

const MOST_BYTES_PER_UNIT = 3;

/** Whether a text has at most so many bytes in UTF-8. */
export function withinBytes(text: string, most: number): boolean {
  if (text.length > most) return false;
  return text.length * MOST_BYTES_PER_UNIT <= most || new TextEncoder().encode(text).length <= most;
}
