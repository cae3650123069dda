import type { IncomingMessage } from 'node:http';

import type { DoorPlan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Addresses } from './addresses.ts';

/** Bound to, these mean every address; as the name of a host they only serve to get around checks like this one. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** What the doors have found out about a request. */
export interface Knock {
  /** Address of the client. */
  readonly address: string | undefined;
  /** Its origin, when a browser asks. */
  readonly origin: string | undefined;
}

/** Who may knock, compiled once per plan: addresses, and checks of Host and Origin against DNS rebinding (spec: transports, "Security Warning"). */
export class Doors {
  readonly #addresses: Addresses;
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /** `boundTo` is the address the gateway listens on. */
  constructor(plan: DoorPlan, boundTo: string) {
    this.#addresses = new Addresses(plan);
    const own = UNSPECIFIED.has(boundTo) ? [] : [boundTo.includes(':') ? `[${boundTo}]` : boundTo];
    const published = plan.publicUrl === undefined ? [] : [new URL(plan.publicUrl).host];
    this.#hosts = new Set(
      [...LOOPBACK_NAMES, ...own, ...plan.allowedHosts, ...published].map((host) =>
        host.toLowerCase(),
      ),
    );
    this.#origins = new Set(
      plan.allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/u, '')),
    );
  }

  /** The address of the client; throws nothing. */
  addressOf(request: IncomingMessage): string | undefined {
    return this.#addresses.of(request);
  }

  /** Throws ADDRESS_REFUSED, HOST_REFUSED or ORIGIN_REFUSED. */
  check(request: IncomingMessage): Knock {
    const address = this.#addresses.of(request);
    if (!this.#addresses.admits(address)) throw new Refusal('ADDRESS_REFUSED');
    return { address, origin: this.#originOf(request) };
  }

  #originOf(request: IncomingMessage): string | undefined {
    const { host, origin } = request.headers;
    if (hasTwoHosts(request))
      throw new Refusal('HOST_REFUSED', 'There is more than one Host header.');
    if (host === undefined || !this.#isHost(host.toLowerCase())) throw new Refusal('HOST_REFUSED');
    if (origin === undefined) return undefined;
    if (!this.#isOrigin(origin.toLowerCase())) throw new Refusal('ORIGIN_REFUSED');
    return origin;
  }

  #isHost(host: string): boolean {
    return this.#hosts.has(host) || this.#hosts.has(withoutPort(host));
  }

  #isOrigin(origin: string): boolean {
    if (this.#origins.has(origin) || this.#origins.has('*')) return true;
    const [scheme, authority, ...rest] = origin.split('//');
    if (rest.length > 0 || authority === undefined) return false;
    return (
      (scheme === 'http:' || scheme === 'https:') && LOOPBACK_NAMES.includes(withoutPort(authority))
    );
  }
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/u, '');
}

/** What a page of an allowed origin may send and read (Fetch standard, CORS). */
export function corsHeaders(origin: string | undefined): Readonly<Record<string, string>> {
  if (origin === undefined) return NONE;
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'mcp-session-id, mcp-protocol-version, www-authenticate',
    vary: 'origin',
  };
}

/** The answer to a preflight request. */
export function preflightHeaders(
  request: IncomingMessage,
  origin: string | undefined,
): Readonly<Record<string, string>> {
  const wanted = request.headers['access-control-request-headers'];
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-max-age': '600',
    ...(typeof wanted === 'string' && /^[\w\-, ]{0,1000}$/u.test(wanted)
      ? { 'access-control-allow-headers': wanted }
      : {}),
  };
}

const NONE: Readonly<Record<string, string>> = {};

/** Of two Host headers one is for us and one for somebody else (RFC 9112, section 3.2). */
function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === HOST_CHARS && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1;
}

const HOST_CHARS = 4;
