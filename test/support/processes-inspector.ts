import { once } from 'node:events';

interface Reply {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown }; readonly usedSize?: number };
}

/** What to set in the environment of a Node process so that `Inspector.open` can look into it. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** Looks into a Node process from outside: exact figures, where resident memory only gives a hint. */
export class Inspector {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Connects to the process whose output this is. */
  static async open(output: string): Promise<Inspector> {
    const address = /Debugger listening on (ws:\S+)/u.exec(output)?.[1];
    if (address === undefined) throw new Error('The process was not started with INSPECTABLE');
    const socket = new WebSocket(address);
    await once(socket, 'open', { signal: AbortSignal.timeout(5_000) });
    return new Inspector(socket);
  }

  /** Bytes in use on the heap once everything that can be collected is. */
  async heapBytes(): Promise<number> {
    await this.#send('HeapProfiler.collectGarbage');
    await this.#send('HeapProfiler.collectGarbage');
    const { result } = await this.#send('Runtime.getHeapUsage');
    return result?.usedSize ?? Number.NaN;
  }

  /** What keeps the event loop busy or could, by kind: sockets, timers, pipes, processes. */
  async resources(): Promise<Record<string, number>> {
    const { result } = await this.#send('Runtime.evaluate', {
      expression: 'process.getActiveResourcesInfo().join()',
    });
    const counts: Record<string, number> = {};
    for (const kind of String(result?.result?.value).split(','))
      counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  close(): void {
    this.#socket.close();
  }

  #send(method: string, params: object = {}): Promise<Reply> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const listen = ({ data }: MessageEvent): void => {
        const reply = JSON.parse(String(data)) as Reply;
        if (reply.id !== id) return;
        this.#socket.removeEventListener('message', listen);
        resolve(reply);
      };
      this.#socket.addEventListener('message', listen);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
