import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';

import { RawLegacy, RawModern, type Caller } from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { realServer, serverWith } from '../support/access-servers.ts';
import { COMMAND } from '../support/command.ts';
import { startNode } from '../support/conformance-processes.ts';
import { send, type JsonObject } from '../support/raw-http.ts';
import {
  expectedOf,
  modelHeaders,
  MODELS,
  type Expected,
  type Model,
} from '../support/token-ledger.ts';

const SERVERS = {
  work: serverWith({
    tools: ['search', 'deploy'],
    prompts: ['review'],
    resources: ['repo://a'],
    parts: ['control', 'plain'],
  }),
  everything: realServer('everything'),
};

const APP = `
permissions:
  consumers:
    frugal: { allow: [searching] }
toolGroups:
  - { name: searching, services: { work: [search] } }
rules:
  - { id: not-eve, effect: deny, tools: ["work/search"], when: "has(args.who) && args.who == 'eve'" }
tokens:
  consumers: { frugal: any/gpt-4 }
`;

const gateway = await accessGateway({ servers: SERVERS, app: APP });

/** Of each, a request and whether the model writes arguments. */
const REQUESTS: readonly (readonly [method: string, params: JsonObject])[] = [
  ['tools/list', {}],
  [
    'tools/call',
    { name: 'work__search', arguments: { who: 'bob', text: 'Grüße <|endoftext|> 🚀' } },
  ],
  ['tools/call', { name: 'work__search', arguments: { who: 'eve' } }],
  ['tools/call', { name: 'work__made_up', arguments: {} }],
  ['tools/call', { name: 'work__test_error_handling', arguments: {} }],
  ['tools/call', { name: 'work__fixture_rpc_error', arguments: { code: -32012 } }],
  ['tools/call', { name: 'everything__echo', arguments: { message: '你好，世界' } }],
  ['tools/call', { name: 'everything__get-sum', arguments: { a: 17, b: 4.5 } }],
  ['prompts/get', { name: 'work__review' }],
  ['resources/read', { uri: 'repo://a' }],
];

/** Lines of a client whose tokens are counted. */
function countedOf(client: string): (line: JsonObject) => boolean {
  return (line) => line['client'] === client && line['tokens'] !== undefined;
}

/** The tokens of an audit line. */
function tokensIn(line: JsonObject | undefined): JsonObject {
  assert.ok(line !== undefined);
  return line['tokens'] as JsonObject;
}

/** What an audit line says was used. */
function spentIn(line: JsonObject): JsonObject {
  const { arguments: written, result, isEstimate, encoding } = tokensIn(line);
  const tokens = { arguments: written, result, isEstimate, encoding };
  return { method: line['method'], tokens, cost: line['cost'] };
}

function inOrder(lines: readonly JsonObject[]): JsonObject[] {
  return lines.toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));
}

/** Makes every request; returns what the driver itself counts for each. */
async function driven(caller: Caller, model: Model): Promise<JsonObject[]> {
  const expected: JsonObject[] = [];
  for (const [method, params] of REQUESTS) {
    const told = await caller.request(method, params);
    expected.push({ method, ...expectedOf(model, params, told) });
  }
  return expected;
}

for (const model of Object.keys(MODELS) as Model[]) {
  test(`R23: what calls of ${model} used is recorded to the token, as the reference tokeniser counts it, in both eras`, async () => {
    const client = `agent of ${model}`;
    const terms = { client, headers: modelHeaders(model) };
    const legacy = await driven(await RawLegacy.open(gateway.port, terms), model);
    const modern = await driven(new RawModern(gateway.port, terms), model);
    const expected = [...legacy, ...modern];
    const lines = await gateway.audited(expected.length, countedOf(client));
    // An exchange is written down when it is counted: one with texts that were counted before may overtake another.
    assert.deepEqual(inOrder(lines.map(spentIn)), inOrder(expected));
  });
}

test('the model that is configured for a consumer holds, whatever its requests say', async () => {
  const client = 'a frugal agent';
  const headers = { ...tagged('frugal'), ...modelHeaders('claude-sonnet-4-5') };
  const caller = new RawModern(gateway.port, { client, headers });
  const params = { name: 'work__search', arguments: { text: 'hello' } };
  const told = await caller.request('tools/call', params);
  const [line] = await gateway.audited(1, countedOf(client));
  const { tokens, cost }: Expected = expectedOf('gpt-4', params, told);
  assert.deepEqual([line?.['tokens'], line?.['cost']], [tokens, cost]);
});

test('R23: a long text is estimated, and marked so', async () => {
  const client = 'a wordy agent';
  const headers = modelHeaders('gpt-5-2025-08-07');
  const caller = new RawModern(gateway.port, { client, headers });
  const params = {
    name: 'everything__echo',
    arguments: { message: 'one word more '.repeat(2000) },
  };
  const told = await caller.request('tools/call', params);
  const [line] = await gateway.audited(1, countedOf(client));
  const exact = expectedOf('gpt-5-2025-08-07', params, told).tokens;
  const { isEstimate, result, ...rest } = tokensIn(line);
  assert.equal(isEstimate, true);
  assert.equal(rest['encoding'], exact['encoding']);
  const ratio = Number(result) / Number(exact['result']);
  assert.ok(ratio > 0.7 && ratio < 1.4, `${ratio} times the count`);
});

test('what is said of the model by headers that no model is named with costs nothing and harms nothing', async () => {
  const client = 'a lying agent';
  const headers = {
    'x-lunar-llm-provider': '"><script>',
    'x-lunar-llm-model-id': `${'x'.repeat(5000)} "\\ *`,
  };
  const caller = new RawModern(gateway.port, { client, headers });
  await caller.request('tools/call', { name: 'everything__echo', arguments: { message: 'hi' } });
  const [line] = await gateway.audited(1, countedOf(client));
  assert.equal(tokensIn(line)['isEstimate'], true);
  assert.equal(line?.['cost'], undefined);
});

interface Cost {
  readonly tokens: number;
  readonly cost: number;
  readonly servers: readonly { readonly server: string; readonly tools: readonly JsonObject[] }[];
}

test('a list, the admin API and the command line agree on what tools take of the context, for everybody and for a consumer', async () => {
  for (const consumer of [undefined, 'frugal']) {
    const query = consumer === undefined ? '' : `&consumer=${consumer}`;
    const path = `/admin/context?model=gpt-4${query}`;
    const got = await send(gateway.port, { method: 'GET', path });
    assert.equal(got.status, 200, got.text);
    const cost = JSON.parse(got.text) as Cost;
    // What all tools take is what a client of 2025-11-25 sees: those that only run as tasks are for no other.
    const caller = await RawLegacy.open(gateway.port, { headers: tagged(consumer) });
    const listed = expectedOf('gpt-4', {}, await caller.request('tools/list'));
    assert.deepEqual([cost.tokens, cost.cost], [listed.tokens['result'], listed.cost]);
    const { servers } = cost;
    if (consumer !== undefined)
      assert.deepEqual(
        servers.map(({ server, tools }) => [server, tools.map(({ name }) => name)]),
        [['work', ['work__search']]],
      );
    assert.deepEqual((await contextOf(consumer)).servers, servers);
  }
});

/** What `mcpx context` prints, beside the running gateway. */
async function contextOf(consumer: string | undefined): Promise<Cost> {
  const { folder } = gateway;
  const options = consumer === undefined ? [] : ['--consumer', consumer];
  const ran = startNode([COMMAND, 'context', '--json', '--model', 'gpt-4', ...options], {
    SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
    APP_CONFIG_PATH: join(folder, 'app.yaml'),
    MCPX_DATA_DIR: join(folder, 'data'),
  });
  assert.equal(await ran.exited, 0, ran.output());
  return JSON.parse(ran.output()) as Cost;
}

test('a query for the context cost that cannot be answered says what is wrong with it', async () => {
  const got = await send(gateway.port, { method: 'GET', path: '/admin/context?modell=gpt-4' });
  assert.equal(got.status, 400);
  assert.match(got.text, /query parameter modell: is not known/u);
});
