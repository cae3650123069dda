// The yardstick: the least a pass-through can do between HTTP and one stdio server, without a single check.
// Usage: node bench/floor.ts PORT COMMAND [ARGS...]
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import process from 'node:process';
import { LineReader } from './line-reader.ts';

interface Message {
  jsonrpc: '2.0';
  id?: number | string;
  method?: string;
  params?: unknown;
}

interface Waiting {
  id: number | string;
  response: ServerResponse;
  headers: Record<string, string>;
}

const [port = '0', command = process.execPath, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = new Map<number, Waiting>();
const lines = new LineReader();
let lastId = 0;

function forward(message: Message, id: number | string, response: ServerResponse): void {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (message.method === 'initialize') headers['mcp-session-id'] = randomUUID();
  lastId += 1;
  message.id = lastId;
  waiting.set(lastId, { id, response, headers });
  child.stdin.write(`${JSON.stringify(message)}\n`);
}

function answer(line: string): void {
  const reply = JSON.parse(line) as { id: number | string };
  const call = waiting.get(Number(reply.id));
  if (!call) return;
  waiting.delete(Number(reply.id));
  reply.id = call.id;
  const body = JSON.stringify(reply);
  call.headers['content-length'] = String(Buffer.byteLength(body));
  call.response.writeHead(200, call.headers).end(body);
}

function receive(body: string, response: ServerResponse): void {
  const message = JSON.parse(body) as Message;
  if (message.id === undefined) response.writeHead(202).end();
  else forward(message, message.id, response);
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-length': '0' }).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => receive(Buffer.concat(chunks).toString(), response));
}

child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
  for (const line of lines.push(chunk)) answer(line);
});
createServer(serve).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => {
  child.kill();
  process.exit(0);
});
