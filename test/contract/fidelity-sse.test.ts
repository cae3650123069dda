import { ASKING_ROWS } from '../support/fidelity-rows-asking.ts';
import { LIST_ROWS } from '../support/fidelity-rows-lists.ts';
import { NEWS_ROWS } from '../support/fidelity-rows-news.ts';
import { RESULT_ROWS } from '../support/fidelity-rows-results.ts';
import { TASK_ROWS } from '../support/fidelity-rows-tasks.ts';
import { runTable } from '../support/fidelity-scene.ts';

runTable('sse', [...LIST_ROWS, ...RESULT_ROWS, ...ASKING_ROWS, ...NEWS_ROWS, ...TASK_ROWS]);
