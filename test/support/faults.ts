import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { ServerEntry } from './gateway.ts';

const SERVER = fileURLToPath(new URL('faults-server.ts', import.meta.url));

/** The scripted server of faults as an entry of mcp.json. */
export function faulty(...args: readonly string[]): ServerEntry {
  return { command: process.execPath, args: [SERVER, ...args] };
}

/** A server that ignores the end of its input and polite signals, as does the process it starts; both can be found by the marker. */
export function stubborn(): { readonly entry: ServerEntry; readonly marker: string } {
  const marker = `stubborn-${randomUUID()}`;
  return { entry: faulty('--stubborn', marker), marker };
}
