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
 * Reads a JSON body whole. Its bytes are held until whoever gets it releases them. Throws CONTENT_TYPE_UNSUPPORTED,
 * BODY_TOO_LARGE, or OVERLOADED where all bodies together are too large; then none are held.
 */
export async function readBody(request: IncomingMessage, terms: BodyTerms): Promise<Body> {
  const bytes = await readBytes(request, terms);
  const text = bytes.toString('utf8');
  const parsed = parsedBytes(text);
  try {
    terms.traffic.hold(parsed);
  } catch (error) {
    terms.traffic.release(bytes.length);
    throw error;
  }
  return { text, held: bytes.length + parsed };
}

async function readBytes(request: IncomingMessage, terms: BodyTerms): Promise<Buffer> {
  const { maxBytes, traffic } = terms;
  const type = request.headers['content-type'];
  if (type === undefined || !/^application\/json\s*(?:;|$)/iu.test(type))
    throw new Refusal('CONTENT_TYPE_UNSUPPORTED');
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  // While its caller was being proven the client may have gone.
  if (request.destroyed && !request.complete) throw brokenOff();
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let isRefused = false;
    const refuse = (error: unknown): void => {
      if (isRefused) return;
      isRefused = true;
      traffic.release(size);
      chunks = [];
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      if (isRefused) return;
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
      if (!isRefused) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    // Whoever breaks off in the midst of a body is no fault of the gateway.
    request.on('error', () => refuse(brokenOff()));
    request.on('close', () => {
      if (!request.complete) refuse(brokenOff());
    });
  });
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
