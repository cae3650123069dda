import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import { entryOf } from '../entries.ts';
import { sinkOf } from './sinks.ts';

const { cache } = createRequire(import.meta.url);

function isLoaded(): boolean {
  return Object.keys(cache).some((path) => path.includes('/prom-client/'));
}

test('counting begins without the package that reads the process, which a start need not wait for', async () => {
  const sink = sinkOf();
  sink.take({ entry: entryOf(), spending: undefined });
  assert.equal(isLoaded(), false);
  await sink.watchProcess();
  assert.equal(isLoaded(), true);
});
