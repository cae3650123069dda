import { join } from 'node:path';

import type { JsonObject } from '../../kernel/json.ts';
import type { AuditPlan } from '../../kernel/record-plan.ts';
import { lossLine, type Loss } from './audit-line.ts';
import type { ChainedLine, ChainEvent } from './chain.ts';
import type { OpenChain } from './open-chain.ts';
import { SegmentFile } from './segment-file.ts';
import type { Seal, SegmentedChain, SegmentPiece } from './segmented-chain.ts';

/** What writing an audit needs. */
export interface WriterTerms {
  readonly folder: string;
  plan(): AuditPlan;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Begins the chain of this process. Throws when that is not possible now. */
  open(): OpenChain;
  /** Takes lines as they are written. */
  sent(lines: readonly string[]): void;
  /** Told once when the chain has begun on disk, and each time a segment has ended. */
  onSegment(): void;
  /** Takes the first failure of a row of them; what could not be written is tried again. */
  onError(error: unknown): void;
}

/** A line to come: a record, or one to be signed. */
type Pending = string | Statement;

interface Statement {
  readonly event: ChainEvent;
  readonly fields: JsonObject;
  /** Told when the line is on disk; undefined when it will never be. */
  settle(line: ChainedLine | undefined): void;
}

const BATCH_CHARS = 65_536;
const RETRY_MS = 1000;
const CHECKPOINT_MS = 1000;
/** A disk that takes nothing for so long is failing. */
const STALL_MS = 5000;
/** So do so many characters that wait. */
const MAX_WAITING = 8 * 1024 * 1024;
/** What is under way when calls are refused already must still find room. */
const MAX_WAITING_REFUSING = 2 * MAX_WAITING;
/** What callers nobody knows may fill. */
const MAX_OUTSIDE = 1024 * 1024;

/**
 * Writes one chain of lines to its segments, soon and in order, and never makes anybody wait. While the disk takes nothing,
 * lines wait in memory up to a bound; further ones are lost, and a line says how many as soon as one can be written.
 */
export class AuditWriter {
  readonly #terms: WriterTerms;
  #pending: Pending[] = [];
  #pieces: SegmentPiece[] = [];
  /** Statements whose lines are in the pieces. */
  readonly #settling: { readonly statement: Statement; readonly line: ChainedLine }[] = [];
  #waiting = 0;
  #outside = 0;
  /** Of these two, what is in the pieces. */
  #share = { waiting: 0, outside: 0, records: 0 };
  #loss: Loss | undefined;
  #open: OpenChain | undefined;
  #file: SegmentFile | undefined;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checkpointTimer: NodeJS.Timeout | undefined;
  /** Whether anything of the chain is on disk. */
  #hasBegun = false;
  #isFailing = false;
  #isStalled = false;
  /** When the first of what waits came, in monotonic milliseconds. */
  #pendingSince = 0;
  #ending: 'no' | 'due' | 'composed' = 'no';
  #isClosed = false;
  #written = 0;
  #lost = 0;
  #lastAnchorAt: number | undefined;

  constructor(terms: WriterTerms) {
    this.#terms = terms;
  }

  /** Whether a line that is added now will be written, as far as that can be told. */
  get isFailing(): boolean {
    return this.#isFailing || this.#isStalled || this.#waiting > MAX_WAITING;
  }

  /** Whether there is anything of this chain, written or yet to be. */
  get isUsed(): boolean {
    return this.#open !== undefined || this.#pending.length > 0;
  }

  /** Numbers since the process started; bytes, and milliseconds since the epoch. */
  counts(): {
    readonly lines: number;
    readonly lost: number;
    readonly waitingBytes: number;
    readonly segments: number;
    readonly lastAnchorAt: number | undefined;
  } {
    return {
      lines: this.#written,
      lost: this.#lost,
      waitingBytes: this.#waiting + this.#outside,
      segments: this.#open?.chain.segments ?? 0,
      lastAnchorAt: this.#lastAnchorAt,
    };
  }

  /** Begins the chain, before there is anything to write. */
  start(): void {
    setImmediate(() => {
      if (this.#open === undefined && !this.#isClosed) void this.#start();
    });
  }

  /** Takes a record, the text of a JSON object; never waits. */
  add(record: string): void {
    const isRefusing = this.#terms.plan().onFailure === 'refuse';
    const bound = isRefusing ? MAX_WAITING_REFUSING : MAX_WAITING;
    if (this.#isClosed || this.#waiting + record.length > bound) {
      this.#lose();
      return;
    }
    this.#waiting += record.length;
    this.#push(record);
  }

  /** Writes what waits now, unless that is being tried already. */
  flush(): void {
    const isIdle = this.#writing === undefined && !this.#isFailing && !this.#isClosed;
    if (isIdle && this.#pending.length > 0) void this.#start();
  }

  /** Takes a record about callers nobody knows, who must not crowd out the others (docs/rules.md R22). */
  addOutside(record: string): void {
    if (this.#isClosed || this.#outside + record.length > MAX_OUTSIDE) {
      this.#lose();
      return;
    }
    this.#outside += record.length;
    this.#push(record);
  }

  /** Adds a signed line; resolves when it would survive a power cut, with undefined when it cannot be written any more. */
  state(event: ChainEvent, fields: JsonObject): Promise<ChainedLine | undefined> {
    return new Promise((settle) => {
      if (this.#isClosed) settle(undefined);
      else this.#push({ event, fields, settle });
    });
  }

  /** Writes all that waits, once more where that failed before, and ends the chain. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writing;
    this.#ending = 'due';
    if (this.#open !== undefined || this.#pending.length > 0) await this.#start();
    clearTimeout(this.#timer);
    clearTimeout(this.#checkpointTimer);
    await this.#file?.close().catch((error: unknown) => this.#terms.onError(error));
    for (const { statement } of this.#settling) statement.settle(undefined);
    for (const item of this.#pending) if (typeof item !== 'string') item.settle(undefined);
  }

  #push(item: Pending): void {
    if (this.#pending.length === 0) this.#pendingSince = performance.now();
    this.#pending.push(item);
    this.#plan();
  }

  #lose(): void {
    const at = this.#terms.now();
    this.#loss ??= { count: 0, firstAt: at, lastAt: at };
    this.#loss.count += 1;
    this.#loss.lastAt = at;
    this.#lost += 1;
  }

  /** Sees to it that what waits is written, and what is written is signed. */
  #plan(): void {
    if (this.#writing !== undefined || this.#isFailing || this.#isClosed) return;
    if (this.#pending.length > 0) this.#planFlush();
    else this.#planCheckpoint();
  }

  #planFlush(): void {
    const { flushMs } = this.#terms.plan();
    const chars = this.#waiting + this.#outside;
    if (chars >= BATCH_CHARS || flushMs === 0) void this.#start();
    else this.#timer ??= setTimeout(() => void this.#start(), this.#restOf(flushMs));
  }

  /** What waited for the disk already need not wait for company. */
  #restOf(flushMs: number): number {
    return Math.max(0, Math.ceil(flushMs - (performance.now() - this.#pendingSince)));
  }

  #planCheckpoint(): void {
    const since = this.#open?.chain.unsignedSince;
    if (since === undefined) return;
    const waitMs = Math.max(0, CHECKPOINT_MS - (performance.now() - since));
    this.#checkpointTimer ??= setTimeout(() => void this.#start(), Math.ceil(waitMs)).unref();
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer);
    clearTimeout(this.#checkpointTimer);
    this.#timer = undefined;
    this.#checkpointTimer = undefined;
    this.#writing ??= this.#write().then(() => {
      this.#writing = undefined;
      this.#plan();
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const stall = setTimeout(() => this.#stall(), STALL_MS).unref();
    try {
      this.#begin();
      do {
        if (this.#pieces.length === 0) this.#compose();
        await this.#writePieces();
        stall.refresh();
      } while (this.#waiting + this.#outside >= BATCH_CHARS || this.#ending === 'due');
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#terms.onError(error);
      this.#isFailing = true;
      this.#timer = setTimeout(() => void this.#start(), RETRY_MS).unref();
    } finally {
      clearTimeout(stall);
      this.#isStalled = false;
    }
  }

  #stall(): void {
    this.#isStalled = true;
    const why = `the disk has taken nothing for ${STALL_MS / 1000} seconds`;
    this.#terms.onError(new Error(`${this.#terms.folder}: ${why}`));
  }

  #begin(): void {
    if (this.#open !== undefined) return;
    const open = this.#terms.open();
    open.chain.setTime(this.#terms.now());
    open.chain.begin(open.begun);
    this.#open = open;
  }

  /** Lines get their place in the chain, and become bytes that are written as they are, however often it takes. */
  #compose(): void {
    const chain = this.#open?.chain;
    if (chain === undefined) return;
    const at = this.#terms.now();
    chain.setTime(at);
    const records = this.#pending.filter((item) => typeof item === 'string').length;
    this.#share = { waiting: this.#waiting, outside: this.#outside, records };
    const pending = this.#pending;
    this.#pending = [];
    for (const item of pending) {
      if (typeof item === 'string') {
        chain.add(item);
        continue;
      }
      const line = chain.seal(item.event, item.fields);
      this.#settling.push({ statement: item, line });
    }
    if (this.#loss !== undefined) chain.add(lossLine(this.#loss, at));
    this.#loss = undefined;
    this.#sign(chain);
    this.#pieces = chain.take();
    for (const { lines } of this.#pieces) this.#terms.sent(lines);
  }

  #sign(chain: SegmentedChain): void {
    const since = chain.unsignedSince;
    if (this.#ending === 'due') {
      chain.seal('chain-ended');
      this.#ending = 'composed';
    } else if (since !== undefined && performance.now() - since >= CHECKPOINT_MS)
      chain.seal('checkpoint');
  }

  async #writePieces(): Promise<void> {
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      await this.#put(piece);
      this.#pieces.shift();
    }
    this.#waiting -= this.#share.waiting;
    this.#outside -= this.#share.outside;
    this.#written += this.#share.records;
    this.#share = { waiting: 0, outside: 0, records: 0 };
    for (const { statement, line } of this.#settling.splice(0)) statement.settle(line);
  }

  async #put(piece: SegmentPiece): Promise<void> {
    const path = join(this.#terms.folder, this.#open?.fileOf(piece.segment) ?? '');
    this.#file ??= await SegmentFile.create(path);
    const file = this.#file;
    await file.write(piece);
    if (piece.seal !== undefined) await this.#secure(file, piece.seal, piece.isEnd);
    if (piece.isEnd) {
      this.#file = undefined;
      await file.close();
    }
    if (piece.isEnd || !this.#hasBegun) this.#terms.onSegment();
    this.#hasBegun = true;
  }

  /** What is anchored must be on disk, or a power cut would look like somebody had removed it. */
  async #secure(file: SegmentFile, seal: Seal, isEnd: boolean): Promise<void> {
    await file.sync();
    if (!(await file.isIntact()) && !isEnd) {
      const what = 'was changed, moved or removed by somebody else; its lines go on in a new file';
      this.#terms.onError(new Error(`${file.path} ${what}`));
      this.#open?.chain.turn();
    }
    try {
      this.#open?.anchor(seal);
      this.#lastAnchorAt = seal.at;
    } catch (error) {
      // The lines are written and signed; the next signature is anchored again.
      this.#terms.onError(error);
    }
  }
}
