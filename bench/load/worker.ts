import { LegacyClient, ModernClient, SseClient, type McpClient } from './clients.ts';
import type { Order } from './order.ts';
import { PipeClient } from './pipe-client.ts';
import { ReplyCheck } from './reply-check.ts';

/** What a worker tells about each thing it did. */
export interface Tally {
  /** False once workers are to stop after the answer they wait for. */
  readonly going: boolean;
  finished(worker: number, milliseconds: number, fault: string | undefined): void;
}

/** So that a connection that fails at once does not keep the machine busy. */
const FAULT_PAUSE_MS = 50;

/** Opens a client of the kind that the order names. */
function openClient(order: Order): Promise<McpClient> {
  switch (order.client) {
    case 'legacy':
      return LegacyClient.open(order);
    case 'modern':
      return ModernClient.open(order);
    case 'sse':
      return SseClient.open(order);
    case 'pipe':
      return PipeClient.open(order);
  }
}

/** One session in a closed loop: the next call goes out when the last is answered, and every reply is checked. */
export class Worker {
  readonly #order: Order;
  readonly #number: number;
  readonly #check = new ReplyCheck();
  #client: McpClient | undefined;
  #lastId = 0;

  constructor(order: Order, number: number) {
    this.#order = order;
    this.#number = number;
  }

  async open(): Promise<void> {
    if (this.#order.operation !== 'storm') this.#client = await openClient(this.#order);
  }

  /** Works until the tally says stop or the connection fails. */
  async run(tally: Tally): Promise<void> {
    while (tally.going && this.#client?.isOpen !== false) {
      const start = performance.now();
      const fault = await this.#once().catch((error: Error) => error.message);
      tally.finished(this.#number, performance.now() - start, fault);
      const pauseMs = this.#order.pauseMs + (fault === undefined ? 0 : FAULT_PAUSE_MS);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #once(): Promise<string | undefined> {
    switch (this.#order.operation) {
      case 'echo':
        return this.#echo(0);
      case 'steps':
        return this.#echo(this.#order.steps);
      case 'list':
        return this.#list(this.#client);
      case 'storm':
        return this.#storm();
    }
  }

  async #echo(steps: number): Promise<string | undefined> {
    const { tool, targets, bytes } = this.#order;
    const id = (this.#lastId += 1);
    const text = `session-${this.#number}.${id}`;
    const params = {
      name: targets[this.#number % targets.length] ?? tool,
      arguments: steps === 0 ? { text, bytes } : { text, bytes, steps },
      ...(steps > 0 && { _meta: { progressToken: id } }),
    };
    const messages = (await this.#client?.request(id, 'tools/call', params)) ?? [];
    const json = messages.at(-1) ?? '';
    if (messages.length - 1 !== steps)
      return `${messages.length - 1} of ${steps} reports of progress came with call ${text}: ${json.slice(0, 300)}`;
    return this.#check.echo(json, id, text, bytes);
  }

  async #list(client: McpClient | undefined): Promise<string | undefined> {
    const id = (this.#lastId += 1);
    const messages = (await client?.request(id, 'tools/list', {})) ?? [];
    return this.#check.list(messages.at(-1) ?? '', id, this.#order.tools);
  }

  /** A client comes, looks and leaves. */
  async #storm(): Promise<string | undefined> {
    const client = await openClient(this.#order);
    try {
      return await this.#list(client);
    } finally {
      await client.close();
    }
  }
}
