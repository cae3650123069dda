import type { Root } from './environment.ts';
import type { Fuel } from './fuel.ts';
import type { Result } from './value.ts';

/** Where the variables of a condition get their values. */
export interface Roots {
  root(name: Root): Result;
}

/** One evaluation: the variables, the work that is left, and what the variables of macros stand for now. */
export interface Frame {
  readonly roots: Roots;
  readonly fuel: Fuel;
  readonly locals: Result[];
}

/** A part of a condition, ready to be evaluated as often as wanted. Throws OverBudget. */
export type Evaluate = (frame: Frame) => Result;

/** What is wrong with a condition that is well-formed, and what to do. */
export class Unsuited extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unsuited';
  }
}
