import type { WireFailure } from '../wire.ts';

/** What a Lunar Gateway says in place of a server's answer. */
export type ProxyError =
  | {
      /** The request has not left the gateway: it may be sent directly. */
      readonly kind: 'unsent';
      /** Whether it concerns all servers, not the one that was asked for. */
      readonly isAboutAll: boolean;
      readonly code: string;
    }
  | { readonly kind: 'fatal'; readonly failure: WireFailure };

/** `x-lunar-error`: no `x-lunar-host`, host not reachable, not found, not resolved; 10: shutting down. Older gateways know 1 alone. */
const UNSENT: ReadonlySet<string> = new Set(['1', '2', '4', '5', '10']);
const SHUTTING_DOWN = '10';
/** The host is not among those allowed, or among those blocked: going past that is not for us. */
const FORBIDDEN: ReadonlySet<string> = new Set(['6', '7']);
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;

/**
 * What the headers of a response say about the Lunar Gateway itself; undefined where a server answered. A request may have
 * run unless the code says otherwise (docs/rules.md R26).
 */
export function proxyError(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ProxyError | undefined {
  const given = headers['x-lunar-error'];
  // A gateway's own errors are errors in HTTP too: with any other status a server has run the request.
  if (given === undefined || status < 400) return undefined;
  const code = shown(String(given));
  // A server that hangs up or falls silent did so after it was sent the request.
  if (status === GATEWAY_TIMEOUT || status === BAD_GATEWAY || code === '3')
    return fatal('broken', status, `gave the Lunar Gateway no answer (${sayings(code, status)})`);
  if (UNSENT.has(code)) return { kind: 'unsent', isAboutAll: code === SHUTTING_DOWN, code };
  if (FORBIDDEN.has(code))
    return fatal(
      'unauthorized',
      status,
      `is not allowed by the Lunar Gateway (${sayings(code, status)})`,
    );
  return fatal(
    'broken',
    status,
    `was not answered for by the Lunar Gateway (${sayings(code, status)})`,
  );
}

function fatal(kind: 'broken' | 'unauthorized', status: number, message: string): ProxyError {
  return { kind: 'fatal', failure: { kind, status, message } };
}

function sayings(code: string, status: number): string {
  return `x-lunar-error ${code}, HTTP ${status}`;
}

/** What comes from outside is shown only where it looks as it should. */
function shown(code: string): string {
  return /^[\w.-]{1,16}$/u.test(code) ? code : '?';
}
