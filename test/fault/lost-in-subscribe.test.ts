import assert from 'node:assert/strict';
import test from 'node:test';
import { RawLegacy } from '../support/access-callers.ts';
import { TestGateway, type ServerEntry } from '../support/gateway.ts';

const URI = 'file:///notes.txt';

/** A server that ends when it is asked to watch a resource. */
const SERVER = `
let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) receive(JSON.parse(line));
});
function receive({ id, method }) {
  if (id === undefined) return;
  if (method === 'resources/subscribe') process.exit(3);
  const results = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { resources: { subscribe: true } },
      serverInfo: { name: 'x', version: '1' },
    },
    'resources/list': { resources: [{ uri: '${URI}', name: 'notes' }] },
  };
  const result = results[method];
  const outcome = result === undefined ? { error: { code: -32601, message: 'no' } } : { result };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }) + '\\n');
}`;

for (const isolation of ['shared', 'session'] as const)
  test(`a server that ends while it is asked to watch a resource is unavailable to its client, and no fault of the gateway (isolation: ${isolation})`, async (t) => {
    const it: ServerEntry = { command: process.execPath, args: ['-e', SERVER], isolation };
    const gateway = await TestGateway.start(t, { servers: { it } });
    await gateway.whenReady('it');
    const client = await RawLegacy.open(Number(new URL(gateway.base).port));
    const { error } = await client.request('resources/subscribe', { uri: URI });
    assert.equal(error?.data?.['refusal'], 'UPSTREAM_UNAVAILABLE', error?.message);
    assert.doesNotMatch(gateway.output(), /crashed/u);
    const again = await client.request('ping', {});
    assert.deepEqual(again.result, {});
  });
