import { inheritedEnvironment, readEnvironment } from '../config/environment.ts';
import { readPlan } from '../config/read-plan.ts';
import { watchConfig } from '../config/watch.ts';
import { Gateway } from '../gateway.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { Plan, Problem, Surroundings } from '../kernel/plan.ts';
import { createLog } from './log.ts';
import { problemLine } from './output.ts';
import { productVersion } from './version.ts';

/** A configured gateway with its surroundings; nothing is bound or started yet. */
export interface Launch {
  readonly gateway: Gateway;
  readonly plan: Plan;
  readonly surroundings: Surroundings;
  /** Ends the gateway and the watch over its files. */
  close(): Promise<void>;
}

/** Everything wrong or notable in the environment and in both files, and the plan unless an error stands in its way. */
export function readConfiguration(): {
  plan: Plan | undefined;
  problems: readonly Problem[];
  surroundings: Surroundings;
} {
  const environment = readEnvironment();
  const { plan, problems } = readPlan(environment.surroundings);
  const all = [...environment.problems, ...problems];
  const isSound = all.every(({ severity }) => severity !== 'error');
  return {
    plan: isSound ? plan : undefined,
    problems: all,
    surroundings: environment.surroundings,
  };
}

/** Reads the configuration and makes a gateway that follows its files. Prints problems; undefined when there is an error. */
export function launch(onServerState?: (state: UpstreamState) => void): Launch | undefined {
  const { plan, problems, surroundings } = readConfiguration();
  for (const problem of problems) process.stderr.write(`${problemLine(problem)}\n`);
  if (plan === undefined) return undefined;
  const log = createLog(surroundings.logLevel);
  const gateway = new Gateway({
    plan,
    surroundings,
    log,
    version: productVersion(),
    inheritedEnv: inheritedEnvironment(),
    ...(onServerState === undefined ? {} : { onServerState }),
  });
  const stopWatching = watchConfig([surroundings.serversPath, surroundings.appPath], () => {
    const next = readConfiguration();
    for (const problem of next.problems)
      log[problem.severity === 'error' ? 'error' : 'warn'](problemLine(problem));
    if (next.plan === undefined) {
      log.error('the configuration was not taken over: the last good one stays in force');
    } else {
      gateway.apply(next.plan);
      log.info('the changed configuration is in force');
    }
  });
  return {
    gateway,
    plan,
    surroundings,
    close: async () => {
      stopWatching();
      await gateway.close();
    },
  };
}

/** Has signals end the process in order; a second one a while later ends it at once. */
export function endOnSignals(end: () => Promise<void>): void {
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      void end().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', onSignal);
}

/** A terminal and npm both pass Ctrl-C on: two signals at once are one. */
const SAME_SIGNAL_MS = 1000;
