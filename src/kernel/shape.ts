import type { ParamPlan } from './access.ts';

/** How a custom tool's arguments become those of the tool it was made from. */
export interface Shape {
  /** The custom tool's own name; policy knows it by that. */
  readonly name: string;
  /** By the parent's name of each parameter. */
  readonly params: Readonly<Record<string, ParamPlan>>;
  /** Paths of objects, by the parent's names, that are fixed whole though their parameter is not: nothing of a caller's gets in. */
  readonly closed?: readonly (readonly string[])[];
}
