import { readFileSync } from 'node:fs';
import type { Problem, Surroundings } from '../kernel/plan.ts';
import { processVariable, type LookUp } from './environment.ts';
import { loadPlan, type PlanResult } from './load-plan.ts';
import { problemOf } from './problem.ts';

/** Reads both configuration files and compiles them. */
export function readPlan(surroundings: Surroundings, lookUp: LookUp = processVariable): PlanResult {
  const problems: Problem[] = [];
  const serversText = readText(surroundings.serversPath, problems);
  const appText = readText(surroundings.appPath, problems);
  const loaded = loadPlan({ serversText, appText, surroundings, lookUp });
  if (problems.length === 0) return loaded;
  return { plan: undefined, problems: [...problems, ...loaded.problems] };
}

function readText(file: string, problems: Problem[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const message = `This file cannot be read (${code}); check its permissions.`;
    problems.push(problemOf('error', file, message));
    // An empty mapping in both formats, so that the other file is still checked.
    return '{}';
  }
}
