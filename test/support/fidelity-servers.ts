import { join } from 'node:path';
import type { JsonObject } from '../fixture/json-rpc.ts';
import {
  FIXTURE,
  ROOT,
  freePort,
  startNode,
  stop,
  until,
  type Started,
} from './conformance-processes.ts';
import type { Place } from './fidelity-wires.ts';

/** The transports over which a gateway can reach a server of the legacy era. */
export type Upstream = 'stdio' | 'http' | 'sse';

/** Servers as the gateway is told of them, and as a client reaches them directly. */
export interface Fleet {
  /** The entries of mcp.json. */
  readonly servers: Readonly<Record<string, JsonObject>>;
  readonly places: Readonly<Record<string, Place>>;
  stop(): Promise<void>;
}

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** A place to end what was started when starting the rest fails. */
class Starter {
  readonly #started: Started[] = [];

  /** Starts a server that is reached over HTTP and returns its port. */
  async serve(argsFor: (port: number) => readonly string[]): Promise<number> {
    const port = await freePort();
    const server = startNode(argsFor(port), { PORT: String(port) });
    this.#started.push(server);
    await until(server, 'it listened', () =>
      Promise.resolve(/listening on|is running on port/i.test(server.output())),
    );
    return port;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((one) => stop(one)));
  }
}

/** One server as the gateway is told of it, and where a client finds it. */
interface Site {
  readonly entry: JsonObject;
  readonly place: Place;
}

function program(args: readonly string[]): Site {
  return {
    entry: { command: process.execPath, args },
    place: { kind: 'stdio', args, env: {}, graceMs: 0 },
  };
}

async function remote(
  starter: Starter,
  kind: 'http' | 'sse',
  argsFor: (port: number) => readonly string[],
): Promise<Site> {
  const port = await starter.serve(argsFor);
  const url = `http://127.0.0.1:${port}/${kind === 'http' ? 'mcp' : 'sse'}`;
  return {
    entry: { url, type: kind === 'http' ? 'streamable-http' : 'sse' },
    place: { kind, url },
  };
}

function everythingOn(starter: Starter, upstream: Upstream): Site | Promise<Site> {
  if (upstream === 'stdio') return program([EVERYTHING, 'stdio']);
  const mode = upstream === 'http' ? 'streamableHttp' : 'sse';
  return remote(starter, upstream, () => [EVERYTHING, mode]);
}

function fixtureOn(
  starter: Starter,
  upstream: Upstream,
  era: 'legacy' | 'modern',
): Site | Promise<Site> {
  // Small pages, so that lists have several.
  const args = [FIXTURE, '--era', era, '--page-size', '7'];
  if (upstream === 'stdio') return program(args);
  return remote(starter, upstream, (port) => [
    ...args,
    '--transport',
    upstream,
    '--port',
    String(port),
  ]);
}

async function gathered(
  sites: (starter: Starter) => Readonly<Record<string, Site | Promise<Site>>>,
): Promise<Fleet> {
  const starter = new Starter();
  try {
    const named = await Promise.all(
      Object.entries(sites(starter)).map(async ([name, site]) => [name, await site] as const),
    );
    return {
      servers: Object.fromEntries(named.map(([name, { entry }]) => [name, entry])),
      places: Object.fromEntries(named.map(([name, { place }]) => [name, place])),
      stop: () => starter.stop(),
    };
  } catch (failure) {
    await starter.stop();
    throw failure;
  }
}

/**
 * server-everything and two fixtures, one of which is told to serve every client apart; so the lists of resources
 * have the same URIs twice.
 */
export function startLegacyFleet(upstream: Upstream): Promise<Fleet> {
  return gathered((starter) => ({
    everything: everythingOn(starter, upstream),
    fixture: fixtureOn(starter, upstream, 'legacy'),
    apart: Promise.resolve(fixtureOn(starter, upstream, 'legacy')).then(({ entry, place }) => ({
      entry: { ...entry, isolation: 'session' },
      place,
    })),
  }));
}

/** Two fixtures of the modern era, so that the lists of resources have the same URIs twice. */
export function startModernFleet(upstream: 'stdio' | 'http'): Promise<Fleet> {
  return gathered((starter) => ({
    fixture: fixtureOn(starter, upstream, 'modern'),
    second: fixtureOn(starter, upstream, 'modern'),
  }));
}

/** Programs of Node that are served on stdio, by name. */
export function fleetOf(programs: Readonly<Record<string, readonly string[]>>): Fleet {
  const sites = Object.entries(programs).map(([name, args]) => [name, program(args)] as const);
  return {
    servers: Object.fromEntries(sites.map(([name, { entry }]) => [name, entry])),
    places: Object.fromEntries(sites.map(([name, { place }]) => [name, place])),
    stop: () => Promise.resolve(),
  };
}
