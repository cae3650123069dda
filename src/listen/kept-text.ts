import { crc32, constants, deflateRaw } from 'node:zlib';

import type { Answer, TextAnswer } from '../kernel/answer.ts';
import type { RequestId } from '../kernel/json-rpc.ts';

/** What goes to the wire as it is. */
export interface Body {
  readonly parts: readonly Buffer[];
  readonly headers: Readonly<Record<string, string | number>>;
}

/** Below this a text is as quickly written as a buffer. */
const MIN_CHARS = 8192;
/** Longest id, in bytes, that fits in one block that is not compressed. */
const MAX_BLOCK_BYTES = 65_535;
const HEAD = '{"jsonrpc":"2.0","result":';
/** Of a gzip file (RFC 1952): no name, no time, from no particular system. */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const LAST_STORED_BLOCK = 1;

const kept = new WeakMap<TextAnswer, KeptText>();

/** What is kept of an answer that is given again and again; undefined where that is not worth it. */
export function keptText(answer: Answer): KeptText | undefined {
  if (!('text' in answer) || answer.isKept !== true || answer.text.length < MIN_CHARS)
    return undefined;
  const present = kept.get(answer) ?? new KeptText(answer.text);
  kept.set(answer, present);
  return present;
}

/**
 * A long result as bytes, and compressed, made once. All of a response but its id is the same for everybody: the id comes last, and
 * in what is compressed as a block of its own, so that no byte of the result is looked at again.
 */
export class KeptText {
  readonly #plain: Buffer;
  /** All but the last block; absent until it is made. */
  #compressed: Buffer | undefined;
  #isCompressing = false;
  #checksum = 0;

  constructor(text: string) {
    this.#plain = Buffer.from(`${HEAD}${text}`);
  }

  /** The response to a request; compressed where the client takes that and there was time to do it once. */
  body(id: RequestId, takesGzip: boolean): Body {
    const tail = Buffer.from(`,"id":${JSON.stringify(id)}}`);
    const isShort = tail.length <= MAX_BLOCK_BYTES;
    if (takesGzip && isShort && this.#compressed !== undefined)
      return this.#gzipped(this.#compressed, tail);
    if (takesGzip) this.#compress();
    return bodyOf([this.#plain, tail], {});
  }

  #gzipped(compressed: Buffer, tail: Buffer): Body {
    const block = Buffer.alloc(5);
    block.writeUInt8(LAST_STORED_BLOCK, 0);
    block.writeUInt16LE(tail.length, 1);
    block.writeUInt16LE(MAX_BLOCK_BYTES - tail.length, 3);
    const end = Buffer.alloc(8);
    end.writeUInt32LE(crc32(tail, this.#checksum), 0);
    end.writeUInt32LE((this.#plain.length + tail.length) % 2 ** 32, 4);
    return bodyOf([compressed, Buffer.concat([block, tail, end])], { 'content-encoding': 'gzip' });
  }

  /** In another thread: the first who could have it compressed get it plain. */
  #compress(): void {
    if (this.#isCompressing) return;
    this.#isCompressing = true;
    deflateRaw(this.#plain, { finishFlush: constants.Z_SYNC_FLUSH }, (error, deflated) => {
      if (error !== null) return;
      this.#checksum = crc32(this.#plain);
      this.#compressed = Buffer.concat([GZIP_HEAD, deflated]);
    });
  }
}

/** Whether an Accept-Encoding header takes gzip (RFC 9110, section 12.5.3). */
export function takesGzip(header: string | string[] | undefined): boolean {
  if (typeof header !== 'string') return false;
  return header.split(',').some((each) => {
    const [coding, ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return coding === 'gzip' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

function bodyOf(parts: readonly Buffer[], headers: Readonly<Record<string, string>>): Body {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return { parts, headers: { ...headers, vary: 'accept-encoding', 'content-length': length } };
}
