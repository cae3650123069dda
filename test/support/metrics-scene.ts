import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  callWith,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
  startAttacked,
  TAG_HEADER,
  type AttackedGateway,
} from './attack-gateway.ts';
import { freePort } from './conformance-processes.ts';
import { modernSent, initializeBody } from './raw-clients.ts';
import { fixtureEntry } from './raw-gateway.ts';
import { send, type Got, type JsonObject } from './raw-http.ts';

/** A gateway with everything switched on that can be measured. */
export interface Scene {
  readonly gateway: AttackedGateway;
  readonly metricsPort: number;
  /** Calls so far of tools of servers that are there all the time: all but `flaky`, whose tools come and go. */
  readonly toolCalls: () => number;
  /** Something of everything: all outcomes, three models, sessions that end, a server that crashes. */
  round(): Promise<void>;
  close(): Promise<void>;
}

const MODELS = [
  ['openai', 'gpt-5'],
  ['anthropic', 'claude-opus-4-1'],
  ['', ''],
] as const;

/** Starts it; its spans go to a receiver that takes anything, its audit lines to one that is not there. */
export async function startScene(): Promise<Scene> {
  const metricsPort = await freePort();
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port: otlp } = receiver.address() as AddressInfo;
  const gateway = await startAttacked({
    servers: {
      it: fixtureEntry('legacy'),
      slow: { ...fixtureEntry('legacy'), callTimeoutMs: 100 },
      flaky: { ...fixtureEntry('legacy'), restartMinMs: 50, restartMaxMs: 50 },
      gone: { command: 'mcpx-there-is-no-such-command' },
    },
    app: appOf(otlp, await freePort()),
    env: { ENABLE_METRICS: 'true', SERVE_METRICS_PORT: String(metricsPort) },
  });
  let [turn, count] = [0, 0];
  const call: Call = async (consumer, tool, args = {}) => {
    const [provider, model] = MODELS[turn % MODELS.length] ?? MODELS[0];
    turn += 1;
    if (!tool.startsWith('flaky__')) count += 1;
    return callWith(gateway.port, headersOf(consumer, provider, model), tool, args);
  };
  return {
    gateway,
    metricsPort,
    toolCalls: () => count,
    round: async () => {
      await callEverything(call);
      await otherRequests(gateway.port);
      await wholeSession(gateway.port);
    },
    close: async () => {
      await gateway.stop();
      receiver.close();
      receiver.closeAllConnections();
    },
  };
}

type Call = (consumer: string, tool: string, args?: JsonObject) => Promise<Got>;

function appOf(otlp: number, nobody: number): object {
  const everything = { block: [] };
  return {
    permissions: {
      default: everything,
      consumers: { dev: everything, ops: everything, trial: everything },
    },
    audit: {
      onFailure: 'drop-and-count',
      syslog: { host: '127.0.0.1', port: nobody, protocol: 'tcp' },
    },
    tokens: { prices: [{ model: '*', input: 2, output: 10 }] },
    tracing: { enabled: true, endpoint: `http://127.0.0.1:${otlp}/v1/traces` },
    limits: {
      rules: [
        { id: 'trial-calls', consumers: ['trial'], budget: { window: 'month', calls: 1 } },
        { id: 'planned', mode: 'shadow', consumers: ['ops'], rate: { calls: 1, per: '1h' } },
        { id: 'ample', consumers: ['dev'], budget: { window: 'month', calls: 100_000 }, warnAt: 0 },
      ],
    },
  };
}

function headersOf(consumer: string, provider = '', model = ''): Record<string, string> {
  return {
    [KEY_HEADER]: SHARED_KEY,
    [TAG_HEADER]: consumer,
    ...(provider === '' ? {} : { 'x-lunar-llm-provider': provider }),
    ...(model === '' ? {} : { 'x-lunar-llm-model-id': model }),
  };
}

/** One call for every way a call can end. */
async function callEverything(call: Call): Promise<void> {
  for (const consumer of ['dev', 'ops', 'trial']) {
    await call(consumer, 'it__test_simple_text');
    await call(consumer, 'it__fixture_echo', { text: 'How many tokens are these?' });
  }
  await call('dev', 'it__fixture_big', { bytes: 20_000 });
  await call('dev', 'it__test_error_handling');
  await call('dev', 'it__fixture_rpc_error', { code: -32_000 });
  await call('dev', 'slow__fixture_slow', { ms: 60_000 });
  await call('dev', 'flaky__fixture_exit');
}

/** Lists, names that do not exist, and a wrong key. */
async function otherRequests(port: number): Promise<void> {
  const ask = (method: string, headers: Record<string, string>, params: JsonObject = {}) => {
    const sent = modernSent(method, params);
    return send(port, { ...sent, headers: { ...sent.headers, ...elsewhere(), ...headers } });
  };
  await ask('tools/list', headersOf('dev', 'openai', 'gpt-5'));
  await ask('prompts/list', headersOf('ops'));
  await ask('resources/read', headersOf('ops'), { uri: 'test://nobody-has-this-one' });
  await ask('tools/call', headersOf('dev'), { name: 'it__never_there' });
  await ask('tools/list', { [KEY_HEADER]: 'not-the-key-at-all' });
}

/** A session of a legacy client, from its beginning to its end. */
async function wholeSession(port: number): Promise<void> {
  const headers = { ...headersOf('dev'), ...elsewhere() };
  const begun = await send(port, { headers, body: initializeBody() });
  const session = {
    ...headers,
    'mcp-session-id': String(begun.headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  };
  await send(port, { headers: session, method: 'DELETE' });
}
