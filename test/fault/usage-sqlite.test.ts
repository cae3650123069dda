import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { UsageSink } from '../../src/record/usage/usage-sink.ts';
import { usageFile } from '../../src/wiring/usage-store.ts';
import { eventually } from '../support/processes.ts';
import { ask, batchOf, use } from '../support/usage-items.ts';
import { sqlitePlace, type UsagePlace } from '../support/usage-stores.ts';
import { entryOf } from '../unit/record/entries.ts';

const { startedAt: AT } = entryOf();
const TIME = { from: AT - 60_000, to: AT + 60_000 };
const LONG_MS = 30_000;

function sinkOn(t: TestContext, place: UsagePlace, said: string[] = []): UsageSink {
  const sink = new UsageSink({
    keeper: place.open(() => AT),
    log: { warn: (_fields, message) => said.push(message) },
    writer: 'this gateway',
    plan: () => place.plan,
    now: () => AT,
  });
  t.after(() => sink.close());
  return sink;
}

test('while another process writes for long, counts wait, and come when it is done', async (t) => {
  const place = sqlitePlace(t);
  const sink = sinkOn(t, place);
  sink.take({ entry: entryOf(), spending: undefined });
  await eventually('it is written', LONG_MS, () => sink.counts().written === 1);
  const other = new DatabaseSync(usageFile(place.dataDir));
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  sink.take({ entry: entryOf(), spending: undefined });
  await eventually('it was tried', LONG_MS, () => sink.counts().failures === 1);
  const { rows } = await place.open(() => AT).query(ask(TIME));
  assert.equal(rows[0]?.calls, 1, 'what is written can be read meanwhile');
  other.exec('COMMIT');
  await eventually('it is written', LONG_MS, () => sink.counts().written === 2);
  assert.equal(sink.counts().isFailing, false);
});

test('while the file cannot be used, counts wait, the file is named once, and they come when it can', async (t) => {
  const place = sqlitePlace(t);
  const file = usageFile(place.dataDir);
  mkdirSync(file);
  const said: string[] = [];
  const sink = sinkOn(t, place, said);
  sink.take({ entry: entryOf(), spending: undefined });
  await eventually('it was tried twice', LONG_MS, () => sink.counts().failures >= 2);
  assert.equal(said.length, 1);
  assert.ok(said[0]?.includes(file), said[0]);
  rmdirSync(file);
  await eventually('it is written', LONG_MS, () => sink.counts().written === 1);
});

test('only its owner may read the file, whoever could before', async (t) => {
  const place = sqlitePlace(t);
  const file = usageFile(place.dataDir);
  const store = place.open(() => AT);
  await store.add(batchOf([use()]));
  const modes = [file, `${file}-wal`, `${file}-shm`].map((path) => statSync(path).mode & 0o777);
  assert.deepEqual(modes, [0o600, 0o600, 0o600]);
  await store.close();
  chmodSync(file, 0o644);
  const again = place.open(() => AT);
  await again.add(batchOf([use()]));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a store that is closed while it is asked answers or fails, and ends', async (t) => {
  const store = sqlitePlace(t).open(() => AT);
  await store.add(batchOf([use()]));
  const asked = Promise.allSettled([store.query(ask(TIME)), store.query(ask(TIME))]);
  await store.close();
  for (const answer of await asked)
    if (answer.status === 'rejected') assert.match(String(answer.reason), /its thread ended/);
  await assert.rejects(store.query(ask(TIME)), /closed/);
});
