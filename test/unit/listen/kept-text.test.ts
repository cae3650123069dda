import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { assert as hold, property, string } from 'fast-check';
import type { TextAnswer } from '../../../src/kernel/answer.ts';
import { keptText, takesGzip, type Body, type KeptText } from '../../../src/listen/kept-text.ts';
import { eventually } from '../../support/raw-eventually.ts';

const LONG: TextAnswer = {
  text: JSON.stringify({
    tools: Array.from({ length: 500 }, (_, at) => ({ name: `werkzeug-${at} ü` })),
  }),
  isKept: true,
};

function keptOf(answer: TextAnswer): KeptText {
  const kept = keptText(answer);
  assert.ok(kept);
  return kept;
}

function whenCompressed(kept: KeptText): Promise<void> {
  return eventually(
    'the text is compressed',
    () => kept.body(1, true).headers['content-encoding'] === 'gzip',
  );
}

function messageIn({ parts, headers }: Body): unknown {
  const bytes = Buffer.concat(parts);
  assert.equal(headers['content-length'], bytes.length);
  const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
  return JSON.parse(plain.toString());
}

test('a long text that is answered again and again is made into bytes once, with every id', () => {
  const kept = keptOf(LONG);
  assert.equal(keptText(LONG), kept);
  for (const id of [1, 'two', 'ü"\\'])
    assert.deepEqual(messageIn(kept.body(id, false)), {
      jsonrpc: '2.0',
      id,
      result: JSON.parse(LONG.text),
    });
  assert.equal(kept.body(1, false).parts[0], kept.body(2, false).parts[0]);
});

test('it is compressed in the background, once, and is the same message for whoever takes gzip', async () => {
  const kept = keptOf({ ...LONG });
  const first = kept.body(1, true);
  assert.equal(first.headers['content-encoding'], undefined);
  await whenCompressed(kept);
  const body = kept.body(7, true);
  assert.ok(Number(body.headers['content-length']) < LONG.text.length / 4);
  assert.equal(body.headers['vary'], 'accept-encoding');
  hold(
    property(string({ maxLength: 300, unit: 'binary' }), (id) => {
      assert.deepEqual(messageIn(kept.body(id, true)), messageIn(kept.body(id, false)));
    }),
  );
  assert.equal(kept.body(7, false).headers['content-encoding'], undefined);
});

test('an id too long for one block is answered without compression', async () => {
  const kept = keptOf({ ...LONG });
  kept.body(1, true);
  await whenCompressed(kept);
  const id = 'x'.repeat(70_000);
  const body = kept.body(id, true);
  assert.equal(body.headers['content-encoding'], undefined);
  assert.equal((messageIn(body) as { id: string }).id, id);
});

test('short texts, and those that are answered once, are not kept', () => {
  assert.equal(keptText({ text: '{}', isKept: true }), undefined);
  assert.equal(keptText({ text: LONG.text }), undefined);
  assert.equal(keptText({ result: {} }), undefined);
});

test('gzip is taken where the header names it and does not refuse it', () => {
  const takes = ['gzip', 'gzip, deflate, br', 'br;q=1.0, GZIP;q=0.5', 'deflate,gzip'];
  const refuses = [undefined, '', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.000', 'x-gzip'];
  for (const header of takes) assert.equal(takesGzip(header), true, header);
  for (const header of refuses) assert.equal(takesGzip(header), false, header);
});
