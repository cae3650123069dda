import { once } from 'node:events';
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hostile } from './hostile.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

const SHARE = 0.15;
const KEPT = 30;

/** Stands before a server over HTTP and spoils some of its answers. */
export interface HostileHttp {
  readonly port: number;
  /** What was spoilt last, oldest first. */
  spoilt(): readonly string[];
  stop(): void;
}

type Spoil = (answer: { status: number; headers: OutgoingHttpHeaders }, hostile: Hostile) => void;

const TYPES = ['text/html', 'application/json', 'text/event-stream', 'x', '', 'text/event-stream;'];
const STATUSES = [100, 101, 199, 200, 202, 204, 301, 304, 400, 401, 403, 404, 405, 429, 500, 503];

const HEADS: readonly Spoil[] = [
  (answer, { random }) => {
    answer.status = random.pick(STATUSES.filter((status) => status >= 200));
  },
  (answer, { random }) => {
    answer.headers['content-type'] = random.pick(TYPES);
  },
  (answer, { random }) => {
    answer.headers['mcp-session-id'] = random.pick(['', 'x', 'y'.repeat(9000), 'a b', '__proto__']);
  },
  (answer) => {
    delete answer.headers['mcp-session-id'];
  },
  (answer, { random }) => {
    answer.status = random.pick([301, 307, 401, 429]);
    answer.headers['location'] = random.pick(['/mcp', 'http://127.0.0.1:1/', '%', '']);
    answer.headers['retry-after'] = random.pick(['-1', '1e9', 'soon', '0']);
    answer.headers['www-authenticate'] =
      'Bearer realm="x", resource_metadata="http://127.0.0.1:1/"';
  },
];

/** Starts one before the server of this port. */
export async function startHostileHttp(port: number, random: Random): Promise<HostileHttp> {
  const hostile = new Hostile(random, SHARE);
  const notes: string[] = [];
  const note = (what: string): void => {
    notes.push(what.slice(0, 4000));
    if (notes.length > KEPT) notes.shift();
  };
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    void relay(request, response, { port, hostile, note });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    spoilt: () => [...notes],
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Relay {
  readonly port: number;
  readonly hostile: Hostile;
  note(what: string): void;
}

async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  { port, hostile, note }: Relay,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = 'GET', url: path = '/' } = request;
  const headers = { ...request.headers, host: `127.0.0.1:${port}` };
  const outgoing = forward(
    { host: '127.0.0.1', port, method, path, headers, agent: false },
    (incoming) => answer(incoming, response, { port, hostile, note }),
  );
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  outgoing.end(Buffer.concat(chunks));
}

function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  { hostile, note }: Relay,
): void {
  const { random } = hostile;
  const head = { status: incoming.statusCode ?? 200, headers: { ...incoming.headers } };
  delete head.headers['content-length'];
  delete head.headers['transfer-encoding'];
  if (hostile.isDue()) {
    random.pick(HEADS)(head, hostile);
    note(JSON.stringify(head));
  }
  if (random.chance(0.01)) {
    const bytes = mutateBytes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', random);
    note(bytes);
    response.socket?.end(bytes, 'latin1');
    return;
  }
  try {
    response.writeHead(head.status, head.headers);
  } catch {
    response.destroy();
    return;
  }
  response.flushHeaders();
  incoming.setEncoding('latin1');
  incoming.on('data', (chunk: string) => {
    const parts = chunk.startsWith('{')
      ? [spoiltBody(chunk, hostile)]
      : spoiltEvents(chunk, hostile);
    for (const part of parts) {
      if (part !== chunk) note(part);
      response.write(part, 'latin1');
    }
    if (random.chance(0.01)) response.destroy();
  });
  incoming.on('end', () => response.end());
  incoming.on('error', () => response.destroy());
}

function spoiltBody(text: string, hostile: Hostile): string {
  return hostile.isDue() ? hostile.changed(text) : text;
}

function spoiltEvents(text: string, hostile: Hostile): readonly string[] {
  const data = /^data: (\{.*)$/mu.exec(text)?.[1];
  if (data === undefined || !hostile.isDue()) return hostile.lines(text);
  const changed = hostile.changed(data).replaceAll(/\r?\n|\r/gu, '\ndata: ');
  return [text.replace(data, () => changed)];
}
