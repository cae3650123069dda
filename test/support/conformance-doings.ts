import assert from 'node:assert/strict';
import type { Driven, JsonObject } from './conformance-driven.ts';

/** What a client does in one client scenario; rejects if the gateway does not give what it should. */
export interface Doing {
  /** Lines for app.yaml, besides `naming`. */
  readonly app?: string;
  /** While the first question of the scenario is open. */
  readonly whileAsked?: (client: Driven) => Promise<unknown>;
  readonly run: (client: Driven) => Promise<unknown>;
}

function textIn(result: JsonObject): string {
  return (result['content'] as { text?: string }[])[0]?.text ?? '';
}

async function says(client: Driven, name: string, expected: RegExp, args?: JsonObject) {
  assert.match(textIn(await client.call(name, args)), expected, name);
}

async function hasTools(client: Driven, ...names: readonly string[]): Promise<void> {
  const listed = (await client.tools()).map(({ name }) => name);
  assert.deepEqual(listed.toSorted(), names.toSorted());
}

async function schemaOf(client: Driven, tool: string): Promise<JsonObject> {
  const found = (await client.tools()).find(({ name }) => name === tool);
  assert.ok(found, `${tool} is listed`);
  return found.inputSchema;
}

/** By the names that the suite gives its scenarios. */
export const DOINGS: Readonly<Record<string, Doing>> = {
  initialize: { run: (client) => hasTools(client) },
  'request-metadata': { run: (client) => hasTools(client) },
  tools_call: {
    run: async (client) => {
      await hasTools(client, 'add_numbers');
      await says(client, 'add_numbers', /\b12\b/u, { a: 5, b: 7 });
    },
  },
  'elicitation-sep1034-client-defaults': {
    run: (client) => says(client, 'test_client_elicitation_defaults', /completed.*John Doe/u),
  },
  'sse-retry': { run: (client) => says(client, 'test_reconnection', /successfully/u) },
  'sep-2322-client-request-state': {
    whileAsked: (client) => says(client, 'test_mrtr_unrelated', /unrelated-ok/u),
    run: async (client) => {
      await client.tools();
      await says(client, 'test_mrtr_echo_state', /echo-state-ok/u);
      await says(client, 'test_mrtr_no_state', /no-state-ok/u);
      await says(client, 'test_mrtr_no_result_type', /no-result-type-test-ok/u);
    },
  },
  'http-standard-headers': { run: usesEverything },
  'http-custom-headers': { run: callsAsToldToo },
  'http-invalid-tool-headers': { run: keepsToTheValidTool },
  'json-schema-ref-no-deref': {
    app: 'validateArguments: true\n',
    run: async (client) => {
      const { properties } = await schemaOf(client, 'lookup_user');
      assert.match(JSON.stringify(properties), /"\$ref":"http:\/\//u);
      // The suite's server has no such tool behind its list; here it only makes the gateway read the schema.
      await assert.rejects(client.call('lookup_user', { id: 'a', profile: {} }));
    },
  },
  'json-schema-2020-12-preservation': {
    run: async (client) => {
      const schema = await schemaOf(client, 'json_schema_2020_12_tool');
      await says(client, 'json_schema_echo', /echoed/u, { schema });
    },
  },
};

async function usesEverything(client: Driven): Promise<void> {
  for (const { name } of await client.tools()) await says(client, name, /completed/u);
  const { resources } = await client.request('resources/list');
  for (const { uri } of resources as { uri: string }[])
    await client.request('resources/read', { uri });
  const { prompts } = await client.request('prompts/list');
  for (const { name } of prompts as { name: string }[])
    await client.request('prompts/get', { name });
}

async function callsAsToldToo(client: Driven): Promise<void> {
  const told = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as {
    toolCalls: { name: string; arguments: JsonObject }[];
  };
  await client.tools();
  assert.ok(told.toolCalls.length > 0);
  for (const call of told.toolCalls) await says(client, call.name, /completed/u, call.arguments);
}

async function keepsToTheValidTool(client: Driven): Promise<void> {
  await hasTools(client, 'valid_tool');
  await says(client, 'valid_tool', /received/u, { region: 'eu' });
  // No list shows it, but a client may know the name.
  await assert.rejects(client.call('invalid_space_in_name', { value: 'x' }));
}
