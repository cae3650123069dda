import { readFileSync } from 'node:fs';
import type { Problem, Surroundings } from '../kernel/plan.ts';
import { processVariable, type LookUp } from './environment.ts';
import { readPemFile } from './pem-file.ts';
import { loadPlan, type PlanResult } from './load-plan.ts';
import type { ConfigChecks } from './ports.ts';
import { problemOf } from './problem.ts';

// An empty mapping in both formats, so that the other file is still checked.
const STAND_IN = '{}';

/** What files are read with. */
export interface ReaderTerms {
  readonly checks: ConfigChecks;
  /** The variables of this process when absent. */
  readonly lookUp?: LookUp;
  /** Paths of files that must exist; another may be missing, and is then empty. */
  readonly required?: readonly string[];
}

/**
 * Makes a function that reads both configuration files each time it is called. A file it has read before must stay: its
 * loss is an error, so that no deletion opens what the file closed.
 */
export function planReader(surroundings: Surroundings, terms: ReaderTerms): () => PlanResult {
  const { checks, lookUp = processVariable, required = [] } = terms;
  const seen = new Set<string>();
  const lossOf = (file: string): string | undefined => {
    if (seen.has(file)) return VANISHED;
    return required.includes(file) ? 'This file does not exist; correct its path.' : undefined;
  };
  return () => {
    const problems: Problem[] = [];
    const read = (file: string): string | undefined => {
      const text = readText(file, lossOf(file));
      if (typeof text === 'string') seen.add(file);
      else if (text !== undefined) problems.push(text);
      return typeof text === 'object' ? STAND_IN : text;
    };
    const serversText = read(surroundings.serversPath);
    const appText = read(surroundings.appPath);
    const loaded = loadPlan({
      serversText,
      appText,
      surroundings,
      lookUp,
      checks,
      readFile: readPemFile,
    });
    if (problems.length === 0) return loaded;
    return { plan: undefined, problems: [...problems, ...loaded.problems] };
  };
}

const VANISHED =
  'This file has vanished; bring it back, or start the gateway anew to go on without it.';

/** Its text, or what is wrong; undefined where it is missing and no message says that it must not be. */
function readText(file: string, loss: string | undefined): string | Problem | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    if (!isMissing) {
      return problemOf('error', file, `This file cannot be read (${code}); check its permissions.`);
    }
    return loss === undefined ? undefined : problemOf('error', file, loss);
  }
}
