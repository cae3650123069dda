import { hash } from 'node:crypto';

import type { JsonObject } from '../../kernel/json.ts';
import type { AuditSigner } from './keys.ts';

/** What the first line of a chain has for the hash of the line before it. */
export const NO_HASH = '0'.repeat(64);

/** Lines that hold a chain together; each is signed. No event of the gateway has one of these names. */
export const CHAIN_EVENTS = [
  'chain-begun',
  'segment-begun',
  'checkpoint',
  'chain-ended',
  'chain-lost',
  'retired',
] as const;

/** Name of a line that holds a chain together. */
export type ChainEvent = (typeof CHAIN_EVENTS)[number];

/** A line that was added to a chain, and where it stands. */
export interface ChainedLine {
  readonly text: string;
  readonly seq: number;
  readonly hash: string;
}

/** Whether a line of this name holds a chain together. */
export function isChainEvent(name: unknown): name is ChainEvent {
  return (CHAIN_EVENTS as readonly unknown[]).includes(name);
}

/** The hash that the line after a line repeats: hexadecimal SHA-256 of its bytes, without the line's end. */
export function hashOfLine(line: string | Buffer): string {
  return hash('sha256', line, 'hex');
}

/** One chain of lines: each has its number in it and the hash of the line before. */
export class Chain {
  readonly id: string;
  readonly #signer: AuditSigner;
  /** Number of the next line. */
  #seq = 0;
  #head = NO_HASH;

  constructor(id: string, signer: AuditSigner) {
    this.id = id;
    this.#signer = signer;
  }

  /** Adds a record, the text of a JSON object that is not empty. */
  add(record: string): string {
    const line = `{"seq":${this.#seq},"prev":"${this.#head}",${record.slice(1)}`;
    this.#head = hashOfLine(line);
    this.#seq += 1;
    return line;
  }

  /** Adds a signed line. Its signature covers the whole line, and so all lines before it. */
  seal(event: ChainEvent, at: number, fields: JsonObject): ChainedLine {
    const seq = this.#seq;
    const signed = JSON.stringify({
      seq,
      prev: this.#head,
      at: new Date(at).toISOString(),
      event,
      chain: this.id,
      ...fields,
      key: this.#signer.id,
    });
    const text = withSignature(signed, this.#signer.sign(signed));
    this.#head = hashOfLine(text);
    this.#seq += 1;
    return { text, seq, hash: this.#head };
  }
}

const MARK = ',"signature":"';
const SIGNATURE_CHARS = 86;
const SIGNED = new RegExp(`${MARK}([\\w-]{${SIGNATURE_CHARS}})"\\}$`);

/** The text that was signed and its signature; undefined for a line without one. */
export function signedPart(
  line: string,
): { readonly signed: string; readonly signature: string } | undefined {
  const signature = SIGNED.exec(line)?.[1];
  if (signature === undefined) return undefined;
  const end = line.length - MARK.length - SIGNATURE_CHARS - '"}'.length;
  return { signed: `${line.slice(0, end)}}`, signature };
}

function withSignature(signed: string, signature: string): string {
  return `${signed.slice(0, -1)}${MARK}${signature}"}`;
}
