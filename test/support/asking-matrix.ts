import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JsonObject } from '../fixture/json-rpc.ts';
import {
  answersBy,
  expected,
  Interviewee,
  meeting,
  outcomeOf,
  type Answering,
  type Wish,
} from './asking-clients.ts';
import { ASKERS, startAskers, type Asker, type Askers } from './asking-scene.ts';
import { ROOT } from './conformance-processes.ts';
import type { Place } from './fidelity-wires.ts';
import { startRaw, type RawGateway } from './raw-gateway.ts';

/** How two clients reach the gateway, and in which era; `mixed` is one of each. */
interface Way {
  readonly era: 'legacy' | 'modern' | 'mixed';
  readonly door: 'http' | 'sse' | 'stdio';
}

/** One row of the matrix, for one server and two clients. */
export interface MatrixRow {
  readonly name: string;
  /** Only servers of this era, where it is about one. */
  readonly server?: 'legacy' | 'modern';
  run(pair: Pair): Promise<void>;
}

const WHO = ['ann', 'bob'] as const;
const APP = { asks: { maxPerMinute: 10_000 }, parking: { timeoutMs: 20_000 } };
const URI = 'test://interview';

let lastTag = 0;

/** Two clients of one kind, and one server they use at once. */
class Pair {
  readonly server: Asker;
  readonly askers: Askers;
  readonly #clients: readonly Interviewee[];
  readonly #servers: readonly string[];

  constructor(server: Asker, askers: Askers, clients: readonly Interviewee[]) {
    this.server = server;
    this.askers = askers;
    this.#clients = clients;
    this.#servers = Object.keys(askers.servers);
  }

  /** Both call at once and answer as they are told; resolves with what each of them got. */
  async both(
    wish: Omit<Wish, 'tag'>,
    answeringOf: (who: string) => Answering,
    kind: 'tool' | 'prompt' | 'resource' = 'tool',
  ): Promise<{ readonly got: JsonObject; readonly wish: Wish; readonly who: string }[]> {
    const meet = meeting(2);
    const calls = this.#clients.map(async (client, index) => {
      const who = WHO[index] ?? '';
      lastTag += 1;
      const full: Wish = { ...wish, tag: `${who}${lastTag}` };
      let hasMet: Promise<void> | undefined;
      const { method, params } = this.#request(kind, full);
      const answering: Answering = async (asked) => {
        // No answer goes out before both are asked.
        hasMet ??= meet();
        await hasMet;
        return answeringOf(who)(asked);
      };
      const response = await client.interview(full.tag, method, params, answering);
      return { got: outcomeOf(response), wish: full, who };
    });
    const all = await Promise.all(calls);
    for (const { crossed } of this.#clients)
      assert.deepEqual(crossed, [], 'somebody else was asked');
    for (const {
      wish: { tag },
    } of all) {
      await this.askers.journal.untilOver(tag);
      const stages = new Set(this.askers.journal.stagesOf(tag));
      assert.deepEqual([...stages], ['began', 'ended'], tag);
    }
    return all;
  }

  /** Both call at once, and each gets its own answers and no others. */
  async assertAnswered(
    wish: Omit<Wish, 'tag'>,
    answeringOf: (who: string) => Answering = answersBy,
    kind: 'tool' | 'prompt' | 'resource' = 'tool',
  ): Promise<void> {
    for (const { got, wish: full, who } of await this.both(wish, answeringOf, kind))
      assert.deepEqual(got, await expected(full, answeringOf(who)));
  }

  #request(
    kind: 'tool' | 'prompt' | 'resource',
    wish: Wish,
  ): { method: string; params: JsonObject } {
    const name = `${this.server.name}__fixture_interview`;
    if (kind === 'tool') return { method: 'tools/call', params: { name, arguments: wish } };
    if (kind === 'prompt') {
      const args = { tag: wish.tag, rounds: JSON.stringify(wish.rounds) };
      return { method: 'prompts/get', params: { name, arguments: args } };
    }
    const isFirst = this.#servers[0] === this.server.name;
    const uri = isFirst ? URI : `mcpx://${this.server.name}/${encodeURIComponent(URI)}`;
    return {
      method: 'resources/read',
      params: { uri, _meta: { 'example.com/interview': wish } },
    };
  }
}

/** Everything one file of the matrix needs: the servers, a gateway, and pairs of clients by way. */
class Stage {
  readonly askers: Askers;
  readonly #gateway: RawGateway;
  readonly #pairs = new Map<Way, Promise<readonly Interviewee[]>>();

  private constructor(askers: Askers, gateway: RawGateway) {
    this.askers = askers;
    this.#gateway = gateway;
  }

  static async start(): Promise<Stage> {
    const askers = await startAskers(ASKERS.map(({ name }) => name));
    try {
      const { servers } = askers;
      return new Stage(askers, await startRaw({ servers, app: JSON.stringify(APP) }));
    } catch (failure) {
      await askers.stop();
      throw failure;
    }
  }

  get output(): string {
    return this.#gateway.output();
  }

  pair(way: Way): Promise<readonly Interviewee[]> {
    const present =
      this.#pairs.get(way) ??
      Promise.all(
        WHO.map((who, index) => {
          const other = index === 0 ? 'legacy' : 'modern';
          const era = way.era === 'mixed' ? other : way.era;
          return Interviewee.open(this.#place(way, who), era, who);
        }),
      );
    this.#pairs.set(way, present);
    return present;
  }

  async stop(): Promise<void> {
    const pairs = await Promise.allSettled(this.#pairs.values());
    for (const pair of pairs)
      if (pair.status === 'fulfilled') await Promise.all(pair.value.map((one) => one.close()));
    await this.#gateway.stop();
    await this.askers.stop();
  }

  #place({ door }: Way, who: string): Place {
    const { port, folder } = this.#gateway;
    if (door !== 'stdio') {
      const path = door === 'sse' ? 'sse' : 'mcp';
      return { kind: door, url: `http://127.0.0.1:${port}/${path}` };
    }
    const env = {
      ENABLE_METRICS: 'false',
      SERVERS_CONFIG_PATH: `${folder}/mcp.json`,
      APP_CONFIG_PATH: `${folder}/app.yaml`,
      MCPX_DATA_DIR: `${folder}/data-${who}`,
    };
    return { kind: 'stdio', args: [`${ROOT}bin/mcpx.js`, 'stdio'], env, graceMs: 5000 };
  }
}

/** Runs every row for every way and every server. */
export function runMatrix(title: string, ways: readonly Way[], rows: readonly MatrixRow[]): void {
  describe(title, () => {
    let stage: Stage | undefined;
    before(
      async () => {
        stage = await Stage.start();
      },
      { timeout: 60_000 },
    );
    after(() => stage?.stop(), { timeout: 30_000 });
    for (const way of ways)
      for (const server of ASKERS) {
        const from = `${way.era} clients on ${way.door}, ${server.era} server on ${server.transport}`;
        for (const row of rows.filter((each) => (each.server ?? server.era) === server.era))
          test(`${from}: ${row.name}`, { timeout: 30_000 }, async (t) => {
            assert.ok(stage);
            const begin = stage.output.length;
            try {
              await row.run(new Pair(server, stage.askers, await stage.pair(way)));
            } catch (failure) {
              t.diagnostic(`The gateway wrote:\n${stage.output.slice(begin).slice(-3000)}`);
              throw failure;
            }
          });
      }
    test('no call was left running upstream', async () => {
      await stage?.askers.journal.assertNoOrphan();
    });
  });
}
