import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT, startNode, stop, type Started } from './conformance-processes.ts';

const RUN_LIMIT_MS = 100_000;

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** What one run of a suite's command line came to. */
export interface SuiteRun {
  readonly exitCode: number | null;
  /** Scenarios that ran and count, in the order of their names. */
  readonly scored: readonly string[];
  /** Of those, the ones with no check that failed or warned. */
  readonly passed: readonly string[];
  /** One line for each check of a counting scenario that failed or warned. */
  readonly complaints: readonly string[];
  /** The same for scenarios that ran but do not count. */
  readonly unscored: readonly string[];
}

/** Which suite to run: the frozen requirements of a revision, or the stable suite as it is. */
export type Suite = '2026-07-28' | '2025-11-25' | 'stable';

/** Runs a suite's server scenarios against a URL, for a hundred seconds at most. */
export async function runSuite(suite: Suite, url: string): Promise<SuiteRun> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-suite-'));
  const cli = `node_modules/conformance${suite === 'stable' ? '-legacy' : ''}/dist/index.js`;
  const which =
    suite === 'stable' ? ['--suite', 'active'] : ['--requirements', suite, '--timeout', '15000'];
  const started = startNode([cli, 'server', '--url', url, ...which, '-o', folder]);
  const limit = setTimeout(() => void stop(started), RUN_LIMIT_MS);
  try {
    const exitCode = await started.exited;
    return await summarise(exitCode, folder, await scoredBy(suite), started);
  } finally {
    clearTimeout(limit);
    await stop(started);
    await rm(folder, { recursive: true, force: true });
  }
}

/** The scenarios a revision requires of servers; undefined means all that run. */
async function scoredBy(suite: Suite): Promise<ReadonlySet<string> | undefined> {
  if (suite === 'stable') return undefined;
  const path = join(ROOT, 'node_modules/conformance/requirements', `${suite}.yaml`);
  const { server } = parse(await readFile(path, 'utf8')) as { server: string[] };
  return new Set(server);
}

/** One line for each check that failed or warned, of all results in a folder. */
export async function complaintsIn(folder: string): Promise<string[]> {
  const results = await resultsIn(folder);
  if (results.size === 0) return ['Nothing ran.'];
  return [...results.values()].flat();
}

/** By scenario: one line for each check that failed or warned. */
async function resultsIn(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const results = new Map<string, readonly string[]>();
  for (const entry of (await readdir(folder)).sort()) {
    const scenario = entry.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, '');
    results.set(scenario, await complaintsOf(scenario, join(folder, entry, 'checks.json')));
  }
  return results;
}

async function summarise(
  exitCode: number | null,
  folder: string,
  counts: ReadonlySet<string> | undefined,
  started: Started,
): Promise<SuiteRun> {
  const scored: string[] = [];
  const passed: string[] = [];
  const complaints: string[] = [];
  const unscored: string[] = [];
  for (const [scenario, lines] of await resultsIn(folder)) {
    if (counts !== undefined && !counts.has(scenario)) {
      unscored.push(...lines);
      continue;
    }
    scored.push(scenario);
    complaints.push(...lines);
    if (lines.length === 0) passed.push(scenario);
  }
  if (scored.length === 0) complaints.push(`Nothing ran:\n${started.output()}`);
  return { exitCode, scored, passed, complaints, unscored };
}

async function complaintsOf(scenario: string, path: string): Promise<string[]> {
  let checks: Check[];
  try {
    checks = JSON.parse(await readFile(path, 'utf8')) as Check[];
  } catch (failure) {
    return [`${scenario}: no result: ${String(failure)}`];
  }
  return checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, status, errorMessage }) => `${scenario}: ${status} ${id}: ${errorMessage ?? ''}`);
}
