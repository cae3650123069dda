import { fileURLToPath } from 'node:url';
import { freePort, startNode, stop, type Started } from './conformance-processes.ts';
import type { OtlpSpan } from './otlp-protobuf.ts';
import type { Mode } from './otlp-receiver.ts';
import { eventually } from './processes.ts';

const PROGRAM = fileURLToPath(new URL('otlp-receiver.ts', import.meta.url));
const WAIT_MS = 15_000;

/** A request as a receiver got it. */
export interface OtlpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly spans: number;
}

/** A receiver of traces in a process of its own. */
export class OtlpReceiver {
  readonly port: number;
  #started: Started | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  /** Starts one, ended when the scope is over. */
  static async start(scope: { after(end: () => Promise<void>): void }): Promise<OtlpReceiver> {
    const receiver = await OtlpReceiver.notYet(scope);
    await receiver.launch();
    return receiver;
  }

  /** Keeps a port for one that is not there yet. */
  static async notYet(scope: { after(end: () => Promise<void>): void }): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(await freePort());
    scope.after(() => receiver.end());
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}/v1/traces`;
  }

  /** Starts the process on its port. */
  async launch(): Promise<void> {
    const started = startNode([PROGRAM, String(this.port)]);
    this.#started = started;
    await eventually(
      'the receiver listened',
      WAIT_MS,
      () => started.output().includes('receiving on'),
      () => started.output(),
    );
  }

  async end(): Promise<void> {
    const started = this.#started;
    this.#started = undefined;
    if (started !== undefined) await stop(started);
  }

  async behave(mode: Mode): Promise<void> {
    await fetch(`http://127.0.0.1:${this.port}/mode`, {
      method: 'PUT',
      body: JSON.stringify(mode),
    });
  }

  /** All spans that came so far. */
  spans(): Promise<OtlpSpan[]> {
    return this.#get('/spans');
  }

  requests(): Promise<OtlpRequest[]> {
    return this.#get('/requests');
  }

  /** Waits until so many spans came that a test accepts, and returns all such spans. */
  async received(
    count: number,
    accepts: (span: OtlpSpan) => boolean = () => true,
  ): Promise<OtlpSpan[]> {
    let found: OtlpSpan[] = [];
    return eventually(
      `${count} such spans came`,
      WAIT_MS,
      async () => {
        found = (await this.spans()).filter((span) => accepts(span));
        return found.length >= count ? found : undefined;
      },
      () => `${found.length} came: ${JSON.stringify(found.map(({ name }) => name))}`,
    );
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return (await response.json()) as T;
  }
}
