const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const UNRESERVED = /[A-Za-z0-9._~-]/;
const ESCAPE = /%[0-9A-Fa-f]{2}/g;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;
const ASCII_ESCAPE = /%[0-7][0-9A-Fa-f]/g;

/** Servers that decode a URI more often than this do not exist, and each round costs the length of the URI. */
const DECODING_ROUNDS = 4;

/**
 * A URI with its scheme and host in lower case, escapes of unreserved characters decoded and dot segments removed
 * (RFC 3986, 6.2.2); a text without a scheme as it is.
 */
export function normalUri(text: string): string {
  const scheme = SCHEME.exec(text)?.[0];
  if (scheme === undefined) return text;
  const rest = text.slice(scheme.length).replaceAll(ESCAPE, unreserved);
  const hasAuthority = rest.startsWith('//');
  const path = hasAuthority ? endOf(rest, '/?#', 2) : 0;
  const tail = endOf(rest, '?#', path);
  const authority = hasAuthority ? lowerHost(rest.slice(0, path)) : '';
  return scheme.toLowerCase() + authority + withoutDots(rest.slice(path, tail)) + rest.slice(tail);
}

/**
 * A URI as readers of file and web addresses take it: one host, one way to write a path, no fragment and no query (WHATWG
 * URL); the text itself where it is no URL.
 */
export function plainUri(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.hash = '';
  url.search = '';
  if (url.pathname.includes('//')) url.pathname = url.pathname.replaceAll(/\/{2,}/g, '/');
  return url.href;
}

/** Whether a URI holds what no URI may, and what readers take in different ways: blanks, control characters, backslashes. */
export function isOddUri(text: string): boolean {
  return /[\s\\\p{Cc}]/u.test(text);
}

/** A URI in which no escape is left, also none that an escape was hidden in. */
export function decodedUri(text: string): string {
  let decoded = text;
  for (let round = 0; round < DECODING_ROUNDS; round += 1) {
    const next = decoded.replaceAll(ESCAPES, decodedRun);
    if (next === decoded) break;
    decoded = next;
  }
  return decoded;
}

/** Whether a URI leads elsewhere than it seems to, however its dots are written. */
export function hasDotSegments(text: string): boolean {
  return decodedUri(text)
    .split(/[/\\?#]/)
    .some((segment) => segment === '.' || segment === '..');
}

function unreserved(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(character) ? character : escape.toUpperCase();
}

function decodedRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    // Not UTF-8: what is ASCII in it is what paths are made of.
    return run.replaceAll(ASCII_ESCAPE, (escape) =>
      String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
    );
  }
}

/** Index of the first of some characters, or the end. */
function endOf(text: string, characters: string, from: number): number {
  for (let index = from; index < text.length; index += 1)
    if (characters.includes(text.charAt(index))) return index;
  return text.length;
}

function lowerHost(authority: string): string {
  const host = authority.lastIndexOf('@') + 1;
  return authority.slice(0, host) + authority.slice(host).toLowerCase();
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  const isRooted = segments[0] === '';
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..' && kept.length > (isRooted ? 1 : 0)) kept.pop();
    else if (segment !== '.' && segment !== '..') kept.push(segment);
    if (isLast && (segment === '.' || segment === '..')) kept.push('');
  }
  return kept.join('/');
}
