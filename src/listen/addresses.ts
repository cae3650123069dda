import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

import type { DoorPlan } from '../kernel/plan.ts';

/** Which addresses may connect, and whom of them to believe about others; compiled once per plan. */
export class Addresses {
  readonly #allowed: BlockList | undefined;
  readonly #proxies: BlockList | undefined;

  constructor({ allowedAddresses, trustedProxies }: DoorPlan) {
    this.#allowed = listOf(allowedAddresses);
    this.#proxies = listOf(trustedProxies);
  }

  /** The address of the client: of the connection, or what trusted proxies say of it, the nearest to us first. */
  of(request: IncomingMessage): string | undefined {
    let address = plain(request.socket.remoteAddress);
    if (this.#proxies === undefined || !contains(this.#proxies, address)) return address;
    for (const hop of hopsOf(request)) {
      address = plain(hop);
      if (!contains(this.#proxies, address)) return address;
    }
    return address;
  }

  /** Whether a client of this address may connect. */
  admits(address: string | undefined): boolean {
    return this.#allowed === undefined || contains(this.#allowed, address);
  }
}

/** X-Forwarded-For, the last hop first. */
function hopsOf({ headers }: IncomingMessage): string[] {
  const value = headers['x-forwarded-for'];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text
    .split(',')
    .map((hop) => withoutPort(hop.trim()))
    .filter((hop) => hop !== '')
    .toReversed();
}

function withoutPort(hop: string): string {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/u.exec(hop) ?? [];
  return bracketed ?? hop.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/u, '$1');
}

/** IPv4 as IPv4 also where the socket serves both. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/iu, '');
}

function listOf(ranges: readonly string[]): BlockList | undefined {
  if (ranges.length === 0) return undefined;
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/', 2);
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function contains(list: BlockList, address: string | undefined): boolean {
  const family = isIP(address ?? '');
  if (address === undefined || family === 0) return false;
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
