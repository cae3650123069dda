import type { Plan, Problem, Surroundings } from '../kernel/plan.ts';
import type { App } from './app-settings.ts';
import { compileApp } from './compile-app.ts';
import { compileServers } from './compile-servers.ts';
import { ConfigFile } from './config-file.ts';
import type { LookUp } from './environment.ts';
import { freeze } from './freeze.ts';
import { parseJson } from './parse-json.ts';
import { parseYaml } from './parse-yaml.ts';
import { problemOf } from './problem.ts';
import { checkServerAttributes, inactiveServers } from './server-attributes.ts';
import { refuseContradiction, refuseExposure, refuseUnenforced } from './unenforced.ts';

/** All a plan is made of: the texts of both files, undefined where one does not exist, and what surrounds them. */
export interface PlanSources {
  readonly serversText: string | undefined;
  readonly appText: string | undefined;
  readonly surroundings: Surroundings;
  readonly lookUp: LookUp;
}

/** A plan, unless an error stands in its way, and all that was found wrong or notable. */
export interface PlanResult {
  readonly plan: Plan | undefined;
  readonly problems: readonly Problem[];
}

/** Compiles both configuration files into a frozen plan; reads nothing but its sources. */
export function loadPlan(sources: PlanSources): PlanResult {
  const { surroundings, lookUp } = sources;
  const appFile = new ConfigFile(surroundings.appPath, sources.appText ?? '', parseYaml);
  const serversFile = new ConfigFile(
    surroundings.serversPath,
    sources.serversText ?? '{}',
    parseJson,
  );
  const app = compileApp(appFile);
  const plan = toPlan(app, serversFile, lookUp);
  checkServerAttributes(appFile, app, plan.servers);
  refuseUnenforced(appFile, app);
  refuseContradiction(appFile, app, lookUp);
  const problems = [
    ...refuseExposure(surroundings, lookUp),
    ...missingFiles(sources),
    ...appFile.problems.toSorted(byPlace),
    ...serversFile.problems.toSorted(byPlace),
  ];
  const isSound = problems.every(({ severity }) => severity !== 'error');
  return { plan: isSound ? freeze(plan) : undefined, problems };
}

function toPlan(app: App, serversFile: ConfigFile, lookUp: LookUp): Plan {
  const { naming, server, sessions, list, sse, shutdown } = app;
  const { startConcurrency, ...limits } = app.upstreams;
  return {
    naming,
    server: { ...server, publicUrl: server.publicUrl, tls: server.tls },
    sessions,
    list,
    sse,
    upstreams: { startConcurrency },
    shutdown,
    servers: compileServers(serversFile, { lookUp, limits, inactive: inactiveServers(app) }),
  };
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
