import type { Readable, Writable } from 'node:stream';

import type { Gate } from '../spine/ports.ts';
import { Pipe } from './pipe.ts';

/** Serves one client over a pair of streams, one message a line (spec: transports, stdio). Resolves when the input ends. */
export function serveStdio(gate: Gate, input: Readable, output: Writable): Promise<void> {
  const pipe = new Pipe(gate, {
    transport: 'stdio',
    credentials: { header: () => undefined, address: undefined },
    write: (text) => output.write(`${text}\n`),
  });
  let rest = '';
  input.setEncoding('utf8');
  input.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') pipe.receive(line);
  });
  output.on('error', () => input.destroy());
  return new Promise((resolve) => {
    // A client may write all it asks, close its end, and read the answers then.
    input.once(
      'end',
      () => void drained(pipe, gate.plan().shutdown.drainMs).then(() => input.destroy()),
    );
    input.once('close', () => {
      pipe.close();
      resolve();
    });
  });
}

const POLL_MS = 10;

async function drained(pipe: Pipe, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (pipe.isBusy && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
