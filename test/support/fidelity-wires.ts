import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { isMessage, type Id, type Message } from '../fixture/json-rpc.ts';
import { ROOT } from './conformance-processes.ts';

/** Where a server or the gateway is reached: a program of Node, or an address. */
export type Place =
  | {
      readonly kind: 'stdio';
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      /** How long it may take to end of its own accord. */
      readonly graceMs: number;
    }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'sse'; readonly url: string };

/** What comes over a wire. */
export interface WireEvents {
  /** `about` is the request on whose own stream a message came, where there are such streams. */
  onMessage(message: Message, about: Id | undefined): void;
  /** Why a request will not be answered, or with no id, why nothing will come any more. */
  onFailure(reason: string, id: Id | undefined): void;
}

/** A connection that carries JSON-RPC messages as they are and knows nothing of what they mean. */
export interface Wire {
  /** The end of what a program has written on standard error, where there is one. */
  readonly complaints?: string;
  /** Resolves when the other side has taken the message. */
  send(message: Message, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Closes the stream on which a request is answered; false where there is none. */
  abandon(id: Id): boolean;
  /** Opens the stream for what belongs to no request, where it is one of its own. */
  listen(version: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a wire to a place. */
export async function openWire(place: Place, events: WireEvents): Promise<Wire> {
  if (place.kind === 'stdio') return new LineWire(place, events);
  if (place.kind === 'http') return new HttpWire(place.url, events);
  const wire = new SseWire(place.url, events);
  await wire.open();
  return wire;
}

const running = new Set<ChildProcess>();

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group is gone already.
  }
}

function killAll(): void {
  for (const child of running) killGroup(child);
}

process.on('exit', killAll);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    killAll();
    process.kill(process.pid, signal);
  });
}

/** Lines as the specification means them: the runtime's own reader also breaks them at U+2028. */
function readLines(input: Readable, take: (line: string) => void): void {
  let parts: string[] = [];
  input.setEncoding('utf8').on('data', (chunk: string) => {
    const [first = '', ...others] = chunk.split('\n');
    parts.push(first);
    for (const next of others) {
      const line = parts.join('');
      if (line.trim() !== '') take(line);
      parts = [next];
    }
  });
}

class LineWire implements Wire {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #graceMs: number;
  #isClosed = false;
  #complaints = '';

  constructor({ args, env, graceMs }: Place & { kind: 'stdio' }, events: WireEvents) {
    this.#graceMs = graceMs;
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { PATH, HOME, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    running.add(this.#child);
    this.#exited = once(this.#child, 'close');
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#complaints = `${this.#complaints}${chunk.toString()}`.slice(-4_000);
    });
    this.#child.stdin!.on('error', () => undefined);
    this.#child.once('exit', () => {
      if (!this.#isClosed) events.onFailure(`The process ended:\n${this.#complaints}`, undefined);
    });
    readLines(this.#child.stdout!, (line) => {
      const value: unknown = JSON.parse(line);
      if (isMessage(value)) events.onMessage(value, undefined);
    });
  }

  get complaints(): string {
    return this.#complaints;
  }

  send(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.stdin!.write(`${JSON.stringify(message)}\n`, (failure) => {
        if (failure) reject(failure);
        else resolve();
      });
    });
  }

  abandon(): boolean {
    return false;
  }

  listen(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#child.stdin!.end();
    await Promise.race([this.#exited, sleep(this.#graceMs, undefined, { ref: false })]);
    killGroup(this.#child);
    running.delete(this.#child);
  }
}

/** Hands every message of an event stream to `take`; `onEvent` hears the events that are none. */
async function readEvents(
  response: Response,
  take: (message: Message) => void,
  onEvent: (name: string, data: string) => void = () => undefined,
): Promise<void> {
  if (response.body === null) throw new Error('There is no body');
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { event, data } of events) {
    if (event !== undefined && event !== 'message') onEvent(event, data);
    else if (data !== '') take(JSON.parse(data) as Message);
  }
}

const ACCEPT = 'application/json, text/event-stream';

class HttpWire implements Wire {
  readonly #url: string;
  readonly #events: WireEvents;
  readonly #open = new Map<Id, AbortController>();
  readonly #stream = new AbortController();
  #session: Record<string, string> = {};

  constructor(url: string, events: WireEvents) {
    this.#url = url;
    this.#events = events;
  }

  async send(message: Message, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const id = message.method === undefined ? undefined : (message.id ?? undefined);
    const controller = new AbortController();
    if (id !== undefined) this.#open.set(id, controller);
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        ...this.#session,
        ...headers,
        'content-type': 'application/json',
        accept: ACCEPT,
      },
      body: JSON.stringify(message),
      signal: controller.signal,
    });
    const session = response.headers.get('mcp-session-id');
    if (session !== null) this.#session = { ...this.#session, 'mcp-session-id': session };
    if (id === undefined) {
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${text}`);
      return;
    }
    void this.#read(response, id).finally(() => this.#open.delete(id));
  }

  abandon(id: Id): boolean {
    this.#open.get(id)?.abort();
    return true;
  }

  async listen(version: string): Promise<void> {
    this.#session['mcp-protocol-version'] = version;
    const response = await fetch(this.#url, {
      headers: { ...this.#session, accept: 'text/event-stream' },
      signal: this.#stream.signal,
    });
    if (response.status === 405) return;
    if (!response.ok) throw new Error(`GET: ${response.status} ${await response.text()}`);
    readEvents(response, (message) => this.#events.onMessage(message, undefined)).catch(
      (failure: unknown) => {
        if (!this.#stream.signal.aborted) this.#events.onFailure(String(failure), undefined);
      },
    );
  }

  async close(): Promise<void> {
    this.#stream.abort();
    for (const controller of this.#open.values()) controller.abort();
    if (this.#session['mcp-session-id'] === undefined) return;
    const ended = fetch(this.#url, { method: 'DELETE', headers: this.#session });
    await ended.then((response) => response.body?.cancel()).catch(() => undefined);
  }

  async #read(response: Response, id: Id): Promise<void> {
    let isAnswered = false;
    const take = (message: Message): void => {
      isAnswered ||= message.method === undefined && message.id === id;
      this.#events.onMessage(message, id);
    };
    try {
      const type = response.headers.get('content-type') ?? '';
      if (type.startsWith('text/event-stream')) await readEvents(response, take);
      else {
        const text = await response.text();
        if (text !== '') take(JSON.parse(text) as Message);
      }
    } catch (failure) {
      this.#events.onFailure(String(failure), id);
      return;
    }
    if (!isAnswered) this.#events.onFailure(`${response.status} without an answer`, id);
  }
}

class SseWire implements Wire {
  readonly #url: string;
  readonly #events: WireEvents;
  readonly #stream = new AbortController();
  #post = '';

  constructor(url: string, events: WireEvents) {
    this.#url = url;
    this.#events = events;
  }

  async open(): Promise<void> {
    const { signal } = this.#stream;
    const response = await fetch(this.#url, { headers: { accept: 'text/event-stream' }, signal });
    if (!response.ok) throw new Error(`GET: ${response.status} ${await response.text()}`);
    this.#post = await new Promise<string>((resolve, reject) => {
      readEvents(
        response,
        (message) => this.#events.onMessage(message, undefined),
        (name, data) => {
          if (name === 'endpoint') resolve(new URL(data, this.#url).href);
        },
      )
        .then(() => new Error('The stream ended'))
        .catch((failure: unknown) => failure)
        .then((failure) => {
          if (!signal.aborted) this.#events.onFailure(String(failure), undefined);
          reject(new Error(String(failure)));
        })
        .catch(() => undefined);
    });
  }

  async send(message: Message): Promise<void> {
    const response = await fetch(this.#post, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
  }

  abandon(): boolean {
    return false;
  }

  listen(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#stream.abort();
    return Promise.resolve();
  }
}
