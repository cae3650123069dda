const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/** Most values of one message of a server: parsed, the shortest of them take some 150 MB. */
export const MAX_SERVER_VALUES = 4_000_000;

/**
 * Whether a JSON text may hold more values than so many, told without parsing it: parsed, a text of the shortest values takes
 * up to forty times its length. What is no JSON may be told either.
 */
export function hasMoreValuesThan(most: number, text: string): boolean {
  // Each value but the first takes a character besides its own.
  return text.length > most && valuesIn(text, most) > most;
}

/** About how many bytes a JSON text takes once it is parsed, besides its own, where that is much; told without parsing it. */
export function parsedBytes(text: string): number {
  return text.length < MIN_MUCH ? 0 : valuesIn(text, Infinity) * BYTES_PER_VALUE;
}

const MIN_MUCH = 65_536;
/** An empty object with its place in a list. */
const BYTES_PER_VALUE = 40;

/** Counts values, as far as one beyond `most`. */
function valuesIn(text: string, most: number): number {
  let count = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at + 1);
    } else if (code === COMMA || code === BRACKET || code === BRACE) {
      count += 1;
      if (count > most) return count;
    }
  }
  return count;
}

/** Where the quote is that ends a string which begins here; the end of the text where none does. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 0;
}
