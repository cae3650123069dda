import { isObject, type Json, type JsonObject } from '../kernel/json.ts';
import type { Message } from '../kernel/json-rpc.ts';

const MAX_DEPTH = 100;
const TOO_DEEP = '[cut]';

/**
 * A message of a server as clients may be shown it: errors, failed results and log messages without what the server was
 * entrusted with, which careless ones repeat there. Everything else is the very message that came.
 */
export function discreet(message: Message, mask: (text: string) => string): Message {
  if ('method' in message) {
    if (message.method !== 'notifications/message' || message.params === undefined) return message;
    return { ...message, params: masked(message.params, mask, 0) as JsonObject };
  }
  const { error, result } = message;
  if (error !== undefined)
    return {
      ...message,
      error: masked(error as unknown as Json, mask, 0) as unknown as typeof error,
    };
  if (result?.['isError'] !== true) return message;
  return { ...message, result: masked(result, mask, 0) as JsonObject };
}

function masked(value: Json, mask: (text: string) => string, depth: number): Json {
  if (typeof value === 'string') return mask(value);
  if (typeof value !== 'object' || value === null) return value;
  // Nested deeper, it would exhaust the stack.
  if (depth >= MAX_DEPTH) return TOO_DEEP;
  if (!isObject(value)) return value.map((item) => masked(item, mask, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      mask(key),
      inner === undefined ? inner : masked(inner, mask, depth + 1),
    ]),
  );
}
