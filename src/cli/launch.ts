import { inheritedEnvironment } from '../config/environment.ts';
import { watchConfig } from '../config/watch.ts';
import { Gateway, type Log } from '../gateway.ts';
import type { UpstreamState } from '../kernel/inventory.ts';
import type { Plan, Surroundings } from '../kernel/plan.ts';
import { findConfiguration, type Configuration } from './configuration.ts';
import { Logs, Scrubbing } from '../wiring/scrubbing.ts';
import { createLog, endOnFatal, type ProcessLog } from './log.ts';
import { problemLine } from './output.ts';
import { restWhenQuiet } from './resting-heap.ts';
import { productVersion } from './version.ts';
import { boundYoungHeap } from './young-heap.ts';

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
  // Whoever reads what is said may be gone, or its disk full: that is no reason not to start.
  process.stderr.on('error', () => undefined);
  const configuration = findConfiguration();
  const { surroundings } = configuration;
  const running: { started?: Started } = {};
  // Watched before it is read: no change falls in between.
  const stopWatching = watchConfig([surroundings.serversPath, surroundings.appPath], () => {
    if (running.started !== undefined) reload(running.started, configuration);
  });
  const { plan, problems } = configuration.read();
  for (const problem of problems) process.stderr.write(`${problemLine(problem)}\n`);
  const started = plan === undefined ? undefined : begin({ plan, surroundings, onServerState });
  if (plan === undefined || started === undefined) {
    stopWatching();
    return undefined;
  }
  const { gateway, log } = started;
  running.started = started;
  boundYoungHeap();
  restWhenQuiet();
  return {
    gateway,
    plan,
    surroundings,
    close: async () => {
      stopWatching();
      log.info({}, 'the gateway is stopping');
      await gateway.close();
      log.info({}, 'the gateway has stopped');
      await log.flush();
    },
  };
}

/** A gateway with the log it writes to, and what keeps secrets out of it. */
interface Started {
  readonly gateway: Gateway;
  readonly log: ProcessLog;
  readonly scrubbing: Scrubbing;
}

type Opening = Pick<Launch, 'plan' | 'surroundings'> & {
  onServerState(state: UpstreamState): void;
};

function begin(opening: Opening): Started | undefined {
  const log = createLog(opening.plan.logging);
  const scrubbing = new Scrubbing(opening.plan);
  endOnFatal(log, (text) => scrubbing.text(text));
  const gateway = open(opening, log);
  return gateway === undefined ? undefined : { gateway, log, scrubbing };
}

/** A gateway, or undefined and a line that says why its data folder cannot be used. */
function open(opening: Opening, log: ProcessLog): Gateway | undefined {
  try {
    return new Gateway({
      ...opening,
      log,
      version: productVersion(),
      inheritedEnv: inheritedEnvironment(),
      onServerState: (state) => opening.onServerState(state),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const { dataDir } = opening.surroundings;
    process.stderr.write(`mcpx: cannot use the data folder ${dataDir} (MCPX_DATA_DIR): ${why}\n`);
    return undefined;
  }
}

/** Problems quote what stands in files. */
function reload(started: Started, configuration: Configuration): void {
  const said = new Logs(started.log, started.scrubbing).of('config');
  const { plan, problems } = configuration.read();
  for (const problem of problems) {
    said[problem.severity === 'error' ? 'error' : 'warn']({}, problemLine(problem));
  }
  if (plan === undefined) {
    said.error({}, 'the configuration was not taken over: the last good one stays in force');
  } else {
    take(started, plan, said);
  }
}

function take({ gateway, log, scrubbing }: Started, plan: Plan, said: Log): void {
  try {
    scrubbing.apply(plan);
    log.setLevels(plan.logging);
    gateway.apply(plan);
    said.info({}, 'the changed configuration is in force');
  } catch (error) {
    said.error({ error: String(error) }, 'the changed configuration is in force only in part');
  }
}

/** A terminal and npm both pass Ctrl-C on: two signals at once are one. */
const SAME_SIGNAL_MS = 1000;

/** Has signals end the process in order; a second one a while later ends it at once. Those that rotate logs elsewhere do nothing. */
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
  // By itself the first would open a debugger to everybody on this machine, and the second end the process.
  process.on('SIGUSR1', () => undefined);
  process.on('SIGUSR2', () => undefined);
}
