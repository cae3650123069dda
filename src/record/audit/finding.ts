/** What is wrong with an audit. */
export type FindingKind =
  | 'altered'
  | 'removed'
  | 'reordered'
  | 'added'
  | 'spliced'
  | 'forged'
  | 'truncated'
  | 'missing-segment'
  | 'missing-chain'
  | 'bad-anchor';

/** A line in a file. */
export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** One thing that is wrong, and where. */
export interface Finding {
  readonly kind: FindingKind;
  /** Name of the file; of an anchor that is no file of the audit, where it came from. */
  readonly file: string;
  /** First and last line concerned; undefined where that is the whole file, or a file that is not there. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** One sentence. */
  readonly what: string;
}

/** A finding about lines; of lines in several files, those of the first one are named. */
export function lineFinding(kind: FindingKind, from: Place, to: Place, what: string): Finding {
  const isOne = from.file === to.file;
  return {
    kind,
    file: from.file,
    from: from.line,
    to: isOne ? to.line : undefined,
    what: isOne ? what : `${what} It goes on to ${to.file}:${to.line}.`,
  };
}

/** A finding about a file that is missing, or as a whole. */
export function fileFinding(kind: FindingKind, file: string, what: string): Finding {
  return { kind, file, from: undefined, to: undefined, what };
}
