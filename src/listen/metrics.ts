import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Plan } from '../kernel/plan.ts';
import { Refusal, REFUSALS } from '../kernel/refusals.ts';
import type { Gate } from '../spine/ports.ts';
import { refusalHeaders } from './challenge.ts';
import { Doors } from './doors.ts';
import { credentialsOf } from './http-exchange.ts';
import { createServer, cutOff, renewCertificate } from './http-server.ts';
import { servePage, type Page } from './page.ts';

/** The path of the metrics, on their own port and on the main one. */
export const METRICS_PATH = '/metrics';

/** What the metrics listener needs. */
export interface MetricsTerms {
  readonly gate: Gate;
  readonly host: string;
  readonly port: number;
  readonly page: Page;
}

/** A bound listener for metrics. */
export interface MetricsListener {
  /** Takes over a renewed certificate. */
  apply(plan: Plan): void;
  close(): Promise<void>;
}

/** Serves the metrics on a port of their own. Rejects when the port cannot be bound. */
export async function listenMetrics(terms: MetricsTerms): Promise<MetricsListener> {
  const { server: doors } = terms.gate.plan();
  let current = new Doors(doors, terms.host);
  const server = createServer(doors, {}, (request, response) =>
    answer(request, response, { ...terms, doors: current }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(terms.port, terms.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    apply: (plan) => {
      current = new Doors(plan.server, terms.host);
      renewCertificate(server, plan.server);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cutOff(server);
      }),
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { gate, page, doors }: MetricsTerms & { readonly doors: Doors },
): void {
  const refuse = (error: unknown): void => refusal(response, error, gate.plan());
  try {
    // A page in a browser could read the names of servers and clients by rebinding its own name to this address.
    const { address } = doors.check(request);
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== METRICS_PATH) {
      plain(response, 404, `Metrics are at ${METRICS_PATH}.`);
      return;
    }
    const query = request.url?.split('?', 2)[1] ?? '';
    const credentials = credentialsOf(request, address);
    servePage(page, { gate, response, headers: {}, credentials, query, refuse });
  } catch (error) {
    gate.refused(error, doors.addressOf(request));
    refuse(error);
  }
}

function refusal(response: ServerResponse, error: unknown, plan: Plan): void {
  if (!(error instanceof Refusal)) {
    plain(response, 500, 'The metrics cannot be written.');
    return;
  }
  const { http, remedy } = REFUSALS[error.code];
  const headers = refusalHeaders(error, plan, METRICS_PATH);
  plain(response, http, `${error.message} ${remedy}`, headers);
}

function plain(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
    .end(`${text}\n`);
}
