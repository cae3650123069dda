import { spawn, type ChildProcess } from 'node:child_process';
import { LineReader } from '../servers/line-reader.ts';
import type { McpClient } from './clients.ts';
import type { Order } from './order.ts';

/** A client that is the parent of its server, with nothing between them: what a call takes without a gateway. */
export class PipeClient implements McpClient {
  readonly #child: ChildProcess;
  readonly #lines = new LineReader();
  #settle: ((line: string) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  private constructor([program = '', ...args]: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
      for (const line of this.#lines.push(chunk)) this.#settle?.(line);
    });
    this.#child.on('exit', () => this.#fail?.(new Error('the server ended')));
  }

  /** Starts the server and walks the handshake. */
  static async open({ command }: Order): Promise<PipeClient> {
    const client = new PipeClient(command);
    const clientInfo = { name: 'bench', version: '1.0.0' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    await client.request(0, 'initialize', params);
    client.#child.stdin?.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    return client;
  }

  get isOpen(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  request(id: number, method: string, params: object): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.#settle = (line) => resolve([line]);
      this.#fail = reject;
      const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      this.#child.stdin?.write(`${text}\n`, 'latin1');
    });
  }

  close(): Promise<void> {
    this.#fail = undefined;
    this.#child.kill();
    return Promise.resolve();
  }
}
