import { ASKING_ROWS } from '../support/fidelity-rows-asking.ts';
import { LEGACY_LIST_ROWS, LIST_ROWS } from '../support/fidelity-rows-lists.ts';
import { NEWS_ROWS } from '../support/fidelity-rows-news.ts';
import { RESULT_ROWS } from '../support/fidelity-rows-results.ts';
import { TASK_ROWS } from '../support/fidelity-rows-tasks.ts';
import { runLegacyTable } from '../support/fidelity-scene.ts';

runLegacyTable('http', [
  ...LIST_ROWS,
  ...LEGACY_LIST_ROWS,
  ...RESULT_ROWS,
  ...ASKING_ROWS,
  ...NEWS_ROWS,
  ...TASK_ROWS,
]);
