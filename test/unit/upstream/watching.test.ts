import assert from 'node:assert/strict';
import test from 'node:test';
import { Watching } from '../../../src/upstream/watching.ts';

function watching(refuses: ReadonlySet<string> = new Set()): { sent: string[]; it: Watching } {
  const sent: string[] = [];
  const it = new Watching(async (method, uri) => {
    sent.push(`${method.replace('resources/', '')} ${uri}`);
    await Promise.resolve();
    if (refuses.has(uri)) throw new Error(`no ${uri}`);
  });
  return { sent, it };
}

test('a server is asked for what is new and told of what nobody wants any more, each once', async () => {
  const { sent, it } = watching();
  await it.set(['x:1', 'x:2']);
  await it.set(['x:2', 'x:3']);
  await it.set(['x:2', 'x:3']);
  assert.deepEqual(sent, ['subscribe x:1', 'subscribe x:2', 'unsubscribe x:1', 'subscribe x:3']);
});

test('what is asked for while the server has not answered yet is not asked for again', async () => {
  const { sent, it } = watching();
  const uris = Array.from({ length: 100 }, (_, index) => `x:${index}`);
  await Promise.all(uris.map((_uri, index) => it.set(uris.slice(0, index + 1))));
  assert.equal(sent.length, uris.length);
});

test('a server that takes none of what is new is heard, and is asked anew the next time', async () => {
  const { sent, it } = watching(new Set(['x:1']));
  await assert.rejects(it.set(['x:1']), /no x:1/);
  await it.set(['x:1', 'x:2']);
  assert.deepEqual(sent, ['subscribe x:1', 'subscribe x:1', 'subscribe x:2']);
});
