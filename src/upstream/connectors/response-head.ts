import type { WireFailure } from '../wire.ts';

/** Header lines as they came, names in lower case. */
export type HeaderLines = Readonly<Record<string, string | string[] | undefined>>;

/** How the body of a response is to be read; `none`: not at all. */
export type BodyMode = 'json' | 'sse' | 'error' | 'none';

/** How to read the body that follows these header lines. */
export function bodyModeOf(status: number, headers: HeaderLines): BodyMode {
  if (status >= 300) return 'error';
  if (encodingOf(headers) !== undefined) return 'none';
  const type = String(headers['content-type'] ?? '').toLowerCase();
  if (type.startsWith('text/event-stream')) return 'sse';
  return type.startsWith('application/json') ? 'json' : 'none';
}

/** Why a body cannot be read at all: it is compressed, which no request asks for, and may hold anything. */
export function encodingFault(headers: HeaderLines): WireFailure | undefined {
  const encoding = encodingOf(headers);
  if (encoding === undefined) return undefined;
  return {
    kind: 'protocol',
    message: 'answered with a compressed body, which it was not asked for',
    detail: `content-encoding: ${encoding}`,
  };
}

/** A redirect: it is not followed, for the credentials of a server are for no other. The place it names is for the operator. */
export function redirectFault(status: number, location: string | undefined, url: URL): WireFailure {
  const message = `answered with HTTP ${status}, a redirect, which is not followed`;
  const place = location === undefined ? undefined : placeOf(location, url);
  const remedy = `it leads to ${place}: if that is right, set it as "url" of this server`;
  return { kind: 'http', status, message, detail: place === undefined ? undefined : remedy };
}

/** Without user name and query, which may hold secrets. */
function placeOf(location: string, url: URL): string | undefined {
  if (!URL.canParse(location, url.href)) return undefined;
  const { protocol, host, pathname } = new URL(location, url.href);
  return `${protocol}//${host}${pathname}`;
}

function encodingOf(headers: HeaderLines): string | undefined {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === '') return undefined;
  const text = String(encoding).toLowerCase();
  return text === 'identity' ? undefined : text;
}
