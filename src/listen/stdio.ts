import type { Readable, Writable } from 'node:stream';

import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { errorText, wireError } from './answer.ts';
import { Pipe } from './pipe.ts';
import { quiet } from './quiet.ts';
import { Traffic } from './traffic.ts';

/** The client started this process itself: the bound only keeps one line from taking all memory. */
const MAX_LINE_CHARS = 128 * 1024 * 1024;

/** A client that leaves more than this unread is not read from either. */
const FREE_BYTES = 1024 * 1024;

/** One client on a pair of streams. */
export interface StdioListener {
  /** Resolves when the client is gone. */
  readonly ended: Promise<void>;
  /** Reads no more, lets what was asked be answered within so many milliseconds, and lets go of the client. */
  close(drainMs: number): Promise<void>;
}

/** The two ends of a client. */
export interface Streams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Serves one client over a pair of streams, one message a line (spec: transports, stdio). */
export function listenStdio(gate: Gate, principal: Principal, streams: Streams): StdioListener {
  const { input, output } = streams;
  let isGivenUp = false;
  const write = (text: string): void => {
    output.write(`${text}\n`);
    // Who does not read is asked nothing more to answer; what servers tell of their own accord still comes.
    if (output.writableLength > FREE_BYTES) input.pause();
    if (output.writableLength <= gate.plan().server.maxUnreadBytes) return;
    isGivenUp = true;
    input.destroy();
  };
  output.on('drain', () => input.resume());
  const traffic = new Traffic(gate.plan().server);
  const pipe = new Pipe(gate, { transport: 'stdio', principal, traffic, write });
  const lines = new TextLines(MAX_LINE_CHARS, {
    onLine: (line) => void pipe.receive(line),
    onTooLong: () => write(tooLong()),
  });
  const close = async (drainMs: number): Promise<void> => {
    traffic.close();
    await quiet(() => !isGivenUp && (pipe.isBusy || output.writableLength > 0), drainMs);
    input.destroy();
  };
  input.setEncoding('utf8');
  input.on('data', (chunk: string) => lines.push(chunk));
  input.on('error', () => input.destroy());
  output.on('error', () => input.destroy());
  // A client may write all it asks, close its end, and read the answers then.
  input.once('end', () => {
    lines.end();
    void close(gate.plan().shutdown.drainMs);
  });
  const ended = new Promise<void>((resolve) => {
    input.once('close', () => {
      pipe.close();
      resolve();
    });
  });
  return { ended, close };
}

function tooLong(): string {
  const wire = wireError(new Refusal('BODY_TOO_LARGE'), 'legacy');
  return wire === undefined ? '' : errorText(null, wire.error);
}

interface LineEvents {
  onLine(line: string): void;
  onTooLong(): void;
}

/** Text in pieces as lines. Pieces are joined once per line, so that a long line costs no more than its length. */
class TextLines {
  readonly #maxChars: number;
  readonly #events: LineEvents;
  #parts: string[] = [];
  #size = 0;

  constructor(maxChars: number, events: LineEvents) {
    this.#maxChars = maxChars;
    this.#events = events;
  }

  push(chunk: string): void {
    const [first = '', ...others] = chunk.split('\n');
    this.#keep(first);
    for (const part of others) {
      this.end();
      this.#keep(part);
    }
  }

  /** What came since the last newline is a line too. */
  end(): void {
    const isTooLong = this.#size > this.#maxChars;
    const line = this.#parts.join('').trim();
    this.#parts = [];
    this.#size = 0;
    if (isTooLong) this.#events.onTooLong();
    else if (line !== '') this.#events.onLine(line);
  }

  #keep(part: string): void {
    this.#size += part.length;
    if (this.#size > this.#maxChars) this.#parts = [];
    else this.#parts.push(part);
  }
}
