import { lineFinding, type Finding, type Place } from './finding.ts';

/** One line as its place in a chain is judged. */
export interface OrderedLine {
  readonly place: Place;
  /** What it says of itself; undefined for a line that says nothing of the kind. */
  readonly claim: { readonly seq: number; readonly prev: string } | undefined;
  readonly hash: string;
  /** Whether it has a signature of this chain that holds. */
  readonly isSound: boolean;
}

/** What the next line has to be; without `prev` whatever it says of the line before is taken. */
interface Due {
  readonly seq: number;
  readonly prev: string | undefined;
}

interface Past {
  readonly place: Place;
  readonly seq: number;
  readonly hash: string;
  readonly isSound: boolean;
  /** How much was found up to there. */
  readonly findings: number;
  readonly gaps: number;
}

/** Lines that follow each other, but not what was due: moved here, or what follows after lines that do not belong. */
interface Branch {
  due: Due;
  readonly from: Place;
  to: Place;
  readonly seqs: number[];
  /** What they follow on, where that is known. */
  readonly forkedAt: Past | undefined;
}

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly place: Place;
}

type Line = OrderedLine & { readonly claim: { readonly seq: number; readonly prev: string } };

const MAX_PAST = 1024;
const MAX_DISPLACED = 100_000;

/**
 * Judges whether lines are those of one chain, in order and unaltered: tells altered lines from removed, moved and added ones,
 * and goes on after each, so that one of them does not hide the others.
 */
export class ChainOrder {
  readonly #findings: Finding[] = [];
  readonly #gaps: Gap[] = [];
  readonly #displaced = new Set<number>();
  #past: Past[] = [];
  #due: Due;
  /** Lines whose hash is not what the next one says, the last of them not yet known to be whole. */
  #mismatch: { readonly from: Place; to: Place; last: Place } | undefined;
  /** A line with a number that was not due: the next one tells more. */
  #odd: Line | undefined;
  #branch: Branch | undefined;
  #wasUnreadable = false;

  /** Begins with the line that has this number, and says this of the line before. */
  constructor(seq: number, prev: string | undefined) {
    this.#due = { seq, prev };
  }

  /** Number of the last line, as far as the chain holds together. */
  get lastSeq(): number {
    return this.#due.seq - 1;
  }

  /** Hash of that line. */
  get lastHash(): string | undefined {
    return this.#due.prev;
  }

  take(line: OrderedLine): void {
    const { claim } = line;
    if (claim === undefined) this.#unreadable(line.place);
    else this.#claimed({ ...line, claim });
  }

  /** What was found, when there are no more lines. */
  finish(): readonly Finding[] {
    this.#settleOdd();
    this.#endMismatch(false);
    const { forkedAt, due } = this.#branch ?? {};
    if (forkedAt !== undefined && due !== undefined && due.seq > this.#due.seq) this.#adoptBranch();
    else this.#dropBranch();
    const removed = this.#gaps.filter((gap) => !this.#isDisplaced(gap));
    return [...this.#findings, ...removed.map((gap) => removedFinding(gap))];
  }

  #unreadable(place: Place): void {
    this.#settleOdd();
    this.#endMismatch(false);
    this.#dropBranch();
    const what = 'This is no line of a chain: it was altered or added.';
    this.#findings.push(lineFinding('altered', place, place, what));
    // It may stand in place of a line, or be one too many.
    this.#due = { seq: this.#due.seq + 1, prev: undefined };
    this.#wasUnreadable = true;
  }

  #claimed(line: Line): void {
    const { seq, prev } = line.claim;
    if (this.#wasUnreadable && seq === this.#due.seq - 1) this.#due = { seq, prev: undefined };
    this.#wasUnreadable = false;
    const odd = this.#odd;
    if (odd !== undefined && seq === this.#due.seq + 1) {
      // The line stood where it should: only its number is another.
      this.#odd = undefined;
      const what = 'This line has another number than it had: it was altered.';
      this.#findings.push(lineFinding('altered', odd.place, odd.place, what));
      this.#due = { seq, prev };
    }
    this.#settleOdd();
    if (seq === this.#due.seq && (this.#branch === undefined || prev === this.#due.prev))
      this.#follow(line);
    else if (this.#branch?.due.seq === seq && this.#branch.due.prev === prev)
      this.#extend(this.#branch, line);
    else if (this.#branch !== undefined) {
      this.#dropBranch();
      this.#claimed(line);
    } else this.#odd = line;
  }

  /** The line that was due. */
  #follow(line: Line): void {
    this.#dropBranch();
    const before = this.#past.at(-1);
    const { prev } = this.#due;
    if (prev === undefined || prev === line.claim.prev) this.#endMismatch(true);
    else this.#mismatched(line, before);
    this.#remember(line);
  }

  #mismatched(line: Line, before: Past | undefined): void {
    // A signature that holds says that the line before is what it was: it is this one that does not belong there.
    const from = before === undefined || before.isSound ? line.place : before.place;
    if (this.#mismatch === undefined) this.#mismatch = { from, to: from, last: line.place };
    else {
      this.#mismatch.to = this.#mismatch.last;
      this.#mismatch.last = line.place;
    }
    if (line.isSound) this.#endMismatch(true);
  }

  /** Says which lines were altered; `isWhole`: the last line is known to be as it was. */
  #endMismatch(isWhole: boolean): void {
    const { from, to, last } = this.#mismatch ?? {};
    this.#mismatch = undefined;
    if (from === undefined || to === undefined || last === undefined) return;
    const what =
      'This is not what the line after it says it was: it was altered, or other lines follow it now.';
    this.#findings.push(lineFinding('altered', from, isWhole ? to : last, what));
  }

  #remember({ place, claim, hash, isSound }: Line): void {
    this.#due = { seq: claim.seq + 1, prev: hash };
    const { length: findings } = this.#findings;
    const { length: gaps } = this.#gaps;
    this.#past.push({ place, seq: claim.seq, hash, isSound, findings, gaps });
    if (this.#past.length > 2 * MAX_PAST) this.#past = this.#past.slice(-MAX_PAST);
  }

  /** A number that was not due, and the next line did not explain it. */
  #settleOdd(): void {
    const line = this.#odd;
    this.#odd = undefined;
    if (line === undefined) return;
    this.#endMismatch(false);
    const { seq } = line.claim;
    if (seq < this.#due.seq) {
      this.#beginBranch(line);
      return;
    }
    this.#gaps.push({ from: this.#due.seq, to: seq - 1, place: line.place });
    this.#remember(line);
  }

  #beginBranch({ place, claim, hash }: Line): void {
    const forkedAt = this.#past.findLast(
      (past) => past.seq === claim.seq - 1 && past.hash === claim.prev,
    );
    this.#branch = {
      due: { seq: claim.seq + 1, prev: hash },
      from: place,
      to: place,
      seqs: [claim.seq],
      forkedAt,
    };
  }

  #extend(branch: Branch, { place, claim, hash, isSound }: Line): void {
    branch.due = { seq: claim.seq + 1, prev: hash };
    branch.to = place;
    branch.seqs.push(claim.seq);
    const fork = branch.forkedAt;
    const at = fork === undefined ? -1 : this.#past.indexOf(fork);
    const isProven = at >= 0 && !this.#past.slice(at + 1).some((past) => past.isSound);
    // What was signed follows on the line where it forked, so what stands between does not belong.
    if (isSound && isProven) this.#adoptBranch();
  }

  /** The branch is what belongs: what stands between is not. */
  #adoptBranch(): void {
    const branch = this.#branch;
    const fork = branch?.forkedAt;
    if (branch === undefined || fork === undefined) return;
    const at = this.#past.indexOf(fork);
    const first = this.#past[at + 1]?.place ?? branch.from;
    const last = this.#past.at(-1)?.place ?? branch.from;
    // What was said of the lines between is explained by this.
    this.#findings.length = fork.findings;
    this.#gaps.length = fork.gaps;
    const what = 'This does not belong here: the chain goes on after it from the line before it.';
    this.#findings.push(lineFinding('added', first, last, what));
    this.#past = this.#past.slice(0, at + 1);
    this.#due = branch.due;
    this.#branch = undefined;
  }

  /** The branch does not belong here: its lines were moved, or are there twice. */
  #dropBranch(): void {
    const branch = this.#branch;
    this.#branch = undefined;
    if (branch === undefined) return;
    const what = 'This stands in the wrong place: it was moved, repeated, or comes from elsewhere.';
    this.#findings.push(lineFinding('reordered', branch.from, branch.to, what));
    for (const seq of branch.seqs)
      if (this.#displaced.size < MAX_DISPLACED) this.#displaced.add(seq);
  }

  #isDisplaced({ from, to }: Gap): boolean {
    if (to - from >= this.#displaced.size) return false;
    for (let seq = from; seq <= to; seq += 1) if (!this.#displaced.has(seq)) return false;
    return true;
  }
}

function removedFinding({ from, to, place }: Gap): Finding {
  const which = from === to ? `The line with seq ${from}` : `The lines with seq ${from} to ${to}`;
  return lineFinding(
    'removed',
    place,
    place,
    `${which} before it ${from === to ? 'is' : 'are'} gone.`,
  );
}
