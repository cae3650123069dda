import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { startNode, stop } from '../support/conformance-processes.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';
import { load } from '../unit/config/plan-from.ts';
import type { Case, ConfigCase, HttpCase } from './cases.ts';
import { faultOfJson, faultOfLog, faultOfText, KEY } from './inspect.ts';
import { Live } from './live.ts';
import { openEvents, openSession } from './oracle.ts';
import { playHttp } from './play.ts';
import { Random } from './random.ts';

/** What a server answers every call with, one after the other; ID and RESULT stand for those of the call. */
interface UpstreamSeed {
  readonly kind: 'upstream';
  readonly lines: readonly string[];
}

const FOLDER = new URL('seeds/', import.meta.url);
const seeds = readdirSync(FOLDER).map((name) => ({
  name,
  seed: JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Case | UpstreamSeed,
}));

/** A server that answers its Nth call with the Nth line. */
const SCRIPTED = `
const lines = JSON.parse(process.env.LINES);
const results = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } },
  'tools/list': { tools: [{ name: 'go', inputSchema: { type: 'object' } }] },
};
let rest = '';
process.stdin.on('data', (chunk) => {
  const all = (rest + chunk).split('\\n');
  rest = all.pop();
  for (const { id, method } of all.map((line) => JSON.parse(line))) {
    if (id === undefined) continue;
    const line = method === 'tools/call' ? lines.shift() : undefined;
    const result = JSON.stringify(results[method] ?? { content: [] });
    const text = line ?? '{"jsonrpc":"2.0","id":ID,"result":RESULT}';
    process.stdout.write(text.replace('ID', JSON.stringify(id)).replace('RESULT', result) + '\\n');
  }
});`;

const scripts = seeds.flatMap(({ seed }) => (seed.kind === 'upstream' ? [...seed.lines] : []));

async function started(t: Parameters<typeof TestGateway.start>[0]): Promise<TestGateway> {
  const scripted = { command: process.execPath, args: ['-e', SCRIPTED] };
  const gateway = await TestGateway.start(t, {
    servers: {
      it: fixture('legacy'),
      scripted: { ...scripted, env: { LINES: JSON.stringify(scripts) } },
    },
    app: {
      sse: { afterMs: 100 },
      upstreams: { callTimeoutMs: 5000 },
      server: { trustedProxies: ['127.0.0.1'] },
    },
    env: { API_KEY: KEY },
  });
  await eventually(
    'it listed its tools',
    20_000,
    async () =>
      ((await ask(gateway, 'tools/list')) as { result?: { tools?: unknown[] } }).result?.tools
        ?.length,
  );
  return gateway;
}

/** A request of a session of its own, and the message that answers it. */
async function ask(gateway: TestGateway, method: string, params: object = {}): Promise<unknown> {
  const session = await openSession(portOf(gateway));
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': session,
      'x-lunar-api-key': KEY,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  const data = /^data: (\{.*)$/mu.exec(text)?.[1] ?? text;
  assert.equal(faultOfText(data) ?? faultOfJson(data), undefined);
  return JSON.parse(data);
}

const portOf = (gateway: TestGateway): number => Number(new URL(gateway.base).port);

function checkLog(output: string): void {
  const faults = output.split('\n').flatMap((line) => faultOfLog(line) ?? []);
  assert.deepEqual(faults, []);
}

test('what fuzzing found over HTTP is answered or closed as it must be, and the gateway serves on', async (t) => {
  const gateway = await started(t);
  const live = new Live();
  live.set('host', new URL(gateway.base).host);
  const stream = await openEvents(portOf(gateway));
  live.set('sse', stream.token);
  for (const { name, seed } of seeds) {
    if (seed.kind !== 'http') continue;
    live.set('session', await openSession(portOf(gateway)));
    const { fault } = await playHttp(portOf(gateway), seed satisfies HttpCase, live, new Random(1));
    assert.equal(fault, undefined, name);
  }
  stream.close();
  for (const [index] of scripts.entries()) {
    const reply = await ask(gateway, 'tools/call', { name: 'scripted__go', arguments: {} });
    const { result, error } = reply as { result?: object; error?: { code: number } };
    assert.ok(typeof result === 'object' || Number.isInteger(error?.code), scripts[index]);
  }
  checkLog(gateway.output());
});

test('what fuzzing found on stdio is answered with messages alone, and the gateway serves on', async (t) => {
  const gateway = await TestGateway.prepare(t, { servers: { it: fixture('legacy') } });
  const stdin = seeds.flatMap(({ seed }) => (seed.kind === 'stdio' ? [seed.bytes] : []));
  const child = startNode(['bin/mcpx.js', 'stdio'], gateway.env, 'pipe');
  t.after(() => stop(child));
  for (const bytes of stdin) child.child.stdin?.write(`${bytes}\n`, 'latin1');
  child.child.stdin?.end(`${JSON.stringify({ jsonrpc: '2.0', id: 'last', method: 'ping' })}\n`);
  await child.exited;
  const lines = child.output().split('\n');
  assert.ok(lines.some((line) => line.startsWith('{"jsonrpc"') && line.includes('"last"')));
  for (const line of lines.filter((text) => text.startsWith('{"jsonrpc"')))
    assert.equal(faultOfText(line) ?? faultOfJson(line), undefined);
  checkLog(child.output());
});

test('what fuzzing found in files of configuration is refused with the place', () => {
  for (const { name, seed } of seeds) {
    if (seed.kind !== 'config') continue;
    const { file, text } = seed satisfies ConfigCase;
    const { plan, problems } = load(file === 'app.yaml' ? { app: text } : { servers: text });
    assert.equal(plan === undefined, problems.length > 0, name);
    for (const { line, message } of problems) assert.ok((line ?? 0) >= 1 && message !== '', name);
  }
});
