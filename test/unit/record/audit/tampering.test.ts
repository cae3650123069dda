import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import type { Finding } from '../../../../src/record/audit/finding.ts';
import { AuditPlace } from '../../../support/audit-place.ts';

/** Whatever somebody without the key does to a finished audit is found, and the place that is named is the place (R22). */

interface Tampering {
  readonly kind:
    | 'byte'
    | 'field'
    | 'rehash'
    | 'delete'
    | 'swap'
    | 'move'
    | 'copy'
    | 'foreign'
    | 'cut'
    | 'file';
  /** Which chain, file, line and byte: shares of what there is. */
  readonly chain: number;
  readonly file: number;
  readonly line: number;
  readonly byte: number;
  readonly length: number;
}

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const tampering: fc.Arbitrary<Tampering> = fc.record({
  kind: fc.constantFrom(
    'byte',
    'field',
    'rehash',
    'delete',
    'swap',
    'move',
    'copy',
    'foreign',
    'cut',
    'file',
  ),
  chain: share,
  file: share,
  line: share,
  byte: share,
  length: fc.integer({ min: 1, max: 4 }),
});

/** What was done: to which lines of which file, or to the whole of it. */
interface Done {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

const original = new AuditPlace(undefined, { maxSegmentBytes: 4096, flushMs: 0 });
const chains = [await original.chain(30), await original.chain(30)];
const proofs = original.proofs();
const keys = original.keys();
assert.deepEqual((await original.verify()).findings, []);

test(
  'any tampering with a finished audit is found, in its place (R22)',
  { timeout: 170_000 },
  async () => {
    try {
      await fc.assert(fc.asyncProperty(tampering, holds), { numRuns: 300 });
    } finally {
      original.remove();
    }
  },
);

async function holds(how: Tampering): Promise<void> {
  const place = new AuditPlace(undefined, {}, mkdtempSync(join(tmpdir(), 'mcpx-tampered-')));
  try {
    cpSync(original.folder, place.folder, { recursive: true });
    const done = tamper(place, how);
    if (done === undefined) return;
    const { findings } = await place.verify(proofs, keys);
    assert.ok(
      findings.some((finding) => isThere(finding, done, place)),
      `${JSON.stringify(done)} is not in ${JSON.stringify(findings, null, 1)}`,
    );
  } finally {
    rmSync(place.dataDir, { recursive: true, force: true });
  }
}

/** Whether a finding names the lines that were touched, or the one beside them. */
function isThere({ kind, file, from, to }: Finding, done: Done, place: AuditPlace): boolean {
  if (kind === 'missing-segment') return done.file.endsWith(file.slice(1));
  const first = from ?? 1;
  const last = to ?? Number.POSITIVE_INFINITY;
  if (file === done.file) return first <= done.to + 1 && last >= done.from - 1;
  // At the end of a file, it is the next one that tells.
  const next = place.files()[place.files().indexOf(done.file) + 1];
  return file === next && first === 1 && done.to >= place.lines(done.file).length;
}

function tamper(place: AuditPlace, how: Tampering): Done | undefined {
  const chain = chains[Math.floor(how.chain * chains.length)] ?? '';
  const files = place.files().filter((name) => name.includes(chain));
  const file = files[Math.floor(how.file * files.length)] ?? '';
  if (how.kind === 'file') {
    unlinkSync(join(place.folder, file));
    return { file, from: 1, to: 1 };
  }
  const lines = place.lines(file);
  const index = Math.floor(how.line * lines.length);
  const after = changedLines(lines, index, how, place);
  if (after === undefined || after.lines.join('\n') === lines.join('\n')) return undefined;
  place.write(file, after.lines);
  return { file, from: after.from + 1, to: after.to + 1 };
}

type Changed =
  | { readonly lines: readonly string[]; readonly from: number; readonly to: number }
  | undefined;

function changedLines(lines: string[], index: number, how: Tampering, place: AuditPlace): Changed {
  const line = lines[index] ?? '';
  const end = Math.min(lines.length, index + how.length);
  switch (how.kind) {
    case 'byte':
      return { lines: lines.with(index, otherByte(line, how.byte)), from: index, to: index };
    case 'field':
      return { lines: lines.with(index, otherField(line)), from: index, to: index };
    case 'rehash':
      return {
        lines: rehashed(lines.with(index, otherField(line)), index + 1),
        from: index,
        to: lines.length - 1,
      };
    case 'delete':
      return { lines: lines.toSpliced(index, end - index), from: index, to: index };
    case 'swap':
      return swapped(lines, index);
    case 'move':
      return moved(lines, index, how);
    case 'copy':
      return {
        lines: lines.toSpliced(end, 0, ...lines.slice(0, how.length)),
        from: end,
        to: end + how.length,
      };
    case 'foreign':
      return {
        lines: lines.toSpliced(index, how.length, ...foreignLines(place, lines, how)),
        from: index,
        to: end,
      };
    case 'cut':
      return { lines: lines.slice(0, index), from: Math.max(0, index - 1), to: lines.length };
    case 'file':
      return undefined;
  }
}

function otherByte(line: string, at: number): string {
  const index = Math.floor(at * line.length);
  const other = line[index] === '7' ? '8' : '7';
  return line.slice(0, index) + other + line.slice(index + 1);
}

function otherField(line: string): string {
  return line.replace(/"at":"\d{4}/u, '"at":"1999');
}

function rehashed(lines: string[], from: number): string[] {
  for (let index = from; index < lines.length; index += 1) {
    const prev = hash('sha256', lines[index - 1] ?? '', 'hex');
    lines[index] = (lines[index] ?? '').replace(/"prev":"\w+"/u, `"prev":"${prev}"`);
  }
  return lines;
}

function swapped(lines: readonly string[], index: number): Changed {
  const [one, two] = [lines[index], lines[index + 1]];
  if (one === undefined || two === undefined) return undefined;
  return { lines: lines.with(index, two).with(index + 1, one), from: index, to: index + 1 };
}

function moved(lines: readonly string[], index: number, { length, byte }: Tampering): Changed {
  const block = lines.slice(index, index + length);
  const rest = lines.toSpliced(index, length);
  const to = Math.floor(byte * (rest.length + 1));
  return {
    lines: rest.toSpliced(to, 0, ...block),
    from: Math.min(index, to),
    to: Math.max(index, to) + length,
  };
}

function foreignLines(
  place: AuditPlace,
  lines: readonly string[],
  { length, byte }: Tampering,
): string[] {
  const others = place.files().filter((name) => place.lines(name)[0] !== lines[0]);
  const other = place.lines(others[Math.floor(byte * others.length)] ?? '');
  return other.slice(1, 1 + length);
}
