// The stdio server behind all sides of the bench: hand-written, legacy only, and as cheap as one can be. `--fault` makes it a bad
// neighbour: "hung" falls silent at its first call, "crashing" ends at its first call, "slow" takes its time.
// Usage: node bench/servers/echo-stdio.ts [--tools N] [--fault hung|crashing|slow] [--journal FILE] [--label TEXT]
import { appendFileSync } from 'node:fs';
import { exit, stdin, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { EchoMethods, progressFor, responseTo, type Request } from './echo-methods.ts';
import { LineReader } from './line-reader.ts';

const { values } = parseArgs({
  options: {
    tools: { type: 'string', default: '1' },
    fault: { type: 'string', default: 'none' },
    journal: { type: 'string' },
    label: { type: 'string' },
  },
});
const SLOW_MS = 2000;
const methods = new EchoMethods('legacy', Number(values.tools));

function replyTo(request: Request): string {
  if (request.id === undefined || request.method === undefined) return '';
  if (request.method === 'tools/call') return called(request);
  return `${responseTo(methods, request)}\n`;
}

/** From now on nothing is read, let alone answered. */
function hang(): string {
  stdin.pause();
  return '';
}

function called(request: Request): string {
  const given = request.params?.arguments;
  if (values.journal !== undefined) appendFileSync(values.journal, `${given?.text}\n`);
  if (values.fault === 'hung') return hang();
  if (values.fault === 'crashing') exit(1);
  const waitMs = values.fault === 'slow' ? SLOW_MS : given?.ms;
  const reply = `${responseTo(methods, request)}\n`;
  if (waitMs !== undefined) {
    setTimeout(() => stdout.write(reply), waitMs);
    return '';
  }
  const steps = request.params?.name === 'steps' ? progressFor(request) : [];
  return steps.length === 0 ? reply : `${steps.join('\n')}\n${reply}`;
}

const lines = new LineReader();
stdin.setEncoding('utf8');
stdin.on('data', (chunk: string) => {
  let replies = '';
  for (const line of lines.push(chunk)) replies += replyTo(JSON.parse(line) as Request);
  if (replies !== '') stdout.write(replies);
});
