import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startAskers } from './asking-scene.ts';
import { freePort } from './conformance-processes.ts';
import { AbruptClient } from './gateway-abrupt.ts';
import { TestGateway } from './gateway.ts';
import { linesIn } from './metrics-exposition.ts';
import { INSPECTABLE, Inspector } from './processes-inspector.ts';
import { descendantsOf, eventually, openHandles } from './processes.ts';

const MEBIBYTE = 2 ** 20;
const AT_ONCE = 10;
const VERSION = '2026-07-28';
const META = 'io.modelcontextprotocol/';

/** One call that is parked and left; each worker calls as a consumer of its own, so that none is at its bound. */
async function parkAndLeave(client: AbruptClient, server: string, tag: string): Promise<void> {
  const name = `${server}__fixture_interview`;
  const _meta = {
    [`${META}protocolVersion`]: VERSION,
    [`${META}clientCapabilities`]: { elicitation: {} },
  };
  const headers = {
    'mcp-protocol-version': VERSION,
    'mcp-method': 'tools/call',
    'mcp-name': name,
    'x-lunar-consumer-tag': tag,
  };
  const params = { name, arguments: { tag, note: 'n'.repeat(500) }, _meta };
  const body = { id: 1, method: 'tools/call', params };
  const { text } = await client.text({ method: 'POST', path: '/mcp', headers, body });
  assert.match(text, /"resultType":"input_required"/u, text.slice(0, 500));
}

async function parkMany(gateway: TestGateway, server: string, count: number): Promise<void> {
  let next = 0;
  const worker = async (_: unknown, number: number): Promise<void> => {
    const client = new AbruptClient(gateway.base);
    while (next < count) {
      next += 1;
      await parkAndLeave(client, server, `worker${number}`);
    }
    client.vanish(false);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

interface Rest {
  readonly processes: number;
  readonly handles: number;
  readonly timers: number;
  readonly parked: number;
  readonly inFlight: number;
  readonly sessions: number;
  readonly instances: number;
}

class Watched {
  readonly gateway: TestGateway;
  readonly inspector: Inspector;
  readonly #metricsUrl: string;
  readonly #server: string;

  private constructor(gateway: TestGateway, inspector: Inspector, url: string, server: string) {
    this.gateway = gateway;
    this.inspector = inspector;
    this.#metricsUrl = url;
    this.#server = server;
  }

  static async start(t: TestContext, server: string): Promise<Watched> {
    const { servers, stop } = await startAskers([server]);
    t.after(stop);
    const metricsPort = await freePort();
    const gateway = await TestGateway.start(t, {
      servers: { [server]: { ...servers[server], instanceIdleMs: 300, maxInstances: 200 } },
      app: {
        asks: { maxPerMinute: 1_000_000 },
        parking: { timeoutMs: 150, gatherMs: 1 },
      },
      env: { ...INSPECTABLE, SERVE_METRICS_PORT: String(metricsPort), LOG_LEVEL: 'error' },
    });
    await gateway.whenReady(server);
    const inspector = await Inspector.open(gateway.output());
    t.after(() => inspector.close());
    return new Watched(gateway, inspector, `http://127.0.0.1:${metricsPort}/metrics`, server);
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(this.#metricsUrl)).text();
    return linesIn(text, name).reduce((sum, { value }) => sum + value, 0);
  }

  async rest(): Promise<Rest> {
    const { gateway, inspector } = this;
    return {
      processes: descendantsOf(gateway.pid).length,
      handles: openHandles(gateway.pid),
      timers: (await inspector.resources())['Timeout'] ?? 0,
      parked: await this.metric('mcpx_parked_calls'),
      inFlight: await this.metric('mcpx_upstream_in_flight'),
      sessions: await this.metric('mcpx_sessions'),
      instances: (await gateway.server(this.#server)).instances,
    };
  }

  /** Waits until nothing waits or runs any more, and no more is there than was before. */
  async calm(before?: Rest): Promise<Rest> {
    let last: Rest | undefined;
    return eventually(
      'all was as it had been',
      20_000,
      async () => {
        last = await this.rest();
        const isIdle = last.parked === 0 && last.inFlight === 0 && last.sessions === 0;
        const isBack =
          before === undefined ||
          (last.processes <= before.processes &&
            last.handles <= before.handles &&
            last.timers <= before.timers + 2 &&
            last.instances <= before.instances);
        return isIdle && isBack && last;
      },
      () => ({ before, last }),
    );
  }
}

/** Parks calls whose clients never come back: when they have expired, all is as it was. */
export async function assertNothingLeft(
  t: TestContext,
  server: string,
  count: number,
  heapMebibytes: number,
): Promise<void> {
  const watched = await Watched.start(t, server);
  const { gateway, inspector } = watched;
  // What the first ones leave behind is warmth, what the others add is a leak.
  await parkMany(gateway, server, count / 5);
  const before = await watched.calm();
  const heapBefore = await inspector.heapBytes();
  await parkMany(gateway, server, count);
  await watched.calm(before);
  const grown = ((await inspector.heapBytes()) - heapBefore) / MEBIBYTE;
  t.diagnostic(
    `heap ${(heapBefore / MEBIBYTE).toFixed(1)} MiB, ${grown.toFixed(2)} more after ${count} calls`,
  );
  assert.ok(grown < heapMebibytes, `the heap grew by ${grown} MiB`);
  assert.ok((await watched.metric('mcpx_parked_rounds_total')) >= count);
}
