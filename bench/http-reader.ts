export interface HttpReply {
  status: number;
  head: string;
  body: string;
}

const HEAD_END = '\r\n\r\n';

/**
 * Cuts a keep-alive connection's text into HTTP/1.1 replies, content-length or chunked. It expects one character per byte
 * (latin1): the load process must cost little beside the one it measures, so it neither decodes nor copies more than it must.
 */
export class HttpReader {
  #text = '';

  /** Every reply completed by this chunk, in order. */
  push(chunk: string): HttpReply[] {
    this.#text = this.#text === '' ? chunk : this.#text + chunk;
    const replies: HttpReply[] = [];
    for (let reply = this.#take(); reply; reply = this.#take()) replies.push(reply);
    return replies;
  }

  #take(): HttpReply | undefined {
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const head = this.#text.slice(0, end);
    const bodyStart = end + HEAD_END.length;
    const found = /\r\ntransfer-encoding: chunked/i.test(head)
      ? dechunk(this.#text, bodyStart)
      : slice(this.#text, bodyStart, Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0));
    if (!found) return undefined;
    this.#text = this.#text.slice(found.end);
    return { status: Number(head.slice(9, 12)), head, body: found.body };
  }
}

function slice(
  text: string,
  start: number,
  length: number,
): { body: string; end: number } | undefined {
  const end = start + length;
  return text.length < end ? undefined : { body: text.slice(start, end), end };
}

function dechunk(text: string, start: number): { body: string; end: number } | undefined {
  let body = '';
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const chunkEnd = lineEnd + 2 + size;
    if (text.length < chunkEnd + 2) return undefined;
    if (size === 0) return { body, end: chunkEnd + 2 };
    body += text.slice(lineEnd + 2, chunkEnd);
    at = chunkEnd + 2;
  }
}

/** The value of a header of a reply, or nothing. */
export function headerOf(reply: HttpReply, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(reply.head)?.[1];
}

/** The JSON-RPC message with this id in a reply, be it plain JSON or an event stream. */
export function messageOf(reply: HttpReply, id: number): unknown {
  if (!/\r\ncontent-type: text\/event-stream/i.test(reply.head)) return JSON.parse(reply.body);
  for (const event of reply.body.split(/\r?\n\r?\n/)) {
    const data = event
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5))
      .join('\n');
    if (data.trim() === '') continue;
    const message = JSON.parse(data) as { id?: unknown };
    if (message.id === id) return message;
  }
  return undefined;
}
