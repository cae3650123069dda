import { after, before, describe, test, type TestContext } from 'node:test';
import type { JsonObject, Message } from '../fixture/json-rpc.ts';
import { MCPX, startServing, type RunningGateway } from './clients-gateway.ts';
import { Peer, type Answers, type Manner } from './fidelity-peer.ts';
import { able, answersOf, everyPage } from './fidelity-scene.ts';
import type { Place } from './fidelity-wires.ts';
import { eventually } from './raw-eventually.ts';
import {
  eraOf,
  startScenarioFleet,
  transportOf,
  WAYS,
  type Era,
  type ScenarioFleet,
  type Transport,
  type Way,
} from './scenario-fleet.ts';
import { hello } from './scenario-speech.ts';
import { Talk } from './scenario-talk.ts';
import type { Tapped } from './scenario-tap.ts';
import { runsOf, type Run, type Scenario } from './scenario.ts';

const ANSWERS: Answers = {
  ...answersOf('able'),
  // A question that says how it wants to be answered is answered so.
  'elicitation/create': (params) => {
    const [action] = /decline|cancel/u.exec(String(params['message'])) ?? [];
    const accepted = { action: 'accept', content: { name: 'able', agrees: true } };
    return action === undefined ? accepted : { action };
  },
};
const FORMS: Partial<Manner> = {
  name: 'forms',
  capabilities: { elicitation: {} },
  answers: ANSWERS,
};
const ABLE: Readonly<Record<Era, Partial<Manner>>> = {
  legacy: { ...able('able'), answers: ANSWERS },
  modern: {
    ...able('able'),
    capabilities: {
      roots: {},
      sampling: { tools: {}, context: {} },
      elicitation: { form: {}, url: {} },
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    },
  },
};
const RUN_LIMIT_MS = 30_000;
const APP = 'naming: prefix\nlist: { pageSize: 100 }\nupstreams: { shutdownGraceMs: 100 }\n';

/** One gateway with five servers behind it, and the clients that scenarios may share. */
class Setting {
  readonly fleet: ScenarioFleet;
  readonly gateway: RunningGateway;
  readonly #shared = new Map<string, Promise<Peer>>();
  readonly #talks = new Map<string, Promise<Talk>>();

  private constructor(fleet: ScenarioFleet, gateway: RunningGateway) {
    this.fleet = fleet;
    this.gateway = gateway;
  }

  static async start(): Promise<Setting> {
    const fleet = await startScenarioFleet();
    try {
      return new Setting(fleet, await startServing({ servers: fleet.servers, app: APP }));
    } catch (failure) {
      await fleet.stop();
      throw failure;
    }
  }

  place(door: Way): Place {
    const { url, sseUrl, env } = this.gateway;
    const transport = transportOf(door);
    if (transport === 'stdio') return { kind: 'stdio', args: [MCPX, 'stdio'], env, graceMs: 5_000 };
    return transport === 'sse' ? { kind: 'sse', url: sseUrl } : { kind: 'http', url };
  }

  open(door: Way, wish: Partial<Manner> = {}): Promise<Peer> {
    const era = eraOf(door);
    const version = era === 'modern' ? '2026-07-28' : '2025-11-25';
    return Peer.open(this.place(door), { era, version, name: 'scenario', ...wish });
  }

  shared(door: Way, key = 'plain', manner: Partial<Manner> = {}): Promise<Peer> {
    const name = `${key} over ${door}`;
    const present = this.#shared.get(name) ?? this.open(door, manner);
    this.#shared.set(name, present);
    return present;
  }

  /** A talk that scenarios share, in the legacy era with a session begun. */
  talk(door: Way): Promise<Talk> {
    const present = this.#talks.get(door) ?? this.#begun(door);
    this.#talks.set(door, present);
    return present;
  }

  async #begun(door: Way): Promise<Talk> {
    const talk = await Talk.open(this.place(door));
    if (eraOf(door) === 'legacy') await hello(talk);
    return talk;
  }

  async stop(): Promise<void> {
    const open = await Promise.allSettled([...this.#shared.values(), ...this.#talks.values()]);
    for (const one of open) if (one.status === 'fulfilled') await one.value.close();
    await this.gateway.stop();
    await this.fleet.stop();
  }
}

/** What one run of a scenario sees. */
export class ScenarioScene {
  readonly door: Way;
  readonly era: Era;
  readonly inbound: Transport;
  readonly #server: Way | undefined;
  readonly #setting: Setting;
  readonly #t: TestContext;
  readonly #starts: Readonly<Record<Way, number>>;

  constructor(setting: Setting, { door, server }: Run, t: TestContext) {
    this.#setting = setting;
    this.door = door;
    this.era = eraOf(door);
    this.inbound = transportOf(door);
    this.#server = server;
    this.#t = t;
    this.#starts = Object.fromEntries(
      WAYS.map((way) => [way, setting.fleet.taps[way].received().length]),
    ) as Record<Way, number>;
  }

  /** The name of the server of this run, which is the way it is reached. */
  get server(): Way {
    if (this.#server === undefined) throw new Error('This scenario runs over no servers');
    return this.#server;
  }

  get serverEra(): Era {
    return eraOf(this.server);
  }

  get upstream(): Transport {
    return transportOf(this.server);
  }

  /** The port of the gateway that serves HTTP. */
  get port(): number {
    return Number(new URL(this.#setting.gateway.url).port);
  }

  get place(): Place {
    return this.#setting.place(this.door);
  }

  /** All that the gateway that serves HTTP has logged. */
  log(): string {
    return this.#setting.gateway.output();
  }

  /** The public name of a tool or a prompt of the server of this run. */
  name(own: string): string {
    return `${this.server}__${own}`;
  }

  /** The public URI of a resource of the server of this run; the first server's are as they are. */
  uri(own: string): string {
    if (this.server === WAYS[0]) return own;
    return `mcpx://${this.server}/${encodeURIComponent(own)}`;
  }

  /** A client that scenarios share; it declares no capabilities. They leave it as they found it. */
  client(): Promise<Peer> {
    return this.#setting.shared(this.door);
  }

  /** The same, but it declares all there is, and answers whatever it is asked as `able`. */
  able(): Promise<Peer> {
    return this.#setting.shared(this.door, 'able', ABLE[this.era]);
  }

  /** The same, but all it can do is show forms. */
  onlyForms(): Promise<Peer> {
    return this.#setting.shared(this.door, 'forms', FORMS);
  }

  /** A client for this run alone. */
  async open(wish: Partial<Manner> = {}): Promise<Peer> {
    const peer = await this.#setting.open(this.door, wish);
    this.#t.after(() => peer.close());
    return peer;
  }

  /** A bare line to the gateway that scenarios share; of the legacy era, a session is begun on it. */
  talk(): Promise<Talk> {
    return this.#setting.talk(this.door);
  }

  /** A bare line for this run alone, on which nothing was said yet. */
  async freshTalk(): Promise<Talk> {
    const talk = await Talk.open(this.place);
    this.#t.after(() => talk.close());
    return talk;
  }

  /** What the gateway has sent to the server since this run began. */
  received(): readonly Tapped[] {
    return this.receivedSince(this.#starts[this.server]);
  }

  /** What the gateway has sent to the server since the beginning, or since a mark. */
  receivedSince(start: number): readonly Tapped[] {
    return this.#setting.fleet.taps[this.server].received().slice(start);
  }

  /** The requests and notifications of a method the server got in this run. */
  sent(method: string): readonly Tapped[] {
    return this.received().filter(({ message }) => message?.method === method);
  }

  /** Waits until the server got a message of this method, and returns the first one accepted. */
  async whenSent(
    method: string,
    accepts: (message: Message) => boolean = () => true,
  ): Promise<Tapped> {
    const find = (): Tapped | undefined =>
      this.sent(method).find(({ message }) => message !== undefined && accepts(message));
    await eventually(`${this.server} got ${method}`, () => find() !== undefined);
    return find() as Tapped;
  }

  /** All items of a list of the gateway that are the server's. */
  async listed(peer: Peer, method: string, key: string): Promise<JsonObject[]> {
    const items = await everyPage(peer, method, key);
    const own = (item: JsonObject): boolean =>
      String(item['name']).startsWith(`${this.server}__`) ||
      String(item['uri'] ?? item['uriTemplate']).startsWith(`mcpx://${this.server}/`);
    return items.filter(own);
  }

  /** Calls a tool of the server. */
  async call(own: string, args: JsonObject = {}, more: JsonObject = {}): Promise<JsonObject> {
    const peer = await this.client();
    return peer.call(this.name(own), args, more);
  }

  /** The same, whatever it is answered with. */
  async ask(method: string, params: JsonObject = {}): Promise<Message> {
    const peer = await this.client();
    return peer.request(method, params);
  }
}

function labelOf({ door, server }: Run): string {
  return server === undefined ? door : `${door} -> ${server}`;
}

/** Runs every scenario over every way it applies to. */
export function runScenarios(title: string, scenarios: readonly Scenario[]): void {
  describe(title, () => {
    let setting: Setting | undefined;
    before(
      async () => {
        setting = await Setting.start();
      },
      { timeout: 60_000 },
    );
    after(() => setting?.stop(), { timeout: 30_000 });
    const runOne = async (scenario: Scenario, run: Run, t: TestContext): Promise<void> => {
      if (setting === undefined) throw new Error('The gateway did not start');
      const start = setting.gateway.output().length;
      try {
        await scenario.run(new ScenarioScene(setting, run, t));
      } catch (failure) {
        t.diagnostic(`The gateway wrote:\n${setting.gateway.output().slice(start, start + 3_000)}`);
        throw failure;
      }
    };
    for (const scenario of scenarios)
      for (const [door, runs] of Map.groupBy(runsOf(scenario), (run) => run.door))
        describe(`${door}: ${scenario.name}`, { concurrency: scenario.isAlone !== true }, () => {
          for (const run of runs)
            test(labelOf(run), { timeout: RUN_LIMIT_MS }, (t) => runOne(scenario, run, t));
        });
  });
}
