import type { UpstreamState } from '../kernel/inventory.ts';
import type { ListKind } from '../kernel/methods.ts';

/** What the console and the command line may do to a running gateway. */
export interface Operator {
  /** State of every server, in the order of the configuration. */
  servers(): readonly UpstreamState[];
  /** How many of each kind clients are offered. */
  counts(): Readonly<Record<ListKind, number>>;
}
