import { connect, type Socket } from 'node:net';
import { AnswerReader, type HttpAnswer } from './answer-reader.ts';
import type { HttpCase } from './cases.ts';
import { faultOfAnswer, faultOfText } from './inspect.ts';
import type { Live } from './live.ts';
import type { Random } from './random.ts';

/** Longest wait for the head of an answer, or for a connection to be closed that its client has closed. */
const ANSWER_MS = 20_000;
const STREAM_MS = 150;
const PAUSE_MS = 5;

/** What came back on one connection. */
export interface Played {
  readonly fault: string | undefined;
  /** How each answer ended: its HTTP status, and the refusal or error where there was one. */
  readonly outcomes: readonly string[];
}

/** Sends a case to the gateway and judges what comes back. */
export function playHttp(
  port: number,
  { bytes, due, ending, cuts }: HttpCase,
  live: Live,
  random: Random,
): Promise<Played> {
  const filled = live.fill(bytes, random);
  return new Player(port, { text: filled, due, ending, cuts, live }).run();
}

interface Terms {
  readonly text: string;
  readonly due: number;
  readonly ending: HttpCase['ending'];
  readonly cuts: readonly number[];
  readonly live: Live;
}

class Player {
  readonly #terms: Terms;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  #fault: string | undefined;
  #isClosed = false;
  #finish: () => void = () => undefined;
  #streamTimer: NodeJS.Timeout | undefined;

  constructor(port: number, terms: Terms) {
    this.#terms = terms;
    this.#reader = new AnswerReader(hasHeads(terms.text));
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#socket.setEncoding('latin1').setNoDelay(true);
    this.#socket.on('data', (chunk: string) => this.#take(chunk));
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('end', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      this.#isClosed = true;
      this.#finish();
    });
  }

  async run(): Promise<Played> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    const timer = setTimeout(() => {
      this.#late();
      this.#finish();
    }, ANSWER_MS);
    await this.#send();
    if (!this.#isClosed) await finished;
    clearTimeout(timer);
    clearTimeout(this.#streamTimer);
    this.#reader.end();
    this.#socket.destroy();
    return this.#judge();
  }

  async #send(): Promise<void> {
    const { text, cuts, ending } = this.#terms;
    let from = 0;
    for (const cut of [...cuts, 1]) {
      const to = Math.floor(cut * text.length);
      if (to > from) this.#socket.write(text.slice(from, to), 'latin1');
      from = Math.max(from, to);
      if (cut < 1) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    if (ending === 'half-close') this.#socket.end();
    if (ending === 'reset') {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      this.#socket.resetAndDestroy();
    }
  }

  #take(chunk: string): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#fault ??= `not HTTP: ${(error as Error).message}`;
      this.#finish();
      return;
    }
    const { answers } = this.#reader;
    const last = answers.at(-1);
    if (last === undefined) return;
    if (last.isWhole) {
      if (answers.length >= Math.max(1, this.#terms.due)) this.#finish();
    } else {
      // Streams stay open: what comes first is judged, then they are left.
      this.#streamTimer ??= setTimeout(() => this.#finish(), STREAM_MS);
    }
  }

  #late(): void {
    const { due, ending } = this.#terms;
    const isDue = due > 0 || ending === 'half-close';
    if (isDue && !this.#isClosed && this.#reader.answers.length < Math.max(1, due))
      this.#fault ??= `${this.#reader.answers.length} of ${due} answers after ${ANSWER_MS} ms, and the connection is open`;
  }

  #judge(): Played {
    const { live, text } = this.#terms;
    const { answers } = this.#reader;
    for (const answer of answers) {
      live.harvest(answer.body);
      for (const [name, value] of answer.headers) live.harvest(`${name}: ${value}`);
      this.#fault ??= hasHeads(text)
        ? faultOfText(answer.body)
        : faultOfAnswer(answer, isPage(text));
    }
    return { fault: this.#fault, outcomes: answers.map((answer) => outcomeOf(answer)) };
  }
}

function isPage(text: string): boolean {
  return /(?:GET|HEAD) (?:http:\/\/[^/ ]+)?\/(?:admin|metrics|healthcheck|\.well-known)/u.test(
    text,
  );
}

function hasHeads(text: string): boolean {
  return /HEAD /u.test(text);
}

function outcomeOf({ status, body }: HttpAnswer): string {
  const refusal = /"refusal":"([A-Z_]+)"/u.exec(body)?.[1];
  if (refusal !== undefined) return `${status} ${refusal}`;
  return body.includes('"error":{') ? `${status} error` : String(status);
}
