import assert from 'node:assert/strict';
import test from 'node:test';
import { freePort } from '../support/conformance-processes.ts';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';

/** What dashboards and alerts build on: names, labels and buckets of metrics. */

const metricsPort = await freePort();
const { port } = await gatewayForFile({
  env: { ENABLE_METRICS: 'true', SERVE_METRICS_PORT: String(metricsPort) },
});

async function scrape(at = metricsPort): Promise<string> {
  const { status, headers, text } = await send(at, { method: 'GET', path: '/metrics' });
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/u);
  return text;
}

test('of our own there is one metric, of the kind and with the meaning it always had', async () => {
  const text = await scrape();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gmu)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );
  const own = names.filter((name) => !/^(?:process|nodejs)_/u.test(name));
  assert.deepEqual(own, ['tool_call_duration_ms histogram']);
  assert.match(text, /^# HELP tool_call_duration_ms Duration of tool calls in milliseconds/mu);
});

test('a call is counted under these labels, with these buckets', async () => {
  const session = await RawSession.open(port, { clientInfo: { name: 'pin-client', version: '1' } });
  await session.call('it__test_simple_text');
  await session.call('it__test_error_handling');
  const text = await scrape();
  const count = (tool: string, error: boolean): string =>
    `tool_call_duration_ms_count{tool_name="${tool}",error="${error}",agent="pin-client",llm="",model="",server="it",consumer=""} 1`;
  assert.ok(text.includes(count('test_simple_text', false)), text.slice(0, 3000));
  assert.ok(text.includes(count('test_error_handling', true)));
  const buckets = [...text.matchAll(/_bucket\{le="([^"]+)",tool_name="test_simple_text"/gu)];
  assert.deepEqual(
    buckets.map(([, le]) => le),
    [
      1,
      2,
      5,
      10,
      25,
      50,
      100,
      250,
      500,
      1000,
      2500,
      5000,
      10_000,
      30_000,
      60_000,
      300_000,
      '+Inf',
    ].map(String),
  );
});

test('the metrics of the process are there under the names that dashboards know', async () => {
  const text = await scrape();
  for (const name of [
    'process_resident_memory_bytes',
    'process_open_fds',
    'nodejs_eventloop_lag_seconds',
    'nodejs_heap_size_used_bytes',
  ])
    assert.match(text, new RegExp(`^${name} `, 'mu'));
});

test('a name that only a client sent becomes no label, and what clients call themselves is bounded', async () => {
  const session = await RawSession.open(port);
  await session.call('it__never_there');
  for (let count = 0; count < 120; count += 1) {
    const info = { name: `agent-${count}-${'x'.repeat(300)}`, version: '1' };
    const meta = { 'io.modelcontextprotocol/clientInfo': info };
    await send(port, modernSent('tools/call', { name: 'it__test_simple_text' }, { meta }));
  }
  const text = await scrape();
  assert.ok(!text.includes('never_there'));
  const agents = new Set([...text.matchAll(/agent="([^"]*)"/gu)].map(([, agent]) => agent));
  assert.ok(agents.size <= 102 && agents.has('other'), `${agents.size} agents`);
  assert.ok([...agents].every((agent = '') => agent.length <= 100));
});

test('metrics are served beside the endpoint too, and are the same', async () => {
  assert.match(await scrape(port), /^# TYPE tool_call_duration_ms histogram$/mu);
});
