import { after, before, describe, test, type TestContext } from 'node:test';
import { isObject, objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { MCPX, startServing, type RunningGateway, type ServerState } from './clients-gateway.ts';
import { Peer, type Answers, type Manner } from './fidelity-peer.ts';
import {
  startLegacyFleet,
  startModernFleet,
  type Fleet,
  type Upstream,
} from './fidelity-servers.ts';
import type { Place } from './fidelity-wires.ts';

/** The transports over which a client can reach the gateway; the modern era has no HTTP+SSE. */
export type Inbound = 'streamable HTTP' | 'HTTP+SSE' | 'stdio';

/** One row of the table: a feature, and how it is shown to arrive whole. */
export interface Row {
  readonly name: string;
  /** Rows that take long are run in front of servers on stdio alone. */
  readonly isLong?: boolean;
  run(scene: Scene): Promise<void>;
}

/** What a table is about. */
export interface TableTerms {
  readonly title: string;
  readonly inbound: readonly Inbound[];
  /** How clients speak. */
  readonly manner: Partial<Manner>;
  start(): Promise<Fleet>;
  /** Whether all is found out about the servers that must be known before the rows begin. */
  isSettled(states: readonly ServerState[]): boolean;
}

const ROW_LIMIT_MS = 30_000;
/** Small pages, so that lists have several; and no long wait for server-everything, which does not end by itself. */
const APP = 'list: { pageSize: 10 }\nupstreams: { shutdownGraceMs: 100 }\n';

/** All that a client can be asked for. */
export const EVERY_CAPABILITY: JsonObject = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  tasks: {
    list: {},
    cancel: {},
    requests: { sampling: { createMessage: {} }, elicitation: { create: {} } },
  },
};

/** The same, and the extensions our fixture knows, for the modern era. */
const MODERN_CAPABILITIES: JsonObject = {
  roots: {},
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  extensions: { 'io.modelcontextprotocol/tasks': {} },
};

/** Answers that say who gave them, with fields that no specification names. */
export function answersOf(name: string): Answers {
  return {
    'elicitation/create': () => ({ action: 'accept', content: { name, agrees: true } }),
    'sampling/createMessage': () => ({
      role: 'assistant',
      model: `model of ${name}`,
      stopReason: 'endTurn',
      content: { type: 'text', text: `said by ${name}` },
    }),
    'roots/list': () => rootsOf(name),
  };
}

/** The roots of a client, with a field that no specification names. */
export function rootsOf(name: string): JsonObject {
  return {
    roots: [
      { uri: `file:///home/${name}`, name, _meta: { 'example.com/owner': name } },
      { uri: `file:///srv/${name}`, name: `${name} 2` },
    ],
  };
}

/** A client that can be asked for everything and answers it. */
export function able(name: string): Partial<Manner> {
  return { name, capabilities: EVERY_CAPABILITY, answers: answersOf(name) };
}

/** A gateway, the servers behind it, and the clients that rows may share because they change nothing. */
class Setting {
  readonly terms: TableTerms;
  readonly gateway: RunningGateway;
  readonly fleet: Fleet;
  readonly #shared = new Map<string, Promise<Peer>>();

  private constructor(terms: TableTerms, gateway: RunningGateway, fleet: Fleet) {
    this.terms = terms;
    this.gateway = gateway;
    this.fleet = fleet;
  }

  static async start(terms: TableTerms): Promise<Setting> {
    const fleet = await terms.start();
    try {
      const gateway = await startServing({ servers: fleet.servers, app: APP });
      await gateway.untilStates('all was settled', (states) => terms.isSettled(states));
      return new Setting(terms, gateway, fleet);
    } catch (failure) {
      await fleet.stop();
      throw failure;
    }
  }

  /** Where a client of this transport finds the gateway. */
  door(inbound: Inbound): Place {
    const { url, sseUrl, env } = this.gateway;
    if (inbound === 'stdio') return { kind: 'stdio', args: [MCPX, 'stdio'], env, graceMs: 5_000 };
    return inbound === 'HTTP+SSE' ? { kind: 'sse', url: sseUrl } : { kind: 'http', url };
  }

  open(place: Place, wish: Partial<Manner>): Promise<Peer> {
    return Peer.open(place, { ...this.terms.manner, ...wish });
  }

  /** A client that several rows use. */
  shared(key: string, place: Place): Promise<Peer> {
    const present = this.#shared.get(key) ?? this.open(place, {});
    this.#shared.set(key, present);
    return present;
  }

  async stop(): Promise<void> {
    const peers = await Promise.allSettled(this.#shared.values());
    for (const peer of peers) if (peer.status === 'fulfilled') await peer.value.close();
    await this.gateway.stop();
    await this.fleet.stop();
  }
}

/** What one row sees: the gateway through one inbound transport, and its servers directly. */
export class Scene {
  readonly inbound: Inbound;
  /** The names of the servers in the order of the configuration. */
  readonly servers: readonly string[];
  readonly #setting: Setting;
  readonly #t: TestContext;

  constructor(setting: Setting, inbound: Inbound, t: TestContext) {
    this.#setting = setting;
    this.inbound = inbound;
    this.servers = Object.keys(setting.fleet.servers);
    this.#t = t;
  }

  /** Whether clients of this transport and of others meet in the same servers. */
  get sharesServers(): boolean {
    const [first] = Object.values(this.#setting.fleet.places);
    return this.inbound !== 'stdio' || first?.kind !== 'stdio';
  }

  /** A client of the gateway that rows share; they must leave it as they found it. */
  client(): Promise<Peer> {
    return this.#setting.shared(`by ${this.inbound}`, this.#setting.door(this.inbound));
  }

  /** The same client, connected to a server without a gateway. */
  direct(server: string): Promise<Peer> {
    return this.#setting.shared(`to ${server}`, this.#placeOf(server));
  }

  /** A client of the gateway for this row alone. */
  open(wish: Partial<Manner> = {}): Promise<Peer> {
    return this.openAt(this.inbound, wish);
  }

  /** The same over a transport of one's choice. */
  async openAt(inbound: Inbound, wish: Partial<Manner> = {}): Promise<Peer> {
    return this.#owned(await this.#setting.open(this.#setting.door(inbound), wish));
  }

  /** A client of a server, for this row alone. */
  async openDirect(server: string, wish: Partial<Manner> = {}): Promise<Peer> {
    return this.#owned(await this.#setting.open(this.#placeOf(server), wish));
  }

  #owned(peer: Peer): Peer {
    this.#t.after(() => peer.close());
    return peer;
  }

  #placeOf(server: string): Place {
    const place = this.#setting.fleet.places[server];
    if (place === undefined) throw new Error(`No server is named ${server}`);
    return place;
  }
}

/** Runs every row for every inbound transport. */
export function runTable(terms: TableTerms, rows: readonly Row[]): void {
  describe(terms.title, () => {
    let setting: Setting | undefined;
    before(
      async () => {
        setting = await Setting.start(terms);
      },
      { timeout: 60_000 },
    );
    after(() => setting?.stop(), { timeout: 30_000 });
    for (const inbound of terms.inbound)
      for (const row of rows)
        test(`${inbound}: ${row.name}`, { timeout: ROW_LIMIT_MS }, async (t) => {
          if (setting === undefined) throw new Error('The gateway did not start');
          const { gateway } = setting;
          const start = gateway.output().length;
          try {
            await row.run(new Scene(setting, inbound, t));
          } catch (failure) {
            t.diagnostic(`The gateway wrote:\n${gateway.output().slice(start).slice(-3_000)}`);
            throw failure;
          }
        });
  });
}

/** Rows of the legacy era, in front of servers of the legacy era. */
export function runLegacyTable(upstream: Upstream, rows: readonly Row[]): void {
  const terms: TableTerms = {
    title: `legacy clients of a gateway in front of legacy servers on ${upstream}`,
    inbound: ['streamable HTTP', 'HTTP+SSE', 'stdio'],
    manner: able('fidelity'),
    start: () => startLegacyFleet(upstream),
    // server-everything asks for roots by itself 350 ms after its start: from then on it serves every client apart.
    isSettled: (states) =>
      states.some(({ name, isInteractive }) => name === 'everything' && isInteractive),
  };
  runTable(
    terms,
    rows.filter(({ isLong }) => isLong !== true || upstream === 'stdio'),
  );
}

/** Rows of the modern era, in front of servers of the modern era. */
export function runModernTable(upstream: 'stdio' | 'http', rows: readonly Row[]): void {
  const terms: TableTerms = {
    title: `modern clients of a gateway in front of modern servers on ${upstream}`,
    inbound: ['streamable HTTP', 'stdio'],
    manner: {
      era: 'modern',
      version: '2026-07-28',
      capabilities: MODERN_CAPABILITIES,
    },
    start: () => startModernFleet(upstream),
    isSettled: () => true,
  };
  runTable(terms, rows);
}

const QUALIFIED = /^mcpx:\/\/([^/]+)\/(.*)$/s;

/** A value with every URI of the gateway's own making put back to what its server calls it. */
export function withOwnUris(value: unknown, server: string): unknown {
  if (typeof value === 'string') {
    const [, named, rest] = QUALIFIED.exec(value) ?? [];
    return named === server && rest !== undefined ? decodeURIComponent(rest) : value;
  }
  if (Array.isArray(value)) return value.map((each) => withOwnUris(each, server));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withOwnUris(each, server)]),
  );
}

const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>'],
  [/\d{1,2}:\d{2}:\d{2}(?:\s?[AP]M)?/g, '<time>'],
];
const MADE_AT = Buffer.from('Resource ').toString('base64');

/** A value without what differs from one call to the next: random ids, and times of the day. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') {
    const isBlob = value.startsWith(MADE_AT);
    let text = isBlob ? Buffer.from(value, 'base64').toString() : value;
    for (const [pattern, word] of CHANGING) text = text.replaceAll(pattern, word);
    return text;
  }
  if (Array.isArray(value)) return value.map((each) => masked(each));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(unsigned(value)).map(([key, each]) => [key, masked(each)]),
  );
}

/** What a server asks, without the name of the server that the gateway signs it with (docs/rules.md R7). */
function unsigned(params: JsonObject): JsonObject {
  const { _meta: meta, message, ...rest } = params;
  const server = isObject(meta) ? meta['mcpx/server'] : undefined;
  if (!isObject(meta) || typeof server !== 'string') return params;
  const { 'mcpx/server': _server, ...others } = meta;
  const sign = `[${server}] `;
  const isSigned = typeof message === 'string' && message.startsWith(sign);
  return {
    ...rest,
    ...(Object.keys(others).length === 0 ? {} : { _meta: others }),
    ...(message === undefined ? {} : { message: isSigned ? message.slice(sign.length) : message }),
  };
}

/** All pages of a list. */
export async function everyPage(peer: Peer, method: string, key: string): Promise<JsonObject[]> {
  const items: JsonObject[] = [];
  let cursor: unknown;
  do {
    const result = await peer.result(method, cursor === undefined ? {} : { cursor });
    items.push(...(result[key] as unknown[]).map((item) => objectOf(item)));
    cursor = result['nextCursor'];
  } while (cursor !== undefined);
  return items;
}
