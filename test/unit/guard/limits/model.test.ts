import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { Refusal } from '../../../../src/kernel/refusals.ts';
import { budget, caller, DAY, folderFor, HOUR, limit, LimitScene } from './scene.ts';

const CALLS = 6;
const TOKENS = 50;
const IN_FLIGHT = 3;
const BURST = 4;
const INTERVAL = 1_000;
const ANNA = caller('anna');

interface Used {
  calls: number;
  tokens: number;
}

/** What a call should come to, counted in the plainest way there is. */
class Model {
  readonly #days = new Map<number, Used>();
  #day: number | undefined;
  #begun = 0;
  bucket = BURST * INTERVAL;
  flying: string[] = [];

  /** Whether the wall clock may be set to a moment without having been wrong by more than a window. */
  allows(now: number): boolean {
    return dayOf(now) >= (this.#day === undefined ? this.#begun : this.#day - 1);
  }

  expected(now: number): string | undefined {
    const { calls, tokens } = this.used(now);
    if (this.flying.length >= IN_FLIGHT) return 'flight';
    if (this.bucket < INTERVAL) return 'rate';
    return calls + 1 > CALLS || tokens >= TOKENS ? 'day' : undefined;
  }

  /** What counts at a moment: a day that has begun is not left for the one before. */
  used(now: number): Used {
    const today = dayOf(now);
    if (this.#day === undefined || today !== this.#day - 1) this.#day = today;
    const used = this.#days.get(this.#day) ?? { calls: 0, tokens: 0 };
    this.#days.set(this.#day, used);
    return used;
  }

  /** Whether another process would count on in the same day. */
  canRestart(now: number): boolean {
    return this.#day === undefined || this.#day <= dayOf(now);
  }

  restart(now: number): void {
    this.#begun = dayOf(now);
    this.#day = this.#isUsed(this.#begun) ? this.#begun : undefined;
    this.bucket = BURST * INTERVAL;
    this.flying = [];
  }

  #isUsed(day: number): boolean {
    const { calls, tokens } = this.#days.get(day) ?? { calls: 0, tokens: 0 };
    return calls + tokens > 0;
  }
}

function dayOf(now: number): number {
  return Math.floor(now / DAY);
}

class Run {
  readonly model = new Model();
  readonly #t: TestContext;
  readonly #folder: string;
  readonly #admitted = new Map<string, { release(): void }>();
  readonly #unsettled: string[] = [];
  #scene: LimitScene;
  #last = 0;

  constructor(t: TestContext) {
    this.#t = t;
    this.#folder = folderFor(t);
    this.#scene = this.#start();
  }

  get now(): number {
    return this.#scene.now;
  }

  call(): void {
    this.#last += 1;
    const id = `c-${this.#last}`;
    const came = this.#scene.call(ANNA, { id });
    const limit = came instanceof Refusal ? came.data?.['limit'] : undefined;
    assert.equal(limit, this.model.expected(this.now));
    if (came === undefined || came instanceof Refusal) return;
    this.#admitted.set(id, came);
    this.#unsettled.push(id);
    this.model.flying.push(id);
    this.model.used(this.now).calls += 1;
    this.model.bucket -= INTERVAL;
  }

  end(tokens: number): void {
    const id = this.model.flying.shift();
    if (id !== undefined) this.#admitted.get(id)?.release();
    const settled = this.#unsettled.shift();
    if (settled === undefined) return;
    this.#scene.settle(settled, { tokens });
    this.model.used(this.now).tokens += tokens;
  }

  pass(ms: number): void {
    this.#scene.pass(ms);
    this.model.bucket = Math.min(BURST * INTERVAL, this.model.bucket + ms);
  }

  /** The wall clock alone is set. */
  jump(ms: number): void {
    if (this.model.allows(this.now + ms)) this.#scene.now += ms;
  }

  reload(): void {
    this.#scene.apply(PLANS);
  }

  /** Rates and what is in flight end with the process; budgets do not. */
  restart(): void {
    const { now } = this;
    if (!this.model.canRestart(now)) return;
    this.#scene.limits.close();
    this.#scene = this.#start(now);
    this.model.restart(now);
    this.#unsettled.length = 0;
    this.#admitted.clear();
  }

  #start(now?: number): LimitScene {
    const terms = { folder: this.#folder, ...(now === undefined ? {} : { now }) };
    return new LimitScene(this.#t, PLANS, terms);
  }
}

const PLANS = [
  limit('day', { per: ['consumer'], budget: budget({ calls: CALLS, tokens: TOKENS }) }),
  limit('rate', { rate: { calls: 1, perMs: INTERVAL, burst: BURST } }),
  limit('flight', { per: ['caller'], concurrency: IN_FLIGHT }),
];

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant((run: Run) => run.call()) },
  {
    weight: 6,
    arbitrary: fc.integer({ min: 0, max: 30 }).map((tokens) => (run: Run) => run.end(tokens)),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 30 * HOUR }))
      .map((ms) => (run: Run) => run.pass(ms)),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: -23 * HOUR, max: 23 * HOUR })
      .map((ms) => (run: Run) => run.jump(ms)),
  },
  { weight: 1, arbitrary: fc.constant((run: Run) => run.reload()) },
  { weight: 1, arbitrary: fc.constant((run: Run) => run.restart()) },
);

test('whatever happens in whatever order, exactly those calls are refused that a plain count refuses', (t) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const run = new Run(t);
      for (const act of steps) act(run);
    }),
    { numRuns: 60 },
  );
});
