import type { Worker } from 'node:worker_threads';

import type { Entry } from '../../kernel/entry.ts';
import type { TokensPlan } from '../../kernel/record-plan.ts';
import type { ModelRef, Spending, Tokens } from '../../kernel/spending.ts';
import { CountCache } from './count-cache.ts';
import type { Countable } from './counting.ts';
import { CountingQueue } from './counting-queue.ts';
import type { Encoding } from './encodings.ts';
import { estimateTokens } from './estimate.ts';
import { ExactQuota } from './exact-quota.ts';
import { Learned } from './learned.ts';
import { costOf, modelOf, ratesOf, type Rates } from './model.ts';
import { estimateTexts, isWithin, type Estimate } from './sizes.ts';
import { textsOf, type Texts } from './texts.ts';

/** What a desk needs. */
export interface TokenDeskTerms {
  plan(): TokensPlan;
  /** Told when the thread that counts has died; it is started again, and until then tokens are estimated. */
  onFault?(why: string): void;
  /** Starts the thread; our own where absent. */
  startWorker?(): Worker;
  /** Longest time for a batch, after which the thread is ended; 20 s where absent. */
  readonly batchMs?: number;
  /** How long the thread may have nothing to do before it is ended; 10 s where absent. */
  readonly idleMs?: number;
}

/** The desk since the process started; exchanges, but for `cacheHits`. */
export interface TokenDeskReading {
  /** Counted to the token. */
  readonly counted: number;
  /** Estimated, for they were too long or came too fast, or because the thread had died. */
  readonly estimated: number;
  /** Waiting to be counted. */
  readonly waiting: number;
  /** Texts that had been counted before. */
  readonly cacheHits: number;
}

/** Counts of several texts. */
export interface Counted {
  readonly counts: readonly number[];
  /** Whether any of them is an estimate. */
  readonly isEstimate: boolean;
}

type Done = (spending: Spending | undefined) => void;

/** A text short enough that its count is worth keeping. */
const MAX_KEPT_CHARS = 512;
const TEXTS_KEPT = { maxEntries: 8192, maxChars: 1024 * 1024 };
const LISTS_KEPT = { maxEntries: 64, maxChars: 8 * 1024 * 1024 };
const MAX_LIST_CHARS = 4 * 1024 * 1024;
const MAX_MODELS = 500;

/** Finds out how many tokens exchanges used and what they cost. Counting is done in a thread of its own (docs/rules.md R23). */
export class TokenDesk {
  readonly #terms: TokenDeskTerms;
  readonly #queue: CountingQueue;
  readonly #quota = new ExactQuota();
  readonly #learned = new Learned();
  readonly #texts = new Map<Encoding, CountCache>();
  readonly #lists = new Map<Encoding, CountCache>();
  #rates = new Map<string, Rates>();
  #ratedBy: TokensPlan | undefined;
  #counted = 0;
  #estimated = 0;
  #cacheHits = 0;

  /** Nothing is started before the first exchange that has something to count. */
  constructor(terms: TokenDeskTerms) {
    this.#terms = terms;
    this.#queue = new CountingQueue(terms);
  }

  /** Calls `done` exactly once: at once with an estimate or what is known, soon with counts; with nothing where nothing counts. */
  settle(entry: Entry, done: Done): void {
    const plan = this.#terms.plan();
    const texts = plan.isOn ? textsOf(entry) : undefined;
    if (texts === undefined) {
      done(undefined);
      return;
    }
    const rates = this.#ratesOf(modelOf(entry, plan), plan);
    const { encoding } = rates;
    const { media } = texts;
    const countables = this.#isWorthCounting(texts, plan)
      ? countablesOf(texts, encoding, plan.maxExactBytes)
      : undefined;
    if (countables === undefined) {
      this.#estimated += 1;
      done(spendingOf(this.#estimate(entry, texts, encoding), { rates, media, isEstimate: true }));
      return;
    }
    this.#count(countables, plan.maxQueue, ({ counts, isEstimate }) => {
      const shares = shared(counts, texts.args !== undefined);
      if (isEstimate) this.#estimated += 1;
      else {
        this.#counted += 1;
        this.#learned.learn(entry, texts, { ...shares, encoding });
      }
      done(spendingOf(shares, { rates, media, isEstimate }));
    });
  }

  /** How many tokens each of some texts has: of all definitions of a view, say. */
  count(texts: readonly string[], encoding: Encoding): Promise<Counted> {
    const items = texts.map((text) => ({ encoding, kind: 'text', text }) as const);
    return new Promise((resolve) => {
      this.#count(items, Infinity, resolve);
    });
  }

  counts(): TokenDeskReading {
    return {
      counted: this.#counted,
      estimated: this.#estimated,
      cacheHits: this.#cacheHits,
      waiting: this.#queue.waiting,
    };
  }

  /** Settles what waits, within two seconds, and ends the thread. What comes later is estimated. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Lists come seldom, and mostly again. */
  #isWorthCounting({ list }: Texts, { maxExactPerSecond }: TokensPlan): boolean {
    return list !== undefined || this.#quota.take(maxExactPerSecond, performance.now());
  }

  #estimate(entry: Entry, texts: Texts, encoding: Encoding): Estimate {
    const { maxExactBytes } = this.#terms.plan();
    return (
      this.#learned.estimate(entry, texts, encoding, maxExactBytes) ??
      estimateTexts(texts, encoding, entry.resultChars)
    );
  }

  #ratesOf(model: ModelRef | undefined, plan: TokensPlan): Rates {
    if (model === undefined) return ratesOf(model, plan);
    if (this.#ratedBy !== plan || this.#rates.size >= MAX_MODELS) {
      this.#ratedBy = plan;
      this.#rates = new Map();
    }
    const key = `${model.provider} ${model.id}`;
    const known = this.#rates.get(key);
    if (known !== undefined) return known;
    const rates = ratesOf(model, plan);
    this.#rates.set(key, rates);
    return rates;
  }

  /** Counts what was not counted before, and tells all together. */
  #count(items: readonly Countable[], maxQueue: number, tell: (counted: Counted) => void): void {
    const counts = items.map((item) => this.#cacheOf(item)?.get(item.text) ?? UNCOUNTED);
    const missing = items.filter((_, place) => counts[place] === UNCOUNTED);
    this.#cacheHits += items.length - missing.length;
    if (missing.length === 0) {
      tell({ counts, isEstimate: false });
      return;
    }
    this.#queue.add(missing, maxQueue, (found) => {
      let isEstimate = false;
      let next = 0;
      for (const [place, item] of items.entries()) {
        if (counts[place] !== UNCOUNTED) continue;
        const count = found?.[next] ?? UNCOUNTED;
        next += 1;
        if (count < 0) isEstimate = true;
        else this.#cacheOf(item)?.set(item.text, count);
        counts[place] = count < 0 ? estimateTokens(item.text, item.encoding) : count;
      }
      tell({ counts, isEstimate });
    });
  }

  /** Where counts of such a text are kept; undefined where they are not. */
  #cacheOf({ encoding, kind, text }: Countable): CountCache | undefined {
    if (kind === 'text' && text.length > MAX_KEPT_CHARS) return undefined;
    const [caches, bounds] =
      kind === 'text' ? [this.#texts, TEXTS_KEPT] : [this.#lists, LISTS_KEPT];
    const cache = caches.get(encoding) ?? new CountCache(bounds);
    caches.set(encoding, cache);
    return cache;
  }
}

const UNCOUNTED = -1;

/** What is counted for an exchange, its arguments first; undefined where it is too long. */
function countablesOf(texts: Texts, encoding: Encoding, maxBytes: number): Countable[] | undefined {
  const { args, parts, list } = texts;
  if (list !== undefined)
    return list.length > MAX_LIST_CHARS ? undefined : [{ encoding, kind: 'list', text: list }];
  if (!isWithin(texts, maxBytes)) return undefined;
  return [...(args === undefined ? [] : [args]), ...parts].map((part) => ({
    encoding,
    kind: 'text',
    text: typeof part === 'string' ? part : JSON.stringify(part),
  }));
}

type Shares = Pick<Tokens, 'arguments' | 'result'>;

/** The first count is that of the arguments, where there are any. */
function shared(counts: readonly number[], hasArguments: boolean): Shares {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const written = hasArguments ? (counts[0] ?? 0) : 0;
  return { arguments: written, result: all - written };
}

interface Circumstances {
  readonly rates: Rates;
  readonly media: number;
  readonly isEstimate: boolean;
}

function spendingOf(shares: Shares, { rates, media, isEstimate }: Circumstances): Spending {
  const tokens: Tokens = {
    arguments: shares.arguments,
    result: shares.result + media,
    isEstimate: isEstimate || media > 0 || rates.isGuess,
    encoding: rates.encoding,
  };
  return { tokens, model: rates.model, cost: costOf(tokens, rates) };
}
