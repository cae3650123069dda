import assert from 'node:assert/strict';
import { appendFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { JsonObject } from '../../../../src/kernel/json.ts';
import { AuditPlace, exchange, foundIn } from '../../../support/audit-place.ts';
import { startNode, stop, type Started } from '../../../support/conformance-processes.ts';
import { eventually } from '../../../support/raw-eventually.ts';

function startWriter(t: TestContext, place: AuditPlace, flushMs = 20): Started {
  const started = startNode(['test/support/audit-child.ts', place.dataDir, String(flushMs)]);
  t.after(() => stop(started));
  return started;
}

async function kill({ child, exited }: Started): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** A folder in which a process was killed while it wrote. */
async function killed(t: TestContext): Promise<AuditPlace> {
  const place = new AuditPlace(t);
  const writer = startWriter(t, place);
  await place.recorded(200);
  await kill(writer);
  return place;
}

function statements(place: AuditPlace): JsonObject[] {
  return place
    .files()
    .flatMap((file) => place.lines(file))
    .filter((line) => line.includes('"event":"chain-lost"'))
    .map((line) => (JSON.parse(line) as { lost: JsonObject }).lost);
}

async function restarted(place: AuditPlace): Promise<void> {
  const sink = place.open();
  sink.take(exchange(1_000_000));
  await eventually('it is settled', () => place.lost.length > 0);
  await sink.close();
}

test('a process that is killed leaves a chain that verifies, and the next one states how far it came (R22)', async (t) => {
  const place = await killed(t);
  const before = await place.verify();
  assert.deepEqual(foundIn(before), []);
  const [chain] = before.chains;
  assert.equal(chain?.state, 'unsettled');
  await restarted(place);
  const [lost] = statements(place);
  assert.deepEqual(place.lost, [chain.chain]);
  assert.deepEqual(
    [lost?.['chain'], lost?.['seq'], lost?.['hash'], lost?.['flushMs']],
    [chain.chain, chain.lastSeq, chain.lastHash, 20],
  );
  assert.equal(Number(lost?.['signedSeq']), chain.signedSeq);
  const after = await place.verify();
  assert.deepEqual(foundIn(after), []);
  assert.deepEqual(
    after.chains
      .map(({ chain: id, state, unanchored }) => `${id === chain.chain} ${state} ${unanchored}`)
      .toSorted(),
    ['false ended 0', 'true lost 0'],
  );
});

test('it is stated once, by whoever comes first, and never of a process that runs (R22)', async (t) => {
  const place = await killed(t);
  const running = startWriter(t, place);
  await eventually('it runs', () => place.files().length === 2);
  const sinks = [place.open(), place.open()];
  for (const sink of sinks) sink.take(exchange(1_000_000));
  // It may be the one that runs.
  await eventually('it is settled', () => statements(place).length > 0);
  await Promise.all(sinks.map((sink) => sink.close()));
  await place.chain(1);
  assert.deepEqual([place.errors, statements(place).length], [[], 1]);
  assert.equal(running.child.exitCode, null);
  const verdict = await place.verify();
  assert.deepEqual(foundIn(verdict), []);
  assert.deepEqual(verdict.chains.map(({ state }) => state).toSorted(), [
    'alive',
    'ended',
    'ended',
    'ended',
    'lost',
  ]);
});

test('once it is stated, the end of a lost chain can neither be cut off nor added to (R22)', async (t) => {
  const place = await killed(t);
  const [file = ''] = place.files();
  await restarted(place);
  const lines = place.lines(file);
  place.write(file, lines.slice(0, -1));
  const cut = await place.verify();
  assert.deepEqual(
    cut.findings.map(({ kind, file: at }) => [kind, at]),
    [['truncated', file]],
  );
  place.write(file, lines);
  appendFileSync(join(place.folder, file), 'x');
  const [added] = (await place.verify()).findings;
  assert.deepEqual([added?.kind, added?.file, added?.from], ['altered', file, lines.length]);
});

test('a line that the end of the process cut off is told of, not repaired and not held against anybody (R22)', async (t) => {
  const place = await killed(t);
  const [file = ''] = place.files();
  const path = join(place.folder, file);
  appendFileSync(path, '{"seq":12345,"pre');
  const { size } = statSync(path);
  await restarted(place);
  assert.equal(statSync(path).size, size);
  assert.equal(statements(place)[0]?.['tornBytes'], 17);
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('lines that had been anchored and are gone when the next process starts are told of for good (R22)', async (t) => {
  const place = new AuditPlace(t);
  const writer = startWriter(t, place);
  await eventually('it is anchored', () =>
    place.proofs().some(({ text }) => text.includes('"checkpoint"')),
  );
  await kill(writer);
  const [file = ''] = place.files();
  const lines = place.lines(file);
  place.write(file, lines.slice(0, 5));
  await restarted(place);
  const [lost] = statements(place);
  assert.equal(lost?.['seq'], 4);
  assert.ok(Number(lost?.['anchoredSeq']) > 4);
  assert.deepEqual(
    (await place.verify()).findings.map(({ kind, from }) => [kind, from]),
    [['truncated', 5]],
  );
});

test('a process that was killed before it wrote anything is settled too (R22)', async (t) => {
  const place = await killed(t);
  const [file = ''] = place.files();
  truncateSync(join(place.folder, file), 0);
  await restarted(place);
  const kinds = (await place.verify()).findings.map(({ kind }) => kind);
  assert.deepEqual(kinds, ['truncated'], 'this one had written, and been anchored');
  const other = new AuditPlace(t);
  const writer = startWriter(t, other);
  await eventually('it has begun', () => other.files().length === 1);
  await kill(writer);
  rmSync(join(other.dataDir, 'audit-anchors.db'));
  rmSync(join(other.dataDir, 'audit-anchors.db-wal'), { force: true });
  truncateSync(join(other.folder, other.files()[0] ?? ''), 0);
  await restarted(other);
  assert.equal(statements(other)[0]?.['seq'], undefined);
  assert.deepEqual(foundIn(await other.verify()), []);
});
