import { LEGACY_LIST_ROWS, LIST_ROWS } from '../support/fidelity-rows-lists.ts';
import { RESULT_ROWS } from '../support/fidelity-rows-results.ts';
import { runLegacyTable } from '../support/fidelity-scene.ts';

runLegacyTable('stdio', [...LIST_ROWS, ...LEGACY_LIST_ROWS, ...RESULT_ROWS]);
