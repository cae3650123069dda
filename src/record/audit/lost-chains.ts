import type { JsonObject } from '../../kernel/json.ts';
import { hashOfLine, type ChainedLine } from './chain.ts';
import type { AuditVerifier } from './keys.ts';
import { momentOf, placeOf, signedLine, type SignedLine } from './parsed-line.ts';
import { lifeOf, type Anchor, type Anchors, type Lives } from './ports.ts';
import { BackwardLines, eachLine, type FileLine } from './read-lines.ts';
import { listAudit, type Segment } from './segments.ts';

/** What settling chains without an end needs. */
export interface LostTerms {
  readonly folder: string;
  readonly anchors: Anchors;
  readonly lives: Lives;
  readonly verifier: AuditVerifier;
  /** The chain of this process. */
  readonly own: string;
  /** Adds a signed line to it; undefined when it cannot be written any more. */
  state(lost: JsonObject): Promise<ChainedLine | undefined>;
}

/** What is found at the end of a chain. */
interface ChainTail {
  readonly segment: number;
  readonly seq: number;
  readonly hash: string;
  readonly at: number | undefined;
  /** The last line that is signed soundly. */
  readonly signed: SignedLine | undefined;
  /** The text of the last line, where that ends the chain. */
  readonly end: string | undefined;
  readonly tornBytes: number;
}

/**
 * Chains that have no end though their process is gone: says in a signed line how far each had come, and how much of its end no
 * signature covered. Returns the chains that were lost. Rejects with what the file system or the anchors say.
 */
export async function settleLostChains(terms: LostTerms): Promise<string[]> {
  const { chains } = await listAudit(terms.folder);
  const lost: string[] = [];
  for (const chain of openChains(terms, [...chains.keys()])) {
    const life = terms.lives.hold(lifeOf(chain));
    if (life === undefined) continue;
    try {
      const isOpen = (terms.anchors.find(chain)?.state ?? 'open') === 'open';
      if (!isOpen) continue;
      // Looked at anew: until its life could be held, its process may have gone on writing.
      const { chains: now } = await listAudit(terms.folder);
      if (await settle(chain, now.get(chain) ?? [], terms)) lost.push(chain);
    } finally {
      life.release();
    }
  }
  return lost;
}

/** Those of which no end is known, whether they are anchored or not. */
function openChains({ anchors, lives, own }: LostTerms, found: readonly string[]): string[] {
  const known = anchors.all();
  const closed = new Set(known.filter(({ state }) => state !== 'open').map(({ chain }) => chain));
  const all = new Set([...known.map(({ chain }) => chain), ...found]);
  return [...all].filter(
    (chain) => chain !== own && !closed.has(chain) && !lives.isHeld(lifeOf(chain)),
  );
}

async function settle(
  chain: string,
  segments: readonly Segment[],
  terms: LostTerms,
): Promise<boolean> {
  const last = segments.at(-1);
  const tail = last && (await tailOf(last, terms.verifier));
  const anchor = terms.anchors.find(chain);
  if (tail?.end !== undefined && tail.signed !== undefined) {
    // It was killed between its last line and the anchor of it.
    const { segment, seq, hash, end } = tail;
    terms.anchors.put({
      chain,
      state: 'ended',
      segment,
      seq,
      hash,
      at: tail.signed.at,
      proof: end,
    });
    return false;
  }
  const flushMs = segments[0] && (await flushMsOf(segments[0]));
  const line = await terms.state(statementOf({ chain, tail, anchor, flushMs }));
  if (line === undefined) return false;
  terms.anchors.put({
    chain,
    state: 'lost',
    segment: tail?.segment,
    seq: tail?.seq,
    hash: tail?.hash,
    at: tail?.at ?? 0,
    proof: line.text,
  });
  return true;
}

interface Found {
  readonly chain: string;
  readonly tail: ChainTail | undefined;
  readonly anchor: Anchor | undefined;
  readonly flushMs: number | undefined;
}

function statementOf({ chain, tail, anchor, flushMs }: Found): JsonObject {
  return {
    chain,
    segment: tail?.segment,
    seq: tail?.seq,
    hash: tail?.hash,
    signedSeq: tail?.signed?.seq,
    tornBytes: tail?.tornBytes,
    lastAt: tail?.at === undefined ? undefined : new Date(tail.at).toISOString(),
    anchoredSeq: anchor?.seq,
    // Lines taken this long before the process ended, at most, were not written yet.
    flushMs,
  };
}

async function tailOf(segment: Segment, verifier: AuditVerifier): Promise<ChainTail | undefined> {
  const lines = new BackwardLines(segment.path);
  let tornBytes = 0;
  let last: LastLine | undefined;
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    last ??= lastLine(line, segment, verifier);
    if (last === undefined) {
      tornBytes += line.end - line.offset;
      continue;
    }
    const signed = signedLine(line.bytes, verifier);
    if (signed?.isSound === true) return { ...last, signed, tornBytes };
  }
  return last && { ...last, signed: undefined, tornBytes };
}

type LastLine = Omit<ChainTail, 'signed' | 'tornBytes'>;

/** The last line of a chain; undefined for what is cut off. */
function lastLine(
  { bytes, isWhole }: FileLine,
  { number }: Segment,
  verifier: AuditVerifier,
): LastLine | undefined {
  const place = placeOf(bytes);
  if (!isWhole || place === undefined) return undefined;
  const signed = signedLine(bytes, verifier);
  const isEnd = signed?.event === 'chain-ended' && signed.isSound;
  return {
    segment: number,
    seq: place.seq,
    hash: hashOfLine(bytes),
    at: momentOf(bytes),
    end: isEnd ? bytes.toString() : undefined,
  };
}

/** What the first line of a chain says of how long lines wait. */
async function flushMsOf({ path }: Segment): Promise<number | undefined> {
  let flushMs: number | undefined;
  await eachLine(path, ({ bytes }) => {
    const found = /"flushMs":(\d{1,9})/.exec(bytes.toString())?.[1];
    flushMs = found === undefined ? undefined : Number(found);
    return false;
  });
  return flushMs;
}
