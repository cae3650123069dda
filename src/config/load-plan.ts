import type { Plan, Problem, Surroundings } from '../kernel/plan.ts';
import { compileAccess } from './access.ts';
import type { AppDraft } from './app-draft.ts';
import { compileAuth } from './auth.ts';
import { compileApp } from './compile-app.ts';
import { compileRecords } from './compile-records.ts';
import { compileServers } from './compile-servers.ts';
import { ConfigFile } from './config-file.ts';
import { compileDoor } from './door.ts';
import { lunarPlan, type LookUp } from './environment.ts';
import { refuseExposure } from './exposure.ts';
import { compileExtensions } from './extensions.ts';
import { freeze } from './freeze.ts';
import { parseJson } from './parse-json.ts';
import { parseYaml } from './parse-yaml.ts';
import type { ConfigChecks } from './ports.ts';
import type { PemFile } from './pem-file.ts';
import { problemOf } from './problem.ts';
import { inactiveServers } from './server-attributes.ts';
import { checkServerReferences } from './server-references.ts';
import { UsedVariables } from './used-variables.ts';
import { Variables } from './variables.ts';

/** All a plan is made of: the texts of both files, undefined where one does not exist, and what surrounds them. */
export interface PlanSources {
  readonly serversText: string | undefined;
  readonly appText: string | undefined;
  readonly surroundings: Surroundings;
  readonly lookUp: LookUp;
  readonly checks: ConfigChecks;
  readonly readFile: (path: string) => PemFile;
}

/** A plan, unless an error stands in its way, and all that was found wrong or notable. */
export interface PlanResult {
  readonly plan: Plan | undefined;
  readonly problems: readonly Problem[];
}

/** Compiles both configuration files into a frozen plan; reads nothing but its sources. */
export function loadPlan(sources: PlanSources): PlanResult {
  const { surroundings } = sources;
  const appFile = new ConfigFile(surroundings.appPath, sources.appText ?? '', parseYaml);
  const serversFile = new ConfigFile(
    surroundings.serversPath,
    sources.serversText ?? '{}',
    parseJson,
  );
  const variables = new Variables(sources.lookUp);
  const draft = compileApp(appFile);
  const plan = toPlan(sources, draft, { serversFile, variables });
  // With the servers themselves in error, what is said about them would look wrong.
  if (!serversFile.problems.some(isError)) {
    const names = plan.servers.map(({ name }) => name);
    checkServerReferences(appFile, draft.app, names);
  }
  const problems = [
    ...variables.problems,
    ...missingFiles(sources),
    ...appFile.problems.toSorted(byPlace),
    ...serversFile.problems.toSorted(byPlace),
  ];
  return { plan: problems.some(isError) ? undefined : freeze(plan), problems };
}

interface Reading {
  readonly serversFile: ConfigFile;
  readonly variables: Variables;
}

function toPlan(sources: PlanSources, draft: AppDraft, reading: Reading): Plan {
  const { surroundings, checks, readFile } = sources;
  const { serversFile, variables } = reading;
  const { app } = draft;
  const { startConcurrency, ...limits } = app.upstreams;
  const auth = compileAuth(draft, variables);
  const isAuthOn = auth.isOn;
  const used = new UsedVariables(sources.lookUp);
  const { lookUp } = used;
  if (!isAuthOn && !draft.broken.has('auth')) refuseExposure(surroundings, variables);
  return {
    naming: app.naming,
    server: compileDoor(draft, { variables, isAuthOn, readFile }),
    sessions: app.sessions,
    parking: app.parking,
    list: app.list,
    sse: app.sse,
    upstreams: { startConcurrency },
    shutdown: app.shutdown,
    auth,
    access: compileAccess(draft, { checks, isAuthOn }),
    extensions: compileExtensions(draft, checks),
    validatesArguments: app.validateArguments,
    asks: app.asks,
    ...compileRecords(draft, { surroundings, variables, lookUp, isAuthOn }),
    lunar: lunarPlan(lookUp),
    servers: compileServers(serversFile, { lookUp, limits, inactive: inactiveServers(app) }),
    fromEnvironment: used.values,
  };
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}

function byPlace(a: Problem, b: Problem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

function missingFiles({ serversText, appText, surroundings, lookUp }: PlanSources): Problem[] {
  const problems: Problem[] = [];
  const check = (text: string | undefined, file: string, variable: string): void => {
    if (text !== undefined) return;
    const isChosen = Boolean(lookUp(variable)?.trim());
    const message = isChosen
      ? `This file does not exist, but ${variable} names it; create it or correct ${variable}.`
      : `This file does not exist, so nothing is configured in it; ${variable} can name another.`;
    problems.push(problemOf(isChosen ? 'error' : 'warning', file, message));
  };
  check(serversText, surroundings.serversPath, 'SERVERS_CONFIG_PATH');
  check(appText, surroundings.appPath, 'APP_CONFIG_PATH');
  return problems;
}
