import { ASKING_ROWS } from '../support/fidelity-rows-asking.ts';
import { TASK_ROWS } from '../support/fidelity-rows-tasks.ts';
import { runLegacyTable } from '../support/fidelity-scene.ts';

runLegacyTable('stdio', [...ASKING_ROWS, ...TASK_ROWS]);
