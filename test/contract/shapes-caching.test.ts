import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '../support/raw-http.ts';
import { clientOf, sceneOf, scripted } from '../support/shapes-scene.ts';

/** What the gateway says of how long, and by whom, answers may be kept (spec 2026-07-28, caching). */

const part = (
  name: string,
  ttlMs: number,
  cacheScope: string,
  era: 'legacy' | 'modern' = 'modern',
): object =>
  scripted(era, {
    capabilities: { tools: {}, resources: {} },
    lists: {
      tools: [{ name, inputSchema: { type: 'object' } }],
      resources: [{ uri: `${name}:1`, name }],
    },
    caching: { ttlMs, cacheScope },
    answers: { 'resources/read': { result: { contents: [], ttlMs, cacheScope } } },
  });
const long = part('long', 40_000, 'public');
const short = part('short', 5_000, 'public');
const own = part('own', 20_000, 'private');
const silent = part('silent', 1, 'private', 'legacy');

type Freshness = readonly [unknown, unknown];

async function freshness(port: number, method: string, params?: JsonObject): Promise<Freshness> {
  const { result } = await (await clientOf('modern', port)).request(method, params);
  return [result?.['ttlMs'], result?.['cacheScope']];
}

const cases: readonly (readonly [string, Record<string, object>, string, Freshness])[] = [
  ['two modern servers', { long, short }, '', [5_000, 'public']],
  ['a private one among them', { long, short, own }, '', [5_000, 'private']],
  [
    'a modern server and a legacy one',
    { long, silent },
    'list: { ttlMs: 30000 }',
    [30_000, 'public'],
  ],
  ['a legacy server', { silent }, '', [60_000, 'public']],
  [
    'callers that see different things',
    { long },
    'permissions: { default: { block: [] }, clientNames: { x: { block: [g] } } }\ntoolGroups: [{ name: g, services: { long: "*" } }]',
    [40_000, 'private'],
  ],
];

for (const [what, servers, app, expected] of cases) {
  test(`lists and discovery of ${what} may be kept as their parts allow`, async () => {
    const { port } = await sceneOf({ servers, app });
    for (const method of ['tools/list', 'resources/list', 'prompts/list', 'server/discover'])
      assert.deepEqual(await freshness(port, method), expected, method);
  });
}

test('what was read may be kept as its server says, by one caller alone where callers see different things', async () => {
  const { port } = await sceneOf({ servers: { long, own, silent } });
  const read = (uri: string, at = port): Promise<Freshness> =>
    freshness(at, 'resources/read', { uri });
  assert.deepEqual(await read('long:1'), [40_000, 'public']);
  assert.deepEqual(await read('own:1'), [20_000, 'private']);
  const app = cases.at(-1)?.[2] ?? '';
  const differing = await sceneOf({ servers: { long }, app });
  assert.deepEqual(await read('long:1', differing.port), [40_000, 'private']);
});
