import { MODERN_NEWS_ROWS } from '../support/fidelity-modern-news.ts';
import { MODERN_RESULT_ROWS } from '../support/fidelity-modern-results.ts';
import { MODERN_ROUND_ROWS } from '../support/fidelity-modern-rounds.ts';
import { LIST_ROWS } from '../support/fidelity-rows-lists.ts';
import { runModernTable } from '../support/fidelity-scene.ts';

runModernTable('stdio', [
  ...LIST_ROWS,
  ...MODERN_RESULT_ROWS,
  ...MODERN_ROUND_ROWS,
  ...MODERN_NEWS_ROWS,
]);
