import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type * as Https from 'node:https';
import type { Socket } from 'node:net';

import type { DoorPlan } from '../kernel/plan.ts';

/** Importing it would have Node load its HTTP client for WebSocket and http2 too, some 13 MB that nothing here uses. */
const http = process.getBuiltinModule('node:http');

/** How often, in the time a client has to send a request, it is looked whether it is over. */
const LOOKS = 4;
const MAX_LOOK_MS = 30_000;

/** Of servers for HTTPS, what their connections run over: the servers do not know of those that are not secure yet. */
const SOCKETS = new WeakMap<Server, Set<Socket>>();

/** A server for HTTP, or for HTTPS where the plan has a certificate. */
export function createServer(
  { tls, receiveTimeoutMs }: DoorPlan,
  more: ServerOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const lookMs = receiveTimeoutMs === 0 ? MAX_LOOK_MS : Math.ceil(receiveTimeoutMs / LOOKS);
  const options: ServerOptions = {
    ...more,
    requestTimeout: receiveTimeoutMs,
    headersTimeout: receiveTimeoutMs,
    connectionsCheckingInterval: Math.min(MAX_LOOK_MS, lookMs),
  };
  if (tls === undefined) return http.createServer(options, onRequest);
  const server = https().createServer({ ...options, cert: tls.cert, key: tls.key }, onRequest);
  const sockets = new Set<Socket>();
  SOCKETS.set(server, sockets);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return server;
}

/** Ends all connections, those too on which nothing was ever said. */
export function cutOff(server: Server): void {
  server.closeAllConnections();
  for (const socket of SOCKETS.get(server) ?? []) socket.destroy();
}

/** Takes over how long a client may take to send a request. */
export function receiveWithin(server: Server, { receiveTimeoutMs }: DoorPlan): void {
  server.requestTimeout = receiveTimeoutMs;
  server.headersTimeout = receiveTimeoutMs;
}

/** Takes over a renewed certificate; connections that are open go on with the old one. */
export function renewCertificate(server: Server, { tls }: DoorPlan): void {
  if (tls !== undefined && server instanceof https().Server) server.setSecureContext({ ...tls });
}

/** Loaded where the plan has a certificate. */
function https(): typeof Https {
  return process.getBuiltinModule('node:https');
}
