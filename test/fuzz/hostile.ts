import { mutateBytes, type Latin } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';

/** Messages a server has sent before: what it repeats, reorders and splices. */
const KEPT = 50;
/** About as many lines as a server says before it has its first call. */
const BEGINNING = 10;

/** What becomes of the lines that a server says: most pass as they are, some are changed, lost, repeated or out of order. */
export class Hostile {
  readonly #random: Random;
  readonly #share: number;
  readonly #said: Latin[] = [];

  /** The share is the part of lines that is not passed on as it is. */
  constructor(random: Random, share: number) {
    this.#random = random;
    this.#share = share;
  }

  get random(): Random {
    return this.#random;
  }

  /** Whether something is to go wrong now: seldom at first, or no such server would ever come up. */
  isDue(): boolean {
    return this.#random.chance(this.#said.length < BEGINNING ? this.#share / 8 : this.#share);
  }

  /** What is said instead of a line; none to several. */
  lines(line: Latin): readonly Latin[] {
    this.#said.push(line);
    if (this.#said.length > KEPT) this.#said.shift();
    return this.isDue() ? this.#faulty(line) : [line];
  }

  /** A text with something wrong in it. */
  changed(text: Latin): Latin {
    return this.#random.chance(0.7)
      ? mutateJson(text, this.#random, this.#said)
      : mutateBytes(text, this.#random, this.#said);
  }

  #faulty(line: Latin): readonly Latin[] {
    const earlier = this.#random.pick(this.#said);
    switch (this.#random.below(8)) {
      case 0:
        return [];
      case 1:
        return [line, line];
      case 2:
        return [earlier, line];
      case 3:
        return [line, earlier, mutateBytes(earlier, this.#random)];
      case 4:
        return ['not a message at all', line];
      default:
        return [this.changed(line)];
    }
  }
}
