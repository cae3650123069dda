import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AuditSigner } from '../../../../src/record/audit/keys.ts';
import { newSigningKey } from '../../../../src/seal/signing-key.ts';
import { AuditPlace, exchange, foundIn } from '../../../support/audit-place.ts';

/** Files of some ten lines, each of which begins and ends with a signed one. */
const SMALL = { maxSegmentBytes: 4096 };

async function placeWith(t: TestContext, exchanges = 18): Promise<AuditPlace> {
  const place = new AuditPlace(t, SMALL);
  await place.chain(exchanges);
  assert.deepEqual(foundIn(await place.verify()), []);
  return place;
}

function fileOf(place: AuditPlace, number: number): string {
  const file = place.files().find((name) => name.endsWith(`-000${number}.jsonl`));
  assert.ok(file !== undefined, place.files().join());
  return file;
}

function edit(
  place: AuditPlace,
  file: string,
  change: (lines: string[]) => readonly string[],
): void {
  place.write(file, change(place.lines(file)));
}

/** A line with something else in it, as somebody changes it who knows nothing of hashes. */
function changed(line = ''): string {
  const other = line.replace('"outcome":"ok"', '"outcome":"no"');
  assert.notEqual(other, line);
  return other;
}

/** Lines with hashes and numbers that fit again, as somebody makes them who knows how but has no key. */
function rehashed(lines: readonly string[], from: number): string[] {
  const all = [...lines];
  for (let index = from; index < all.length; index += 1) {
    const prev = hash('sha256', all[index - 1] ?? '', 'hex');
    all[index] = (all[index] ?? '').replace(/"prev":"[0-9a-f]{64}"/u, `"prev":"${prev}"`);
  }
  return all;
}

test('an audit that nobody touched verifies, and says what it holds (R22)', async (t) => {
  const place = new AuditPlace(t, SMALL);
  const chain = await place.chain(18);
  const { findings, chains } = await place.verify();
  assert.deepEqual(findings, []);
  const [only] = chains;
  assert.equal(only?.chain, chain);
  assert.deepEqual([only.state, only.unanchored, only.unsigned], ['ended', 0, undefined]);
  assert.equal(only.lines, place.files().flatMap((file) => place.lines(file)).length);
  assert.ok(only.files.length >= 3, only.files.join());
});

test('a changed byte is found, with its line (R22)', async (t) => {
  const place = await placeWith(t);
  const file = fileOf(place, 1);
  edit(place, file, (lines) => lines.map((line, index) => (index === 2 ? changed(line) : line)));
  assert.deepEqual(foundIn(await place.verify()), ['altered 0001:3']);
});

test('a changed line that another follows, changed too, is found as both (R22)', async (t) => {
  const place = await placeWith(t);
  edit(place, fileOf(place, 1), (lines) =>
    lines.map((line, index) => (index === 2 || index === 3 ? changed(line) : line)),
  );
  assert.deepEqual(foundIn(await place.verify()), ['altered 0001:3-4']);
});

test('a line that is no JSON any more, and one with another number, are found (R22)', async (t) => {
  const place = await placeWith(t);
  edit(place, fileOf(place, 0), (lines) => lines.with(2, 'nothing'));
  edit(place, fileOf(place, 1), (lines) =>
    lines.with(2, (lines[2] ?? '').replace(/"seq":\d+/u, '"seq":9999')),
  );
  assert.deepEqual(foundIn(await place.verify()), ['altered 0000:3', 'altered 0001:3']);
});

test('a changed line whose hash was made to fit in all that follow is found by the next signature (R22)', async (t) => {
  const place = await placeWith(t);
  const file = fileOf(place, 1);
  const count = place.lines(file).length;
  edit(place, file, (lines) => rehashed(lines.with(2, changed(lines[2])), 3));
  const found = foundIn(await place.verify());
  assert.ok(found.includes(`forged 0001:2-${count}`), found.join());
});

test('a line that is gone is found, with the one that follows (R22)', async (t) => {
  const place = await placeWith(t);
  edit(place, fileOf(place, 1), (lines) => lines.toSpliced(2, 1));
  assert.deepEqual(foundIn(await place.verify()), ['removed 0001:3']);
});

test('lines in another order are found, and only those (R22)', async (t) => {
  const place = await placeWith(t);
  edit(place, fileOf(place, 1), (lines) => {
    const [line = ''] = lines.splice(2, 1);
    return lines.toSpliced(3, 0, line);
  });
  assert.deepEqual(foundIn(await place.verify()), ['reordered 0001:4']);
});

test('a line that stands there twice is found, and so is one that was made up (R22)', async (t) => {
  const place = await placeWith(t);
  edit(place, fileOf(place, 1), (lines) => lines.toSpliced(4, 0, lines[2] ?? ''));
  edit(place, fileOf(place, 2), (lines) => {
    const next = hash('sha256', lines[1] ?? '', 'hex');
    const made = (lines[2] ?? '')
      .replace(/"prev":"\w+"/u, `"prev":"${next}"`)
      .replace('"ok"', '"no"');
    return lines.toSpliced(2, 0, made);
  });
  assert.deepEqual(foundIn(await place.verify()), ['reordered 0001:5', 'added 0002:3']);
});

test('an end that was cut off before the last anchor is found, be it within a line or between two (R22)', async (t) => {
  const place = await placeWith(t);
  const last = place.files().at(-1) ?? '';
  const count = place.lines(last).length;
  edit(place, last, (lines) => lines.slice(0, -2));
  const [found] = (await place.verify()).findings;
  assert.deepEqual([found?.kind, found?.file, found?.from], ['truncated', last, count - 2]);
  assert.match(found?.what ?? '', /was anchored at 20\d\d-/u);
  truncateSync(join(place.folder, last), 100);
  assert.deepEqual(
    (await place.verify()).findings.map(({ kind }) => kind),
    ['truncated'],
  );
});

test('lines that follow the end of a chain are found (R22)', async (t) => {
  const place = await placeWith(t);
  const last = place.files().at(-1) ?? '';
  edit(place, last, (lines) => {
    const prev = hash('sha256', lines.at(-1) ?? '', 'hex');
    const seq = Number(/"seq":(\d+)/u.exec(lines.at(-1) ?? '')?.[1]) + 1;
    return [
      ...lines,
      `{"seq":${seq},"prev":"${prev}","at":"2026-11-22T12:00:00.000Z","outcome":"ok"}`,
    ];
  });
  const count = place.lines(last).length;
  const { kind, from } = (await place.verify()).findings[0] ?? {};
  assert.deepEqual([kind, from], ['added', count]);
});

for (const number of [0, 1]) {
  test(`a file that is gone is found: segment ${number} (R22)`, async (t) => {
    const place = await placeWith(t);
    const before = place.files().length;
    rmSync(join(place.folder, fileOf(place, number)));
    assert.equal(place.files().length, before - 1);
    const found = foundIn(await place.verify());
    assert.ok(found.includes(`missing-segment 000${number}`), found.join());
  });
}

test('the last file of a chain is missed by its anchor (R22)', async (t) => {
  const place = await placeWith(t);
  const last = place.files().at(-1) ?? '';
  rmSync(join(place.folder, last));
  assert.deepEqual(foundIn(await place.verify()), [`missing-segment ${last.slice(-10, -6)}`]);
});

test('a whole chain that is gone is missed by its anchor, and by the chain that was begun after it (R22)', async (t) => {
  const place = new AuditPlace(t);
  const first = await place.chain(3);
  await place.chain(3);
  rmSync(join(place.folder, place.files().find((file) => file.includes(first)) ?? ''));
  const gone = [`missing-chain *-${first}-*.jsonl`];
  assert.deepEqual(foundIn(await place.verify()), gone);
  assert.deepEqual(foundIn(await place.verify([])), gone);
});

test('lines and files of another chain are found where they do not belong (R22)', async (t) => {
  const place = new AuditPlace(t, SMALL);
  const [one, two] = [await place.chain(18), await place.chain(18)];
  const name = (chain: string, number: number): string =>
    place.files().find((file) => file.endsWith(`${chain}-000${number}.jsonl`)) ?? '';
  const foreign = place.lines(name(two, 1)).slice(1, 4);
  edit(place, name(one, 1), (lines) => lines.toSpliced(2, 3, ...foreign));
  const spliced = await place.verify();
  assert.ok(
    spliced.findings.some(({ file, from, to }) => file === name(one, 1) && from === 3 && to === 5),
    foundIn(spliced).join(),
  );
  copyFileSync(join(place.folder, name(two, 1)), join(place.folder, name(one, 1)));
  const found = (await place.verify()).findings;
  assert.ok(
    found.some(({ kind, file, from }) => kind === 'spliced' && file === name(one, 1) && from === 1),
  );
});

test('the audit of another gateway does not pass for this one (R22)', async (t) => {
  const place = new AuditPlace(t);
  const other = new AuditPlace(t);
  await place.chain(5);
  await other.chain(5);
  rmSync(place.folder, { recursive: true });
  cpSync(other.folder, place.folder, { recursive: true });
  const kinds = (await place.verify()).findings.map(({ kind }) => kind);
  assert.ok(kinds.includes('missing-chain') && kinds.includes('forged'), kinds.join());
});

test('an older copy does not pass for the audit (R22)', async (t) => {
  const place = new AuditPlace(t, { flushMs: 0 });
  const copy = mkdtempSync(join(tmpdir(), 'mcpx-copy-'));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  const sink = place.open();
  sink.take(exchange(0));
  await place.recorded(1);
  cpSync(place.folder, copy, { recursive: true });
  sink.take(exchange(1));
  await sink.close();
  rmSync(place.folder, { recursive: true });
  cpSync(copy, place.folder, { recursive: true });
  assert.deepEqual(
    (await place.verify()).findings.map(({ kind }) => kind),
    ['truncated'],
  );
});

test('lines that somebody signs with a key of their own are found (R22)', async (t) => {
  const place = await placeWith(t);
  const file = place.files().at(-1) ?? '';
  const forger = new AuditSigner([newSigningKey()]);
  edit(place, file, (lines) => {
    const [signed = ''] = (lines.at(-1) ?? '').split(',"key"');
    const text = `${signed},"key":"${forger.id}"}`;
    return lines.with(lines.length - 1, `${text.slice(0, -1)},"signature":"${forger.sign(text)}"}`);
  });
  const { findings } = await place.verify();
  const forged = findings.find(({ kind }) => kind === 'forged');
  assert.equal(forged?.to, place.lines(file).length);
  assert.match(forged.what, new RegExp(`a key that is not known \\(${forger.id}\\)`, 'u'));
});

test('an anchor that was altered, or is signed with another key, is told of (R22)', async (t) => {
  const place = await placeWith(t);
  const [proof] = place.proofs();
  assert.ok(proof !== undefined);
  const text = proof.text.replace(/"seq":\d+/u, '"seq":1');
  const verdict = await place.verify([{ text, source: 'the anchors' }]);
  assert.deepEqual(foundIn(verdict), ['bad-anchor the anchors']);
});

test('a file with another name is found (R22)', async (t) => {
  const place = await placeWith(t);
  const file = fileOf(place, 0);
  renameSync(join(place.folder, file), join(place.folder, `2020-01-01${file.slice(10)}`));
  assert.deepEqual(foundIn(await place.verify()), ['spliced 0000']);
});

test('files of an earlier version are named as what nothing can be said of; later ones were added (R22)', async (t) => {
  const place = await placeWith(t);
  writeFileSync(
    join(place.folder, 'audit-2025-01-01.jsonl'),
    '{"at":"2025-01-01T00:00:00.000Z"}\n',
  );
  const { findings, plain } = await place.verify();
  assert.deepEqual([findings, plain], [[], ['audit-2025-01-01.jsonl']]);
  writeFileSync(join(place.folder, 'audit-2099-01-01.jsonl'), '{}\n');
  assert.deepEqual(foundIn(await place.verify()), ['added audit-2099-01-01.jsonl']);
});

test('what lies after the last anchor is stated, and a cut there cannot be told (R22)', async (t) => {
  const place = new AuditPlace(t, { flushMs: 0 });
  const sink = place.open();
  sink.take(exchange(0));
  await place.recorded(1);
  const begun = place.proofs();
  sink.take(exchange(1));
  await place.recorded(2);
  const { findings, chains } = await place.verify(begun);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    [chains[0]?.state, chains[0]?.unanchored, chains[0]?.unsigned?.lines],
    ['alive', 2, 2],
  );
  await sink.close();
});
