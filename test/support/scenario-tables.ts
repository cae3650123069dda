import { ASKING_SCENARIOS } from './scenario-rows-asking.ts';
import { BASE_SCENARIOS } from './scenario-rows-base.ts';
import { FEATURE_SCENARIOS } from './scenario-rows-features.ts';
import { HTTP_SCENARIOS } from './scenario-rows-http.ts';
import { LIFECYCLE_SCENARIOS } from './scenario-rows-lifecycle.ts';
import { MODERN_HTTP_SCENARIOS } from './scenario-rows-modern-http.ts';
import { PATTERN_SCENARIOS } from './scenario-rows-patterns.ts';
import { TASK_SCENARIOS } from './scenario-rows-tasks.ts';
import { UPSTREAM_SCENARIOS } from './scenario-rows-upstream.ts';
import type { Scenario } from './scenario.ts';

/** Every table of scenarios, under the name of its file: `scenario-rows-<name>.ts`. */
export const SCENARIO_TABLES: Readonly<Record<string, readonly Scenario[]>> = {
  asking: ASKING_SCENARIOS,
  base: BASE_SCENARIOS,
  features: FEATURE_SCENARIOS,
  http: HTTP_SCENARIOS,
  lifecycle: LIFECYCLE_SCENARIOS,
  'modern-http': MODERN_HTTP_SCENARIOS,
  patterns: PATTERN_SCENARIOS,
  tasks: TASK_SCENARIOS,
  upstream: UPSTREAM_SCENARIOS,
};
