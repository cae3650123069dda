import assert from 'node:assert/strict';
import test from 'node:test';
import type { Fetching } from '../../../src/upstream/connectors/http-fetch.ts';
import { Places } from '../../../src/upstream/connectors/places.ts';

/** Requests by name: which were started, in order, and what ended them. */
function scene(count: number): {
  readonly started: string[];
  readonly ended: string[];
  start(name: string): Fetching;
  end(name: string): void;
} {
  const places = new Places(count);
  const started: string[] = [];
  const ended: string[] = [];
  const over = new Map<string, () => void>();
  return {
    started,
    ended,
    start: (name) => {
      const onEnd = (): void => void ended.push(name);
      return places.start((onOver) => {
        started.push(name);
        over.set(name, onOver);
        const abort = (): void => {
          onOver();
          onEnd();
        };
        return { abort };
      }, onEnd);
    },
    end: (name) => over.get(name)?.(),
  };
}

test('so many requests are under way at once, later ones follow in their order', () => {
  const { started, start, end } = scene(2);
  for (const name of ['a', 'b', 'c', 'd']) start(name);
  assert.deepEqual(started, ['a', 'b']);
  end('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
  end('a');
  end('c');
  end('d');
  start('e');
  start('f');
  start('g');
  assert.deepEqual(started, ['a', 'b', 'c', 'd', 'e', 'f']);
});

test('one that gives way lets the next one begin, once, and its own end frees no place', () => {
  const { started, start, end } = scene(1);
  const asked = start('asked');
  start('next');
  asked.giveWay?.();
  asked.giveWay?.();
  assert.deepEqual(started, ['asked', 'next']);
  start('third');
  end('asked');
  assert.deepEqual(started, ['asked', 'next']);
  end('next');
  assert.deepEqual(started, ['asked', 'next', 'third']);
});

test('one that is aborted while it waits is told its end and never starts; one under way frees its place', () => {
  const { started, ended, start } = scene(1);
  const first = start('first');
  start('second').abort();
  start('third');
  assert.deepEqual([started, ended], [['first'], ['second']]);
  first.abort();
  assert.deepEqual(
    [started, ended],
    [
      ['first', 'third'],
      ['second', 'first'],
    ],
  );
});
