import type { Problem } from '../kernel/plan.ts';

/** A problem of a whole file or variable, where no line can be named. */
export function problemOf(severity: Problem['severity'], file: string, message: string): Problem {
  return { severity, file, line: undefined, column: undefined, path: '', message };
}
