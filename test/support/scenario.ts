import { WAYS, type Way } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';

/** One promise of the protocol, shown on every way that it applies to. */
export interface Scenario {
  /** What is promised. */
  readonly name: string;
  /** The ids of the requirements it shows. */
  readonly cites: readonly string[];
  /** The ways of clients it runs over; without them all. */
  readonly doors?: readonly Way[];
  /** The ways to servers it runs over; without them none in particular, and it runs once for each door. */
  readonly servers?: readonly Way[];
  /** Whether its runs over several servers would disturb one another: they share the clients of a door. */
  readonly isAlone?: boolean;
  run(scene: ScenarioScene): Promise<void>;
}

/** One run of a scenario. */
export interface Run {
  readonly door: Way;
  readonly server: Way | undefined;
}

/** Every combination a scenario runs over. */
export function runsOf({ doors = WAYS, servers }: Scenario): Run[] {
  if (servers === undefined) return doors.map((door) => ({ door, server: undefined }));
  return doors.flatMap((door) => servers.map((server) => ({ door, server })));
}

export const LEGACY_WAYS: readonly Way[] = ['legacy-stdio', 'legacy-http', 'legacy-sse'];
export const MODERN_WAYS: readonly Way[] = ['modern-stdio', 'modern-http'];
