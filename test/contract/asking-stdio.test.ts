import { runMatrix } from '../support/asking-matrix.ts';
import { ROWS } from '../support/asking-rows.ts';

/** What servers of both eras ask reaches clients on stdio, each with a gateway of its own. */

runMatrix(
  'servers that ask clients over stdio',
  [
    { era: 'legacy', door: 'stdio' },
    { era: 'modern', door: 'stdio' },
  ],
  ROWS,
);
