import { stat, unlink } from 'node:fs/promises';

import type { JsonObject } from '../../kernel/json.ts';
import type { AuditPlan } from '../../kernel/record-plan.ts';
import { checkChain } from './chain-check.ts';
import type { ChainedLine } from './chain.ts';
import type { AuditVerifier } from './keys.ts';
import type { Anchors, Lives } from './ports.ts';
import { dateOf } from './segment-name.ts';
import { listAudit, type AuditFolder, type PlainFile, type Segment } from './segments.ts';
import { ChainStatements } from './statements.ts';

/** What removing old files needs. */
export interface RetentionTerms {
  readonly folder: string;
  readonly anchors: Anchors;
  readonly lives: Lives;
  readonly verifier: AuditVerifier;
  /** The chain of this process. */
  readonly own: string;
  readonly retention: AuditPlan['retention'];
  /** Milliseconds since the epoch. */
  now(): number;
  /** Adds a signed line; undefined when it cannot be written any more. */
  state(retired: JsonObject): Promise<ChainedLine | undefined>;
  /** Told of files that are not removed since they are not what they were. */
  onError(error: unknown): void;
}

/** A file that may be removed. */
interface Candidate {
  readonly file: Segment | PlainFile;
  readonly date: string;
  readonly bytes: number;
  readonly modifiedAt: number;
}

type Reason = 'age' | 'size';

const DAY_MS = 24 * 60 * 60 * 1000;
const LIFE = 'audit-retention';

/**
 * Removes closed files that are older, or more in all, than is to be kept (docs/rules.md R22). What is removed is verified
 * before and said in a signed line first; files that were tampered with stay. One process at a time. Resolves with the names
 * of the files removed; rejects with what the file system or the anchors say.
 */
export async function retire(terms: RetentionTerms): Promise<string[]> {
  const { maxAgeDays, maxBytes } = terms.retention;
  if (maxAgeDays === 0 && maxBytes === 0) return [];
  const life = terms.lives.hold(LIFE);
  if (life === undefined) return [];
  try {
    return await retireDue(terms);
  } finally {
    life.release();
  }
}

async function retireDue(terms: RetentionTerms): Promise<string[]> {
  const folder = await listAudit(terms.folder);
  const removed: string[] = [];
  for (const [reason, due] of Object.entries(await dueOf(folder, terms))) {
    for (const plain of due.filter(({ file }) => !isSegment(file)))
      if (await retirePlain(plain, reason as Reason, terms)) removed.push(plain.file.file);
    const segments = due.map(({ file }) => file).filter(isSegment);
    for (const [chain, own] of Map.groupBy(segments, (segment) => segment.chain)) {
      const first = folder.chains.get(chain) ?? [];
      removed.push(...(await retireSegments(chain, own, { terms, reason, all: first })));
    }
  }
  return removed;
}

/** The files to remove, oldest first. */
async function dueOf(
  folder: AuditFolder,
  terms: RetentionTerms,
): Promise<Readonly<Record<Reason, readonly Candidate[]>>> {
  const { maxAgeDays, maxBytes } = terms.retention;
  const { candidates, bytes } = await candidatesIn(folder, terms);
  const oldest = dateOf(terms.now() - maxAgeDays * DAY_MS);
  const age = maxAgeDays === 0 ? [] : candidates.filter(({ date }) => date < oldest);
  let rest = bytes - age.reduce((sum, each) => sum + each.bytes, 0);
  const size: Candidate[] = [];
  for (const candidate of candidates) {
    if (maxBytes === 0 || rest <= maxBytes) break;
    if (age.includes(candidate)) continue;
    size.push(candidate);
    rest -= candidate.bytes;
  }
  return { age, size };
}

interface Closed {
  readonly candidates: readonly Candidate[];
  /** Size of all files, those that are still written too. */
  readonly bytes: number;
}

async function candidatesIn(
  { chains, plain }: AuditFolder,
  terms: RetentionTerms,
): Promise<Closed> {
  const today = dateOf(terms.now());
  const closed = new Set<Segment>();
  for (const [chain, segments] of chains) {
    const isOpen = chain === terms.own || (terms.anchors.find(chain)?.state ?? 'open') === 'open';
    for (const segment of isOpen ? segments.slice(0, -1) : segments) closed.add(segment);
  }
  const candidates: Candidate[] = [];
  let bytes = 0;
  for (const file of [...plain, ...[...chains.values()].flat()]) {
    const { size, mtimeMs } = await stat(file.path);
    bytes += size;
    const { date } = file;
    const isClosed = isSegment(file) ? closed.has(file) : date !== undefined && date < today;
    if (isClosed && date !== undefined)
      candidates.push({ file, date, bytes: size, modifiedAt: mtimeMs });
  }
  return { candidates: candidates.toSorted(byAge), bytes };
}

function byAge(a: Candidate, b: Candidate): number {
  if (a.date !== b.date) return a.date < b.date ? -1 : 1;
  return a.modifiedAt - b.modifiedAt;
}

function isSegment(file: Segment | PlainFile): file is Segment {
  return 'chain' in file;
}

interface Batch {
  readonly terms: RetentionTerms;
  readonly reason: string;
  /** All segments of the chain. */
  readonly all: readonly Segment[];
}

async function retireSegments(
  chain: string,
  due: readonly Segment[],
  { terms, reason, all }: Batch,
): Promise<string[]> {
  // Only from its beginning on: what is left must still hang together.
  const segments: Segment[] = [];
  const isDue = new Set(due);
  for (const segment of all) {
    if (!isDue.has(segment)) break;
    segments.push(segment);
  }
  const [first] = segments;
  const last = segments.at(-1);
  if (first === undefined || last === undefined) return [];
  const { verifier, anchors } = terms;
  const known = new ChainStatements();
  const { findings, lastSeq, lastHash, lines } = await checkChain(chain, segments, {
    verifier,
    known,
  });
  if (findings.length > 0) {
    const names = segments.map(({ file }) => file).join(', ');
    terms.onError(
      new Error(`Not removed, since they were tampered with (mcpx audit verify): ${names}`),
    );
    return [];
  }
  const isWhole = segments.length === all.length;
  const statement = {
    chain,
    from: first.number,
    through: last.number,
    seq: lastSeq,
    hash: lastHash,
    lines,
    isWhole,
    reason,
  };
  const line = await terms.state(statement);
  if (line === undefined) return [];
  anchors.retire(chain, line.text, isWhole);
  for (const { path } of segments) await unlink(path);
  return segments.map(({ file }) => file);
}

async function retirePlain(
  { file, bytes }: Candidate,
  reason: Reason,
  terms: RetentionTerms,
): Promise<boolean> {
  if ((await terms.state({ file: file.file, bytes, reason })) === undefined) return false;
  await unlink(file.path);
  return true;
}
