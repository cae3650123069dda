import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { FIXTURE, freePort, startNode, stop, until } from './conformance-processes.ts';
import { OtlpReceiver } from './otlp.ts';
import type { OtlpSpan } from './otlp-protobuf.ts';
import { modernSent, RawSession } from './raw-clients.ts';
import { fixtureEntry, startRaw, type RawGateway, type RawTerms } from './raw-gateway.ts';
import { rpcOf, send, type JsonObject, type Rpc } from './raw-http.ts';

export type ClientEra = 'legacy' | 'modern';

/** Where a context may stand. */
export interface Carried {
  readonly headers?: Record<string, string>;
  readonly meta?: JsonObject;
}

/** What a server behind the gateway saw of one call. */
export interface Seen {
  readonly meta: JsonObject;
  readonly headers: JsonObject;
}

/** The context of a trace that a client began. */
export class Context {
  readonly traceId = randomBytes(16).toString('hex');
  readonly spanId = randomBytes(8).toString('hex');

  traceparent(isSampled = true): string {
    return `00-${this.traceId}-${this.spanId}-${isSampled ? '01' : '00'}`;
  }
}

/** The fixture reached over HTTP, as an entry of mcp.json; ended after all tests of the file. */
async function remoteFixture(era: ClientEra): Promise<object> {
  const port = await freePort();
  const args = ['--era', era, '--transport', 'http', '--port', String(port)];
  const server = startNode([FIXTURE, ...args]);
  after(() => stop(server));
  await until(server, 'it listened', () =>
    Promise.resolve(server.output().includes('listening on')),
  );
  return { url: `http://127.0.0.1:${port}/mcp`, type: 'streamable-http' };
}

/** A gateway that traces, its receiver, and servers of both eras on both transports. */
export class TraceScene {
  readonly gateway: RawGateway;
  readonly receiver: OtlpReceiver;
  #session: Promise<RawSession> | undefined;

  constructor(gateway: RawGateway, receiver: OtlpReceiver) {
    this.gateway = gateway;
    this.receiver = receiver;
  }

  /** Starts all of it, with what `tracing` in app.yaml says besides. */
  static async start(
    tracing: object = {},
    terms: RawTerms & { readonly more?: object } = {},
  ): Promise<TraceScene> {
    const receiver = await OtlpReceiver.start({ after });
    const { more, ...rest } = terms;
    const gateway = await startRaw({
      servers: await TraceScene.servers(),
      app: JSON.stringify({
        tracing: { enabled: true, endpoint: receiver.endpoint, ...tracing },
        ...more,
      }),
      ...rest,
    });
    after(() => gateway.stop());
    return new TraceScene(gateway, receiver);
  }

  static async servers(): Promise<Record<string, object>> {
    return {
      old: fixtureEntry('legacy'),
      new: fixtureEntry('modern'),
      oldfar: await remoteFixture('legacy'),
      newfar: await remoteFixture('modern'),
    };
  }

  /** One call of a tool by a client of that era. */
  async call(
    era: ClientEra,
    name: string,
    args: JsonObject = {},
    { headers = {}, meta = {} }: Carried = {},
  ): Promise<Rpc> {
    if (era === 'modern') {
      const sent = modernSent('tools/call', { name, arguments: args }, { meta, headers });
      return rpcOf(await send(this.gateway.port, sent));
    }
    this.#session ??= RawSession.open(this.gateway.port);
    const session = await this.#session;
    const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
    const got = await session.post(session.body('tools/call', params), headers);
    return rpcOf(got);
  }

  /** Calls a server and tells what it saw of the call. */
  async seen(era: ClientEra, server: string, carried: Carried = {}): Promise<Seen> {
    await this.call(era, `${server}__fixture_echo`, {}, carried);
    const { result } = await this.call(era, `${server}__fixture_state`);
    const state = result?.['structuredContent'] as JsonObject;
    return {
      meta: (state['lastMeta'] ?? {}) as JsonObject,
      headers: (state['lastHeaders'] ?? {}) as JsonObject,
    };
  }

  /** Waits for so many spans of one trace. */
  spansOf(traceId: string, count: number): Promise<OtlpSpan[]> {
    return this.receiver.received(count, (span) => span.traceId === traceId);
  }
}
