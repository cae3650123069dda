import type { BytePairs } from './byte-pairs.ts';
import { CountCache } from './count-cache.ts';
import type { Countable } from './counting.ts';
import { definitionsIn } from './definitions.ts';
import { loadEncoding, type Encoding } from './encodings.ts';

const DEFINITIONS_KEPT = { maxEntries: 8192, maxChars: 16 * 1024 * 1024 };

/** Counts texts exactly; loads an encoding at its first use. */
export class Counter {
  /** Definitions come again with every list, under another lifetime or on another page. */
  readonly #definitions = new Map<Encoding, CountCache>();

  /** How many tokens there are. Rejects where a list is none. */
  async count({ encoding, kind, text }: Countable): Promise<number> {
    const pairs = await loadEncoding(encoding);
    if (kind === 'text') return pairs.count(text);
    let count = 0;
    for (const definition of definitionsIn(text))
      count += this.#countDefinition(definition, encoding, pairs);
    return count;
  }

  #countDefinition(text: string, encoding: Encoding, pairs: BytePairs): number {
    const cache = this.#definitions.get(encoding) ?? new CountCache(DEFINITIONS_KEPT);
    this.#definitions.set(encoding, cache);
    const known = cache.get(text);
    if (known !== undefined) return known;
    const count = pairs.count(text);
    cache.set(text, count);
    return count;
  }
}
