// A scripted stdio server for the faults that no real server produces: one tool per fault, legacy only, and with --stubborn TEXT
// a process and a grandchild (whose command line holds the text) that ignore the end of their input and polite signals.
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

interface Request {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown> };
}

type Id = number | string;
type Fault = (id: Id, args: Record<string, unknown>) => void;

const STDOUT = 1;
const STDERR = 2;
const { values } = parseArgs({
  options: {
    stubborn: { type: 'string' },
    'exit-with': { type: 'string' },
    'die-after': { type: 'string' },
    'silent-on': { type: 'string' },
  },
});

/** Writes all of it; a pipe may take less at once. */
function writeAll(bytes: Buffer, descriptor = STDOUT): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function write(text: string): void {
  writeAll(Buffer.from(text));
}

function answer(id: Id, text: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });
}

/** Writes byte by byte, each in a turn of its own, so that every character of several bytes is cut. */
function writeBytes(bytes: Buffer): void {
  const [first, rest] = [bytes.subarray(0, 1), bytes.subarray(1)];
  writeAll(first);
  if (rest.length > 0) setTimeout(() => writeBytes(rest), 1);
}

const NOT_MESSAGES = [
  'Starting the engines...',
  '',
  '   ',
  '\r',
  '{"this is": "JSON", "but no": "message"}',
  '[1, 2, 3]',
  'null',
  '"text"',
  '42',
  '{"jsonrpc": "2.0", "half":',
  '\u0000\u0001\u0002',
];

const FAULTS: Record<string, Fault | undefined> = {
  pid: (id) => write(`${answer(id, String(process.pid))}\n`),
  text: (id, { text }) => write(`${answer(id, String(text))}\n`),
  environment: (id) => write(`${answer(id, JSON.stringify(process.env))}\n`),
  chatter: (id) => write(`${NOT_MESSAGES.join('\n')}\n${answer(id, 'after the chatter')}\n`),
  blank_lines: (id) => write(`\n\n\r\n\n${answer(id, 'after blank lines')}\r\n\n\n`),
  split_characters: (id, { text }) => writeBytes(Buffer.from(`${answer(id, String(text))}\n`)),
  raw_characters: (id) => {
    // A line that is valid JSON but not valid UTF-8, then a whole one.
    const broken = Buffer.from(answer(999_999, 'x'));
    broken[broken.lastIndexOf('x')] = 0xff;
    writeAll(Buffer.concat([broken, Buffer.from(`\n${answer(id, 'after invalid UTF-8')}\n`)]));
  },
  two_at_once: (id) => write(`${answer(id, 'first')}\n${answer(id, 'second')}\n`),
  unknown_id: (id) =>
    write(`${answer('nobody', 'x')}\n${answer(77_777, 'x')}\n${answer(id, 'mine')}\n`),
  half_line: (id) => {
    write(answer(id, 'never whole').slice(0, -10));
    process.exit(3);
  },
  whole_line_then_exit: (id) => {
    write(`${answer(id, 'last words')}\n`);
    process.exit(0);
  },
  close_output: () => closeSync(STDOUT),
  stderr: (id, { lines, length }) => {
    const line = `${'e'.repeat(Number(length))}\n`;
    for (let count = 0; count < Number(lines); count += 1) writeAll(Buffer.from(line), STDERR);
    write(`${answer(id, 'complained')}\n`);
  },
  stderr_then_exit: () => {
    writeAll(Buffer.from('first complaint\nthe license has expired\n'), STDERR);
    process.exit(7);
  },
  too_long: (id, { bytes }) => write(`${answer(id, 'x'.repeat(Number(bytes)))}\n`),
  never: () => undefined,
};

function result(request: Request): unknown {
  switch (request.method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'faults', version: '1.0.0' },
      };
    case 'ping':
      return {};
    case 'tools/list': {
      const names = Object.keys(FAULTS);
      return { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) };
    }
    default:
      return undefined;
  }
}

function receive(line: string): void {
  const request = JSON.parse(line) as Request;
  const { id, method, params } = request;
  if (id === undefined || method === undefined || method === values['silent-on']) return;
  const fault = method === 'tools/call' ? FAULTS[params?.name ?? ''] : undefined;
  if (fault !== undefined) {
    fault(id, params?.arguments ?? {});
    return;
  }
  const known = result(request);
  const outcome =
    known === undefined
      ? { error: { code: -32601, message: 'Method not found' } }
      : { result: known };
  write(`${JSON.stringify({ jsonrpc: '2.0', id, ...outcome })}\n`);
}

function beStubborn(marker: string): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
  const script = "trap '' TERM INT HUP; while :; do sleep 1; done";
  spawn('/bin/sh', ['-c', script, marker], { stdio: 'ignore' });
  setInterval(() => undefined, 1_000);
}

if (values['exit-with'] !== undefined) {
  process.stderr.write('cannot open the database\n');
  process.exit(Number(values['exit-with']));
}
if (values['die-after'] !== undefined)
  setTimeout(() => process.exit(4), Number(values['die-after']));
if (values.stubborn !== undefined) beStubborn(values.stubborn);

// Not readline: it takes U+2028 for the end of a line.
let rest = '';
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) receive(line);
});
