/** Which of the two lifecycles a peer speaks: *legacy* begins with `initialize`, *modern* carries everything in `_meta`. */
export type Era = 'legacy' | 'modern';

/** The modern protocol version (spec 2026-07-28). */
export const MODERN_VERSION = '2026-07-28';

/** The newest legacy version, which the gateway offers to servers and answers to clients that ask for an unknown one. */
export const LATEST_LEGACY_VERSION = '2025-11-25';

/** Legacy versions spoken, newest first. */
export const LEGACY_VERSIONS: readonly string[] = [
  LATEST_LEGACY_VERSION,
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
];

/** Reserved `_meta` keys of the modern protocol (spec 2026-07-28, basic, "General fields"). */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** Severity of `notifications/message`, least severe first (RFC 5424 names, as the spec orders them). */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

/** Whether a message of one level is wanted by whoever asked for another; no wish means all. */
export function levelPasses(level: string, wanted: string | undefined): boolean {
  return wanted === undefined || LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(wanted);
}
