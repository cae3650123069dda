import { connect, type Socket } from 'node:net';
import { HttpReader, type HttpReply } from './http-reader.ts';

const ANSWER_WITHIN_MS = 20_000;

/** One keep-alive connection, one exchange at a time, as cheap as a socket allows. */
export class Connection {
  readonly #socket: Socket;
  readonly #reader: HttpReader;
  #settle: ((reply: HttpReply) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  /** With `onPart` the bodies of replies are handed over as they come, and silence is no fault. */
  constructor(port: number, onPart?: (part: string) => void) {
    this.#reader = new HttpReader(onPart);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1').setTimeout(onPart === undefined ? ANSWER_WITHIN_MS : 0);
    this.#socket.on('data', (chunk: string) => {
      for (const reply of this.#reader.push(chunk)) this.#settled(reply);
    });
    this.#socket.on('error', (error) => this.#fail?.(error));
    this.#socket.on('timeout', () =>
      this.#socket.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)),
    );
    this.#socket.on('close', () => this.#fail?.(new Error('connection closed')));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Sends a whole request; rejects when the connection ends before the whole reply is there. */
  exchange(text: string): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error('connection closed'));
        return;
      }
      this.#settle = resolve;
      this.#fail = reject;
      this.#socket.write(text, 'latin1');
    });
  }

  /** Sends a whole request and waits for nothing. */
  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Ends the connection at once, as a client that crashes does. */
  destroy(): void {
    this.#fail = undefined;
    this.#socket.destroy();
  }

  #settled(reply: HttpReply): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#fail = undefined;
    settle?.(reply);
  }
}
