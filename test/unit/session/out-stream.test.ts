import assert from 'node:assert/strict';
import test, { mock, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { KeptTotal } from '../../../src/session/kept-total.ts';
import { EventStore, type SessionStream } from '../../../src/session/out-stream.ts';

interface Recorder {
  readonly got: string[];
  isEnded: boolean;
  write(event: number, text: string): void;
  end(): void;
}

/** One open response, remembered. */
function recorder(): Recorder {
  const got: string[] = [];
  return {
    got,
    isEnded: false,
    write: (event, text) => got.push(`${event}:${text}`),
    end() {
      this.isEnded = true;
    },
  };
}

const BOUNDS = { maxMessages: 100, maxBytes: 10_000, resumableMs: 60_000 };

function storeOf(changes: Partial<typeof BOUNDS> = {}): EventStore {
  return new EventStore({ ...BOUNDS, ...changes }, 7, new KeptTotal(() => 1_000_000));
}

function keptIn(store: EventStore, stream: SessionStream): string[] {
  return [...store.after(stream, 0)].map(({ event, text }) => `${event}:${text}`);
}

function mockTimers(t: TestContext): void {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
}

test('what is written goes to the open response, numbered from one', () => {
  const stream = storeOf().open();
  const sink = recorder();
  stream.attach(sink, undefined);
  for (const text of ['a', 'b']) stream.write(text);
  assert.deepEqual(sink.got, ['1:a', '2:b']);
});

test('what was written while nobody listened is delivered to the first who does, once', () => {
  const stream = storeOf().open();
  stream.write('a');
  stream.write('b');
  const [first, second] = [recorder(), recorder()];
  stream.attach(first, undefined);
  stream.attach(second, undefined);
  stream.write('c');
  assert.deepEqual(first.got, ['1:a', '2:b']);
  assert.deepEqual(second.got, ['3:c']);
  assert.deepEqual([first.isEnded, second.isEnded], [true, false]);
});

test('who comes back after an event gets all that came after it, delivered before or not', () => {
  const stream = storeOf().open();
  const detach = stream.attach(recorder(), undefined);
  for (const text of ['a', 'b', 'c']) stream.write(text);
  detach();
  stream.write('d');
  const back = recorder();
  stream.attach(back, 1);
  stream.write('e');
  assert.deepEqual(back.got, ['2:b', '3:c', '4:d', '5:e']);
});

test('letting go of a response that was replaced does not touch the one that replaced it', () => {
  const stream = storeOf().open();
  const detachFirst = stream.attach(recorder(), undefined);
  const second = recorder();
  stream.attach(second, undefined);
  detachFirst();
  stream.write('a');
  assert.deepEqual(second.got, ['1:a']);
});

test('after its end nothing is written any more, and who comes back gets the rest and the end', () => {
  const stream = storeOf().open();
  stream.write('a');
  stream.end();
  stream.write('b');
  stream.end();
  const back = recorder();
  stream.attach(back, 0);
  assert.deepEqual([back.got, back.isEnded], [['1:a'], true]);
});

test('no more messages are kept than the bound, the oldest go first, whichever stream they are of', () => {
  const store = storeOf({ maxMessages: 3 });
  const [one, two] = [store.open(), store.open()];
  for (const [stream, text] of [
    [one, 'a'],
    [two, 'b'],
    [one, 'c'],
    [two, 'd'],
  ] as const)
    stream.write(text);
  assert.deepEqual([keptIn(store, one), keptIn(store, two)], [['2:c'], ['1:b', '2:d']]);
});

test('no more is kept than the bound in bytes, and one message above it is delivered but not kept', () => {
  const store = storeOf({ maxBytes: 10 });
  const stream = store.open();
  const sink = recorder();
  stream.attach(sink, undefined);
  for (const text of ['aaaa', 'bbbb', 'cccc']) stream.write(text);
  assert.deepEqual(keptIn(store, stream), ['2:bbbb', '3:cccc']);
  stream.write('x'.repeat(100));
  assert.equal(sink.got.length, 4);
  assert.deepEqual(keptIn(store, stream), []);
  stream.write('dd');
  assert.deepEqual(keptIn(store, stream), ['5:dd']);
});

test('whatever is written, ended and freed, the bounds hold and each stream keeps the end of its own', (t) => {
  mockTimers(t);
  const action = fc.oneof(
    fc.record({ of: fc.nat(3), text: fc.string({ maxLength: 20 }) }),
    fc.record({ of: fc.nat(3), ends: fc.constant(true) }),
  );
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 60 }),
      fc.nat(8),
      fc.nat(60),
      (actions, maxMessages, maxBytes) => {
        const store = storeOf({ maxMessages, maxBytes, resumableMs: 10 });
        const streams = Array.from({ length: 4 }, () => store.open());
        const written: string[][] = streams.map(() => []);
        for (const each of actions) {
          const stream = streams[each.of];
          if ('text' in each) {
            stream?.write(each.text);
            written[each.of]?.push(each.text);
          } else {
            stream?.end();
            mock.timers.tick(20);
            streams[each.of] = store.open();
            written[each.of] = [];
          }
          const kept = streams.map((one) => [...store.after(one, 0)].map(({ text }) => text));
          assert.ok(kept.flat().length <= maxMessages);
          assert.ok(kept.flat().join('').length <= maxBytes);
          for (const [index, texts] of kept.entries())
            assert.deepEqual(texts, written[index]?.slice(written[index].length - texts.length));
        }
      },
    ),
  );
});

test('a stream that ended undelivered is kept as long as it may be resumed, then it is freed (R15)', (t) => {
  mockTimers(t);
  const store = storeOf();
  const stream = store.open();
  stream.write('a');
  stream.end();
  mock.timers.tick(59_000);
  assert.equal(store.find(stream.id), stream);
  mock.timers.tick(2000);
  assert.equal(store.find(stream.id), undefined);
  assert.deepEqual(keptIn(store, stream), []);
});

test('a stream that was taken to its end is freed sooner: only a connection that just broke needs it', (t) => {
  mockTimers(t);
  const store = storeOf();
  const stream = store.open();
  const detach = stream.attach(recorder(), undefined);
  stream.write('a');
  stream.end();
  mock.timers.tick(100_000);
  assert.equal(store.find(stream.id), stream, 'it is not taken yet');
  detach(true);
  mock.timers.tick(4000);
  assert.equal(store.find(stream.id), stream);
  mock.timers.tick(2000);
  assert.equal(store.find(stream.id), undefined);
});

test('a stream whose reader was cut off before it had taken all can be resumed as long as any', (t) => {
  mockTimers(t);
  const store = storeOf();
  const stream = store.open();
  const detach = stream.attach(recorder(), undefined);
  stream.write('a');
  stream.end();
  detach(false);
  mock.timers.tick(59_000);
  assert.deepEqual(keptIn(store, stream), ['1:a']);
  mock.timers.tick(2000);
  assert.equal(store.find(stream.id), undefined);
});

test('a freed stream makes room for others', (t) => {
  mockTimers(t);
  const store = storeOf({ maxMessages: 2, resumableMs: 10 });
  const [gone, other] = [store.open(), store.open()];
  other.write('a');
  gone.write('b');
  gone.end();
  mock.timers.tick(20);
  other.write('c');
  assert.deepEqual(keptIn(store, other), ['1:a', '2:c']);
});

test('when the session ends its open responses end and nothing is kept', () => {
  const store = storeOf();
  const stream = store.open();
  const sink = recorder();
  stream.attach(sink, undefined);
  stream.write('a');
  store.clear();
  assert.equal(sink.isEnded, true);
  assert.equal(store.find(stream.id), undefined);
  assert.deepEqual(keptIn(store, stream), []);
});

test('no two streams of a session have the same id', () => {
  const store = storeOf();
  const ids = Array.from({ length: 100 }, () => store.open().id);
  assert.equal(new Set(ids).size, 100);
});

test('of the ended streams of one session only so many are kept, however many answers came as streams', () => {
  const store = storeOf();
  const open = store.open();
  for (let count = 0; count < 5000; count += 1) {
    const stream = store.open();
    stream.write('x');
    stream.end();
  }
  assert.ok(store.size.streams <= 1001);
  assert.equal(store.find(open.id), open, 'one that is open is never forgotten');
});
