import { FEATURE_SCENARIOS } from '../support/scenario-rows-features.ts';
import { HTTP_SCENARIOS } from '../support/scenario-rows-http.ts';
import { MODERN_HTTP_SCENARIOS } from '../support/scenario-rows-modern-http.ts';
import { PATTERN_SCENARIOS } from '../support/scenario-rows-patterns.ts';
import { runScenarios } from '../support/scenario-scene.ts';

runScenarios('what servers offer, patterns of messages, and the gateway as an HTTP server', [
  ...FEATURE_SCENARIOS,
  ...PATTERN_SCENARIOS,
  ...HTTP_SCENARIOS,
  ...MODERN_HTTP_SCENARIOS,
]);
