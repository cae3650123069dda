import assert from 'node:assert/strict';
import test from 'node:test';
import { RawSession } from '../support/raw-clients.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';
import { residentMib } from '../support/raw-memory.ts';

/** One small request that asks for very much must not take the gateway down. */

const { port, pid } = await gatewayForFile();

async function assertAlive(): Promise<void> {
  const session = await RawSession.open(port);
  assert.equal((await session.call('it__test_simple_text')).error, undefined);
}

test('a batch of thirty thousand lists is answered or refused, and the memory stays bounded', async () => {
  const session = await RawSession.open(port, { version: '2025-03-26' });
  const batch = Array.from({ length: 30_000 }, (_, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/list',
  }));
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { ...session.headers, 'content-type': 'application/json' },
    body: JSON.stringify(batch),
    signal: AbortSignal.timeout(30_000),
  });
  let bytes = 0;
  for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length;
  assert.ok(bytes > 0);
  assert.ok(response.status < 500, `answered ${response.status}`);
  assert.ok(residentMib(pid) < 700, `the gateway takes ${residentMib(pid).toFixed(0)} MiB`);
  await assertAlive();
});

test('thousands of sessions begun at once are begun, and end', async () => {
  const ids = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const own: RawSession[] = [];
      for (let count = 0; count < 25; count += 1) own.push(await RawSession.open(port));
      return own;
    }),
  );
  assert.equal(new Set(ids.flat().map(({ id }) => id)).size, 1000);
  await assertAlive();
});

test('a thousand requests in flight in one session are all answered', async () => {
  const session = await RawSession.open(port);
  const answers = await Promise.all(
    Array.from({ length: 300 }, () => session.call('it__fixture_slow', { ms: 200 })),
  );
  assert.ok(answers.every(({ error }) => error === undefined));
});

test('a text with a million escapes and a list of a million numbers are read in time', async () => {
  const session = await RawSession.open(port);
  const startedAt = performance.now();
  const params = {
    name: 'it__fixture_state',
    arguments: { a: '\u0001'.repeat(300_000), b: Array.from({ length: 500_000 }, () => 1) },
  };
  const got = await send(port, {
    headers: session.headers,
    body: session.body('tools/call', params),
  });
  assert.equal(got.status, 200);
  assert.ok(performance.now() - startedAt < 5000);
});

test('a URI made to keep a template busy is answered in time', async () => {
  const session = await RawSession.open(port);
  const startedAt = performance.now();
  for (const uri of [
    `test://template/${'a'.repeat(2_000_000)}`,
    `test://template/${'/data'.repeat(200_000)}/x`,
  ]) {
    const { error } = await session.request('resources/read', { uri });
    assert.ok(error !== undefined);
    assert.ok(error.message.length < 1000);
  }
  assert.ok(performance.now() - startedAt < 5000);
});
