import { readEnvironment } from '../config/environment.ts';
import { planReader } from '../config/read-plan.ts';
import type { Plan, Problem, Surroundings } from '../kernel/plan.ts';
import { configChecks } from '../wiring/config-checks.ts';

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

/** Files to read in place of those the environment names. */
export interface ChosenFiles {
  readonly appPath?: string | undefined;
  readonly serversPath?: string | undefined;
}

/** Finds the configuration by the environment; a chosen file that does not exist is an error. */
export function findConfiguration(chosen: ChosenFiles = {}): Configuration {
  const environment = readEnvironment();
  const { appPath, serversPath } = environment.surroundings;
  const surroundings = {
    ...environment.surroundings,
    appPath: chosen.appPath ?? appPath,
    serversPath: chosen.serversPath ?? serversPath,
  };
  const required = [chosen.appPath, chosen.serversPath].filter((path) => path !== undefined);
  const readPlan = planReader(surroundings, { checks: configChecks, required });
  return {
    surroundings,
    read: () => {
      const { plan, problems } = readPlan();
      const all = [...environment.problems, ...problems];
      const isSound = all.every(({ severity }) => severity !== 'error');
      return { plan: isSound ? plan : undefined, problems: all };
    },
  };
}
