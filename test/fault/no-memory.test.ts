import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { RawSession } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway } from '../support/gateway.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';
import { allOf, modernSent } from '../support/raw-clients.ts';
import { begin, send } from '../support/raw-http.ts';

const WAIT_MS = 20_000;
const HEAP_MB = 96;
const MEBIBYTE = 1024 * 1024;

/** A gateway whose heap may not grow beyond some MiB: more would end it. */
async function small(t: TestContext, app: Record<string, unknown> = {}): Promise<TestGateway> {
  const gateway = await TestGateway.start(t, {
    servers: { echo: echoServer(), fixture: fixture('legacy') },
    app,
    env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` },
  });
  await gateway.whenReady('echo', 'fixture');
  return gateway;
}

function portOf(gateway: TestGateway): number {
  return Number(new URL(gateway.base).port);
}

test(
  'bodies beyond server.maxBodyBytes are refused by their length before they are read, however many come, and those within are served',
  ON_LINUX,
  async (t) => {
    const gateway = await small(t);
    const port = portOf(gateway);
    const call = (bytes: number) =>
      modernSent('tools/call', { name: 'echo__echo', arguments: { text: 'x'.repeat(bytes) } });
    const huge = call(8 * MEBIBYTE);
    for (let round = 0; round < 1; round += 1) {
      const statuses = await Promise.all(
        Array.from({ length: 4 }, async () =>
          begin(port, huge).then(
            (response) => {
              response.destroy();
              return response.statusCode;
            },
            () => 0,
          ),
        ),
      );
      // A client that is still writing may see its connection end before it reads why.
      for (const status of statuses) assert.ok(status === 413 || status === 0, `${status}`);
    }
    const { status, text } = await send(port, call(MEBIBYTE));
    assert.equal(status, 200, text.slice(0, 200));
    assert.equal((await fetch(`${gateway.base}/healthcheck`)).status, 200);
    assert.equal(await gateway.end('SIGTERM'), 0);
  },
);

test(
  'many calls with large arguments and results at once are all answered or refused, within a small heap',
  ON_LINUX,
  async (t) => {
    const gateway = await small(t);
    const port = portOf(gateway);
    const sent = modernSent('tools/call', {
      name: 'echo__echo',
      arguments: { text: 'x'.repeat(MEBIBYTE) },
    });
    let answered = 0;
    const callers = Array.from({ length: 4 }, async () => {
      for (let call = 0; call < 2; call += 1) {
        const answer = await send(port, sent);
        const { error } = allOf(answer).at(-1) ?? {};
        if (error === undefined) answered += 1;
        else assert.equal(typeof error.data?.['refusal'], 'string', answer.text.slice(0, 300));
      }
    });
    await Promise.all(callers);
    assert.ok(answered > 0, `${answered} answered`);
    assert.equal((await fetch(`${gateway.base}/healthcheck`)).status, 200);
    const session = await RawSession.open(gateway.url);
    assert.equal((await session.call('echo__echo', { text: 'after' })).error, undefined);
    assert.ok(residentMebibytes(gateway.pid) < 5 * 160, `${residentMebibytes(gateway.pid)} MiB`);
    assert.equal(await gateway.end('SIGTERM'), 0);
  },
);

test(
  'hundreds of sessions that nobody ends stay within a small heap, and the newest one is served',
  ON_LINUX,
  async (t) => {
    const gateway = await small(t, { sessions: { maxCount: 200 }, logging: { level: 'error' } });
    let last: RawSession | undefined;
    for (let round = 0; round < 8; round += 1)
      [last] = await Promise.all(
        Array.from({ length: 50 }, () =>
          RawSession.open(gateway.url, {
            capabilities: { experimental: { x: 'y'.repeat(50_000) } },
          }),
        ),
      );
    assert.equal((await last?.call('echo__echo', { text: 'x' }))?.error, undefined);
    await eventually('health answers', WAIT_MS, async () => {
      return (await fetch(`${gateway.base}/healthcheck`)).status === 200;
    });
    assert.equal(await gateway.end('SIGTERM'), 0);
  },
);
