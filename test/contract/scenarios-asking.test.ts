import { ASKING_SCENARIOS } from '../support/scenario-rows-asking.ts';
import { TASK_SCENARIOS } from '../support/scenario-rows-tasks.ts';
import { runScenarios } from '../support/scenario-scene.ts';

runScenarios('rounds, elicitation, sampling, roots and tasks', [
  ...ASKING_SCENARIOS,
  ...TASK_SCENARIOS,
]);
