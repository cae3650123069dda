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
    input.once('close', () => {
      pipe.close();
      resolve();
    });
  });
}
