import type { Problem } from '../kernel/plan.ts';
import type { LookUp } from './environment.ts';
import { problemOf } from './problem.ts';

/** The environment variables a plan is made from, and all that is found wrong with them. */
export class Variables {
  readonly problems: Problem[] = [];
  readonly lookUp: LookUp;

  constructor(lookUp: LookUp) {
    this.lookUp = lookUp;
  }

  /** Reports an error in a variable. */
  error(name: string, message: string): void {
    this.problems.push(problemOf('error', name, message));
  }

  /** Reports a warning about a variable. */
  warn(name: string, message: string): void {
    this.problems.push(problemOf('warning', name, message));
  }
}
