import type { IncomingMessage } from 'node:http';

import { Refusal } from '../kernel/refusals.ts';
import { parsedBytes } from '../kernel/values.ts';
import type { Traffic } from './traffic.ts';

/** What bounds a body. */
export interface BodyTerms {
  readonly maxBytes: number;
  /** Where its bytes are held. */
  readonly traffic: Traffic;
}

/** A body, and how many bytes are held for it: its own, and for one of a great many values what they take once they are parsed. */
export interface Body {
  readonly text: string;
  readonly held: number;
}

/**
 * Reads a JSON body whole. Its bytes are held until whoever gets it releases them. Rejects with CONTENT_TYPE_UNSUPPORTED,
 * BODY_TOO_LARGE, or OVERLOADED where all bodies together are too large; then none are held.
 */
export function readBody(request: IncomingMessage, terms: BodyTerms): Promise<Body> {
  return new Promise((resolve, reject) => {
    const { maxBytes, traffic } = terms;
    requireReadable(request, maxBytes);
    let chunks: Buffer[] = [];
    let size = 0;
    let isOver = false;
    const refuse = (error: unknown): void => {
      if (isOver) return;
      isOver = true;
      traffic.release(size);
      chunks = [];
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      if (isOver) return;
      try {
        if (size + chunk.length > maxBytes) throw tooLarge(maxBytes);
        traffic.hold(chunk.length);
        size += chunk.length;
        chunks.push(chunk);
      } catch (error) {
        refuse(error);
      }
    });
    request.on('end', () => {
      if (isOver) return;
      try {
        const text = textOf(chunks);
        const parsed = parsedBytes(text);
        traffic.hold(parsed);
        isOver = true;
        resolve({ text, held: size + parsed });
      } catch (error) {
        refuse(error);
      }
    });
    // Whoever breaks off in the midst of a body is no fault of the gateway.
    request.on('error', () => refuse(brokenOff()));
    request.on('close', () => {
      if (!request.complete) refuse(brokenOff());
    });
  });
}

/** Throws what can be said of a body before it is read. */
function requireReadable(request: IncomingMessage, maxBytes: number): void {
  const type = request.headers['content-type'];
  if (type === undefined || !/^application\/json\s*(?:;|$)/iu.test(type))
    throw new Refusal('CONTENT_TYPE_UNSUPPORTED');
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  // While its caller was being proven the client may have gone.
  if (request.destroyed && !request.complete) throw brokenOff();
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  const isOne = first !== undefined && chunks.length === 1;
  return (isOne ? first : Buffer.concat(chunks)).toString('utf8');
}

function brokenOff(): Refusal {
  return new Refusal('MALFORMED_JSON', 'The body ended before it was complete.');
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(
    'BODY_TOO_LARGE',
    `The body is larger than ${maxBytes} bytes (server.maxBodyBytes).`,
    { maxBytes },
  );
}
