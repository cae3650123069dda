import { OTHER, seriesKey, type Series } from '../../kernel/usage.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DAY_FACTOR = 10;
const NAMELESS_FACTOR = 2;

/** Bounds the series that are told apart within a minute and within a day. */
export class SeriesBound {
  readonly #ofMinute = new Seen(MINUTE_MS);
  readonly #ofDay = new Seen(DAY_MS);

  /**
   * The series itself, up to so many within a minute and ten times as many within a day. Of further ones first the client, which
   * names itself, is `other`, and at last all names are: methods and outcomes are few.
   */
  admitted(series: Series, at: number, most: number): Series {
    if (this.#admits(series, at, most)) return series;
    const nameless = { ...series, client: OTHER };
    if (this.#admits(nameless, at, NAMELESS_FACTOR * most)) return nameless;
    return { ...nameless, consumer: OTHER, server: OTHER, tool: OTHER };
  }

  #admits(series: Series, at: number, most: number): boolean {
    const key = seriesKey(series);
    if (this.#ofMinute.at(at).has(key)) return true;
    const hasRoom = this.#ofMinute.at(at).size < most;
    const isNew = !this.#ofDay.at(at).has(key);
    if (!hasRoom || (isNew && this.#ofDay.at(at).size >= DAY_FACTOR * most)) return false;
    this.#ofMinute.at(at).add(key);
    this.#ofDay.at(at).add(key);
    return true;
  }
}

/** What was seen since a minute or a day began. */
class Seen {
  readonly #lengthMs: number;
  readonly #keys = new Set<string>();
  #period = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  /** What belongs to an earlier period counts with the present one. */
  at(moment: number): Set<string> {
    const period = Math.floor(moment / this.#lengthMs);
    if (period > this.#period) {
      this.#period = period;
      this.#keys.clear();
    }
    return this.#keys;
  }
}
