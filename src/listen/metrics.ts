import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import type { DoorPlan } from '../kernel/plan.ts';
import { Doors } from './doors.ts';
import type { MakePage } from './page.ts';

/** The path of the metrics, on their own port and on the main one. */
export const METRICS_PATH = '/metrics';

/** What the metrics listener needs. */
export interface MetricsTerms {
  readonly host: string;
  readonly port: number;
  doors(): DoorPlan;
  readonly page: MakePage;
}

/** A bound listener for metrics. */
export interface MetricsListener {
  close(): Promise<void>;
}

/** Serves the metrics on a port of their own. Rejects when the port cannot be bound. */
export async function listenMetrics(terms: MetricsTerms): Promise<MetricsListener> {
  const server = createServer((request, response) => answer(request, response, terms));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(terms.port, terms.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, terms: MetricsTerms): void {
  try {
    // A page in a browser could read the names of servers and clients by rebinding its own name to this address.
    new Doors(terms.doors(), terms.host).check(request);
  } catch {
    plain(response, 403, 'The Host header does not name this gateway.');
    return;
  }
  if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== METRICS_PATH) {
    plain(response, 404, `Metrics are at ${METRICS_PATH}.`);
    return;
  }
  terms.page().then(
    ({ text, contentType }) => response.writeHead(200, { 'content-type': contentType }).end(text),
    () => plain(response, 500, 'The metrics cannot be written.'),
  );
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
