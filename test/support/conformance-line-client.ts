import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { FIXTURE } from './conformance-processes.ts';

type JsonObject = Record<string, unknown>;

export interface LineMessage {
  id?: number | string;
  method?: string;
  params?: JsonObject;
  result?: JsonObject;
  error?: { code: number; message: string; data?: unknown };
}

/** A bare JSON-RPC peer of the fixture on stdio: sends what it is told, keeps what it gets. */
export class LineClient {
  readonly child: ChildProcess;
  readonly received: LineMessage[] = [];
  #heard: (() => void)[] = [];
  #lastId = 100;

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, [FIXTURE, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.received.push(JSON.parse(line) as LineMessage);
      const heard = this.#heard;
      this.#heard = [];
      for (const resolve of heard) resolve();
    });
  }

  send(message: JsonObject): void {
    this.child.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Sends a request and resolves with its response. */
  request(method: string, params: JsonObject = {}): Promise<LineMessage> {
    const id = this.begin(method, params);
    return this.next((message) => message.id === id && message.method === undefined);
  }

  /** Sends a request and returns its id at once. */
  begin(method: string, params: JsonObject = {}): number {
    this.#lastId += 1;
    this.send({ id: this.#lastId, method, params });
    return this.#lastId;
  }

  /** The first message, past or to come within five seconds, that a test accepts. */
  async next(accepts: (message: LineMessage) => boolean): Promise<LineMessage> {
    const deadline = performance.now() + 5_000;
    for (;;) {
      const found = this.received.find(accepts);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`Not received; got ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  close(): void {
    this.child.kill('SIGKILL');
  }
}
