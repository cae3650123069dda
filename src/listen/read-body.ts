import type { IncomingMessage } from 'node:http';

import { Refusal } from '../kernel/refusals.ts';

/** Reads a JSON body whole, within a number of bytes. Throws CONTENT_TYPE_UNSUPPORTED or BODY_TOO_LARGE. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const type = request.headers['content-type'];
  if (type === undefined || !/^application\/json\s*(?:;|$)/iu.test(type))
    throw new Refusal('CONTENT_TYPE_UNSUPPORTED');
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  // While its caller was being proven the client may have gone.
  if (request.destroyed && !request.complete) throw brokenOff();
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
      } else {
        chunks = [];
        reject(tooLarge(maxBytes));
      }
    });
    request.on('end', () =>
      resolve(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString('utf8')),
    );
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete) reject(brokenOff());
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
