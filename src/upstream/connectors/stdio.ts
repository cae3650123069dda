import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

import crossSpawn from 'cross-spawn';

import { cutOff } from '../../kernel/cut.ts';
import { isObject, type Json } from '../../kernel/json.ts';
import { isMessage, type Message, type RequestId } from '../../kernel/json-rpc.ts';
import type { StdioEndpoint, UpstreamLimits } from '../../kernel/plan.ts';
import { Chatter } from '../chatter.ts';
import { KeyLines } from '../key-lines.ts';
import { LineReader } from '../lines.ts';
import { StderrRing } from '../stderr-ring.ts';
import { hasMoreValuesThan, MAX_SERVER_VALUES } from '../../kernel/values.ts';
import { keepVerbatim } from '../../kernel/verbatim.ts';
import { unwatchGroup, watchGroup } from '../watchdog.ts';
import { OpenFailure, writeMessage, type Wire, type WireEvents } from '../wire.ts';

/** What the stdio connector needs besides the endpoint. */
export interface StdioTerms {
  readonly endpoint: StdioEndpoint;
  readonly limits: UpstreamLimits;
  readonly inheritedEnv: Readonly<Record<string, string>>;
  readonly events: WireEvents;
  log(level: 'debug' | 'info' | 'warn', message: string): void;
}

const GROUP_POLL_MS = 20;
const DRAIN_MS = 100;
const MAX_LOGGED_CHARS = 500;
/** What a pipe gives at once when more is waiting in it. */
const FULL_READ = 65_536;
/** Between reads of what a flood of error output brings, in milliseconds. */
const FLOOD_PAUSE_MS = 10;
const TOO_LONG =
  'cannot be started: its "args" or "env" are longer than the system allows (E2BIG); give it what is long in a file';
const BYTE_ORDER_MARK = '\uFEFF';
/** Legal inside JSON texts, but taken for the end of a line by much that reads lines. */
const LINE_ENDS = /[\u0085\u2028\u2029]/gu;

/** Starts a server as a child process in a process group of its own; messages are lines (spec: transports, stdio). */
export function openStdio(terms: StdioTerms): Wire {
  try {
    return new StdioWire(terms);
  } catch (error) {
    // Most of what keeps a process from being started is told by an event.
    if (codeOf(error) !== 'E2BIG') throw error;
    throw new OpenFailure({ kind: 'broken', message: TOO_LONG });
  }
}

class StdioWire implements Wire {
  readonly needsCancelMessage = true;
  readonly #terms: StdioTerms;
  readonly #child: ChildProcess;
  readonly #stderr: StderrRing;
  /** For what is no message on standard output. */
  readonly #noiseKeys = new KeyLines();
  readonly #noise: Chatter;
  #outbox = '';
  #isFlushing = false;
  #isClosed = false;
  /** How the process ended, once it has. */
  #ended: string | undefined;
  #isDeaf = false;
  #closing: Promise<void> | undefined;

  constructor(terms: StdioTerms) {
    this.#terms = terms;
    this.#stderr = new StderrRing(terms.limits.maxStderrBytes);
    this.#noise = this.#chatter('stdout');
    const { command, args, env, cwd } = terms.endpoint;
    terms.log('info', `starting: ${[command, ...args].join(' ')}`);
    this.#child = crossSpawn(command, [...args], {
      env: { ...terms.inheritedEnv, ...env },
      detached: process.platform !== 'win32',
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (this.#child.pid !== undefined) watchGroup(this.#child.pid);
    this.#attach();
  }

  send(message: Message): void {
    if (this.#isClosed) return;
    const text = writeMessage(message, this.#terms.events);
    if (text === undefined) return;
    const waiting = this.#outbox.length + (this.#child.stdin?.writableLength ?? 0);
    if (waiting > this.#terms.limits.maxMessageBytes) {
      this.#refuseToSend(message);
      return;
    }
    this.#outbox += `${text.replaceAll(LINE_ENDS, escaped)}\n`;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    // One write for all messages of this turn of the event loop.
    setImmediate(() => this.#flush());
  }

  abandon(): void {
    // One stream carries all answers: there is nothing to close for a single request.
  }

  settled(): void {
    // Nothing depends on the version here.
  }

  async listen(): Promise<void> {
    // One stream carries everything.
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** A server that does not read must not make the gateway keep what is meant for it. */
  #refuseToSend(message: Message): void {
    if (!('method' in message) || !('id' in message)) return;
    this.#terms.events.onFailure(message.id, {
      kind: 'unwritable',
      message: 'does not read its input',
    });
  }

  #flush(): void {
    this.#isFlushing = false;
    const text = this.#outbox;
    this.#outbox = '';
    if (this.#child.stdin?.writable === true) this.#child.stdin.write(text);
  }

  #attach(): void {
    const { stdin, stdout, stderr } = this.#child;
    this.#readMessages(stdout);
    this.#readErrors(stderr);
    stdout?.on('end', () => this.#failSoon());
    for (const pipe of [stdout, stderr]) pipe?.on('error', () => undefined);
    stdin?.on('error', () => {
      this.#isDeaf = true;
      this.#failSoon();
    });
    this.#child.on('error', (error) => this.#fail(spawnReason(error, this.#terms.endpoint)));
    this.#child.on('close', () => this.#failNow());
    this.#child.on('exit', (code, signal) => this.#onExit(code, signal));
  }

  #readMessages(stdout: Readable | null): void {
    const { maxMessageBytes } = this.#terms.limits;
    const lines = new LineReader(
      maxMessageBytes,
      (line) => this.#receive(line),
      (bytes) => {
        this.#fail(
          `sent a message of more than ${bytes} bytes (maxMessageBytes is ${maxMessageBytes})`,
        );
        // There may be no end to it.
        stdout?.destroy();
      },
    );
    stdout?.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      // What answers come among so much noise can wait; other servers cannot.
      if (chunk.length >= FULL_READ) pause(stdout, this.#noise.spentForMs);
    });
  }

  #readErrors(stderr: Readable | null): void {
    const log: StdioTerms['log'] = (level, message) => this.#terms.log(level, message);
    const chatter = this.#chatter('stderr');
    const keys = new KeyLines();
    const lines = new LineReader(
      this.#terms.limits.maxStderrBytes,
      (printed) => {
        if (!chatter.admits(printed.length)) return;
        const line = keys.cover(printed);
        this.#stderr.add(line);
        log('info', `stderr: ${cutOff(line, MAX_LOGGED_CHARS)}`);
      },
      () => log('warn', 'stderr: a line above maxStderrBytes was dropped'),
    );
    stderr?.on('data', (chunk: Buffer) => {
      const isFlood = chatter.spentForMs > 0;
      if (isFlood) {
        lines.skip(chunk);
        keys.missedSome();
        chatter.leaveOut(chunk.length);
      } else {
        lines.push(chunk);
      }
      if (chunk.length >= FULL_READ) pause(stderr, isFlood ? FLOOD_PAUSE_MS : 0);
    });
  }

  #chatter(pipe: string): Chatter {
    return new Chatter((bytes) =>
      this.#terms.log('warn', `${pipe}: too many lines at once: ${bytes} bytes were not logged`),
    );
  }

  #receive(line: string): void {
    if (this.#isClosed) return;
    const text = line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line;
    if (hasMoreValuesThan(MAX_SERVER_VALUES, text)) {
      this.#fail(`sent a message of more than ${MAX_SERVER_VALUES} values`);
      return;
    }
    const value = mayBeMessage(text) ? parsed(text) : undefined;
    if (isMessage(value)) {
      keepVerbatim(value, text);
      this.#terms.events.onMessage(value, undefined);
      return;
    }
    this.#noteNoise(line);
    const id = idOfMalformed(value);
    if (id === undefined) return;
    const message = 'answered with what is no JSON-RPC response';
    this.#terms.events.onFailure(id, { kind: 'protocol', message });
  }

  #noteNoise(line: string): void {
    if (!this.#noise.admits(line.length)) return;
    const shown = cutOff(this.#noiseKeys.cover(line), MAX_LOGGED_CHARS);
    this.#terms.log('warn', `stdout: not JSON-RPC: ${shown}`);
  }

  /** The process is of no use any more: it ended, or it only fell silent. What it said last is for the operator. */
  #failNow(): void {
    const said = cutOff(this.#stderr.last(3).join(' | '), MAX_LOGGED_CHARS);
    const detail = this.#ended === undefined || said === '' ? undefined : `last on stderr: ${said}`;
    const silence = this.#isDeaf ? 'closed its input' : 'closed its output';
    this.#fail(this.#ended ?? silence, detail);
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#ended =
      signal === null ? `exited with code ${code ?? 'unknown'}` : `was ended by ${signal}`;
    // What it wrote last may still be in the pipes; a grandchild can hold them open for ever.
    this.#failSoon();
  }

  #failSoon(): void {
    // However late the timer is: what waits in the pipes is read first.
    setTimeout(() => setImmediate(() => this.#failNow()), DRAIN_MS);
  }

  #fail(reason: string, detail?: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#terms.events.onClosed(reason, detail);
    void this.close();
  }

  async #end(): Promise<void> {
    this.#flush();
    this.#child.stdin?.end();
    const pid = this.#child.pid;
    if (pid === undefined) return;
    const grace = this.#terms.limits.shutdownGraceMs;
    const isGone =
      (await this.#groupGone(pid, grace)) ||
      !signalGroup(pid, 'SIGTERM') ||
      (await this.#groupGone(pid, grace)) ||
      !signalGroup(pid, 'SIGKILL') ||
      (await this.#groupGone(pid, grace));
    if (!isGone) this.#terms.log('warn', `process group ${pid} is still there after SIGKILL`);
    unwatchGroup(pid);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#fail('stopped');
  }

  async #groupGone(pid: number, withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs;
    while (signalGroup(pid, 0)) {
      if (performance.now() >= end) return false;
      await new Promise((resolve) => setTimeout(resolve, GROUP_POLL_MS));
    }
    return true;
  }
}

/** Lets the rest of the gateway have its turn before more of a pipe is read. */
function pause(pipe: Readable, ms: number): void {
  pipe.pause();
  if (ms > 0) setTimeout(() => pipe.resume(), ms);
  else setImmediate(() => pipe.resume());
}

/** Whether it is worth parsing: a parse that fails costs as much as many that do not. */
function mayBeMessage(text: string): boolean {
  return /^\s*\{/u.test(text);
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The request that is answered by what is no response; other objects that have an id may be about anything. */
function idOfMalformed(value: Json | undefined): RequestId | undefined {
  if (!isObject(value) || 'method' in value) return undefined;
  const { id } = value;
  if (typeof id !== 'number' && typeof id !== 'string') return undefined;
  return 'jsonrpc' in value || 'result' in value ? id : undefined;
}

/** Sends a signal to a process group; false when nothing is left of it. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    return false;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function spawnReason(error: NodeJS.ErrnoException, endpoint: StdioEndpoint): string {
  if (error.code === 'ENOENT') {
    return `cannot be started: no command "${endpoint.command}" on the PATH (or no folder "${endpoint.cwd ?? '.'}")`;
  }
  if (error.code === 'EMFILE' || error.code === 'ENFILE')
    return `cannot be started: ${error.code}, too many open files; raise the limit of the gateway (ulimit -n)`;
  return `cannot be started: ${error.code ?? error.message}`;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
