import { NEWS_ROWS } from '../support/fidelity-rows-news.ts';
import { runLegacyTable } from '../support/fidelity-scene.ts';

runLegacyTable('stdio', [...NEWS_ROWS]);
