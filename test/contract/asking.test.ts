import { runMatrix } from '../support/asking-matrix.ts';
import { ROWS } from '../support/asking-rows.ts';

/** What servers of both eras ask, over every transport, reaches the clients whose calls they are. */

runMatrix(
  'servers that ask clients over HTTP',
  [
    { era: 'legacy', door: 'http' },
    { era: 'legacy', door: 'sse' },
    { era: 'modern', door: 'http' },
    { era: 'mixed', door: 'http' },
  ],
  ROWS,
);
