import assert from 'node:assert/strict';
import { renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { AuditPlace, auditPlan, exchange, foundIn } from '../../../support/audit-place.ts';
import { eventually } from '../../../support/raw-eventually.ts';
import { entryOf } from '../entries.ts';

const TURNED_AWAY = { code: 'GUESSING', address: '10.0.0.1', count: 7, firstAt: 0, lastAt: 0 };

function idsOf(place: AuditPlace): unknown[] {
  return place.records().map(({ id }) => id);
}

test('what is taken is written in its order, one line each, and readable by the owner alone', async (t) => {
  const place = new AuditPlace(t);
  await place.chain(1000);
  assert.deepEqual(
    idsOf(place),
    Array.from({ length: 1000 }, (_, index) => `run-${index}`),
  );
  assert.deepEqual(place.errors, []);
  assert.deepEqual(foundIn(await place.verify()), []);
  if (process.platform === 'win32') return;
  const [file = ''] = place.files();
  for (const [path, mode] of [
    [place.folder, 0o700],
    [join(place.folder, file), 0o600],
    [join(place.dataDir, 'keys/audit.json'), 0o600],
    [join(place.dataDir, 'audit-anchors.db'), 0o600],
  ] as const)
    assert.equal(statSync(path).mode & 0o777, mode, path);
});

test('a few lines are written soon, signed and anchored a little later, without anybody closing (R22)', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  sink.take(exchange(0));
  await place.recorded(1);
  await eventually('they are signed', () => {
    const lines = place.files().flatMap((file) => place.lines(file));
    return lines.at(-1)?.includes('"event":"checkpoint"') === true;
  });
  await eventually('that is anchored', () =>
    place.proofs().some(({ text }) => text.includes('"event":"checkpoint"')),
  );
  const { chains } = await place.verify();
  assert.deepEqual([chains[0]?.state, chains[0]?.unanchored], ['alive', 0]);
  await sink.close();
});

test('each day (UTC) has a file of its own, and so has what is longer than a file may be', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  place.now = Date.UTC(2026, 10, 22, 23, 59, 59, 999);
  sink.take(exchange(0));
  await place.recorded(1);
  place.now += 1;
  sink.take(exchange(1));
  await place.recorded(2);
  place.plan = auditPlan({ maxSegmentBytes: 4096 });
  for (let index = 2; index < 12; index += 1) sink.take(exchange(index));
  await sink.close();
  const names = place.files().map((file) => `${file.slice(0, 10)} ${file.slice(-10, -6)}`);
  assert.deepEqual(names.slice(0, 3), ['2026-11-22 0000', '2026-11-23 0001', '2026-11-23 0002']);
  for (const file of place.files()) assert.ok(statSync(join(place.folder, file)).size < 6000);
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('a plan that switches the audit off holds from the next entry on, and is still told of', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  sink.take(exchange(1));
  place.plan = auditPlan({ isOn: false });
  sink.take(exchange(2));
  sink.turnedAway(TURNED_AWAY);
  sink.event({ event: 'session-ended', by: undefined, details: {} });
  sink.event({ event: 'config-changed', by: undefined, details: { path: 'audit.enabled' } });
  place.plan = auditPlan({ arguments: 'none' });
  sink.take(exchange(3));
  await sink.close();
  assert.deepEqual(
    place.records().map(({ id, event, argumentsMode }) => id ?? event ?? argumentsMode),
    ['run-1', 'config-changed', 'run-3'],
  );
});

test('an audit that is off makes nothing at all', async (t) => {
  const place = new AuditPlace(t, { isOn: false });
  const sink = place.open();
  sink.take(exchange(1));
  sink.event({ event: 'gateway-started', by: undefined, details: {} });
  await sink.close();
  assert.deepEqual([place.files(), place.keys(), place.proofs()], [[], [], []]);
});

test('no event of the gateway passes for a line that holds the chain together (R22)', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  for (const event of ['checkpoint', 'chain-ended', 'retired', 'server-state'])
    sink.event({ event, by: 'somebody', details: {} });
  await sink.close();
  assert.deepEqual(
    place.records().map(({ event }) => event),
    ['server-state'],
  );
});

for (const onFailure of ['refuse', 'drop-and-count'] as const) {
  test(`while the disk takes nothing, lines wait and are written when it does again (${onFailure}, R22)`, async (t) => {
    const place = new AuditPlace(t, { onFailure });
    writeFileSync(place.folder, 'a file where the folder should be');
    const sink = place.open();
    for (let index = 0; index < 500; index += 1) sink.take(exchange(index));
    await eventually('it fails', () => sink.counts().isFailing);
    assert.equal(sink.canRecord(), onFailure !== 'refuse');
    sink.take(exchange(500));
    unlinkSync(place.folder);
    await place.recorded(501);
    await eventually('it is well again', () => !sink.counts().isFailing);
    assert.equal(sink.canRecord(), true);
    assert.equal(place.errors.length, 1, 'a row of failures is told once');
    await sink.close();
    assert.deepEqual(foundIn(await place.verify()), []);
    assert.equal(sink.counts().lost, 0);
  });
}

test('no more than so much is held: what is lost is counted, and a line says so (R22)', async (t) => {
  const place = new AuditPlace(t, { onFailure: 'drop-and-count' });
  writeFileSync(place.folder, '');
  const sink = place.open();
  const entry = entryOf({ args: { text: 'x'.repeat(100_000) } });
  for (let index = 0; index < 100; index += 1) sink.take({ entry, spending: undefined });
  assert.ok(sink.counts().waitingBytes <= 8 * 1024 * 1024);
  unlinkSync(place.folder);
  await sink.close();
  const lines = place.records();
  const lost = lines.at(-1);
  assert.equal(lost?.['outcome'], 'lost');
  assert.equal(lines.length - 1 + Number(lost['count']), 100);
  assert.ok(lines.length > 80 && lines.length < 86, `${lines.length} lines of 100 kB`);
  assert.equal(sink.counts().lost, Number(lost['count']));
  assert.deepEqual(foundIn(await place.verify()), []);
});

test('calls under way when others are refused already still find room (R22)', async (t) => {
  const place = new AuditPlace(t);
  writeFileSync(place.folder, '');
  const sink = place.open();
  const entry = entryOf({ args: { text: 'x'.repeat(100_000) } });
  for (let index = 0; index < 150; index += 1) sink.take({ entry, spending: undefined });
  assert.equal(sink.canRecord(), false);
  unlinkSync(place.folder);
  await sink.close();
  assert.equal(place.records().length, 150);
});

test('callers nobody knows never cause calls of others to be refused, however many they are (R22)', async (t) => {
  const place = new AuditPlace(t, { flushMs: 60_000 });
  const sink = place.open();
  const record = { ...TURNED_AWAY, address: 'x'.repeat(1000) };
  for (let index = 0; index < 20_000; index += 1) sink.turnedAway(record);
  assert.equal(sink.canRecord(), true);
  assert.ok(sink.counts().waitingBytes < 2 * 1024 * 1024, String(sink.counts().waitingBytes));
  sink.take(exchange(0));
  await sink.close();
  const records = place.records();
  assert.ok(records.some(({ id }) => id === 'run-0'));
  const lost = records.find(({ outcome }) => outcome === 'lost');
  const told = records.filter(({ outcome }) => outcome === 'turned-away').length;
  assert.equal(told + Number(lost?.['count']), 20_000);
});

test('an audit that can be written nowhere ends nothing but itself', async (t) => {
  const place = new AuditPlace(t);
  writeFileSync(place.folder, '');
  const sink = place.open();
  sink.take(exchange(0));
  await sink.close();
  assert.equal(place.errors.length, 1);
  sink.take(exchange(1));
  assert.equal(sink.counts().lost, 1, 'what comes after the end is lost too');
});

for (const [what, harm] of [
  ['removed', (path: string) => rmSync(path)],
  ['moved', (path: string) => renameSync(path, `${path}.old`)],
  ['replaced', (path: string) => (rmSync(path), writeFileSync(path, ''))],
  ['appended to', (path: string) => writeFileSync(path, '{"forged":true}\n', { flag: 'a' })],
] as const) {
  test(`a file that is ${what} while it is written is told of, and its lines go on in a new one (R22)`, async (t) => {
    const place = new AuditPlace(t);
    const sink = place.open();
    sink.take(exchange(0));
    await place.recorded(1);
    harm(join(place.folder, place.files()[0] ?? ''));
    sink.take(exchange(1));
    await eventually('it is noticed', () => place.errors.length > 0);
    assert.match(place.errors[0] ?? '', /was changed, moved or removed by somebody else/u);
    sink.take(exchange(2));
    await sink.close();
    const next = place.files().find((file) => file.endsWith('-0001.jsonl')) ?? '';
    assert.ok(place.lines(next).some((line) => line.includes('run-2')));
    assert.notDeepEqual(foundIn(await place.verify()), []);
  });
}

test('two audits in one folder each have a chain of their own, and the second names the first (R22)', async (t) => {
  const place = new AuditPlace(t);
  const [one, two] = [place.open(), place.open()];
  for (let index = 0; index < 100; index += 1) (index % 2 === 0 ? one : two).take(exchange(index));
  await Promise.all([one.close(), two.close()]);
  assert.equal(place.files().length, 2);
  assert.equal(idsOf(place).length, 100);
  const { findings, chains } = await place.verify();
  assert.deepEqual(findings, []);
  assert.deepEqual(
    chains.map(({ state }) => state),
    ['ended', 'ended'],
  );
  const begun = place
    .files()
    .map((file) => JSON.parse(place.lines(file)[0] ?? '') as { previous?: { chain: string } });
  assert.equal(begun.filter(({ previous }) => previous !== undefined).length, 1);
});
