import type { Encoding } from './encodings.ts';

/** One thing to count: a text, or all definitions of a list that is given as the JSON text of its result. */
export interface Countable {
  readonly encoding: Encoding;
  readonly kind: 'text' | 'list';
  readonly text: string;
}

/** Countables sent to the worker together: flat, for that is quicker to send than objects are. */
export interface Batch {
  readonly id: number;
  readonly encodings: readonly Encoding[];
  readonly kinds: readonly Countable['kind'][];
  readonly texts: readonly string[];
}

/** What the worker found for a batch; a number below zero where it could not count. */
export interface Counts {
  readonly id: number;
  readonly counts: readonly number[];
}
