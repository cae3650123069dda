import { connect, type Socket } from 'node:net';
import { echoText } from './echo-text.ts';
import { HttpReader, headerOf, messageOf, type HttpReply } from './http-reader.ts';

export interface LoadOptions {
  port: number;
  tool: string;
  /** Sent as the API key; none when empty. */
  key: string;
  bytes: number;
}

/** What a session tells about each call it made. */
export interface Tally {
  /** False once the session is to stop after the answer it waits for. */
  readonly going: boolean;
  finished(milliseconds: number, fault: string | undefined): void;
}

interface CallReply {
  id?: unknown;
  result?: { content?: { text?: string }[] };
}

const PROTOCOL_VERSION = '2025-11-25';
const ANSWER_WITHIN_MS = 20_000;

/** One client: one connection, one MCP session, one call at a time. */
export class LoadSession {
  readonly #socket: Socket;
  readonly #reader = new HttpReader();
  readonly #options: LoadOptions;
  readonly #name: string;
  #head = '';
  #sessionHeader = '';
  #lastId = 0;
  #settle: ((reply: HttpReply) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  private constructor(options: LoadOptions, name: string) {
    this.#options = options;
    this.#name = name;
    this.#socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1').setTimeout(ANSWER_WITHIN_MS);
    this.#socket.on('data', (chunk: string) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#fail?.(error));
    this.#socket.on('timeout', () =>
      this.#socket.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)),
    );
    this.#socket.on('close', () => this.#fail?.(new Error('connection closed')));
  }

  /** Connects and walks the legacy handshake; throws when the server does not play along. */
  static async open(options: LoadOptions, name: string): Promise<LoadSession> {
    const session = new LoadSession(options, name);
    const head = session.#headFor('POST');
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    };
    const opened = await session.#post(head, {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params,
    });
    const sessionId = headerOf(opened, 'mcp-session-id');
    if (opened.status !== 200) throw new Error(`initialize: HTTP ${opened.status} ${opened.body}`);
    session.#sessionHeader = sessionId === undefined ? '' : `mcp-session-id: ${sessionId}\r\n`;
    session.#sessionHeader += `mcp-protocol-version: ${PROTOCOL_VERSION}\r\n`;
    session.#head = session.#headFor('POST');
    await session.#post(session.#head, { jsonrpc: '2.0', method: 'notifications/initialized' });
    return session;
  }

  /** Calls the tool again and again, each call when the last is answered, until the tally says stop or the connection fails. */
  async run(tally: Tally): Promise<void> {
    while (tally.going && !this.#socket.destroyed) {
      const start = performance.now();
      const fault = await this.#call().catch((error: Error) => error.message);
      tally.finished(performance.now() - start, fault);
    }
  }

  /** Ends the MCP session, so that the server need not keep it, and the connection. */
  async close(): Promise<void> {
    if (!this.#socket.destroyed)
      await this.#exchange(`${this.#headFor('DELETE')}content-length: 0\r\n\r\n`).catch(
        () => undefined,
      );
    this.#fail = undefined;
    this.#socket.destroy();
  }

  async #call(): Promise<string | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    const text = `${this.#name}.${id}`;
    const params = { name: this.#options.tool, arguments: { text } };
    const reply = await this.#post(this.#head, {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params,
    });
    if (reply.status !== 200) return `HTTP ${reply.status} ${reply.body}`;
    const message = messageOf(reply, id) as CallReply | undefined;
    const right =
      message?.id === id &&
      message.result?.content?.[0]?.text === echoText(text, this.#options.bytes);
    return right ? undefined : `wrong reply to call ${text}: ${reply.body}`;
  }

  #headFor(method: string): string {
    const { key } = this.#options;
    const proof = key === '' ? '' : `x-lunar-api-key: ${key}\r\n`;
    return (
      `${method} /mcp HTTP/1.1\r\nhost: 127.0.0.1:${this.#options.port}\r\ncontent-type: application/json\r\n` +
      `accept: application/json, text/event-stream\r\n${proof}${this.#sessionHeader}`
    );
  }

  #post(head: string, message: object): Promise<HttpReply> {
    const body = JSON.stringify(message);
    return this.#exchange(`${head}content-length: ${body.length}\r\n\r\n${body}`);
  }

  #exchange(text: string): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
      this.#socket.write(text, 'latin1');
    });
  }

  #receive(chunk: string): void {
    for (const reply of this.#reader.push(chunk)) this.#settle?.(reply);
  }
}
