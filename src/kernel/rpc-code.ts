import type { Era } from './era.ts';
import { REFUSALS, type RefusalCode } from './refusals.ts';

const LEGACY_RESOURCE_UNKNOWN = -32002;

/** The JSON-RPC code a client of an era is sent. */
export function rpcCodeOf(code: RefusalCode, era: Era): number {
  const isOldCode = code === 'RESOURCE_UNKNOWN' && era === 'legacy';
  return isOldCode ? LEGACY_RESOURCE_UNKNOWN : REFUSALS[code].rpc;
}
