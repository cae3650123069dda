import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type * as Https from 'node:https';

import type { DoorPlan } from '../kernel/plan.ts';

/** Importing it would have Node load its HTTP client for WebSocket and http2 too, some 13 MB that nothing here uses. */
const http = process.getBuiltinModule('node:http');

/** A server for HTTP, or for HTTPS where the plan has a certificate. */
export function createServer(
  { tls }: DoorPlan,
  options: ServerOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return http.createServer(options, onRequest);
  return https().createServer({ ...options, cert: tls.cert, key: tls.key }, onRequest);
}

/** Takes over a renewed certificate; connections that are open go on with the old one. */
export function renewCertificate(server: Server, { tls }: DoorPlan): void {
  if (tls !== undefined && server instanceof https().Server) server.setSecureContext({ ...tls });
}

/** Loaded where the plan has a certificate. */
function https(): typeof Https {
  return process.getBuiltinModule('node:https');
}
