import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamPhase, UpstreamState } from '../../../src/kernel/inventory.ts';
import { Readiness } from '../../../src/wiring/readiness.ts';

function stateOf(name: string, phase: UpstreamPhase, restarts = 0): UpstreamState {
  return { name, phase, restarts } as UpstreamState;
}

async function isOver(wait: Promise<void> | undefined): Promise<boolean> {
  let over = wait === undefined;
  void wait?.then(() => (over = true));
  await sleep(1);
  return over;
}

test('a list waits for nobody when no server is starting (R14)', () => {
  assert.equal(new Readiness(() => 2000).wait(), undefined);
});

test('a first list waits until the last server that starts has told what it offers (R14)', async () => {
  const readiness = new Readiness(() => 60_000);
  readiness.expect('one');
  readiness.expect('two');
  const waits = [readiness.wait(), readiness.wait()];
  readiness.settle('one');
  assert.equal(await isOver(waits[0]), false);
  readiness.settle('two');
  await waits[0];
  await waits[1];
  assert.equal(readiness.wait(), undefined);
});

for (const phase of [
  'failed',
  'stopped',
  'pending-input',
  'pending-auth',
  'ready',
  'degraded',
] as const) {
  test(`a list does not wait for a server that is ${phase} (R14)`, async () => {
    const readiness = new Readiness(() => 60_000);
    readiness.expect('one');
    const wait = readiness.wait();
    readiness.note(stateOf('one', phase));
    await wait;
    assert.equal(readiness.wait(), undefined);
  });
}

test('a server that is being restarted is no server that starts for the first time (R14)', async () => {
  const readiness = new Readiness(() => 60_000);
  readiness.expect('one');
  const wait = readiness.wait();
  readiness.note(stateOf('one', 'starting'));
  assert.equal(await isOver(wait), false);
  readiness.note(stateOf('one', 'starting', 1));
  await wait;
});

test('no list waits longer than list.firstWaitMs (R14)', async () => {
  const readiness = new Readiness(() => 50);
  readiness.expect('hanging');
  const startedAt = performance.now();
  await readiness.wait();
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs >= 45 && tookMs < 2000, `waited ${tookMs} ms`);
});

test('a server that hangs makes only the first lists wait, not every one for ever (R14)', async () => {
  const readiness = new Readiness(() => 30);
  readiness.expect('hanging');
  await readiness.wait();
  await sleep(80);
  assert.equal(readiness.wait(), undefined);
});

test('with list.firstWaitMs 0 no list waits', () => {
  const readiness = new Readiness(() => 0);
  readiness.expect('one');
  assert.equal(readiness.wait(), undefined);
});

test('what nobody expected may settle', () => {
  const readiness = new Readiness(() => 1000);
  readiness.settle('unknown');
  readiness.note(stateOf('other', 'failed'));
  assert.equal(readiness.wait(), undefined);
});
