import { readEnvironment } from '../../../src/config/environment.ts';
import { readPemFile } from '../../../src/config/pem-file.ts';
import { loadPlan, type PlanResult } from '../../../src/config/load-plan.ts';
import type { Plan, Problem, ServerPlan } from '../../../src/kernel/plan.ts';
import { configChecks } from '../../../src/wiring/config-checks.ts';

/** What a test puts in place of files and environment; absent files are empty ones. */
export interface Given {
  readonly servers?: string | object;
  readonly app?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Loads a plan from texts. */
export function load({ servers = '{}', app = '', env = {} }: Given): PlanResult {
  const { surroundings } = readEnvironment(env);
  const serversText = typeof servers === 'string' ? servers : JSON.stringify(servers);
  return loadPlan({
    serversText,
    appText: app,
    surroundings,
    lookUp: (name) => env[name],
    checks: configChecks,
    readFile: readPemFile,
  });
}

/** The plan of a configuration that must be free of errors. */
export function planOf(given: Given): Plan {
  const { plan, problems } = load(given);
  if (plan === undefined) throw new Error(problems.map(line).join('\n'));
  return plan;
}

/** The one server `it` of a configuration that must be free of errors. */
export function serverOf(entry: object, given: Given = {}): ServerPlan {
  const [server] = planOf({ ...given, servers: { mcpServers: { it: entry } } }).servers;
  if (server === undefined) throw new Error('no server in the plan');
  return server;
}

/** Servers of these names, for mcp.json. */
export function serversNamed(...names: readonly string[]): object {
  return { mcpServers: Object.fromEntries(names.map((name) => [name, { command: 'x' }])) };
}

/** Every problem as one line: `error 3:5 path: message`. */
export function lines({ problems }: { problems: readonly Problem[] }): string[] {
  return problems.map(line);
}

function line(problem: Problem): string {
  const place = problem.line === undefined ? problem.file : `${problem.line}:${problem.column}`;
  return `${problem.severity} ${place} ${problem.path}: ${problem.message}`;
}
