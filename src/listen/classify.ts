import { META, type Era } from '../kernel/era.ts';
import { objectAt, type Json } from '../kernel/json.ts';
import { isMessage, type Message } from '../kernel/json-rpc.ts';
import { Refusal } from '../kernel/refusals.ts';
import { hasMoreValuesThan } from '../kernel/values.ts';

/** Parses a body. Throws MALFORMED_JSON, or MALFORMED_MESSAGE for what is nested too deep or holds too many values. */
export function parseBody(text: string): Json {
  if (hasMoreValuesThan(MAX_VALUES, text))
    throw new Refusal('MALFORMED_MESSAGE', `The message holds more than ${MAX_VALUES} values.`);
  const value = parse(text);
  // A short text cannot be deep: the small messages that make up most of the traffic are not walked through.
  if (text.length < 2 * MAX_DEPTH || !isDeeper(value, MAX_DEPTH)) return value;
  const message = `The message is nested more than ${MAX_DEPTH} levels deep.`;
  throw new Refusal('MALFORMED_MESSAGE', message);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Refusal('MALFORMED_JSON');
  }
}

/** Of the shortest values a text takes forty times its length once it is parsed, and callers send many at once. */
const MAX_VALUES = 4_000_000;

/** What is nested deeper cannot be written again without risk to the stack, and no tool needs it. */
const MAX_DEPTH = 512;

function isDeeper(value: Json | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const part of Object.values(value)) if (isDeeper(part, levels - 1)) return true;
  return false;
}

/** A parsed value as a message. Throws MALFORMED_MESSAGE. */
export function messageOf(value: Json): Message {
  if (!isMessage(value)) throw new Refusal('MALFORMED_MESSAGE');
  return value;
}

/**
 * The era of a message: the body decides; a notification has no `_meta` of its own to decide by, so its header does
 * (docs/rules.md R8). A version header alone does not make a request modern unless it names a modern version.
 */
export function eraOf(message: Message, versionHeader: string | undefined): Era {
  if (!('method' in message)) return 'legacy';
  if (objectAt(message.params, '_meta')?.[META.version] !== undefined) return 'modern';
  return isModern(versionHeader) ? 'modern' : 'legacy';
}

/** Whether an array of messages comes from a modern client, whose protocol has no batches. */
export function isModernBatch(batch: readonly Json[], versionHeader: string | undefined): boolean {
  const [first] = batch;
  return isMessage(first) && eraOf(first, versionHeader) === 'modern';
}

/** Versions are dates; the modern protocol begins with 2026-07-28, and later ones are modern too. */
function isModern(version: string | undefined): boolean {
  return version !== undefined && /^\d{4}-\d{2}-\d{2}$/u.test(version) && version >= '2026-07-28';
}
