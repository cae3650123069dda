import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { RawLegacy } from '../support/access-callers.ts';
import { TestGateway, type ServerEntry } from '../support/gateway.ts';

/** A server that answers initialize with silence, or in a way of its own, while a file says so. */
const SERVER = `
const { existsSync, readFileSync } = require('node:fs');
let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) receive(JSON.parse(line));
});
function receive({ id, method }) {
  if (id === undefined) return;
  const mark = method === 'initialize' && existsSync(process.env.MARK) && readFileSync(process.env.MARK, 'utf8');
  if (mark === 'silence') return;
  if (mark === 'exit') process.exit(3);
  const serverInfo = { name: 'x', version: '1' };
  const results = {
    initialize: { protocolVersion: mark || '2025-11-25', capabilities: { tools: {} }, serverInfo },
    'tools/list': { tools: [{ name: 'go', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: 'done' }] },
  };
  const result = results[method];
  const outcome = result === undefined ? { error: { code: -32601, message: 'no' } } : { result };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }) + '\\n');
}`;

async function outcomeWhile(t: Parameters<typeof TestGateway.start>[0], mark: string) {
  const it: Record<string, unknown> = { command: process.execPath, args: ['-e', SERVER] };
  const gateway = await TestGateway.prepare(t, { servers: {} });
  const path = join(gateway.folder, 'mark');
  const entry: ServerEntry = {
    ...it,
    env: { MARK: path },
    isolation: 'session',
    connectTimeoutMs: 1_000,
  };
  await gateway.configure({ it: entry });
  await gateway.launch();
  await gateway.whenReady('it');
  await writeFile(path, mark);
  const client = await RawLegacy.open(Number(new URL(gateway.base).port));
  const { error } = await client.request('tools/call', { name: 'it__go', arguments: {} });
  await rm(path);
  const after = await client.request('tools/call', { name: 'it__go', arguments: {} });
  assert.deepEqual(after.result?.['content'], [{ type: 'text', text: 'done' }]);
  assert.doesNotMatch(gateway.output(), /crashed/u);
  return { refusal: error?.data?.['refusal'], message: error?.message ?? '' };
}

const WAYS = {
  silence: /did not answer initialize within 1000 ms/u,
  exit: /exit|ended/u,
  '1999-01-01': /speaks protocol version 1999-01-01/u,
};

for (const [mark, why] of Object.entries(WAYS))
  test(`a call whose own instance does not come up (${mark}) says that it was not sent and why, and the next one gets another (R9)`, async (t) => {
    const { refusal, message } = await outcomeWhile(t, mark);
    assert.equal(refusal, 'UPSTREAM_UNAVAILABLE', message);
    assert.match(message, why);
  });
