import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  Client as ModernClient,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { objectOf } from '../fixture/json-rpc.ts';
import {
  assertAllowed,
  RawLegacy,
  RawModern,
  type CallerTerms,
  type Told,
} from '../support/access-callers.ts';
import { accessGateway, tagged, type AccessGateway } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import type { JsonObject } from '../support/raw-http.ts';

const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };

/** What a server can ask a client, the tool that asks it, and an answer. */
interface Ask {
  readonly feature: string;
  readonly method: string;
  readonly tool: string;
  readonly answer: JsonObject;
  /** What of the answer the tool returns. */
  readonly returned: RegExp;
}

const ASKS: readonly Ask[] = [
  {
    feature: 'elicitation',
    method: 'elicitation/create',
    tool: 'test_input_required_result_elicitation',
    answer: { action: 'accept', content: { name: 'Ada' } },
    returned: /Hello, Ada!/u,
  },
  {
    feature: 'sampling',
    method: 'sampling/createMessage',
    tool: 'test_input_required_result_sampling',
    answer: { role: 'assistant', model: 'm', content: { type: 'text', text: 'Paris, says she' } },
    returned: /Paris, says she/u,
  },
  {
    feature: 'roots',
    method: 'roots/list',
    tool: 'test_input_required_result_list_roots',
    answer: { roots: [{ uri: 'file:///of-the-client' }] },
    returned: /file:\/\/\/of-the-client/u,
  },
];

const SERVERS = {
  elder: serverWith({ parts: ['asking'] }),
  younger: serverWith({ parts: ['asking'] }, 'modern'),
};

const gateway = await accessGateway({
  servers: SERVERS,
  app: `
rules:
${ASKS.map(({ feature }) => `  - { id: no-${feature}, effect: deny, consumers: [no-${feature}], asks: [${feature}] }`).join('\n')}
  - { id: elder-asks-nothing, effect: deny, consumers: [wary], servers: [ELDER], asks: ["*"] }
  - { id: shadowed, mode: shadow, effect: deny, consumers: [watched], asks: [elicitation] }
`,
});

interface Outcome {
  /** What the client was asked, in order. */
  readonly questions: readonly { readonly method: string; readonly params: JsonObject }[];
  readonly told: Told;
}

/** Calls a tool as a legacy client that answers what it is asked. */
async function callAsLegacy(
  { port }: AccessGateway,
  terms: CallerTerms,
  server: string,
  { tool, answer }: Ask,
): Promise<Outcome> {
  const session = await RawLegacy.open(port, { capabilities: CAPABILITIES, ...terms });
  const params = { name: `${server}__${tool}`, arguments: {} };
  const { questions, told } = await session.converse('tools/call', params, answer);
  await session.close();
  return {
    questions: questions.map(({ method = '', params = {} }) => ({ method, params })),
    told,
  };
}

/** Calls a tool as a modern client that comes back with answers to what it was asked. */
async function callAsModern(
  { port }: AccessGateway,
  terms: CallerTerms,
  server: string,
  { tool, answer }: Ask,
): Promise<Outcome> {
  const caller = new RawModern(port, { capabilities: CAPABILITIES, ...terms });
  const params = { name: `${server}__${tool}`, arguments: {} };
  const first = await caller.request('tools/call', params);
  if (first.result?.['resultType'] !== 'input_required') return { questions: [], told: first };
  const requests = Object.entries(objectOf(first.result['inputRequests']));
  const questions = requests.map(([, request]) => {
    const { method, params: asked } = objectOf(request);
    return { method: String(method), params: objectOf(asked) };
  });
  const inputResponses = Object.fromEntries(requests.map(([key]) => [key, answer]));
  const { requestState } = first.result;
  const told = await caller.request('tools/call', {
    ...params,
    inputResponses,
    ...(requestState === undefined ? {} : { requestState }),
  });
  return { questions, told };
}

/** The ways a question can take: who asks, and whom. */
const ROADS = {
  'a legacy server asks a legacy client': { server: 'elder', callAs: callAsLegacy },
  'a modern server asks a legacy client': { server: 'younger', callAs: callAsLegacy },
  'a modern server asks a modern client': { server: 'younger', callAs: callAsModern },
};

/** The lines about questions in the audit log, of this client. */
async function recordedAsks(client: string, count: number): Promise<JsonObject[]> {
  const isAsk = (line: JsonObject): boolean => line['client'] === client && line['kind'] === 'ask';
  return gateway.audited(count, isAsk);
}

for (const [road, { server, callAs }] of Object.entries(ROADS)) {
  describe(road, () => {
    for (const ask of ASKS) {
      const { feature, method, returned } = ask;
      test(`${feature} is allowed by default, shown with the server's name, and recorded (R7)`, async () => {
        const client = `${feature}: ${road}`;
        const { questions, told } = await callAs(gateway, { client }, server, ask);
        assertAllowed(told);
        assert.match(JSON.stringify(told.result), returned);
        const [question, ...more] = questions;
        assert.deepEqual(more, []);
        assert.equal(question?.method, method);
        const { _meta, message } = question?.params ?? {};
        assert.equal(objectOf(_meta)['mcpx/server'], server);
        if (feature === 'elicitation') assert.equal(message, `[${server}] What is your name?`);
        const lines = await recordedAsks(client, 1);
        assert.deepEqual(
          lines.map((line) => [line['method'], line['server'], line['target'], line['outcome']]),
          [[method, server, feature, 'ok']],
        );
      });

      test(`${feature} that a rule denies never reaches the client, and the refusal is recorded with the rule (R7)`, async () => {
        const client = `no ${feature}: ${road}`;
        const terms = { client, headers: tagged(`no-${feature}`) };
        const { questions, told } = await callAs(gateway, terms, server, ask);
        assert.deepEqual(questions, []);
        assert.equal(told.error?.code, 1406, JSON.stringify(told));
        assert.ok(!JSON.stringify(told).includes(`no-${feature}`), 'the rule is told');
        const lines = await recordedAsks(client, 1);
        assert.deepEqual(
          lines.map((line) => [line['method'], line['outcome'], line['code'], line['rule']]),
          [[method, 'refused', 'ASK_FORBIDDEN', `no-${feature}`]],
        );
      });

      test(`${feature} that is denied leaves the other features as they were`, async () => {
        for (const other of ASKS) {
          if (other.feature === feature) continue;
          const terms = { headers: tagged(`no-${feature}`) };
          const { told } = await callAs(gateway, terms, server, other);
          assertAllowed(told);
          assert.match(JSON.stringify(told.result), other.returned);
        }
      });
    }

    test('a rule with a server and "*" silences that server alone', async () => {
      for (const ask of ASKS) {
        const { questions, told } = await callAs(gateway, { headers: tagged('wary') }, server, ask);
        assert.equal(questions.length, server === 'elder' ? 0 : 1);
        assert.equal(told.error?.code, server === 'elder' ? 1406 : undefined);
      }
    });

    test('a rule in shadow mode lets the question pass and is recorded with it', async () => {
      const client = `shadowed: ${road}`;
      const [elicitation] = ASKS;
      assert.ok(elicitation);
      const terms = { client, headers: tagged('watched') };
      assertAllowed((await callAs(gateway, terms, server, elicitation)).told);
      const [line] = await recordedAsks(client, 1);
      assert.deepEqual([line?.['outcome'], line?.['shadows']], ['ok', ['shadowed']]);
    });
  });
}

interface Handlers {
  asked: string[];
  answerTo(method: string): JsonObject;
}

function handlers(): Handlers {
  const asked: string[] = [];
  return {
    asked,
    answerTo: (method) => {
      asked.push(method);
      return ASKS.find((ask) => ask.method === method)?.answer ?? {};
    },
  };
}

/** Calls the three asking tools; returns texts of answers, or messages of errors. */
async function callAll(
  server: string,
  callTool: (name: string) => Promise<unknown>,
): Promise<string[]> {
  const said: string[] = [];
  for (const { tool } of ASKS)
    said.push(
      await callTool(`${server}__${tool}`).then(
        (result) => JSON.stringify(result),
        (failure: unknown) => `failed: ${String(failure)}`,
      ),
    );
  return said;
}

async function sdkV1(t: TestContext, { answerTo }: Handlers): Promise<LegacyClient> {
  const client = new LegacyClient(
    { name: 'asked-v1', version: '1.0.0' },
    { capabilities: CAPABILITIES },
  );
  client.setRequestHandler(ElicitRequestSchema, () => answerTo('elicitation/create') as never);
  client.setRequestHandler(
    CreateMessageRequestSchema,
    () => answerTo('sampling/createMessage') as never,
  );
  client.setRequestHandler(ListRootsRequestSchema, () => answerTo('roots/list') as never);
  const requestInit = { headers: tagged('no-sampling') };
  await client.connect(new LegacyHttpTransport(new URL(gateway.url), { requestInit }));
  t.after(() => client.close());
  return client;
}

async function sdkV2(t: TestContext, { answerTo }: Handlers): Promise<ModernClient> {
  const client = new ModernClient(
    { name: 'asked-v2', version: '1.0.0' },
    { capabilities: CAPABILITIES, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler(
    'elicitation/create',
    async () => answerTo('elicitation/create') as never,
  );
  client.setRequestHandler(
    'sampling/createMessage',
    async () => answerTo('sampling/createMessage') as never,
  );
  client.setRequestHandler('roots/list', async () => answerTo('roots/list') as never);
  const requestInit = { headers: tagged('no-sampling') };
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url), { requestInit }));
  t.after(() => client.close());
  return client;
}

test('clients of both SDKs are asked what is allowed, and never what is denied', async (t) => {
  for (const [open, servers] of [
    [sdkV1, ['elder', 'younger']],
    [sdkV2, ['younger']],
  ] as const) {
    for (const server of servers) {
      const handling = handlers();
      const client = await open(t, handling);
      const [elicited, sampled, roots] = await callAll(server, (name) => client.callTool({ name }));
      assert.match(elicited ?? '', /Hello, Ada!/u);
      assert.match(sampled ?? '', /^failed: .*may not ask for sampling/u);
      assert.match(roots ?? '', /file:\/\/\/of-the-client/u);
      assert.deepEqual(handling.asked, ['elicitation/create', 'roots/list']);
    }
  }
});

/** How many of the questions went through, and how the others were refused. */
async function manyAsks(
  limited: AccessGateway,
  { server, callAs }: (typeof ROADS)[keyof typeof ROADS],
  count: number,
): Promise<{ passed: number; codes: Set<unknown> }> {
  const [elicitation] = ASKS;
  assert.ok(elicitation);
  let passed = 0;
  const codes = new Set<unknown>();
  for (let index = 0; index < count; index += 1) {
    const { questions, told } = await callAs(limited, {}, server, elicitation);
    passed += questions.length;
    if (questions.length === 0) codes.add(told.error?.code);
  }
  return { passed, codes };
}

test('a server asks one caller no more often than asks.maxPerMinute, whichever way it asks (R7)', async (t) => {
  const limited = await accessGateway({ servers: SERVERS, app: 'asks: { maxPerMinute: 2 }\n' }, t);
  const {
    'a legacy server asks a legacy client': elder,
    'a modern server asks a legacy client': mixed,
  } = ROADS;
  for (const road of [elder, mixed]) {
    const { passed, codes } = await manyAsks(limited, road, 6);
    // A minute may end meanwhile, once.
    assert.ok(passed >= 2 && passed <= 4, `${passed} of 6 went through`);
    assert.deepEqual([...codes], [1429]);
  }
  // Another caller has a count of its own; a server that spent it with one era has with the other.
  const [elicitation] = ASKS;
  assert.ok(elicitation);
  const other = await callAsLegacy(limited, { headers: tagged('other') }, 'elder', elicitation);
  assertAllowed(other.told);
  const refused = await limited.audited(
    2,
    (line) => line['kind'] === 'ask' && line['code'] === 'LIMITED',
  );
  assert.deepEqual(new Set(refused.map(({ server }) => server)), new Set(['elder', 'younger']));
});

test('with asks.maxPerMinute at 0 no server asks anything', async (t) => {
  const silent = await accessGateway({ servers: SERVERS, app: 'asks: { maxPerMinute: 0 }\n' }, t);
  for (const road of Object.values(ROADS)) {
    const { passed, codes } = await manyAsks(silent, road, 2);
    assert.equal(passed, 0);
    assert.deepEqual([...codes], [1429]);
  }
});
