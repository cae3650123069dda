import type { TestContext } from 'node:test';
import { postTo, type WireMessage } from './gateway-session.ts';
import { TestGateway, type GatewaySetup } from './gateway.ts';
import { LunarDouble, type ProxyTerms } from './haproxy.ts';
import { eventually } from './processes.ts';

const VERSION = '2026-07-28';

/** A gateway whose servers are reached through a Lunar Gateway. */
export interface LunarScene {
  readonly lunar: LunarDouble;
  readonly gateway: TestGateway;
}

/** Starts both and waits until the servers are ready. */
export async function lunarScene(
  t: TestContext,
  setup: GatewaySetup,
  terms: ProxyTerms = {},
): Promise<LunarScene> {
  const lunar = await LunarDouble.start(t, terms);
  const env: Record<string, string> = { LOG_LEVEL: 'debug', ...lunar.env, ...setup.env };
  const gateway = await TestGateway.start(t, { ...setup, env });
  // With authentication on, its servers can be asked for by nobody here; what it prints says as much.
  if (env['API_KEY'] === undefined) await gateway.whenReady(...Object.keys(setup.servers));
  else
    await eventually('servers were ready', 20_000, () => /servers ready: /u.test(gateway.output()));
  return { lunar, gateway };
}

/** Calls a tool, stateless and with further headers; resolves with the answer. */
export async function callTool(
  gateway: TestGateway,
  name: string,
  args: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<WireMessage> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'lunar-test', version: '1.0.0' },
  };
  const response = await postTo(
    gateway.url,
    { id: 1, method: 'tools/call', params: { name, arguments: args, _meta } },
    { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': name, ...headers },
  );
  const text = await response.text();
  // Either the answer alone, or events of which it is the last.
  const [last = text] = text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .toReversed();
  return JSON.parse(last.replace(/^data: /u, '')) as WireMessage;
}
