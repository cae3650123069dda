import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A bound listener for metrics. */
export interface MetricsListener {
  readonly port: number;
  close(): Promise<void>;
}

/** What a scrape answers. */
export interface Exposition {
  readonly text: string;
  readonly contentType: string;
}

/** Serves `GET /metrics` on a port of its own. Rejects when the port cannot be bound. */
export async function listenMetrics(
  host: string,
  port: number,
  expose: () => Promise<Exposition>,
): Promise<MetricsListener> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('metrics are at /metrics\n');
      return;
    }
    expose().then(
      ({ text, contentType }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
