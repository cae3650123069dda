import assert from 'node:assert/strict';
import test from 'node:test';
import { Queue } from '../../../src/upstream/queue.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { ownerOf } from '../../support/upstream-link.ts';

const NOBODY = new Map<string | undefined, number>();

function join(queue: Queue<string>, caller: string, client: string): () => void {
  const principal = Principal.prove({ credential: caller, proof: 'local' });
  return queue.join(client, ownerOf(client, { principal }), { settle: () => undefined });
}

/** Serves everybody, one place each that is never given back; the clients in the order they were served. */
function serveAll(queue: Queue<string>): string[] {
  const held = new Map<string | undefined, number>();
  const served: string[] = [];
  for (let next = queue.next(held); next !== undefined; next = queue.next(held)) {
    held.set(next.principal, (held.get(next.principal) ?? 0) + 1);
    served.push(next.key);
    queue.settle(next.key, 'a place');
  }
  return served;
}

test('callers take turns, whoever came first begins, and each one’s own clients come in their order (R9)', () => {
  const queue = new Queue<string>();
  for (const each of [1, 2, 3]) join(queue, 'anne', `a${each}`);
  join(queue, 'bert', 'b1');
  join(queue, 'carl', 'c1');
  join(queue, 'bert', 'b2');
  assert.deepEqual(serveAll(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  assert.equal(queue.size, 0);
});

test('clients that cannot be asked anything are one party, and a caller of their own', () => {
  const queue = new Queue<string>();
  const got: unknown[] = [];
  join(queue, 'anne', 'a1');
  for (const each of [1, 2])
    queue.join('mute', undefined, { settle: (outcome) => got.push([each, outcome]) });
  assert.equal(queue.size, 3);
  assert.equal(queue.next(new Map([['anne', 1]]))?.key, 'mute');
  queue.settle('mute', 'a place');
  assert.deepEqual(got, [
    [1, 'a place'],
    [2, 'a place'],
  ]);
  assert.equal(queue.size, 1);
});

test('whoever leaves is not served, and leaving twice or after that changes nothing', () => {
  const queue = new Queue<string>();
  const leave = join(queue, 'anne', 'a1');
  const leaveOther = join(queue, 'anne', 'a2');
  leave();
  leave();
  assert.deepEqual([queue.size, queue.next(NOBODY)?.key], [1, 'a2']);
  queue.settle('a2', 'a place');
  leaveOther();
  assert.deepEqual([queue.size, queue.next(NOBODY)], [0, undefined]);
  queue.settle('nobody', 'a place');
});

test('the end settles everybody with its error', () => {
  const queue = new Queue<string>();
  const over = new Error('over');
  const got: unknown[] = [];
  for (const key of ['x', 'y'])
    queue.join(key, ownerOf(key), { settle: (outcome) => got.push(outcome) });
  queue.settleAll(over);
  assert.deepEqual([got, queue.size], [[over, over], 0]);
});

test('looking for the next costs by callers, not by their waiting calls', () => {
  const queue = new Queue<string>();
  const held = new Counting();
  for (let each = 0; each < 1000; each += 1) join(queue, `caller ${each % 4}`, `client ${each}`);
  queue.next(held);
  assert.equal(held.asked, 4);
});

/** Counts how often it is asked. */
class Counting extends Map<string | undefined, number> {
  asked = 0;

  override get(key: string | undefined): number | undefined {
    this.asked += 1;
    return super.get(key);
  }
}
