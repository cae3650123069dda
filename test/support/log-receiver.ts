import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';

/**
 * A process that receives logs: `udp`, `tcp`, `tls CERT KEY` (syslog) or `http`. Prints `port N`, then each message as a line of JSON.
 * It listens on LOG_PORT, or any free port. The first requests by HTTP are answered with the statuses that follow `http`.
 */
const [kind = '', ...rest] = process.argv.slice(2);
const wanted = Number(process.env['LOG_PORT'] ?? 0);

function told(port: number): void {
  process.stdout.write(`port ${port}\n`);
}

function received(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Octet counting (RFC 6587, section 3.4.1): the length, a space, the message. */
function deframe(socket: Socket): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const space = bytes.indexOf(32);
      const length = Number(bytes.subarray(0, Math.max(0, space)).toString());
      if (space < 1 || bytes.length < space + 1 + length) return;
      received({ message: bytes.subarray(space + 1, space + 1 + length).toString() });
      bytes = bytes.subarray(space + 1 + length);
    }
  });
  socket.on('error', () => undefined);
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function portOf(address: string | AddressInfo | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function listen(): void {
  if (kind === 'udp') {
    const socket = createSocket('udp4', (message) => received({ message: message.toString() }));
    socket.bind(wanted, '127.0.0.1', () => told(socket.address().port));
    return;
  }
  if (kind === 'http') {
    const statuses = rest.map(Number);
    const server = createHttp((request, response) => {
      void textOf(request).then((body) => {
        const status = statuses.shift() ?? 204;
        received({ status, headers: request.headers, lines: body.trimEnd().split('\n') });
        response.writeHead(status).end();
      });
    });
    server.listen(wanted, '127.0.0.1', () => told(portOf(server.address())));
    return;
  }
  const [cert = '', key = ''] = rest;
  const server =
    kind === 'tls'
      ? createTls({ cert: readFileSync(cert), key: readFileSync(key) }, deframe)
      : createTcp(deframe);
  server.listen(wanted, '127.0.0.1', () => told(portOf(server.address())));
}

listen();
