export interface HttpReply {
  status: number;
  head: string;
  body: string;
}

interface Pending {
  readonly status: number;
  readonly head: string;
  readonly parts: string[];
  readonly isChunked: boolean;
  /** Characters still to come: of the body, or of the chunk. */
  left: number;
}

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';

/**
 * Cuts a keep-alive connection's text into HTTP/1.1 replies, content-length or chunked. It expects one character per byte
 * (latin1): the load process must cost little beside the one it measures, so it neither decodes nor copies more than it must.
 */
export class HttpReader {
  /** What came and is not part of a reply yet. */
  #text = '';
  #pending: Pending | undefined;
  readonly #onPart: ((part: string) => void) | undefined;

  /** With `onPart`, bodies are handed over as they come and replies have none: for streams that do not end. */
  constructor(onPart?: (part: string) => void) {
    this.#onPart = onPart;
  }

  /** Every reply completed by this chunk, in order. */
  push(chunk: string): HttpReply[] {
    this.#text = this.#text === '' ? chunk : this.#text + chunk;
    const replies: HttpReply[] = [];
    while (this.#text !== '' || this.#pending?.left === 0) {
      if (this.#pending === undefined) {
        if (!this.#readHead()) break;
        continue;
      }
      const pending = this.#pending;
      if (!(pending.isChunked ? this.#readChunks(pending) : this.#readBody(pending))) break;
      this.#pending = undefined;
      const { status, head, parts } = pending;
      replies.push({ status, head, body: parts.length === 1 ? (parts[0] ?? '') : parts.join('') });
    }
    return replies;
  }

  #readHead(): boolean {
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return false;
    const head = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + HEAD_END.length);
    const isChunked = /\r\ntransfer-encoding: chunked/i.test(head);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const left = isChunked ? NO_CHUNK : length;
    this.#pending = { status: Number(head.slice(9, 12)), head, parts: [], isChunked, left };
    return true;
  }

  /** Whether the body is whole. */
  #readBody(pending: Pending): boolean {
    if (this.#text.length <= pending.left) {
      this.#keep(pending, this.#text);
      pending.left -= this.#text.length;
      this.#text = '';
    } else {
      this.#keep(pending, this.#text.slice(0, pending.left));
      this.#text = this.#text.slice(pending.left);
      pending.left = 0;
    }
    return pending.left === 0;
  }

  #readChunks(pending: Pending): boolean {
    for (;;) {
      if (pending.left === NO_CHUNK) {
        const end = this.#text.indexOf(LINE_END);
        if (end < 0) return false;
        const size = Number.parseInt(this.#text.slice(0, end), 16);
        if (size === 0 && this.#text.length < end + 2 * LINE_END.length) return false;
        this.#text = this.#text.slice(end + (size === 0 ? 2 : 1) * LINE_END.length);
        if (size === 0) return true;
        pending.left = size;
      }
      if (pending.left > 0 && !this.#readBody(pending)) return false;
      // The line end after the chunk.
      if (this.#text.length < LINE_END.length) return false;
      this.#text = this.#text.slice(LINE_END.length);
      pending.left = NO_CHUNK;
    }
  }

  #keep(pending: Pending, part: string): void {
    if (part === '') return;
    if (this.#onPart === undefined) pending.parts.push(part);
    else this.#onPart(part);
  }
}

const NO_CHUNK = -1;

/** The value of a header of a reply, or nothing. */
export function headerOf(reply: HttpReply, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(reply.head)?.[1];
}

/** The JSON texts in a reply, be it plain JSON or an event stream. */
export function messagesOf(reply: HttpReply): string[] {
  if (!/\r\ncontent-type: text\/event-stream/i.test(reply.head)) return [reply.body];
  return eventsOf(reply.body);
}

/** The data of the events in a piece of an event stream. */
export function eventsOf(text: string): string[] {
  const found: string[] = [];
  for (const event of text.split(/\r?\n\r?\n/)) {
    const data = event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trimStart())
      .join('\n');
    if (data !== '') found.push(data);
  }
  return found;
}
