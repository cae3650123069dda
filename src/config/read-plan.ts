import { readFileSync } from 'node:fs';
import type { Problem, Surroundings } from '../kernel/plan.ts';
import { processVariable, type LookUp } from './environment.ts';
import { loadPlan, type PlanResult } from './load-plan.ts';
import { problemOf } from './problem.ts';

// An empty mapping in both formats, so that the other file is still checked.
const STAND_IN = '{}';

/** Reads both configuration files once and compiles them. */
export function readPlan(surroundings: Surroundings, lookUp: LookUp = processVariable): PlanResult {
  return planReader(surroundings, lookUp)();
}

/**
 * Makes a function that reads both configuration files each time it is called. A file it has read before must stay: its
 * loss is an error, so that no deletion opens what the file closed.
 */
export function planReader(
  surroundings: Surroundings,
  lookUp: LookUp = processVariable,
): () => PlanResult {
  const seen = new Set<string>();
  return () => {
    const problems: Problem[] = [];
    const read = (file: string): string | undefined => {
      const text = readText(file, seen.has(file));
      if (typeof text === 'string') seen.add(file);
      else if (text !== undefined) problems.push(text);
      return typeof text === 'object' ? STAND_IN : text;
    };
    const serversText = read(surroundings.serversPath);
    const appText = read(surroundings.appPath);
    const loaded = loadPlan({ serversText, appText, surroundings, lookUp });
    if (problems.length === 0) return loaded;
    return { plan: undefined, problems: [...problems, ...loaded.problems] };
  };
}

function readText(file: string, mustExist: boolean): string | Problem | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    if (isMissing && !mustExist) return undefined;
    const message = isMissing
      ? 'This file has vanished; bring it back, or start the gateway anew to go on without it.'
      : `This file cannot be read (${code}); check its permissions.`;
    return problemOf('error', file, message);
  }
}
