import { checkChain, type ChainReport } from './chain-check.ts';
import { fileFinding, lineFinding, type Finding } from './finding.ts';
import type { AuditVerifier } from './keys.ts';
import { signedLine } from './parsed-line.ts';
import { eachLine } from './read-lines.ts';
import { dateOf, segmentFile } from './segment-name.ts';
import { listAudit, type AuditFolder, type Segment } from './segments.ts';
import { ChainStatements, Statements, type KnownLine } from './statements.ts';

/** A signed line that was kept outside the audit's folder, and where. */
export interface Proof {
  readonly text: string;
  readonly source: string;
}

/** What an audit is verified with. */
export interface VerifyTerms {
  readonly folder: string;
  readonly verifier: AuditVerifier;
  /** What is known of chains from elsewhere; asked before and after reading, since a gateway may be writing. */
  proofs(): readonly Proof[];
  /** Whether the process that writes a chain runs. */
  isAlive(chain: string): boolean;
}

/** One chain and what it has come to; `unsettled`: it has no end, its process is gone, and no gateway has said so yet. */
export interface ChainVerdict extends ChainReport {
  readonly state: 'ended' | 'alive' | 'lost' | 'unsettled';
  /** The last of its lines that is known from elsewhere. */
  readonly anchored: KnownLine | undefined;
  /** Lines after that one: if they were removed, nobody could tell. */
  readonly unanchored: number;
}

/** What verifying an audit gave. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly chains: readonly ChainVerdict[];
  /** Chains that were removed whole for their age or size. */
  readonly retired: number;
  /** Names of files whose lines are not chained: nothing can be said of them. */
  readonly plain: readonly string[];
}

/**
 * Verifies an audit (docs/rules.md R22): every line by its hash, its signature and its place, and that nothing known from
 * elsewhere is missing. Reads one line at a time. Rejects with what the file system says.
 */
export async function verifyAudit(terms: VerifyTerms): Promise<Verdict> {
  const { verifier } = terms;
  const statements = new Statements(verifier);
  for (const { text, source } of terms.proofs()) statements.takeProof(text, source);
  const folder = await listAudit(terms.folder);
  await readStatements(folder, statements, verifier);
  const chains: ChainVerdict[] = [];
  const findings: Finding[] = [...statements.findings];
  for (const [chain, segments] of folder.chains) {
    const known = statements.of(chain);
    const report = await checkChain(chain, segments, { verifier, known });
    chains.push(verdictOn(report, known, terms));
  }
  // What was removed for its age or size while the files were read is no finding.
  const later = new Statements(verifier);
  for (const { text, source } of terms.proofs()) later.takeProof(text, source);
  for (const chain of chains) {
    const known = withLater(statements.of(chain.chain), later.of(chain.chain));
    findings.push(...chain.findings, ...lacks(chain, folder.chains.get(chain.chain) ?? [], known));
  }
  const absent = [...statements.chains].filter(([chain]) => !folder.chains.has(chain));
  for (const [chain, own] of absent) {
    const known = withLater(own, later.of(chain));
    if (!mayBeAbsent(known) && !terms.isAlive(chain)) findings.push(missingChain(chain, known));
  }
  findings.push(...plainFindings(folder, statements));
  return {
    findings,
    chains,
    retired: absent.filter(([chain, own]) => withLater(own, later.of(chain)).isRetired).length,
    plain: folder.plain.map(({ file }) => file),
  };
}

/** What lines of one chain say of others. */
async function readStatements(
  { chains }: AuditFolder,
  statements: Statements,
  verifier: AuditVerifier,
): Promise<void> {
  for (const segment of [...chains.values()].flat()) {
    await eachLine(segment.path, ({ bytes }) => {
      if (bytes.includes(CHECKPOINT) || !bytes.includes(SIGNATURE)) return;
      const signed = signedLine(bytes, verifier);
      if (signed?.isSound === true && signed.chain === segment.chain) statements.take(signed);
    }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
}

const CHECKPOINT = Buffer.from('"event":"checkpoint"');
const SIGNATURE = Buffer.from('"signature":"');

function verdictOn(report: ChainReport, known: ChainStatements, terms: VerifyTerms): ChainVerdict {
  const anchored = known.last;
  const unanchored = Math.max(0, report.lastSeq - (anchored?.seq ?? -1));
  return { ...report, state: stateOf(report, known, terms), anchored, unanchored };
}

function stateOf(
  { hasEnd, chain }: ChainReport,
  { loss }: ChainStatements,
  terms: VerifyTerms,
): ChainVerdict['state'] {
  if (hasEnd) return 'ended';
  if (loss !== undefined) return 'lost';
  return terms.isAlive(chain) ? 'alive' : 'unsettled';
}

function withLater(known: ChainStatements, later: ChainStatements): ChainStatements {
  const all = new ChainStatements();
  all.lines.push(...known.lines);
  all.retirements.push(...known.retirements, ...later.retirements);
  all.loss = known.loss;
  all.citedBy = known.citedBy;
  return all;
}

/** What a chain should have and has not. */
function lacks(
  report: ChainVerdict,
  segments: readonly Segment[],
  known: ChainStatements,
): Finding[] {
  return [
    ...lacksBeginning(report, segments, known),
    ...lacksBetween(segments),
    ...lacksEnd(report, segments, known),
    ...afterLoss(report, known),
  ];
}

function lacksBeginning(
  { chain }: ChainVerdict,
  [first]: readonly Segment[],
  known: ChainStatements,
): Finding[] {
  if (first === undefined || first.number === 0) return [];
  const through = Math.max(-1, ...known.retirements.map((each) => each.through));
  // What was said to be removed and is still there was about to be.
  if (through >= first.number - 1) return [];
  return range(through + 1, first.number - 1).map((number) => missingSegment(chain, number));
}

function lacksBetween(segments: readonly Segment[]): Finding[] {
  return segments.flatMap(({ chain, number }, index) => {
    const next = segments[index + 1]?.number ?? number + 1;
    return range(number + 1, next - 1).map((lacking) => missingSegment(chain, lacking));
  });
}

function lacksEnd(
  { chain, lastSeq, lastPlace }: ChainVerdict,
  segments: readonly Segment[],
  { last, isRetired }: ChainStatements,
): Finding[] {
  const end = segments.at(-1);
  if (last === undefined || end === undefined || last.seq <= lastSeq || isRetired) return [];
  if (last.segment > end.number)
    return range(end.number + 1, last.segment).map((number) => missingSegment(chain, number));
  const since = `with seq ${lastSeq}; seq ${last.seq} was anchored at ${new Date(last.at).toISOString()}: what came after was cut off.`;
  if (lastPlace?.file === end.file)
    return [lineFinding('truncated', lastPlace, lastPlace, `The chain ends here, ${since}`)];
  return [fileFinding('truncated', end.file, `The file is empty: the chain ends ${since}`)];
}

/** Once it was said how a chain ended, nothing may come after. */
function afterLoss(report: ChainVerdict, { loss }: ChainStatements): Finding[] {
  const { lastPlace, lastSeq, tornBytes, hasEnd } = report;
  if (loss === undefined || lastPlace === undefined || hasEnd) return [];
  if (lastSeq > (loss.seq ?? -1)) {
    const from = {
      ...lastPlace,
      line: Math.max(1, lastPlace.line - lastSeq + (loss.seq ?? -1) + 1),
    };
    const what = 'This was added after its process had ended.';
    return [lineFinding('added', from, lastPlace, what)];
  }
  if (tornBytes === loss.tornBytes) return [];
  const what = `The file ends with ${tornBytes} bytes that are no line; there were ${loss.tornBytes} when its process had ended.`;
  return [lineFinding('altered', lastPlace, lastPlace, what)];
}

function mayBeAbsent({ isRetired, loss, lines, citedBy }: ChainStatements): boolean {
  if (isRetired) return true;
  // It never came to write anything.
  if (lines.length === 0) return loss !== undefined || citedBy === undefined;
  return false;
}

function missingChain(chain: string, { last, citedBy }: ChainStatements): Finding {
  const known =
    last === undefined
      ? `The chain ${citedBy ?? ''} names it as begun before.`
      : `Its seq ${last.seq} was anchored at ${new Date(last.at).toISOString()}.`;
  return fileFinding('missing-chain', `*-${chain}-*.jsonl`, `The whole chain is gone. ${known}`);
}

function missingSegment(chain: string, number: number): Finding {
  const file = segmentFile({ date: '*', chain, number });
  return fileFinding('missing-segment', file, 'The file is gone, and nothing says that it may be.');
}

/** Files of an earlier version end where the first chain begins. */
function plainFindings({ chains, plain }: AuditFolder, statements: Statements): Finding[] {
  const dates = [
    ...[...chains.values()].flat().map(({ date }) => date),
    ...[...statements.chains.values()].flatMap(({ lines }) => lines.map(({ at }) => dateOf(at))),
  ].toSorted();
  const first = dates[0];
  if (first === undefined) return [];
  const what = `Its lines are of no chain, and chains exist since ${first}: it was added.`;
  return plain
    .filter(({ date }) => date !== undefined && date > first)
    .map(({ file }) => fileFinding('added', file, what));
}

function range(from: number, to: number): number[] {
  const length = Math.min(MAX_RANGE, Math.max(0, to - from + 1));
  return Array.from({ length }, (_, index) => from + index);
}

/** A forged number must not make a million findings. */
const MAX_RANGE = 1000;
