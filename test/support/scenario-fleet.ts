import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  FIXTURE,
  freePort,
  startNode,
  stop,
  until,
  type Started,
} from './conformance-processes.ts';
import { httpTap, stdioTap, type Tap } from './scenario-tap.ts';

export type Era = 'legacy' | 'modern';
export type Transport = 'stdio' | 'http' | 'sse';

/** An era and a transport that go together: how a client reaches the gateway, or the gateway a server. */
export type Way = 'legacy-stdio' | 'legacy-http' | 'legacy-sse' | 'modern-stdio' | 'modern-http';

/** All there are; the modern era has no HTTP+SSE. */
export const WAYS: readonly Way[] = [
  'legacy-stdio',
  'legacy-http',
  'legacy-sse',
  'modern-stdio',
  'modern-http',
];

export function eraOf(way: Way): Era {
  return way.startsWith('legacy') ? 'legacy' : 'modern';
}

export function transportOf(way: Way): Transport {
  return way.slice(way.indexOf('-') + 1) as Transport;
}

/** The five fixtures, each named as the way it is reached, with a tap on each. */
export interface ScenarioFleet {
  /** The entries of mcp.json. */
  readonly servers: Readonly<Record<Way, Record<string, unknown>>>;
  readonly taps: Readonly<Record<Way, Tap>>;
  stop(): Promise<void>;
}

const TAP = fileURLToPath(new URL('scenario-tap-stdio.ts', import.meta.url));
/** Small pages, so that lists of servers have several. */
const PAGES = ['--page-size', '7'];

interface Site {
  readonly entry: Record<string, unknown>;
  readonly tap: Tap;
}

async function lineServer(era: Era, folder: string): Promise<Site> {
  const path = join(folder, `${era}.lines`);
  await writeFile(path, '');
  const args = ['--import', TAP, FIXTURE, '--era', era, ...PAGES];
  const entry = { command: process.execPath, args, env: { SCENARIO_TAP: path } };
  return { entry, tap: stdioTap(path) };
}

async function portServer(way: Way, started: Started[]): Promise<Site> {
  const port = await freePort();
  const transport = transportOf(way);
  const args = ['--era', eraOf(way), '--transport', transport, '--port', String(port)];
  const server = startNode([FIXTURE, ...args, ...PAGES]);
  started.push(server);
  await until(server, 'it listened', () => Promise.resolve(server.output().includes('listening')));
  const tap = await httpTap(port);
  const url = `${tap.origin}/${transport === 'sse' ? 'sse' : 'mcp'}`;
  return { entry: { url, type: transport === 'sse' ? 'sse' : 'streamable-http' }, tap };
}

/** Starts the servers that are reached over HTTP, and says how the others are started. */
export async function startScenarioFleet(): Promise<ScenarioFleet> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-scenarios-'));
  const started: Started[] = [];
  const sites = await Promise.all(
    WAYS.map(async (way) => {
      const isLines = transportOf(way) === 'stdio';
      const site = isLines ? lineServer(eraOf(way), folder) : portServer(way, started);
      return [way, await site] as const;
    }),
  );
  return {
    servers: Object.fromEntries(
      sites.map(([way, { entry }]) => [way, entry]),
    ) as ScenarioFleet['servers'],
    taps: Object.fromEntries(sites.map(([way, { tap }]) => [way, tap])) as ScenarioFleet['taps'],
    stop: async () => {
      for (const [, { tap }] of sites) tap.stop();
      await Promise.all(started.map((one) => stop(one)));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
