// The yardstick: the least a pass-through can do between HTTP and one server, without a single check.
// To a stdio server: HTTP in, id rewritten, child's input. To an HTTP server: HTTP in, HTTP out, not a byte changed.
// With "splice" it parses nothing: it puts the id in the place of the other, wherever the first "id" of a message stands.
// Usage: node bench/floor.ts PORT URL, or: node bench/floor.ts PORT parse|splice COMMAND [ARGS...]
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import process from 'node:process';
import { Pool } from 'undici';
import { LineReader } from './servers/line-reader.ts';

interface Message {
  jsonrpc: '2.0';
  id?: number | string;
  method?: string;
  params?: unknown;
}

interface Waiting {
  id: number | string;
  response: ServerResponse;
  isOpening: boolean;
}

type Pass = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

/** To the input of a child, which all clients share: ids are made anew on the way there and put back on the way home. */
function toChild(command: string, args: readonly string[]): Pass {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const waiting = new Map<number, Waiting>();
  const lines = new LineReader();
  let lastId = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    for (const line of lines.push(chunk)) answer(line);
  });

  function answer(line: string): void {
    const reply = JSON.parse(line) as { id: number | string };
    const call = waiting.get(Number(reply.id));
    if (!call) return;
    waiting.delete(Number(reply.id));
    reply.id = call.id;
    const body = JSON.stringify(reply);
    const length = Buffer.byteLength(body);
    call.response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': length,
        ...(call.isOpening && { 'mcp-session-id': randomUUID() }),
      })
      .end(body);
  }

  return (_request, body, response) => {
    const message = JSON.parse(body.toString()) as Message;
    if (message.id === undefined) {
      response.writeHead(202).end();
      return;
    }
    lastId += 1;
    waiting.set(lastId, { id: message.id, response, isOpening: message.method === 'initialize' });
    message.id = lastId;
    child.stdin.write(`${JSON.stringify(message)}\n`);
  };
}

/** The same without parsing, for messages that begin with their id: how little a long message can cost. */
function toChildSpliced(command: string, args: readonly string[]): Pass {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const waiting = new Map<number, { id: string; response: ServerResponse }>();
  const lines = new LineReader();
  let lastId = 0;
  // One character a byte: nothing is decoded.
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    for (const line of lines.push(chunk)) answer(line);
  });

  function answer(line: string): void {
    const found = ID.exec(line);
    const call = waiting.get(Number(found?.[2]));
    if (!found || !call) return;
    waiting.delete(Number(found[2]));
    const [start = '', before = ''] = found;
    const [head, tail] = [before + call.id, line.slice(start.length)];
    const length = head.length + tail.length;
    call.response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': length,
      'mcp-session-id': 'floor',
    });
    call.response.end(head + tail, 'latin1');
  }

  return (_request, body, response) => {
    const text = body.toString('latin1');
    const found = ID.exec(text);
    if (!found) {
      response.writeHead(202).end();
      return;
    }
    const [start = '', before = '', id = ''] = found;
    lastId += 1;
    waiting.set(lastId, { id, response });
    child.stdin.write(`${before}${lastId}${text.slice(start.length)}\n`, 'latin1');
  };
}

const ID = /^(\{"jsonrpc":"2\.0","id":)(\d+)/;

/** To a server over HTTP: each connection has ids of its own, so the bytes pass as they are. */
function toServer(url: URL): Pass {
  const pool = new Pool(url.origin, { connections: 64 });
  const passed = ['content-type', 'accept', 'mcp-session-id', 'mcp-protocol-version'];
  return (request, body, response) => {
    const headers: Record<string, string> = {};
    for (const name of [...passed, 'mcp-method', 'mcp-name']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    pool.dispatch(
      { path: url.pathname, method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, answered) {
          response.writeHead(status, {
            'content-type': String(answered['content-type'] ?? 'application/json'),
            ...(answered['content-length'] !== undefined && {
              'content-length': String(answered['content-length']),
            }),
          });
        },
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  };
}

const [port = '0', how = '', command = '', ...args] = process.argv.slice(2);
const passes: Record<string, () => Pass> = {
  parse: () => toChild(command, args),
  splice: () => toChildSpliced(command, args),
};
const pass = passes[how]?.() ?? toServer(new URL(how));

createServer((request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-length': '0' }).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => pass(request, Buffer.concat(chunks), response));
}).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
