import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'node:test';
import type { LimitPlan } from '../../../../src/kernel/limits-plan.ts';
import { eventually } from '../../../support/processes.ts';
import { budget, caller, DAY, folderFor, limit, LimitScene, MINUTE } from './scene.ts';

const ANNA = caller('anna');
const BERT = caller('bert');
const DAILY: readonly LimitPlan[] = [
  limit('day', { per: ['consumer'], budget: budget({ calls: 10, tokens: 1000 }) }),
];
const SOON = 5_000;

/** What is used of the count of a consumer, as one process knows it. */
function used(scene: LimitScene, consumer: string): number {
  const counts = scene.limits.report(100)[0]?.top ?? [];
  const found = counts.find(({ for: whose }) => whose !== 'other' && whose.consumer === consumer);
  return found?.budget?.calls?.used ?? 0;
}

test('two gateways that share a folder share their budgets, by adding', async (t) => {
  const folder = folderFor(t);
  const one = new LimitScene(t, DAILY, { folder, syncMs: 10 });
  const other = new LimitScene(t, DAILY, { folder, syncMs: 10 });
  assert.equal(one.run(ANNA, 3), 3);
  assert.equal(other.run(ANNA, 4), 4);
  one.run(BERT, 1, { id: 'b' });
  one.settle('b', { tokens: 600 });
  other.run(BERT, 1, { id: 'c' });
  other.settle('c', { tokens: 400 });
  await eventually('each knows of the other', SOON, () =>
    [one, other].every((scene) => used(scene, 'anna') === 7 && used(scene, 'bert') === 2),
  );
  assert.equal(one.once(BERT), 'day');
  assert.equal(other.once(BERT), 'day');
  assert.equal(other.run(ANNA, 5), 3);
  await eventually('the other is told', SOON, () => used(one, 'anna') === 10);
  assert.equal(one.once(ANNA), 'day');
});

test('what is charged while both exchange is neither lost nor counted twice', async (t) => {
  const folder = folderFor(t);
  const plans = [limit('day', { budget: budget({ calls: 1e6 }) })];
  const scenes = [1, 2, 3].map(() => new LimitScene(t, plans, { folder, syncMs: 1 }));
  const calls = 400;
  for (let call = 0; call < calls; call += 1) {
    for (const scene of scenes) assert.equal(scene.once(ANNA), undefined);
    await setImmediate();
  }
  const total = (scene: LimitScene): number | undefined =>
    scene.limits.report(1)[0]?.top[0]?.budget?.calls?.used;
  await eventually('all know of all', SOON, () =>
    scenes.every((scene) => total(scene) === calls * scenes.length),
  );
});

test('budgets outlive the process, until their window ends', (t) => {
  const folder = folderFor(t);
  const first = new LimitScene(t, DAILY, { folder });
  assert.equal(first.run(ANNA, 9), 9);
  first.limits.close();
  const second = new LimitScene(t, DAILY, { folder });
  assert.equal(second.run(ANNA, 9), 1);
  second.limits.close();
  const third = new LimitScene(t, DAILY, { folder, now: second.now + DAY });
  assert.equal(third.run(ANNA, 99), 10);
});

test('a budget that was changed between two runs keeps what was used, one that counts others does not', (t) => {
  const folder = folderFor(t);
  const first = new LimitScene(t, DAILY, { folder });
  first.run(ANNA, 9);
  first.limits.close();
  const raised = { ...DAILY[0]!, budget: budget({ calls: 12 }) };
  const second = new LimitScene(t, [raised], { folder });
  assert.equal(second.run(ANNA, 9), 3);
  second.limits.close();
  const other = { ...raised, servers: ['files'] };
  const third = new LimitScene(t, [other], { folder });
  assert.equal(third.run(ANNA, 99), 12);
});

test('a clock that was set back a little before a restart does not give a budget back', (t) => {
  const folder = folderFor(t);
  const plans = [limit('minute', { budget: budget({ window: 'minute', calls: 2 }) })];
  const first = new LimitScene(t, plans, { folder });
  assert.equal(first.run(ANNA, 5), 2);
  first.limits.close();
  const second = new LimitScene(t, plans, { folder, now: first.now - 1 });
  assert.equal(second.run(ANNA, 5), 0);
  second.pass(MINUTE);
  assert.equal(second.run(ANNA, 5), 0, 'the minute goes on to its end');
  second.pass(1);
  assert.equal(second.run(ANNA, 5), 2);
});

test('a store that cannot be used is told once, counting goes on, and what was counted is saved when it can', async (t) => {
  const folder = join(folderFor(t), 'data');
  mkdirSync(folder);
  const file = join(folder, 'limits.db');
  writeFileSync(file, 'this is no database, whoever made it');
  const scene = new LimitScene(t, DAILY, { folder, syncMs: 5 });
  assert.equal(scene.run(ANNA, 99), 10);
  await eventually('it is told', SOON, () =>
    scene.warnings.some(({ message }) => /cannot be saved/u.test(message)),
  );
  assert.equal(scene.once(ANNA), 'day');
  writeFileSync(file, '');
  await eventually('it is saved', SOON, () => {
    const later = new LimitScene(t, DAILY, { folder });
    return used(later, 'anna') === 10;
  });
  const told = scene.warnings.filter(({ message }) => /cannot be saved/u.test(message));
  assert.equal(told.length, 1);
});

test('more counts than are saved at once are all saved, and none of them waits for the next second', async (t) => {
  const folder = folderFor(t);
  const scene = new LimitScene(t, DAILY, { folder, syncMs: 200 });
  const names = Array.from({ length: 5_000 }, (_, index) => `c${index}`);
  for (const name of names) scene.once(caller(name));
  const other = new LimitScene(t, DAILY, { folder, syncMs: 200 });
  await eventually(
    'the other knows of all',
    SOON,
    () => other.limits.report(0)[0]?.counts === names.length,
  );
});
