import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** What is answered under one path. */
export interface Page {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown;
  /** Whether the body never ends. */
  readonly isEndless?: boolean;
}

/** A web server on a loopback port that serves these pages by path, and keeps the paths it was asked for. */
export class Documents {
  readonly asked: string[] = [];
  readonly pages = new Map<string, Page>();
  readonly origin: string;

  private constructor(port: number) {
    this.origin = `http://127.0.0.1:${port}`;
  }

  static async serve(t: TestContext): Promise<Documents> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const documents = new Documents((server.address() as AddressInfo).port);
    server.on('request', ({ url = '' }, response) => {
      documents.asked.push(url);
      const { status, headers, body, isEndless } = documents.pages.get(url) ?? { status: 404 };
      response.writeHead(status ?? 200, headers);
      response.write(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
      if (isEndless !== true) response.end();
    });
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return documents;
  }
}
