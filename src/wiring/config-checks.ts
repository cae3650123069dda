import type { ConfigChecks } from '../config/ports.ts';
import { patternFault } from '../guard/pattern.ts';
import { conditionFault } from '../policy/condition.ts';

/** The checks of configuration that are for policy and guards to make. */
export const configChecks: ConfigChecks = {
  condition: conditionFault,
  pattern: patternFault,
};
