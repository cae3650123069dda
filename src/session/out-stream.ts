import type { Keeper, KeptTotal } from './kept-total.ts';

/** A stream that was taken to its end is kept only as long as a connection takes to break. */
const DELIVERED_MS = 5000;

/** Where a stream's messages go. */
interface Sink {
  write(event: number, text: string): void;
  end(): void;
}

/** How much all streams of a session together may keep. */
export interface StoreBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** How long an ended stream that was not fully delivered can be resumed, in milliseconds. */
  readonly resumableMs: number;
}

interface Kept {
  readonly stream: SessionStream;
  readonly event: number;
  readonly text: string;
}

/** Ended streams of one session that are kept; an answer of its own to each of so many calls within the time one is kept is much. */
const MAX_STREAMS = 1000;

/** The messages of one session that its client could still ask for again, oldest first, within bounds. */
export class EventStore implements Keeper {
  readonly bounds: StoreBounds;
  readonly #total: KeptTotal;
  readonly #streams = new Map<number, SessionStream>();
  #kept: Kept[] = [];
  #bytes = 0;
  #lastId: number;

  /** Numbers of streams begin where none of before a restart can be: an old event id then leads nowhere. */
  constructor(bounds: StoreBounds, firstId: number, total: KeptTotal) {
    this.bounds = bounds;
    this.#total = total;
    this.#lastId = firstId;
  }

  /** Characters and streams that are kept. */
  get size(): { readonly chars: number; readonly streams: number } {
    return { chars: this.#bytes, streams: this.#streams.size };
  }

  get kept(): number {
    return this.#bytes;
  }

  open(): SessionStream {
    if (this.#streams.size >= MAX_STREAMS) this.#freeOldest();
    const stream = new SessionStream(this.#lastId, this);
    this.#lastId += 1;
    this.#streams.set(stream.id, stream);
    return stream;
  }

  find(id: number): SessionStream | undefined {
    return this.#streams.get(id);
  }

  keep(stream: SessionStream, event: number, text: string): void {
    this.#kept.push({ stream, event, text });
    this.#bytes += text.length;
    const before = this.#bytes;
    while (this.#kept.length > this.bounds.maxMessages || this.#bytes > this.bounds.maxBytes) {
      this.#bytes -= this.#kept.shift()?.text.length ?? 0;
    }
    this.#total.add(this, text.length + this.#bytes - before);
  }

  shrinkTo(chars: number): void {
    const before = this.#bytes;
    let count = 0;
    while (this.#bytes > chars && count < this.#kept.length) {
      this.#bytes -= this.#kept[count]?.text.length ?? 0;
      count += 1;
    }
    this.#kept.splice(0, count);
    this.#total.add(this, this.#bytes - before);
  }

  /** What a stream was given after an event and that is still kept. */
  *after(
    stream: SessionStream,
    event: number,
  ): Generator<{ readonly event: number; readonly text: string }> {
    for (const kept of this.#kept) if (kept.stream === stream && kept.event > event) yield kept;
  }

  /** Forgets a stream and all it kept. */
  free(stream: SessionStream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#take(this.#kept.filter((kept) => kept.stream !== stream));
  }

  clear(): void {
    for (const stream of [...this.#streams.values()]) stream.end();
    this.#streams.clear();
    this.#take([]);
  }

  #take(kept: Kept[]): void {
    const before = this.#bytes;
    this.#kept = kept;
    this.#bytes = kept.reduce((sum, { text }) => sum + text.length, 0);
    this.#total.add(this, this.#bytes - before);
  }

  #freeOldest(): void {
    for (const stream of this.#streams.values()) {
      if (!stream.isEnded) continue;
      this.free(stream);
      return;
    }
  }
}

/** One stream of messages to a client, which can be taken up again where it broke off (spec 2025-11-25, resumability). */
export class SessionStream {
  readonly id: number;
  readonly #store: EventStore;
  #sink: Sink | undefined;
  #lastEvent = 0;
  #delivered = 0;
  #isEnded = false;

  constructor(id: number, store: EventStore) {
    this.id = id;
    this.#store = store;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  write(text: string): void {
    if (this.#isEnded) return;
    this.#lastEvent += 1;
    this.#store.keep(this, this.#lastEvent, text);
    if (this.#sink !== undefined) this.#deliver(this.#sink, this.#lastEvent, text);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#sink === undefined) this.#freeAfter(this.#store.bounds.resumableMs);
    else this.#sink.end();
  }

  /**
   * Sends what came after an event, or what no sink was sent yet, and all that follows. The result lets go of the sink: whether
   * all that it was sent has been taken says how long the stream may still be asked for.
   */
  attach(sink: Sink, afterEvent: number | undefined): (isTaken?: boolean) => void {
    this.#sink?.end();
    this.#sink = sink;
    const kept = [...this.#store.after(this, afterEvent ?? this.#delivered)];
    for (const { event, text } of kept) this.#deliver(sink, event, text);
    if (this.#isEnded) sink.end();
    return (isTaken = false) => {
      if (this.#sink !== sink) return;
      this.#sink = undefined;
      const { resumableMs } = this.#store.bounds;
      if (this.#isEnded)
        this.#freeAfter(isTaken ? Math.min(resumableMs, DELIVERED_MS) : resumableMs);
    };
  }

  #freeAfter(ms: number): void {
    setTimeout(() => this.#store.free(this), ms).unref();
  }

  #deliver(sink: Sink, event: number, text: string): void {
    this.#delivered = event;
    sink.write(event, text);
  }
}
