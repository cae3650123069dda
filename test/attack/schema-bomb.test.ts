import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { answerJson, fakeServer, legacyResult } from '../support/fake-server.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { residentMib } from '../support/raw-memory.ts';
import type { JsonObject } from '../support/raw-http.ts';

/** A schema that a server made to keep the gateway busy, or to have it fetch something, does neither (R21). */

const FILE = { after };
const thief = await fakeServer(FILE, (_seen, response) => response.writeHead(200).end('{}'));

const TEXT = { type: 'string' };
const LONG = `${'a'.repeat(50_000)}!`;

function nested(levels: number, key: string): JsonObject {
  let schema: JsonObject = { type: 'object' };
  for (let level = 0; level < levels; level += 1)
    schema = { [key]: key === 'allOf' ? [schema] : { a: schema } };
  return schema;
}

/** Schemas, and the arguments that make the most of them. */
const BOMBS: readonly [name: string, schema: JsonObject, args: JsonObject][] = [
  ['refs-away', { properties: { p: { $ref: `${thief.origin}/schema.json` } } }, { p: 'x' }],
  [
    'id-away',
    { $id: `${thief.origin}/base.json`, properties: { p: { $ref: 'other.json#/a' } } },
    { p: 'x' },
  ],
  ['file-away', { properties: { p: { $ref: 'file:///etc/passwd' } } }, { p: 'x' }],
  ['meta-away', { $schema: `${thief.origin}/meta.json`, properties: { p: TEXT } }, { p: 'x' }],
  ['dynamic', { properties: { p: { $dynamicRef: `${thief.origin}/x#y` } } }, { p: 'x' }],
  ['pattern', { properties: { p: { type: 'string', pattern: '^(a+)+$' } } }, { p: LONG }],
  [
    'patterns',
    { patternProperties: { '^(a|a)*$': TEXT, '(.*)*x': TEXT } },
    { p: 'x', [LONG]: 'y' },
  ],
  ['large-pattern', { properties: { p: { pattern: '((a{1,100}){1,100}){1,100}' } } }, { p: LONG }],
  [
    'format',
    { properties: { p: { type: 'string', format: 'email' } } },
    { p: 'a@'.repeat(20_000) },
  ],
  [
    'itself',
    { $defs: { n: { $ref: '#/$defs/n' } }, properties: { p: { $ref: '#/$defs/n' } } },
    { p: 'x' },
  ],
  [
    'doubling',
    {
      $defs: Object.fromEntries(
        Array.from({ length: 40 }, (_, n) => [
          `n${n}`,
          { allOf: [{ $ref: `#/$defs/n${n + 1}` }, { $ref: `#/$defs/n${n + 1}` }] },
        ]),
      ),
      properties: { p: { $ref: '#/$defs/n0' } },
    },
    { p: 'x' },
  ],
  [
    'tree',
    {
      $defs: {
        t: {
          properties: { l: { $ref: '#/$defs/t' }, r: { $ref: '#/$defs/t' } },
          anyOf: [{ $ref: '#/$defs/t' }, {}],
        },
      },
      properties: { p: { $ref: '#/$defs/t' } },
    },
    { p: tree(12) },
  ],
  [
    'unique',
    { properties: { p: { type: 'array', uniqueItems: true } } },
    { p: Array.from({ length: 30_000 }, (_, n) => ({ n })) },
  ],
  [
    'many-choices',
    { properties: { p: { oneOf: Array.from({ length: 900 }, (_, n) => ({ const: n })) } } },
    { p: Array.from({ length: 10_000 }, () => 1) },
  ],
  [
    'wide',
    {
      properties: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, TEXT])),
      required: ['p'],
    },
    { p: 'x' },
  ],
  ['deep-all', nested(900, 'allOf'), { p: 'x' }],
  ['deep-properties', nested(900, 'properties'), { p: 'x' }],
  [
    'enormous-enum',
    { properties: { p: { enum: Array.from({ length: 20_000 }, (_, n) => `value ${n}`) } } },
    { p: 'x' },
  ],
  ['no-schema', { type: 'object', properties: 5, required: 'p', allOf: {} }, { p: 'x' }],
  [
    'prototype',
    JSON.parse(
      '{"properties":{"__proto__":{"type":"string"},"constructor":{"type":"number"}}}',
    ) as JsonObject,
    { p: 'x', constructor: 'y' },
  ],
  [
    'code',
    {
      properties: {
        p: { type: 'string', 'x-y"];process.exit(1);//': 1 },
        '"];process.exit(1);//': TEXT,
      },
    },
    { p: 'x', '"];process.exit(1);//': 1 },
  ],
];

const hostile = await fakeServer(FILE, (seen, response) => {
  if (seen.method === 'GET') {
    response.writeHead(405).end();
    return;
  }
  const { method = '' } = JSON.parse(seen.body) as { method?: string };
  if (method === 'server/discover') response.writeHead(400).end();
  else if (method === 'tools/list')
    answerJson(response, seen, {
      tools: BOMBS.map(([name, schema]) => ({ name, inputSchema: { type: 'object', ...schema } })),
    });
  else
    answerJson(response, seen, legacyResult(seen) ?? { content: [{ type: 'text', text: 'done' }] });
});

const gateway = await attackedForFile({
  servers: { it: fixtureEntry('legacy'), bad: { url: `${hostile.origin}/mcp`, type: 'http' } },
  app: {
    validateArguments: true,
    toolExtensions: {
      services: {
        bad: Object.fromEntries(
          BOMBS.map(([name]) => [
            name,
            {
              childTools: [{ name: `my-${name}`, overrideParams: { p: { description: 'mine' } } }],
            },
          ]),
        ),
      },
    },
  },
});
const { port } = gateway;
const caller = new Caller(port, { headers: { [KEY_HEADER]: SHARED_KEY } });

for (const [name, , args] of BOMBS) {
  test(`the schema "${name}" and what was made of it are checked in bounded time, while others are served`, async () => {
    const startedAt = performance.now();
    const calls = [`bad__${name}`, `bad__my-${name}`].map((tool) => caller.modernCall(tool, args));
    await assertServes(gateway);
    for (const got of await Promise.all(calls)) {
      assert.ok(got.status < 500, got.text.slice(0, 300));
      assert.doesNotMatch(got.text, /INTERNAL/u);
      assert.ok(got.text.length < 2000, 'the answer repeats what was sent');
    }
    assert.ok(performance.now() - startedAt < 10_000, `${performance.now() - startedAt} ms`);
  });
}

test('nothing was fetched for any of them, and the lists are served', async () => {
  assert.deepEqual(thief.seen, []);
  const names = await caller.listed('tools');
  assert.ok(names.includes('it__test_simple_text'));
  assert.ok(residentMib(gateway.pid) < 600, `${residentMib(gateway.pid)} MiB`);
});

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway);
});

function tree(levels: number): JsonObject {
  return levels === 0 ? {} : { l: tree(levels - 1), r: tree(levels - 1) };
}
