import { readEnvironment } from '../config/environment.ts';
import { planReader } from '../config/read-plan.ts';
import type { Plan, Problem, Surroundings } from '../kernel/plan.ts';

/** What one reading of the whole configuration gave. */
export interface Reading {
  /** Undefined exactly when a problem is an error. */
  readonly plan: Plan | undefined;
  readonly problems: readonly Problem[];
}

/** The configuration of this process: where it lies, and a way to read it now and again. */
export interface Configuration {
  readonly surroundings: Surroundings;
  readonly read: () => Reading;
}

/** Finds the configuration by the environment. */
export function findConfiguration(): Configuration {
  const environment = readEnvironment();
  const readPlan = planReader(environment.surroundings);
  return {
    surroundings: environment.surroundings,
    read: () => {
      const { plan, problems } = readPlan();
      const all = [...environment.problems, ...problems];
      const isSound = all.every(({ severity }) => severity !== 'error');
      return { plan: isSound ? plan : undefined, problems: all };
    },
  };
}
