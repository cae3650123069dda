import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { isMessage } from '../../src/kernel/json-rpc.ts';
import { LineReader } from '../../src/upstream/lines.ts';

const RUNS = { seed: 20_260_728, numRuns: 400 };
const MAX_BYTES = 400;

/** What a program may print between its messages: any bytes but the end of a line, also more than one line may have. */
const noise = fc
  .oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.uint8Array({ minLength: MAX_BYTES + 1, maxLength: MAX_BYTES + 50 }),
    fc
      .constantFrom('', '\r', '{', '{"jsonrpc":"2.0"', '\u2028', '\ufeff')
      .map((text) => Buffer.from(text)),
  )
  .map((bytes) => Buffer.from(bytes).map((byte) => (byte === 0x0a ? 0x20 : byte)));

const message = fc
  .tuple(
    fc.oneof(fc.string({ maxLength: 20 }), fc.integer()),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  .map(([id, method]) => ({ jsonrpc: '2.0', id, method }));

const items = fc.array(
  fc.oneof(
    message.map((value) => ({ value, bytes: Buffer.from(JSON.stringify(value)) })),
    noise.map((bytes) => ({ value: undefined, bytes: Buffer.from(bytes) })),
  ),
  { maxLength: 12 },
);
const cuts = fc.array(fc.nat(3000), { maxLength: 12 });

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

test('however bytes are cut into chunks, and whatever stands between them, every message of a server arrives, once and in order', () => {
  fc.assert(
    fc.property(items, cuts, (lines, places) => {
      const whole = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]));
      const got: unknown[] = [];
      let overflows = 0;
      const reader = new LineReader(
        MAX_BYTES,
        (line) => got.push(parsed(line)),
        () => (overflows += 1),
      );
      const ends = [...places.map((place) => place % (whole.length + 1)), whole.length];
      let from = 0;
      for (const to of ends.toSorted((a, b) => a - b)) {
        // The reader may keep what it was given: a buffer that is used again must not change it.
        reader.push(Buffer.from(whole.subarray(from, to)));
        from = to;
      }
      const sent = lines.map(({ value }) => value).filter((value) => value !== undefined);
      assert.deepEqual(
        got.filter((value) => isMessage(value)),
        sent,
      );
      assert.equal(overflows, lines.filter(({ bytes }) => bytes.length > MAX_BYTES).length);
    }),
    RUNS,
  );
});
