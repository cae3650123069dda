import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { customTool } from '../../../src/catalog/custom-tools.ts';
import { SchemaFault } from '../../../src/catalog/schema-fault.ts';
import { ArgumentsGuard } from '../../../src/guard/arguments.ts';
import type { ChildToolPlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { shapedArguments } from '../../../src/spine/shaping.ts';
import { childTool, fallback, fixed, param } from '../../support/unit-custom.ts';
import { ROOT } from '../../support/source-file.ts';

const PACKAGES = join(ROOT, 'node_modules/@modelcontextprotocol');
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  filesystem: [join(PACKAGES, 'server-filesystem/dist/index.js'), ROOT],
  everything: [join(PACKAGES, 'server-everything/dist/index.js')],
  memory: [join(PACKAGES, 'server-memory/dist/index.js')],
  thinking: [join(PACKAGES, 'server-sequential-thinking/dist/index.js')],
  fixture: [join(ROOT, 'test/fixture/main.ts'), '--era', 'legacy'],
};

const ANN = Principal.prove({ credential: 'c', proof: 'api-key', name: 'ann' });
const guard = new ArgumentsGuard();
const tools = new Map<string, JsonObject>();

before(async () => {
  const lists = Object.entries(SERVERS).map(async ([server, args]) => {
    for (const tool of await toolsOf(args)) tools.set(`${server}/${String(tool['name'])}`, tool);
  });
  await Promise.all([...lists, guard.check(plain({}), {})]);
});

async function toolsOf(args: readonly string[]): Promise<JsonObject[]> {
  const client = new Client({ name: 'test', version: '1' });
  const command = process.execPath;
  await client.connect(new StdioClientTransport({ command, args: [...args], stderr: 'ignore' }));
  const { tools } = await client.listTools();
  await client.close();
  return tools as unknown as JsonObject[];
}

function plain(item: JsonObject): Target {
  return { kind: 'tool', upstream: 's', name: 'p', publicName: 's__p', item };
}

function tool(name: string): JsonObject {
  return tools.get(name) ?? assert.fail(`${name} is not listed`);
}

/** A custom tool of a real one: what its callers are told, and what its parent gets. */
function made(
  name: string,
  params: ChildToolPlan['params'],
): { readonly schema: unknown; call(args: JsonObject): JsonObject | string } {
  const item = tool(name);
  const custom = customTool(item, childTool('child', { params }));
  assert.ok(!(custom instanceof SchemaFault), String(custom));
  const { item: shown, shape } = custom;
  return {
    schema: shown['inputSchema'],
    call(args) {
      const problem = guard.check({ ...plain(item), shown, shape }, args);
      if (typeof problem === 'string') return problem;
      const sent = shapedArguments(args, shape, ANN);
      assert.equal(guard.check(plain(item), sent), undefined, 'the parent takes what it gets');
      return sent;
    },
  };
}

test('the schemas of real servers can be used, and all of them tell wrong arguments', () => {
  assert.ok(tools.size > 50, `${tools.size} tools`);
  for (const [name, item] of tools) {
    const { inputSchema } = item;
    const custom = { ...plain(item), shape: { name: 'c', params: {} }, shown: item };
    const { required = [] } = inputSchema as { required?: readonly string[] };
    const problem = guard.check(custom, {});
    if (required.length > 0) assert.match(String(problem), /is required/u, name);
    assert.doesNotMatch(String(problem), /cannot be called/u, name);
    assert.match(String(guard.check(custom, [] as never)), /the whole must be object/u, name);
  }
});

test('a file tool is kept to the folder of its caller, and to few lines', () => {
  const { call } = made('filesystem/read_text_file', {
    path: param({ rename: 'note', constraints: { pattern: '^/notes/[a-z]+\\.md$' } }),
    head: param({ constraints: { maximum: 100 }, default: { value: 10 } }),
    tail: param({ isHidden: true }),
  });
  assert.deepEqual(call({ note: '/notes/a.md', tail: 5, path: '/etc/passwd' }), {
    path: '/notes/a.md',
    head: 10,
  });
  assert.match(String(call({ note: '/notes/../a.md' })), /\/note must match the pattern/u);
  assert.match(String(call({ note: '/notes/a.md', head: 101 })), /\/head must be <= 100/u);
  assert.match(String(call({ path: '/notes/a.md' })), /\/note is required/u);
});

test('a tool that writes becomes one that only says what it would do, in a place of its caller', () => {
  const { schema, call } = made('filesystem/edit_file', {
    path: fixed('/home/${principal.name}/todo.md'),
    dryRun: fixed(true),
  });
  const { properties, required } = schema as JsonObject;
  assert.deepEqual(Object.keys(properties ?? {}), ['edits']);
  assert.deepEqual(required, ['edits']);
  const edits = [{ oldText: 'a', newText: 'b' }];
  assert.deepEqual(call({ edits, dryRun: false, path: '/etc/passwd' }), {
    path: '/home/ann/todo.md',
    edits,
    dryRun: true,
  });
  assert.match(String(call({ edits: [{ oldText: 'a' }] })), /\/edits\/0\/newText is required/u);
});

test('choices of a real tool are narrowed', () => {
  const { schema, call } = made('everything/get-structured-content', {
    location: param({ constraints: { enum: ['Chicago', 'Paris'] } }),
  });
  assert.deepEqual((schema as { properties: JsonObject }).properties['location'], {
    type: 'string',
    enum: ['Chicago'],
    description: 'Choose city',
  });
  assert.deepEqual(call({ location: 'Chicago' }), { location: 'Chicago' });
  assert.match(String(call({ location: 'New York' })), /\/location must be one of "Chicago"/u);
});

test('a default takes the place of a parameter that was required', () => {
  const { call } = made('everything/get-sum', { a: fallback(40) });
  assert.deepEqual(call({ b: 2 }), { b: 2, a: 40 });
  assert.deepEqual(call({ a: 1, b: 2 }), { a: 1, b: 2 });
  assert.match(String(call({ a: 1 })), /\/b is required/u);
});
