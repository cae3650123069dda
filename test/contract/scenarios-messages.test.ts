import { BASE_SCENARIOS } from '../support/scenario-rows-base.ts';
import { LIFECYCLE_SCENARIOS } from '../support/scenario-rows-lifecycle.ts';
import { UPSTREAM_SCENARIOS } from '../support/scenario-rows-upstream.ts';
import { runScenarios } from '../support/scenario-scene.ts';

runScenarios('messages, versions, the beginning of sessions, and the gateway as a client', [
  ...BASE_SCENARIOS,
  ...LIFECYCLE_SCENARIOS,
  ...UPSTREAM_SCENARIOS,
]);
