import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import {
  Agent,
  MCPServerStdio,
  MCPServerStreamableHttp,
  run,
  setTracingDisabled,
} from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import {
  MCPX,
  packagedServer,
  startServing,
  type RunningGateway,
} from '../support/clients-gateway.ts';
import { textsOf } from '../support/clients-tour.ts';
import { auditedOf, type AuditedExchange } from '../support/eras-audit.ts';
import { saysAda } from '../support/eras-modern-server.ts';
import { eventually } from '../support/processes.ts';

type Server = MCPServerStreamableHttp | MCPServerStdio;

const LIMIT = { timeout: 30_000 };
const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };

/**
 * @openai/agents makes the SDK's client itself, declares no capability on it and offers no handler for questions. Here
 * that client is given both before it connects, as a user of the library can do; all else is the library's own.
 */
function letAgentsBeAsked(t: TestContext): string[] {
  const asked: string[] = [];
  const { connect } = Client.prototype;
  t.mock.method(Client.prototype, 'connect', function (this: Client, ...args: never) {
    this.registerCapabilities(CAPABILITIES);
    for (const method of ['elicitation/create', 'sampling/createMessage', 'roots/list'] as const)
      this.setRequestHandler(method, ({ params }: { params?: object | undefined }) => {
        asked.push(method);
        return Promise.resolve(saysAda({ method, params: { ...params } }) as never);
      });
    return Reflect.apply(connect, this, args);
  });
  return asked;
}

let gateway: RunningGateway;
before(
  async () => {
    setTracingDisabled(true);
    gateway = await startServing({
      servers: { everything: packagedServer('server-everything', 'stdio') },
    });
    await gateway.untilStates('the server had asked something', ([state]) =>
      Boolean(state?.isInteractive),
    );
  },
  { timeout: 40_000 },
);
after(() => gateway?.stop(), { timeout: 20_000 });

/** Its own five seconds are few where a gateway has to be started first. */
const PATIENCE = { clientSessionTimeoutSeconds: 20 };

const WAYS: Readonly<Record<string, (name: string) => Server>> = {
  'over streamable HTTP': (name) =>
    new MCPServerStreamableHttp({ url: gateway.url, name, ...PATIENCE }),
  'on stdio': (name) =>
    new MCPServerStdio({
      command: process.execPath,
      args: [MCPX, 'stdio'],
      env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'error', ...gateway.env },
      name,
      ...PATIENCE,
    }),
};

test(
  '@openai/agents as it comes declares nothing, and is asked nothing (R16)',
  LIMIT,
  async (t) => {
    const server = new MCPServerStreamableHttp({ url: gateway.url, name: 'mute' });
    await server.connect();
    t.after(() => server.close());
    const answer = await server.callTool('everything__trigger-elicitation-request', {});
    // The server has the tool only for clients that can be asked.
    assert.match(textsOf(answer), /not found/);
  },
);

for (const [way, open] of Object.entries(WAYS))
  describe(`@openai/agents ${way} with server-everything, which is of the legacy era and on stdio`, () => {
    let server: Server;
    before(
      async () => {
        server = open(`agent ${way}`);
        await server.connect();
      },
      { timeout: 30_000 },
    );
    after(() => server?.close());

    test('an agent calls tools, all in 2026-07-28', LIMIT, async () => {
      const model = new ScriptedModel([
        [functionCall('everything__echo', { message: 'Grüße' }, { callId: 'call-1' })],
        [assistantMessage('It came back.')],
      ]);
      const agent = new Agent({ name: 'Caller', model, mcpServers: [server] });
      const result = await run(agent, 'Does it come back?');
      assert.equal(result.finalOutput, 'It came back.');
      assert.match(JSON.stringify(result.history), /Echo: Grüße/);
      const lines = await linesOf(gateway, `agent ${way}`, 'tools/call');
      assert.deepEqual([...new Set(lines.map(({ era }) => era))], ['modern']);
      const methods = new Set(lines.map(({ method }) => method));
      for (const method of ['server/discover', 'tools/list', 'tools/call'])
        assert.ok(methods.has(method), `${method} is in ${[...methods].join()}`);
    });

    test(
      'with handlers on its client it elicits, samples and tells its roots',
      LIMIT,
      async (t) => {
        const asked = letAgentsBeAsked(t);
        const name = `asked ${way}`;
        const able = open(name);
        await able.connect();
        t.after(() => able.close());
        const call = async (tool: string, args = {}): Promise<string> =>
          textsOf(await able.callTool(`everything__${tool}`, args));
        assert.match(await call('trigger-elicitation-request'), /Name: Ada/);
        assert.match(await call('trigger-sampling-request', { prompt: 'Speak' }), /answer to/);
        assert.match(await call('get-roots-list'), /file:\/\/\/home\/ada/);
        for (const method of ['elicitation/create', 'sampling/createMessage', 'roots/list'])
          assert.ok(asked.includes(method), method);
        const lines = await linesOf(gateway, name, 'tools/call', 6);
        assert.deepEqual([...new Set(lines.map(({ era }) => era))], ['modern']);
        const rounds = lines.filter(({ method }) => method === 'tools/call');
        assert.equal(rounds.filter(({ outcome }) => outcome === 'ok').length, 3);
      },
    );
  });

/** What the audit says of a client's exchanges once so many of this method are on record. */
async function linesOf(
  { env }: RunningGateway,
  client: string,
  method: string,
  count = 1,
): Promise<AuditedExchange[]> {
  return eventually(`${count} ${method} of ${client} on record`, 10_000, async () => {
    const lines = await auditedOf(env['MCPX_DATA_DIR'] ?? '', client);
    return lines.filter((line) => line.method === method).length >= count && lines;
  });
}
