import { inheritedEnvironment } from '../config/environment.ts';
import { watchConfig } from '../config/watch.ts';
import { Gateway } from '../gateway.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { Plan, Surroundings } from '../kernel/plan.ts';
import { findConfiguration, type Configuration } from './configuration.ts';
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

/** Reads the configuration and makes a gateway that follows its files. Prints problems; undefined when there is an error. */
export function launch(onServerState: (state: UpstreamState) => void): Launch | undefined {
  const configuration = findConfiguration();
  const { surroundings } = configuration;
  const running: { gateway?: Gateway } = {};
  // Watched before it is read: no change falls in between.
  const stopWatching = watchConfig([surroundings.serversPath, surroundings.appPath], () => {
    if (running.gateway !== undefined) reload(running.gateway, configuration, log);
  });
  const { plan, problems } = configuration.read();
  for (const problem of problems) process.stderr.write(`${problemLine(problem)}\n`);
  const log = createLog(surroundings.logLevel);
  const gateway = plan === undefined ? undefined : open({ plan, surroundings, log, onServerState });
  if (plan === undefined || gateway === undefined) {
    stopWatching();
    return undefined;
  }
  running.gateway = gateway;
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

type Log = ReturnType<typeof createLog>;

interface OpenTerms {
  readonly plan: Plan;
  readonly surroundings: Surroundings;
  readonly log: Log;
  onServerState(state: UpstreamState): void;
}

/** A gateway, or undefined and a line that says why its data folder cannot be used. */
function open(terms: OpenTerms): Gateway | undefined {
  try {
    return new Gateway({
      ...terms,
      version: productVersion(),
      inheritedEnv: inheritedEnvironment(),
      onServerState: (state) => terms.onServerState(state),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const { dataDir } = terms.surroundings;
    process.stderr.write(`mcpx: cannot use the data folder ${dataDir} (MCPX_DATA_DIR): ${why}\n`);
    return undefined;
  }
}

function reload(gateway: Gateway, configuration: Configuration, log: Log): void {
  const { plan, problems } = configuration.read();
  for (const problem of problems) {
    log[problem.severity === 'error' ? 'error' : 'warn'](problemLine(problem));
  }
  if (plan === undefined) {
    log.error('the configuration was not taken over: the last good one stays in force');
  } else {
    take(gateway, plan, log);
  }
}

function take(gateway: Gateway, plan: Plan, log: Log): void {
  try {
    gateway.apply(plan);
    log.info('the changed configuration is in force');
  } catch (error) {
    log.error({ error: String(error) }, 'the changed configuration is in force only in part');
  }
}

/** A terminal and npm both pass Ctrl-C on: two signals at once are one. */
const SAME_SIGNAL_MS = 1000;

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
