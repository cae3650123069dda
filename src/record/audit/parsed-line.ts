import { isObject, stringAt, type JsonObject } from '../../kernel/json.ts';
import { isChainEvent, signedPart, type ChainEvent } from './chain.ts';
import type { AuditVerifier } from './keys.ts';

/** Where a line says it stands. */
export interface LinePlace {
  readonly seq: number;
  readonly prev: string;
}

/** A line that holds a chain together, as it was read. */
export interface SignedLine {
  readonly event: ChainEvent;
  readonly seq: number;
  readonly chain: string;
  readonly segment: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly key: string;
  readonly fields: JsonObject;
  /** Whether its signature is that of a known key. */
  readonly isSound: boolean;
}

const PLACE = /^\{"seq":(\d{1,15}),"prev":"([0-9a-f]{64})",/;
const PLACE_CHARS = 110;
const AT =
  /^\{(?:"seq":\d{1,15},"prev":"[0-9a-f]{64}",)?"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"/;
const AT_CHARS = 150;

/** The place a line claims; undefined for a line of no chain. */
export function placeOf(line: Buffer): LinePlace | undefined {
  const [, seq, prev] = PLACE.exec(line.toString('latin1', 0, PLACE_CHARS)) ?? [];
  return seq === undefined || prev === undefined ? undefined : { seq: Number(seq), prev };
}

/** The moment a line is about, in milliseconds since the epoch; undefined where it names none. */
export function momentOf(line: Buffer): number | undefined {
  const [, text] = AT.exec(line.toString('latin1', 0, AT_CHARS)) ?? [];
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** A line as a JSON object; undefined where it is none. */
export function recordOf(line: Buffer | string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A line that holds a chain together, with what its signature is worth; undefined for any other line. */
export function signedLine(line: Buffer, verifier: AuditVerifier): SignedLine | undefined {
  // Most lines are records, and need not be parsed.
  return hasSignature(line) ? signedText(line.toString(), verifier) : undefined;
}

/** Whether a line ends as one that holds a chain together does. */
export function hasSignature(line: Buffer): boolean {
  const tail = line.length - TAIL;
  return tail >= 0 && line.toString('latin1', tail, tail + MARK.length) === MARK;
}

const MARK = ',"signature":"';
const TAIL = MARK.length + 86 + '"}'.length;

/** As `signedLine`, of a text. */
export function signedText(text: string, verifier: AuditVerifier): SignedLine | undefined {
  const part = signedPart(text);
  const fields = part && recordOf(text);
  if (part === undefined || fields === undefined) return undefined;
  const { event, seq, chain, segment } = fields;
  const key = stringAt(fields, 'key') ?? '';
  if (!isChainEvent(event) || typeof seq !== 'number' || typeof chain !== 'string')
    return undefined;
  return {
    event,
    seq,
    chain,
    segment: typeof segment === 'number' ? segment : -1,
    at: Date.parse(stringAt(fields, 'at') ?? ''),
    key,
    fields,
    isSound: verifier.isSigned(part.signed, key, part.signature),
  };
}
