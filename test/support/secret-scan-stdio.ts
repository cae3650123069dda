import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { ROOT } from './conformance-processes.ts';
import { eventually } from './raw-eventually.ts';
import type { JsonObject } from './raw-http.ts';

/** A legacy client that starts `mcpx stdio` and talks to it. */
export class StdioClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #tell: (sent: string, log: string) => void;
  #sent = '';
  #log = '';
  #lastId = 0;

  /** `tell` gets, in the end, all that came on its standard output and on its standard error. */
  constructor(env: Record<string, string>, tell: (sent: string, log: string) => void) {
    this.#tell = tell;
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(process.execPath, ['bin/mcpx.js', 'stdio'], {
      cwd: ROOT,
      env: { PATH, HOME, ...env },
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#sent += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
  }

  /** Sends a request and waits until it is answered. */
  async ask(method: string, params: JsonObject): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#write({ id, method, params });
    await eventually(`${method} was answered`, () => this.#sent.includes(`"id":${id},`));
  }

  tell(method: string): void {
    this.#write({ method });
  }

  /** Ends its input, and waits for the end of the gateway. */
  async end(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin.end();
    await ended;
    this.#tell(this.#sent, this.#log);
  }

  #write(message: JsonObject): void {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }
}
