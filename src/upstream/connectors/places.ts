import type { WireFailure } from '../wire.ts';
import type { FetchSink, Fetching } from './http-fetch.ts';

/** Someone who waits for a place. */
interface Waiting {
  begin(): void;
}

const NOT_SENT: WireFailure = {
  kind: 'unsent',
  message: 'ended its connection before this was sent',
};

/**
 * How many requests to one server may be under way at once; whoever comes later waits, first come first. One whose server waits
 * for an answer of the gateway gives its place back: else those that wait for their clients would keep all others out.
 */
export class Places {
  #free: number;
  readonly #waiting = new Set<Waiting>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Starts a request as soon as there is a place; the sink is told of its end also when it was never started. */
  start(sink: FetchSink, begin: (sink: FetchSink) => Fetching): Fetching {
    let fetching: Fetching | undefined;
    let isHeld = false;
    const giveWay = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#leave();
    };
    const waiting: Waiting = {
      begin: () => {
        isHeld = true;
        fetching = begin({
          ...sink,
          onEnd: (failure) => {
            giveWay();
            sink.onEnd(failure);
          },
        });
      },
    };
    if (this.#free > 0) {
      this.#free -= 1;
      waiting.begin();
    } else {
      this.#waiting.add(waiting);
    }
    return {
      giveWay,
      answered: () => {
        giveWay();
        fetching?.answered?.();
      },
      abort: () => {
        if (this.#waiting.delete(waiting)) sink.onEnd(NOT_SENT);
        else fetching?.abort();
      },
    };
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.begin();
  }
}
