import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';

import type { DoorPlan } from '../kernel/plan.ts';

/** A server for HTTP, or for HTTPS where the plan has a certificate. */
export function createServer(
  { tls }: DoorPlan,
  options: ServerOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createPlainServer(options, onRequest);
  return createTlsServer({ ...options, cert: tls.cert, key: tls.key }, onRequest);
}

/** Takes over a renewed certificate; connections that are open go on with the old one. */
export function renewCertificate(server: Server, { tls }: DoorPlan): void {
  if (server instanceof TlsServer && tls !== undefined) server.setSecureContext({ ...tls });
}
