import { join } from 'node:path';
import type { JsonObject } from '../fixture/json-rpc.ts';
import { packagedServer } from './clients-gateway.ts';
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
/** Small pages, so that lists have several. */
const LEGACY_FIXTURE = [FIXTURE, '--era', 'legacy', '--page-size', '7'];

/**
 * server-everything and two fixtures, one of which is told to serve every client apart; so the lists of resources
 * have the same URIs twice.
 */
export function startFleet(upstream: Upstream): Promise<Fleet> {
  return upstream === 'stdio' ? Promise.resolve(stdioFleet()) : remoteFleet(upstream);
}

function stdioFleet(): Fleet {
  const program = (...args: readonly string[]): JsonObject => ({ command: process.execPath, args });
  const place = (...args: readonly string[]): Place => ({
    kind: 'stdio',
    args,
    env: {},
    graceMs: 0,
  });
  return {
    servers: {
      everything: packagedServer('server-everything', 'stdio'),
      fixture: program(...LEGACY_FIXTURE),
      apart: { ...program(...LEGACY_FIXTURE), isolation: 'session' },
    },
    places: {
      everything: place(EVERYTHING, 'stdio'),
      fixture: place(...LEGACY_FIXTURE),
      apart: place(...LEGACY_FIXTURE),
    },
    stop: () => Promise.resolve(),
  };
}

async function remoteFleet(kind: 'http' | 'sse'): Promise<Fleet> {
  const path = kind === 'http' ? 'mcp' : 'sse';
  const type = kind === 'http' ? 'streamable-http' : 'sse';
  const started: Started[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(started.map((one) => stop(one)));
  };
  const start = async (args: readonly string[], port: number): Promise<string> => {
    const server = startNode(args, { PORT: String(port) });
    started.push(server);
    await until(server, 'it listened', () =>
      Promise.resolve(/listening on|is running on port/i.test(server.output())),
    );
    return `http://127.0.0.1:${port}/${path}`;
  };
  const fixture = async (): Promise<string> => {
    const port = await freePort();
    return start([...LEGACY_FIXTURE, '--transport', kind, '--port', String(port)], port);
  };
  try {
    const mode = kind === 'http' ? 'streamableHttp' : 'sse';
    const [everything, shared, apart] = await Promise.all([
      freePort().then((port) => start([EVERYTHING, mode], port)),
      fixture(),
      fixture(),
    ]);
    return {
      servers: {
        everything: { url: everything, type },
        fixture: { url: shared, type },
        apart: { url: apart, type, isolation: 'session' },
      },
      places: {
        everything: { kind, url: everything },
        fixture: { kind, url: shared },
        apart: { kind, url: apart },
      },
      stop: end,
    };
  } catch (failure) {
    await end();
    throw failure;
  }
}
