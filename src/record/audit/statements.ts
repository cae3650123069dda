import { objectAt, stringAt, type Json, type JsonObject } from '../../kernel/json.ts';
import { fileFinding, type Finding } from './finding.ts';
import { hashOfLine } from './chain.ts';
import type { AuditVerifier } from './keys.ts';
import { signedText, type SignedLine } from './parsed-line.ts';

/** A line of a chain that is known from a signed statement. */
export interface KnownLine {
  readonly seq: number;
  readonly hash: string;
  readonly segment: number;
  /** When that was stated, in milliseconds since the epoch. */
  readonly at: number;
}

/** Segments of a chain that were removed for their age or size. */
export interface Retirement {
  /** Number of the last segment removed. */
  readonly through: number;
  readonly isWhole: boolean;
}

/** That the process of a chain ended without a word, and what was found of it then. */
export interface LossStatement {
  /** Undefined where nothing had been written. */
  readonly seq: number | undefined;
  readonly hash: string | undefined;
  readonly signedSeq: number | undefined;
  readonly tornBytes: number;
  readonly flushMs: number | undefined;
  readonly at: number;
}

/** What signed lines say of one chain, wherever they stand. */
export class ChainStatements {
  readonly lines: KnownLine[] = [];
  readonly retirements: Retirement[] = [];
  loss: LossStatement | undefined;
  /** Chain that names this one as begun before it. */
  citedBy: string | undefined;

  /** The line that is known farthest on. */
  get last(): KnownLine | undefined {
    return this.lines.reduce<KnownLine | undefined>(
      (last, line) => (last === undefined || line.seq > last.seq ? line : last),
      undefined,
    );
  }

  get isRetired(): boolean {
    return this.retirements.some(({ isWhole }) => isWhole);
  }
}

/** What signed lines say of all chains. */
export class Statements {
  readonly #chains = new Map<string, ChainStatements>();
  readonly #findings: Finding[] = [];
  readonly #verifier: AuditVerifier;

  constructor(verifier: AuditVerifier) {
    this.#verifier = verifier;
  }

  /** Anchors that are not signed as they should be. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  get chains(): ReadonlyMap<string, ChainStatements> {
    return this.#chains;
  }

  of(chain: string): ChainStatements {
    const known = this.#chains.get(chain);
    if (known !== undefined) return known;
    const made = new ChainStatements();
    this.#chains.set(chain, made);
    return made;
  }

  /** Takes a line that was kept outside the audit's folder; `source` says where. */
  takeProof(text: string, source: string): void {
    const line = signedText(text, this.#verifier);
    if (line?.isSound === true) {
      this.take(line);
      this.#known(line.chain, {
        seq: line.seq,
        hash: hashOfLine(text),
        segment: line.segment,
        at: line.at,
      });
      return;
    }
    const key = line === undefined ? 'none' : line.key;
    const isKnown = line !== undefined && this.#verifier.knows(line.key);
    const what = isKnown
      ? 'An anchor was altered: its signature does not fit.'
      : `An anchor is signed with a key that is not known (${key}).`;
    this.#findings.push(fileFinding('bad-anchor', source, what));
  }

  /** Takes what a sound line says of other chains. */
  take({ event, fields, at, chain }: SignedLine): void {
    if (event === 'chain-lost') this.#lost(objectAt(fields, 'lost'), at);
    if (event === 'retired') this.#retired(objectAt(fields, 'retired'));
    if (event === 'chain-begun') this.#begun(objectAt(fields, 'previous'), chain, at);
  }

  #lost(lost: JsonObject | undefined, at: number): void {
    const chain = stringAt(lost, 'chain');
    if (lost === undefined || chain === undefined) return;
    const seq = numberIn(lost['seq']);
    const hash = stringAt(lost, 'hash');
    this.of(chain).loss = {
      seq,
      hash,
      signedSeq: numberIn(lost['signedSeq']),
      tornBytes: numberIn(lost['tornBytes']) ?? 0,
      flushMs: numberIn(lost['flushMs']),
      at,
    };
    if (seq === undefined || hash === undefined) return;
    this.#known(chain, { seq, hash, segment: numberIn(lost['segment']) ?? 0, at });
  }

  #retired(retired: JsonObject | undefined): void {
    const chain = stringAt(retired, 'chain');
    const through = numberIn(retired?.['through']);
    if (chain === undefined || through === undefined) return;
    const isWhole = retired?.['isWhole'] === true;
    this.of(chain).retirements.push({ through, isWhole });
  }

  #begun(previous: JsonObject | undefined, by: string, at: number): void {
    const chain = stringAt(previous, 'chain');
    if (chain === undefined) return;
    this.of(chain).citedBy = by;
    const seq = numberIn(previous?.['seq']);
    const hash = stringAt(previous, 'hash');
    if (seq !== undefined && hash !== undefined) this.#known(chain, { seq, hash, segment: 0, at });
  }

  #known(chain: string, line: KnownLine): void {
    this.of(chain).lines.push(line);
  }
}

function numberIn(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
