import type { Entry, GatewayEvent, Recorded, Sink, TurnedAway } from '../kernel/entry.ts';
import type { AuditPlan } from '../kernel/record-plan.ts';
import { Transients } from '../kernel/transients.ts';
import { entryLine, eventLine, spendingLine, turnedAwayLine } from './audit/audit-line.ts';
import { AuditWriter } from './audit/audit-writer.ts';
import { isChainEvent } from './audit/chain.ts';
import { Exports, type ExportReading } from './audit/exports.ts';
import { OpenChain } from './audit/open-chain.ts';
import type { AuditPorts } from './audit/ports.ts';
import { Upkeep } from './audit/upkeep.ts';

/** What an audit is made of. */
export interface AuditTerms {
  /** Folder of the files; made when it is missing. */
  readonly folder: string;
  readonly ports: AuditPorts;
  plan(): AuditPlan;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of chains whose process ended without a word: their last lines are lost. */
  onLost(chains: readonly string[]): void;
  /** Takes why something could not be written, sent or removed. */
  onError(error: unknown): void;
}

/** The audit since the process started. */
export interface AuditCounts extends ExportReading {
  /** Records written; not counted are the lines that hold the chain together. */
  readonly lines: number;
  readonly lost: number;
  readonly waitingBytes: number;
  readonly isFailing: boolean;
  readonly segments: number;
  /** When the last line was anchored, in milliseconds since the epoch. */
  readonly lastAnchorAt: number | undefined;
}

/** An exchange that has ended, and when (monotonic milliseconds). */
interface Expected {
  readonly entry: Entry;
  readonly since: number;
}

/** What is still told of an audit that is switched off: that it was. */
const LAST_WORDS = new Set(['config-changed', 'gateway-stopped']);

/**
 * The audit (docs/rules.md R22): one line of JSON per exchange, as `entryLine` describes it, in a chain of signed and anchored
 * segments that their owner alone may read. Taking something never waits and never throws.
 */
export class AuditSink implements Sink {
  readonly #terms: AuditTerms;
  readonly #writer: AuditWriter;
  readonly #exports: Exports;
  readonly #upkeep: Upkeep;
  /** Exchanges that have ended and whose tokens are being counted, and since when. */
  readonly #expected = new Transients<string, Expected>();
  /** Those that were written before their tokens were counted. */
  readonly #early = new WeakSet<Entry>();
  #sweepTimer: NodeJS.Timeout | undefined;
  #open: OpenChain | undefined;

  /** Begins the chain soon, where the plan has the audit on. */
  constructor(terms: AuditTerms) {
    const { folder, ports } = terms;
    const now = (): number => terms.now();
    const plan = (): AuditPlan => terms.plan();
    const onError = (error: unknown): void => terms.onError(error);
    this.#terms = terms;
    this.#exports = new Exports(onError);
    this.#upkeep = new Upkeep({
      folder,
      ports,
      plan,
      now,
      onError,
      onLost: (chains) => terms.onLost(chains),
    });
    this.#writer = new AuditWriter({
      folder,
      plan,
      now,
      onError,
      open: () => this.#begin(),
      sent: (lines) => this.#exports.take(lines, plan()),
      onSegment: () => this.#tend(),
    });
    if (plan().isOn) this.#writer.start();
  }

  /**
   * Says that an exchange has ended and will be taken once its tokens are counted. Where that takes longer than lines may wait, it
   * is written without them, and they follow in a line of their own: counting must not widen what a kill can lose.
   */
  expect(entry: Entry): void {
    const { isOn, flushMs } = this.#terms.plan();
    if (!isOn) return;
    this.#expected.set(entry.id, { entry, since: performance.now() });
    this.#sweepTimer ??= setTimeout(() => this.#sweep(), flushMs);
  }

  /** Writes one exchange down. */
  take(recorded: Recorded): void {
    const { isOn } = this.#terms.plan();
    const { entry, spending } = recorded;
    this.#expected.delete(entry.id);
    if (!isOn) return;
    if (!this.#early.has(entry)) this.#write(recorded);
    else if (spending !== undefined)
      this.#guarded(() => this.#writer.add(spendingLine(entry.id, spending, this.#terms.now())));
  }

  /** Writes requests down that were refused before they were on any road. */
  turnedAway(record: TurnedAway): void {
    if (!this.#terms.plan().isOn) return;
    this.#guarded(() => this.#writer.addOutside(turnedAwayLine(record, this.#terms.now())));
  }

  /** Writes down what happened to the gateway itself. */
  event(event: GatewayEvent): void {
    const isTold = this.#terms.plan().isOn || (this.#writer.isUsed && isLast(event));
    if (!isTold || isChainEvent(event.event)) return;
    this.#guarded(() => this.#writer.add(eventLine(event, this.#terms.now())));
  }

  /** Whether a call may go upstream: false while it could not be recorded and the plan is to make none then. */
  canRecord(): boolean {
    if (!this.#writer.isFailing) return true;
    const { isOn, onFailure } = this.#terms.plan();
    return !isOn || onFailure !== 'refuse';
  }

  counts(): AuditCounts {
    const { isFailing } = this.#writer;
    return { ...this.#writer.counts(), isFailing, ...this.#exports.counts() };
  }

  /** Resolves when all that was taken is written and sent, or cannot be. */
  async close(): Promise<void> {
    clearTimeout(this.#sweepTimer);
    for (const { entry } of this.#expected.values()) this.#write({ entry, spending: undefined });
    this.#expected.clear();
    this.#upkeep.stop();
    await this.#writer.close();
    await Promise.all([this.#upkeep.idle(), this.#exports.close()]);
    this.#open?.release();
    this.#open = undefined;
  }

  #write(recorded: Recorded): void {
    const { arguments: mode } = this.#terms.plan();
    this.#guarded(() => this.#writer.add(entryLine(recorded, mode)));
  }

  /** Writes what has waited long enough. */
  #sweep(): void {
    this.#sweepTimer = undefined;
    const { flushMs } = this.#terms.plan();
    const now = performance.now();
    for (const { entry, since } of this.#expected.values()) {
      const restMs = flushMs - (now - since);
      if (restMs > 0) {
        this.#sweepTimer = setTimeout(() => this.#sweep(), Math.ceil(restMs));
        break;
      }
      this.#expected.delete(entry.id);
      this.#early.add(entry);
      this.#write({ entry, spending: undefined });
    }
    // Those whose tokens were counted meanwhile have waited as long.
    this.#writer.flush();
  }

  #begin(): OpenChain {
    const terms = this.#terms;
    this.#open = new OpenChain({
      ports: terms.ports,
      flushMs: terms.plan().flushMs,
      maxBytes: () => terms.plan().maxSegmentBytes,
      now: () => terms.now(),
    });
    return this.#open;
  }

  #tend(): void {
    if (this.#open !== undefined) this.#upkeep.run(this.#writer, this.#open);
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#terms.onError(error);
    }
  }
}

function isLast({ event }: GatewayEvent): boolean {
  return LAST_WORDS.has(event);
}
