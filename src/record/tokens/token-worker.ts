import { parentPort } from 'node:worker_threads';

import { Counter } from './counter.ts';
import type { Batch, Counts } from './counting.ts';
import { USUAL_ENCODING } from './encodings.ts';

const UNCOUNTED = -1;

const counter = new Counter();

async function countBatch({ id, encodings, kinds, texts }: Batch): Promise<Counts> {
  const counts: number[] = [];
  for (const [place, text] of texts.entries()) {
    const encoding = encodings[place] ?? USUAL_ENCODING;
    const kind = kinds[place] ?? 'text';
    counts.push(await counter.count({ encoding, kind, text }).catch(() => UNCOUNTED));
  }
  return { id, counts };
}

parentPort?.on('message', (batch: Batch) => {
  void countBatch(batch).then((counts) => parentPort?.postMessage(counts, []));
});
