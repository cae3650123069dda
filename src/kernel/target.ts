import type { JsonObject } from './json.ts';

/** What kind of thing a message addresses. */
export type TargetKind = 'tool' | 'prompt' | 'resource' | 'template' | 'task';

/** What a message addresses: one thing of one upstream. */
export interface Target {
  readonly kind: TargetKind;
  /** Name of the upstream as configured. */
  readonly upstream: string;
  /** The upstream's own name or URI for it. */
  readonly name: string;
  /** The name or URI clients see. */
  readonly publicName: string;
  /** Its definition as listed, when it is listed. */
  readonly item?: JsonObject;
}
