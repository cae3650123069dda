// A scripted stdio server that does wrong with its pipes what a process can do wrong with them: one tool per fault, legacy only.
// With --sick FAULT it is unwell from the start, as long as there is no file named by --healed-by.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

type Id = number | string;
type Args = Readonly<Record<string, unknown>>;
type Fault = (id: Id, args: Args) => void;

interface Request {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Args };
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const MEBIBYTE = 2 ** 20;
const { values } = parseArgs({
  options: {
    sick: { type: 'string' },
    after: { type: 'string', default: '0' },
    'healed-by': { type: 'string', default: '' },
    'first-words': { type: 'string', default: '' },
  },
});
const isSick = values.sick !== undefined && !existsSync(values['healed-by']);
let called = 0;
let cancelled = 0;
let flood: ChildProcess | undefined;

/** Writes all of it; a pipe may take less at once. */
function write(what: string | Buffer, descriptor = STDOUT): void {
  const bytes = Buffer.from(what);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function line(message: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`;
}

function answer(id: Id, text: string): string {
  return line({ id, result: { content: [{ type: 'text', text }] } });
}

function answered(id: Id, text: string): void {
  write(answer(id, text));
}

/** Writes so many bytes at a time, each piece so many milliseconds after the other. */
function dribble(bytes: Buffer, size: number, everyMs: number): void {
  write(bytes.subarray(0, size));
  if (bytes.length > size) setTimeout(() => dribble(bytes.subarray(size), size, everyMs), everyMs);
}

/** Writes as small pieces as a pipe carries, as fast as the reader takes them. */
function crumble(bytes: Buffer, size: number): void {
  for (let at = 0; at < bytes.length; at += size) write(bytes.subarray(at, at + size));
}

/** A result of so many bytes that never exists as a whole. */
function writeHuge(id: Id, bytes: number): void {
  const [head = '', tail = ''] = answer(id, 'TEXT').trimEnd().split('TEXT');
  write(head);
  const block = Buffer.alloc(MEBIBYTE, 'x');
  for (let left = bytes; left > 0; left -= block.length) write(block.subarray(0, left));
  write(tail);
}

/** Another process writes the same line for ever, so that this one can go on to answer. */
function startFlood(words: string, descriptor: number): void {
  const stdio = ['ignore', 'ignore', 'ignore'] as ('ignore' | number)[];
  stdio[STDOUT] = descriptor;
  flood = spawn('yes', [words], { stdio });
}

/** What a response can be that is none, with the id of the request. */
const NO_RESPONSES: Readonly<Record<string, object>> = {
  'no version': { jsonrpc: undefined, result: {} },
  'another version': { jsonrpc: '1.0', result: {} },
  'a text for a result': { result: 'done' },
  'null for a result': { result: null },
  'neither result nor error': {},
  'a text for an error': { error: 'it went wrong' },
};

const FAULTS: Readonly<Record<string, Fault | undefined>> = {
  pid: (id) => answered(id, String(process.pid)),
  echo: (id, { text }) => answered(id, String(text)),
  counts: (id) => answered(id, JSON.stringify({ called, cancelled })),
  hang: () => undefined,
  spin: () => {
    for (;;) called += 1;
  },
  dribble: (id, { text, size, everyMs }) =>
    dribble(Buffer.from(answer(id, String(text))), Number(size), Number(everyMs)),
  crumble: (id, { text, size }) => crumble(Buffer.from(answer(id, String(text))), Number(size)),
  half_then_exit: (id, { code }) => {
    write(answer(id, 'never whole').slice(0, -12));
    process.exit(Number(code));
  },
  half_then_silence: (id) => write(answer(id, 'never whole').slice(0, -12)),
  half_then_rest: (id, { ms }) => {
    const whole = answer(id, 'whole at last');
    write(whole.slice(0, -12));
    setTimeout(() => write(whole.slice(-12)), Number(ms));
  },
  newline: (id) => write(`\n${answer(id, 'after a newline')}`),
  garbage: (id, { base64 }) => {
    write(Buffer.from(String(base64), 'base64'));
    answered(id, 'after the garbage');
  },
  no_response: (id, { kind }) => write(line({ id, ...NO_RESPONSES[String(kind)] })),
  another_id: (id, { theirs }) =>
    write(answer(theirs as Id, `meant for ${String(theirs)}`) + answer(id, 'mine')),
  twice: (id) => write(answer(id, 'first') + answer(id, 'second')),
  huge: (id, { mebibytes, ends }) => {
    writeHuge(id, Number(mebibytes) * MEBIBYTE);
    if (ends === true) write('\n');
  },
  tokens: (id, { token, count }) => {
    write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[],"x":[`);
    const block = Buffer.from(`${String(token)},`.repeat(50_000));
    for (let left = Number(count); left > 0; left -= 50_000) write(block);
    write('0]}}\n');
  },
  close_stdin: (id) => {
    process.stdin.destroy();
    closeSync(STDIN);
    answered(id, 'deaf');
    setInterval(() => undefined, 1_000);
  },
  close_stdout: () => closeSync(STDOUT),
  close_stderr: (id) => {
    closeSync(STDERR);
    answered(id, 'without standard error');
  },
  eat_memory: () => {
    const eaten: number[][] = [];
    for (;;) eaten.push(Array.from({ length: 10_000 }, Math.random));
  },
  flood_stderr: (id, { words }) => {
    startFlood(String(words), STDERR);
    answered(id, 'flooding');
  },
  flood_stdout: (id, { words }) => {
    answered(id, 'flooding');
    startFlood(String(words), STDOUT);
  },
  stop_flood: (id) => {
    flood?.kill('SIGKILL');
    answered(id, 'stopped');
  },
};

const RESULTS: Readonly<Record<string, object | undefined>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'stdio-faults', version: '1.0.0' },
  },
  ping: {},
  'tools/list': {
    tools: Object.keys(FAULTS).map((name) => ({ name, inputSchema: { type: 'object' } })),
  },
};

function receive({ id, method = '', params }: Request): void {
  if (method === 'notifications/cancelled') cancelled += 1;
  if (id === undefined) return;
  const fault = method === 'tools/call' ? FAULTS[params?.name ?? ''] : undefined;
  const result = RESULTS[method];
  if (fault !== undefined) {
    called += 1;
    fault(id, params?.arguments ?? {});
  } else if (result !== undefined) {
    write(line({ id, result }));
  } else {
    write(line({ id, error: { code: -32601, message: 'Method not found' } }));
  }
}

function listen(): void {
  write(values['first-words']);
  // Not readline: it takes U+2028 for the end of a line.
  let rest = '';
  process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const each of lines) receive(JSON.parse(each) as Request);
  });
}

function beSick(): void {
  if (values.sick === 'hangs') setInterval(() => undefined, 1_000);
  else if (values.sick === 'crashes') setTimeout(() => process.exit(4), Number(values.after));
  else if (values.sick === 'aborts') process.abort();
}

if (isSick) beSick();
if (!isSick || values.sick === 'crashes') listen();
