import type { JsonObject } from './json.ts';
import type { Shape } from './shape.ts';

/**
 * What kind of thing a message addresses; `ask` is the client itself, addressed by a server, `extension` a method that only
 * its server knows.
 */
export type TargetKind = 'tool' | 'prompt' | 'resource' | 'template' | 'task' | 'ask' | 'extension';

/** What a message addresses: one thing of one upstream. */
export interface Target {
  readonly kind: TargetKind;
  /** Name of the upstream as configured. */
  readonly upstream: string;
  /** The upstream's own name or URI for it; for `ask` the feature: elicitation, sampling or roots; else the method. */
  readonly name: string;
  /** The name or URI clients see. */
  readonly publicName: string;
  /** Its definition as its upstream lists it, when it is listed. */
  readonly item?: JsonObject;
  /** Its definition as clients see it, where that differs in more than the name. */
  readonly shown?: JsonObject;
  /** Where the tool is a custom one: how it was made; `name` is its parent's. */
  readonly shape?: Shape;
  /** Its upstream's URI templates that this resource is of, under whatever name it was asked for. */
  readonly via?: readonly string[];
}
