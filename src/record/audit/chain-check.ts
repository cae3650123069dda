import { ChainOrder } from './chain-order.ts';
import { hashOfLine, NO_HASH } from './chain.ts';
import { fileFinding, lineFinding, type Finding, type Place } from './finding.ts';
import type { AuditVerifier } from './keys.ts';
import { momentOf, placeOf, signedLine, type SignedLine } from './parsed-line.ts';
import { eachLine, type FileLine } from './read-lines.ts';
import { dateOf } from './segment-name.ts';
import type { Segment } from './segments.ts';
import type { ChainStatements } from './statements.ts';

/** Lines at the end of a chain that nothing proves: how many, where, and of what time (milliseconds since the epoch). */
export interface OpenWindow {
  readonly lines: number;
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
}

/** What became of one chain. */
export interface ChainReport {
  readonly chain: string;
  readonly files: readonly string[];
  /** Lines found. */
  readonly lines: number;
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  readonly hasEnd: boolean;
  /** The last line, as far as the chain holds together. */
  readonly lastSeq: number;
  readonly lastHash: string | undefined;
  /** Where the last line stands. */
  readonly lastPlace: Place | undefined;
  /** Number of the last line whose signature holds. */
  readonly signedSeq: number | undefined;
  /** Lines after that one. */
  readonly unsigned: OpenWindow | undefined;
  /** Bytes at the end that are no whole line. */
  readonly tornBytes: number;
  readonly findings: readonly Finding[];
}

/** Reads the files of one chain and judges them by what is known of it. Rejects with what the file system says. */
export async function checkChain(
  chain: string,
  segments: readonly Segment[],
  { verifier, known }: { readonly verifier: AuditVerifier; readonly known: ChainStatements },
): Promise<ChainReport> {
  const check = new ChainCheck(chain, verifier, known);
  for (const segment of segments) {
    check.begin(segment);
    await unlessGone(eachLine(segment.path, (line) => check.take(line)));
  }
  return check.report(segments.map(({ file }) => file));
}

/** A gateway may remove what it no longer has to keep while this is read; that it was entitled to is judged elsewhere. */
async function unlessGone(reading: Promise<void>): Promise<void> {
  try {
    await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

class ChainCheck {
  readonly #chain: string;
  readonly #verifier: AuditVerifier;
  readonly #known: ReadonlyMap<number, string>;
  readonly #findings: Finding[] = [];
  #order: ChainOrder | undefined;
  #segment: Segment | undefined;
  #line = 0;
  #lines = 0;
  #firstAt: number | undefined;
  #lastAt: number | undefined;
  #last: Place | undefined;
  #ended: Place | undefined;
  #sound: { readonly place: Place; readonly seq: number } | undefined;
  #unsigned: (OpenWindow & { lines: number; to: number; lastAt: number | undefined }) | undefined;
  #tornBytes = 0;
  readonly #strangeKeys = new Set<string>();

  constructor(chain: string, verifier: AuditVerifier, known: ChainStatements) {
    this.#chain = chain;
    this.#verifier = verifier;
    this.#known = new Map(known.lines.map(({ seq, hash }) => [seq, hash]));
  }

  begin(segment: Segment): void {
    if (this.#tornBytes > 0) this.#torn();
    const before = this.#segment;
    if (before !== undefined && this.#line === 0)
      this.#findings.push(fileFinding('truncated', before.file, 'The file is empty.'));
    if (segment.number === 0) this.#order ??= new ChainOrder(0, NO_HASH);
    this.#segment = segment;
    this.#line = 0;
  }

  take(line: FileLine): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#line += 1;
    const place = { file: segment.file, line: this.#line };
    if (!line.isWhole) {
      this.#tornBytes = line.bytes.length;
      return;
    }
    const claim = placeOf(line.bytes);
    const hash = hashOfLine(line.bytes);
    const signed = this.#signed(line, place, segment);
    this.#order ??= new ChainOrder(claim?.seq ?? 0, undefined);
    this.#order.take({ place, claim, hash, isSound: signed !== undefined });
    if (claim !== undefined) this.#compare(claim.seq, hash, place);
    this.#count(line, place, signed && claim?.seq);
    if (signed?.event === 'chain-ended') this.#ended = place;
  }

  report(files: readonly string[]): ChainReport {
    if (this.#ended !== undefined && this.#tornBytes > 0) this.#torn();
    const order = this.#order?.finish() ?? [];
    return {
      chain: this.#chain,
      files,
      lines: this.#lines,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      hasEnd: this.#ended !== undefined,
      lastSeq: this.#order?.lastSeq ?? -1,
      lastHash: this.#order?.lastHash,
      lastPlace: this.#last,
      signedSeq: this.#sound?.seq,
      unsigned: this.#unsigned,
      tornBytes: this.#tornBytes,
      findings: [...this.#findings, ...order],
    };
  }

  /** The line, where it has a signature that holds and belongs here. */
  #signed({ bytes }: FileLine, place: Place, segment: Segment): SignedLine | undefined {
    const signed = signedLine(bytes, this.#verifier);
    if (place.line === 1) this.#first(signed, place, segment);
    if (signed === undefined) return undefined;
    if (signed.isSound) return this.#judge(signed, place, segment) ? signed : undefined;
    this.#forged(signed, place);
    return undefined;
  }

  /** Whether a signed line belongs here. */
  #judge(signed: SignedLine, place: Place, segment: Segment): boolean {
    const isBeginning = signed.event === 'segment-begun' || signed.event === 'chain-begun';
    const isHere = signed.chain === this.#chain && signed.segment === segment.number;
    if (isHere && isBeginning === (this.#line === 1)) return true;
    const whence =
      signed.chain === this.#chain ? `segment ${signed.segment}` : `the chain ${signed.chain}`;
    this.#add('spliced', place, place, `This was made for another place: ${whence}.`);
    return false;
  }

  #first(signed: SignedLine | undefined, place: Place, segment: Segment): void {
    const wanted = segment.number === 0 ? 'chain-begun' : 'segment-begun';
    if (signed?.event !== wanted)
      this.#add('spliced', place, place, `This is not what a file begins with (${wanted}).`);
    else if (signed.isSound && dateOf(signed.at) !== segment.date)
      this.#findings.push(fileFinding('spliced', segment.file, 'The file was given another name.'));
  }

  #compare(seq: number, hash: string, place: Place): void {
    const known = this.#known.get(seq);
    if (known === undefined || known === hash) return;
    const what = 'This is another line than the one that was anchored.';
    this.#add('altered', this.#afterSound(place), place, what);
  }

  #count({ bytes }: FileLine, place: Place, soundSeq: number | undefined): void {
    this.#lines += 1;
    this.#last = place;
    const at = momentOf(bytes);
    this.#firstAt ??= at;
    this.#lastAt = at ?? this.#lastAt;
    if (this.#ended !== undefined)
      this.#add('added', place, place, 'This comes after the end of its chain: it was added.');
    if (soundSeq !== undefined) {
      this.#sound = { place, seq: soundSeq };
      this.#unsigned = undefined;
      return;
    }
    this.#unsigned ??= {
      lines: 0,
      file: place.file,
      from: place.line,
      to: place.line,
      firstAt: at,
      lastAt: at,
    };
    this.#unsigned.lines += 1;
    this.#unsigned.to = place.line;
    this.#unsigned.lastAt = at;
  }

  /** A signature that does not hold: the line was altered, or lines before it were and their hashes made to fit. */
  #forged({ key }: SignedLine, place: Place): void {
    if (this.#verifier.knows(key)) {
      const what =
        'The signature here does not fit: it was forged, or lines before it were altered and their hashes made to fit.';
      this.#add('forged', this.#afterSound(place), place, what);
      return;
    }
    if (this.#strangeKeys.has(key)) return;
    this.#strangeKeys.add(key);
    const what = `This is signed with a key that is not known (${key}): it was forged, or that key is to be given with --public-key.`;
    this.#add('forged', this.#afterSound(place), place, what);
  }

  #afterSound(place: Place): Place {
    const sound = this.#sound?.place;
    if (sound === undefined) return { file: place.file, line: 1 };
    return sound.file === place.file ? { ...sound, line: sound.line + 1 } : { ...place, line: 1 };
  }

  #torn(): void {
    const { file } = this.#segment ?? { file: '' };
    const what = `Of its last line ${this.#tornBytes} bytes are left; the rest was cut off.`;
    this.#findings.push(fileFinding('truncated', file, what));
    this.#tornBytes = 0;
  }

  #add(kind: Finding['kind'], from: Place, to: Place, what: string): void {
    this.#findings.push(lineFinding(kind, from, to, what));
  }
}
