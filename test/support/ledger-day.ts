import { actorsOf, type ActorName } from './ledger-actors.ts';
import { ordinary, restricted } from './ledger-ordinary.ts';
import { UNKNOWN_METHOD, type Actor, type Ledger, type Row, type TraceWay } from './ledger.ts';
import { SeededRandom } from './ledger-random.ts';
import type { LedgerScene } from './ledger-scene.ts';
import {
  LegacySpeaker,
  ModernSpeaker,
  openSdkV1,
  openSdkV2,
  openStdio,
  type Place,
  type Speaker,
} from './ledger-speakers.ts';
import { BARE_WAYS, someTrace, WAYS } from './ledger-traces.ts';
import { exchangesIn } from './ledger-audit.ts';
import { spentBy } from './ledger-tokens.ts';
import { turnAway } from './ledger-turned.ts';
import { linesIn } from './metrics-exposition.ts';
import {
  asking,
  call,
  endless,
  erring,
  failing,
  goingOn,
  list,
  own,
  read,
  refused,
  unknown,
  type Wish,
} from './ledger-wishes.ts';

type Actors = Readonly<Record<ActorName, Actor>>;

const SEED = 20_261_122;
const ASK = { kind: 'ask', server: 'asker', isSent: false } as const;
const ANSWERS = {
  'elicitation/create': {
    action: 'accept',
    content: { username: 'carol', email: 'c@example.com' },
  },
  'sampling/createMessage': {
    role: 'assistant',
    model: 'm',
    content: { type: 'text', text: 'hi' },
  },
};

/** The script: what everybody does in a day, part of it before the gateway is started anew and part of it afterwards. */
export class Day {
  readonly #scene: LedgerScene;
  readonly #ledger: Ledger;
  readonly #place: Place;
  readonly #actors: Actors;
  /** Each of them has chances of its own: what others do meanwhile changes nothing. */
  readonly #chances = new Map<Actor, SeededRandom>();
  /** Her session outlives the first gateway. */
  #carol: LegacySpeaker | undefined;

  private constructor(scene: LedgerScene, ledger: Ledger, actors: Actors) {
    this.#scene = scene;
    this.#ledger = ledger;
    this.#place = { ledger, base: scene.base };
    this.#actors = actors;
    for (const [index, actor] of Object.values(actors).entries())
      this.#chances.set(actor, new SeededRandom(SEED + index));
  }

  static async of(scene: LedgerScene, ledger: Ledger): Promise<Day> {
    return new Day(scene, ledger, await actorsOf(scene));
  }

  /** The first part. */
  async morning(): Promise<void> {
    await Promise.all([
      this.#alice(),
      this.#bob(),
      this.#carolInTheMorning(),
      this.#dave(),
      this.#erin(),
      this.#frank(3),
      this.#aliceAgain(),
      this.#nora(),
      turnAway(this.#scene, this.#ledger),
    ]);
  }

  /** A call that is under way when the gateway is told to end, which lets it finish. */
  async lastOfTheMorning(): Promise<{ readonly over: Promise<void> }> {
    const speaker = new ModernSpeaker(this.#place, this.#actors.dave);
    const wish = call('it__fixture_slow', { ms: 500, progressEveryMs: 50 });
    const { row, over } = this.#begin(speaker, wish);
    await row.underWay;
    row.isLate = true;
    return { over };
  }

  /** The second part, with another process of the gateway. */
  async evening(): Promise<void> {
    this.#ledger.run = 2;
    await Promise.all([
      this.#again('alice', openSdkV1, 20),
      this.#again('bob', openSdkV2, 20),
      this.#again('erin', openSdkV1, 8),
      this.#carolInTheEvening(),
      this.#frank(2),
      turnAway(this.#scene, this.#ledger),
    ]);
  }

  async #alice(): Promise<void> {
    const alice = await openSdkV1(this.#place, this.#actors.alice);
    await this.#mixed(alice, 40, [
      failing('it__test_error_handling', {}),
      erring('it__fixture_rpc_error', { code: -32_012 }, -32_012),
      erring('new__fixture_rpc_error', { code: -32_603 }, -32_603),
      refused('it__fixture_echo', { who: 'eve' }, 'FORBIDDEN', { rule: 'not-eve' }),
      call('memory__create_entities', {
        entities: [{ name: 'ledger', entityType: 'book', observations: ['is kept'] }],
      }),
      call('memory__read_graph', {}),
      call('memory__search_nodes', { query: 'book' }),
      call(
        'far__three_days',
        { city: 'Brno' },
        { target: 'forecast', custom: 'three_days', judged: { city: 'Brno', days: 3 } },
      ),
      refused('far__three_days', { city: 'a city with far too long a name' }, 'PARAMS_INVALID', {
        target: 'forecast',
        custom: 'three_days',
        judged: { city: 'a city with far too long a name', days: 3 },
      }),
    ]);
    await this.#onlyOneAtATime(alice);
    await this.#crash(alice);
    await alice.close();
  }

  async #bob(): Promise<void> {
    const bob = await openSdkV2(this.#place, this.#actors.bob);
    await this.#mixed(bob, 36, [
      refused('it__fixture_exit', { code: 1 }, 'TARGET_UNKNOWN'),
      refused('files__write_file', { path: '/nowhere', content: 'x' }, 'TARGET_UNKNOWN'),
      unknown('tools/call', 'it__made_up'),
      unknown('prompts/get', 'nobodys__prompt'),
      call(
        'everything__get-annotated-message',
        { messageType: 'success' },
        { shadows: ['watched'] },
      ),
      call('slow__fixture_slow', { ms: 5000 }, { outcome: 'timed-out', code: 'UPSTREAM_TIMEOUT' }),
      call('slow__fixture_slow', { ms: 5000 }, { outcome: 'timed-out', code: 'UPSTREAM_TIMEOUT' }),
      failing('new__test_error_handling'),
    ]);
    for (const warnings of [[], [], ['shadow would-be-two'], ['shadow would-be-two']])
      await this.#do(bob, call('far__forecast', { city: 'Oslo', days: 2 }, { warnings }));
    await this.#givenUp(bob, endless('new__fixture_slow'));
    await bob.close();
  }

  async #carolInTheMorning(): Promise<void> {
    const carol = await LegacySpeaker.open(this.#place, this.#actors.carol, ANSWERS);
    this.#carol = carol;
    const uri = 'test://watched-resource';
    const watched = read('it', uri).expected;
    await this.#mixed(carol, 36, [
      { method: 'resources/subscribe', params: { uri }, expected: watched },
      { method: 'resources/unsubscribe', params: { uri }, expected: watched },
      own('logging/setLevel', { level: 'error' }),
      own('ping'),
      {
        method: UNKNOWN_METHOD,
        params: {},
        expected: { outcome: 'refused', code: 'METHOD_UNKNOWN' },
      },
      {
        ...list('tools/list'),
        params: { cursor: 'nonsense' },
        expected: { outcome: 'refused', code: 'PARAMS_INVALID' },
      },
      {
        method: 'tools/call',
        params: { arguments: { text: 'nobody' } },
        expected: { outcome: 'refused', code: 'PARAMS_INVALID' },
      },
      {
        method: 'resources/read',
        params: { uri: 'nowhere://a' },
        expected: { outcome: 'refused', code: 'RESOURCE_UNKNOWN' },
      },
    ]);
    await this.#tooOften(carol, 3);
    await this.#asked(carol);
    await this.#givenUp(carol, endless('it__fixture_slow'));
  }

  async #carolInTheEvening(): Promise<void> {
    const carol = this.#carol;
    if (carol === undefined) throw new Error('There was no morning.');
    await this.#mixed(carol, 10, [own('ping')]);
    // What was counted of a rate is forgotten with the process.
    await this.#tooOften(carol, 3);
    await carol.close();
  }

  async #dave(): Promise<void> {
    const elicits = { elicitation: {} };
    const dave = new ModernSpeaker(this.#place, this.#actors.dave, elicits);
    const limit = { rule: 'limit short-answers', warnings: ['over short-answers'], isSent: true };
    await this.#mixed(dave, 36, [
      call('it__fixture_big', { bytes: 900 }),
      refused('it__fixture_big', { bytes: 4000 }, 'RESULT_TOO_LARGE', limit),
      refused('new__fixture_big', { bytes: 4000 }, 'RESULT_TOO_LARGE', limit),
      refused('memory__read_graph', {}, 'INSUFFICIENT_SCOPE'),
      refused('memory__create_entities', { entities: [] }, 'TARGET_UNKNOWN'),
      erring('new__fixture_rpc_error', { code: -32_013 }, -32_013),
      own('server/discover'),
    ]);
    await this.#rounds(dave);
    await this.#waiting(dave);
    await this.#givenUp(
      dave,
      own('subscriptions/listen', { notifications: { toolsListChanged: true } }),
    );
    await this.#givenUp(dave, endless('it__fixture_slow'));
  }

  async #erin(): Promise<void> {
    const erin = await openSdkV1(this.#place, this.#actors.erin);
    await this.#mixed(erin, 30, [failing('far__test_error_handling'), own('ping')]);
    await erin.close();
  }

  async #aliceAgain(): Promise<void> {
    const phone = new ModernSpeaker(this.#place, this.#actors.aliceAgain);
    await this.#mixed(phone, 24, [
      refused('it__fixture_echo', { who: 'eve', text: 'x' }, 'FORBIDDEN', { rule: 'not-eve' }),
    ]);
  }

  /** A gateway of her own, started by her client, which shares nothing with the other one but the data folder. */
  async #nora(): Promise<void> {
    const nora = await openStdio(this.#place, this.#actors.nora, this.#scene.stdio('nora'));
    await this.#mixed(nora, 10, [failing('far__test_error_handling')]);
    const own = this.#ledger.rows.filter(({ actor }) => actor === nora.actor);
    const counted = own.filter((row) => spentBy(row) !== undefined).length;
    await this.#scene.untilAudited('all tokens of Nora were counted', (lines) => {
      const hers = exchangesIn(lines).filter(({ client }) => client === nora.actor.client);
      return hers.filter(({ tokens }) => tokens !== undefined).length >= counted;
    });
    await nora.close();
  }

  /** Of the five calls a month has for him, some before and some after the gateway was started anew; then one too many. */
  async #frank(calls: number): Promise<void> {
    const actor = this.#actors.frank;
    const frank = await LegacySpeaker.open(this.#place, actor);
    const random = this.#chanceOf(actor);
    await this.#mixed(frank, 0, restricted(actor, 12, random, this.#scene.files));
    const batch = restricted(actor, 4, random, this.#scene.files);
    // One POST has one set of headers.
    const trace = someTrace(random, 'header');
    await frank.sendBatch(batch.map((wish) => this.#open(frank, wish, trace)));
    const isEvening = this.#ledger.run === 2;
    const warnings = isEvening ? ['near five-a-month'] : [];
    for (let count = 0; count < calls; count += 1)
      await this.#do(frank, call('new__test_simple_text', {}, { warnings }));
    const over = { rule: 'limit five-a-month', warnings: ['over five-a-month'] };
    if (isEvening) await this.#do(frank, refused('new__test_simple_text', {}, 'LIMITED', over));
    await frank.close();
  }

  async #again(name: ActorName, open: typeof openSdkV1, count: number): Promise<void> {
    const speaker = await open(this.#place, this.#actors[name]);
    await this.#mixed(speaker, count, []);
    await speaker.close();
  }

  /** While one call is under way a second one is over the limit; the first is then given up. */
  async #onlyOneAtATime(alice: Speaker): Promise<void> {
    const giveUp = new AbortController();
    const { row, over } = this.#begin(alice, endless('it__fixture_slow'), giveUp.signal);
    await row.underWay;
    const limit = { rule: 'limit one-at-a-time', warnings: ['over one-at-a-time'] };
    await this.#do(alice, refused('it__fixture_slow', { ms: 1 }, 'LIMITED', limit));
    giveUp.abort();
    await over;
  }

  /** A server ends in mid-call, and is there again for the next one. */
  async #crash(alice: Speaker): Promise<void> {
    const lost = { outcome: 'refused', code: 'UPSTREAM_LOST', isSent: true } as const;
    await this.#do(alice, call('brittle__fixture_exit', { code: 3 }, lost));
    this.#ledger.crashes.push({ run: this.#ledger.run, server: 'brittle' });
    await this.#do(alice, call('brittle__fixture_echo', { text: 'back again' }));
  }

  async #tooOften(carol: Speaker, allowed: number): Promise<void> {
    for (let count = 0; count < allowed; count += 1)
      await this.#do(carol, call('far__weather', { day: count }));
    const limit = { rule: 'limit three-an-hour', warnings: ['over three-an-hour'] };
    for (let count = 0; count < 2; count += 1)
      await this.#do(carol, refused('far__weather', { day: count }, 'LIMITED', limit));
  }

  /** What a server asks is in the books too, as well as the call in which it asks. */
  async #asked(carol: Speaker): Promise<void> {
    this.#ask(carol, 'elicitation/create', { outcome: 'ok', target: 'elicitation' });
    await this.#do(carol, call('asker__test_elicitation', { message: 'Who are you?' }));
    const denied = { outcome: 'refused', code: 'ASK_FORBIDDEN', rule: 'no-sampling' } as const;
    this.#ask(carol, 'sampling/createMessage', { ...denied, target: 'sampling' });
    const failed = { outcome: 'error', code: '1406' } as const;
    await this.#do(carol, call('asker__test_sampling', { prompt: 'Say hi' }, failed));
  }

  #ask({ actor }: Speaker, method: string, expected: Wish['expected']): void {
    this.#ledger.open({
      actor,
      method,
      params: {},
      expected: { ...ASK, rule: actor.grant, ...expected },
      trace: undefined,
    });
  }

  /** A call in two rounds: asked for input, the client comes back with it. */
  async #rounds(dave: ModernSpeaker): Promise<void> {
    const answer = { action: 'accept', content: { name: 'Dave', ok: true } };
    for (const tool of ['elicitation', 'request_state']) {
      this.#askedOf(dave, 'new');
      const first = await this.#do(dave, asking(`new__test_input_required_result_${tool}`, {}));
      await this.#do(dave, goingOn(first, answer));
    }
  }

  /** Calls that wait at a legacy server for their client: one of three rounds, one that is declined, one that is left alone. */
  async #waiting(dave: ModernSpeaker): Promise<void> {
    const answer = { action: 'accept', content: { name: 'Dave', color: 'blue' } };
    const twice = asking('quiz__test_input_required_result_multi_round', { why: 'a long reason' });
    for (const _round of [1, 2]) this.#askedOf(dave, 'quiz');
    const first = await this.#do(dave, twice);
    const second = await this.#do(dave, goingOn(first, answer, 'input-required'));
    await this.#do(dave, goingOn(second, answer));
    const once = asking('quiz__test_elicitation', { message: 'Who are you?' });
    for (const _call of [1, 2]) this.#askedOf(dave, 'quiz');
    const declined = await this.#do(dave, once);
    await this.#do(dave, goingOn(declined, { action: 'decline' }));
    const left = await this.#do(dave, once);
    await this.#scene.untilMetrics('a call was given up', (page) =>
      linesIn(page, 'mcpx_parked_ended_total', { reason: 'expired' }).some(
        ({ value }) => value > 0,
      ),
    );
    // The state says nothing any more, not even of which call it was.
    const refusal = { outcome: 'refused', code: 'PARAMS_INVALID' } as const;
    await this.#do(dave, { ...goingOn(left, answer), expected: refusal, first: undefined });
    const { run, waited } = this.#ledger;
    for (const reason of ['resumed', 'resumed', 'resumed', 'expired']) waited.push({ run, reason });
  }

  #askedOf(speaker: Speaker, server: string): void {
    this.#ask(speaker, 'elicitation/create', { outcome: 'ok', target: 'elicitation', server });
  }

  async #givenUp(speaker: Speaker, wish: Wish): Promise<void> {
    const giveUp = new AbortController();
    const { row, over } = this.#begin(speaker, wish, giveUp.signal);
    await row.underWay;
    giveUp.abort();
    await over;
  }

  async #mixed(speaker: Speaker, count: number, special: readonly Wish[]): Promise<void> {
    const random = this.#chanceOf(speaker.actor);
    const usual = ordinary(speaker.actor, count, random, this.#scene.files);
    for (const wish of random.shuffled([...usual, ...special])) await this.#do(speaker, wish);
    await this.#do(speaker, own(speaker.actor.era === 'legacy' ? 'ping' : 'server/discover'));
  }

  async #do(speaker: Speaker, wish: Wish): Promise<Row> {
    const { row, over } = this.#begin(speaker, wish);
    await over;
    return row;
  }

  #begin(speaker: Speaker, wish: Wish, signal?: AbortSignal): { row: Row; over: Promise<void> } {
    const row = this.#open(speaker, wish);
    return { row, over: speaker.send(row, signal) };
  }

  #open({ actor }: Speaker, wish: Wish, trace = this.#trace(actor, wish.way)): Row {
    const { method, params, expected, first } = wish;
    const isSlow = params['name'] !== undefined && String(params['name']).endsWith('_slow');
    const row = this.#ledger.open({
      actor,
      method,
      params: isSlow ? { ...params, _meta: { progressToken: this.#ledger.rows.length } } : params,
      expected: expected.server === undefined ? expected : { rule: actor.grant, ...expected },
      trace,
      first,
    });
    return row;
  }

  #trace(actor: Actor, way: TraceWay | undefined): Row['trace'] {
    const random = this.#chanceOf(actor);
    const ways = actor.transport === 'stdio' ? BARE_WAYS : WAYS;
    return someTrace(random, way ?? random.of(ways));
  }

  #chanceOf(actor: Actor): SeededRandom {
    const random = this.#chances.get(actor);
    if (random === undefined) throw new Error(`${actor.client} has no part in this.`);
    return random;
  }
}
