import { LIST_ROWS } from '../support/fidelity-rows-lists.ts';
import { runTable } from '../support/fidelity-scene.ts';

runTable('stdio', [...LIST_ROWS]);
