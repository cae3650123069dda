/** A date, a number of three or four digits, or a word for a state, as makers end ids of releases with. */
const SUFFIX =
  /[-@:](?:\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{8}|\d{6}|\d{3,4}|latest|preview|exp|v\d(?::\d+)?)$/u;
const MAX_SUFFIXES = 4;

/** An id in lower case as it is matched: without who sells or hosts it, and as its maker writes it. */
export function plainId(id: string): string {
  const lower = id.toLowerCase();
  const named = lower.startsWith('ft:') ? (lower.split(':')[1] ?? '') : lower;
  const own = named.slice(named.lastIndexOf('/') + 1).replace(/^(?:[a-z]+\.)?anthropic\./u, '');
  return own.startsWith('claude') ? own.replaceAll('.', '-') : own;
}

/** The id of the model a release is of: `gpt-5-2025-08-07` is `gpt-5`. Itself where nothing says that it is a release. */
export function baseId(id: string): string {
  let base = id;
  for (let count = 0; count < MAX_SUFFIXES; count += 1) {
    const shorter = base.replace(suffixOf(base), '');
    if (shorter === base) break;
    base = shorter;
  }
  return base;
}

/** Versions of Claude are written with hyphens: `claude-opus-4-1` is another model than `claude-opus-4`. */
function suffixOf(id: string): RegExp {
  return id.startsWith('claude') ? CLAUDE_SUFFIX : SUFFIX;
}

const CLAUDE_SUFFIX = /(?:[-@:](?:\d{8}|latest|preview|v\d(?::\d+)?)|:\d+)$/u;

/** Whether an id fits a pattern, in which `*` stands for any characters. */
export function fits(id: string, pattern: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return id === head;
  if (!id.startsWith(head) || !id.endsWith(tail)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = id.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + tail.length <= id.length;
}
