import assert from 'node:assert/strict';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { LineReader } from '../../../src/upstream/lines.ts';

interface Read {
  readonly lines: string[];
  overflows: number;
}

function readAll(chunks: readonly Buffer[], maxBytes: number): Read {
  const read: Read = { lines: [], overflows: 0 };
  const reader = new LineReader(
    maxBytes,
    (line) => read.lines.push(line),
    () => (read.overflows += 1),
  );
  for (const chunk of chunks) reader.push(chunk);
  return read;
}

/** Cuts bytes at these places, given as parts of the whole. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = places.map((place) => Math.floor(place * bytes.length)).toSorted((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** What must come out: every line that ends, is not empty and not too long, decoded whole. */
function expected(bytes: Buffer, maxBytes: number): Read {
  const read: Read = { lines: [], overflows: 0 };
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    const line = bytes.subarray(start, end);
    if (line.length > maxBytes) read.overflows += 1;
    else if (line.length > 0 && line.toString() !== '\r') read.lines.push(line.toString());
    start = end + 1;
  }
  if (bytes.length - start > maxBytes) read.overflows += 1;
  return read;
}

const PLACES = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
const TEXT = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('\n', '\r\n', '🙂', 'é\n', '\n\n'),
    ),
  )
  .map((parts) => Buffer.from(parts.join('')));

/** Bytes that are still held, after all that is not was collected. */
function arrayBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

test('any way of cutting a stream into chunks gives the same lines, whole characters included', () => {
  fc.assert(
    fc.property(TEXT, PLACES, (bytes, places) => {
      assert.deepEqual(readAll(cut(bytes, places), 1_000_000), expected(bytes, 1_000_000));
    }),
  );
});

test('bytes that are no UTF-8 give the same lines however they are cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), PLACES, (array, places) => {
      const bytes = Buffer.from(array);
      assert.deepEqual(readAll(cut(bytes, places), 1_000_000), expected(bytes, 1_000_000));
    }),
  );
});

test('a line above the bound is left out and told once, however it is cut; the lines around it are whole', () => {
  fc.assert(
    fc.property(TEXT, PLACES, fc.integer({ min: 1, max: 40 }), (bytes, places, maxBytes) => {
      assert.deepEqual(readAll(cut(bytes, places), maxBytes), expected(bytes, maxBytes));
    }),
  );
});

test('a line that never ends takes no more memory than the bound', () => {
  let told = 0;
  const reader = new LineReader(
    1000,
    () => assert.fail('delivered'),
    () => (told += 1),
  );
  const chunk = Buffer.alloc(100_000, 'x');
  const before = arrayBytes();
  for (let round = 0; round < 1000; round += 1) reader.push(chunk);
  assert.equal(told, 1);
  assert.ok(arrayBytes() - before < 10_000_000);
});

test('blank lines and a lone CR are no lines', () => {
  assert.deepEqual(readAll([Buffer.from('\n\r\n\n{}\r\n\n')], 100).lines, ['{}\r']);
});

test('a message of 64 MiB in chunks of 64 KiB is one line, read in time', () => {
  const chunk = Buffer.alloc(65_536, 'a');
  const startedAt = performance.now();
  const chunks = Array.from({ length: 1024 }, () => chunk);
  const { lines } = readAll([...chunks, Buffer.from('\n')], 2 ** 27);
  assert.deepEqual([lines.length, lines[0]?.length], [1, 65_536 * 1024]);
  assert.ok(performance.now() - startedAt < 5000);
});

test('a line that comes byte by byte takes memory like its length, not like its parts', () => {
  let length = 0;
  const reader = new LineReader(
    1_000_000,
    (line) => {
      length = line.length;
    },
    () => undefined,
  );
  const held = (): number => {
    const arrays = arrayBytes();
    return arrays + process.memoryUsage().heapUsed;
  };
  const before = held();
  for (let count = 0; count < 300_000; count += 1) reader.push(Buffer.from('x'));
  const grown = held() - before;
  assert.ok(grown < 10 * 300_000, `300000 bytes take ${grown}`);
  reader.push(Buffer.from('\n'));
  assert.equal(length, 300_000);
});

test('bytes that are passed over end the line they cut; the next whole line is delivered, and nothing else is told', () => {
  const skipped: readonly (readonly [string, string, string, string[]])[] = [
    ['half', 'of it\nnext', ' line\nwhole\n', ['whole']],
    ['half', 'of it\n', 'whole\n', ['whole']],
    ['half', 'of it', ' goes on\nwhole\n', ['whole']],
    ['', 'x\n', 'whole\n', ['whole']],
  ];
  for (const [first, passed, last, expectedLines] of skipped) {
    const read: Read = { lines: [], overflows: 0 };
    const reader = new LineReader(
      100,
      (line) => read.lines.push(line),
      () => (read.overflows += 1),
    );
    if (first !== '') reader.push(Buffer.from(first));
    reader.skip(Buffer.from(passed));
    reader.push(Buffer.from(last));
    assert.deepEqual(read, { lines: expectedLines, overflows: 0 }, passed);
  }
});
