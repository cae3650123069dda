import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { answerJson, fakeServer, legacyResult } from '../support/fake-server.ts';
import { RawSession } from '../support/raw-clients.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';

/** No URI of a client and no template of a server may keep the gateway busy for long: matching them takes bounded time. */

const BOMBS = [
  [
    'an honest template with three parts',
    'repo://{owner}-{name}-{branch}',
    `repo://${'-'.repeat(8000)}/`,
  ],
  ['three expressions side by side', 'a:{a}{b}{c}', `a:${'a'.repeat(8000)}/`],
  ['five greedy expressions', 'b:{+a}{+b}{+c}{+d}{+e}y', `b:${'a'.repeat(8000)}z`],
  ['twenty expressions', `c:${'{+a},'.repeat(20)}y`, `c:${','.repeat(8000)}z`],
  ['queries within queries', 'd:{?a}{?b}{?c}{?d}y', `d:${'?'.repeat(8000)}z`],
] as const;

const server = await fakeServer({ after }, (seen, response) => {
  if (seen.method === 'GET') {
    response.writeHead(405).end();
    return;
  }
  const { method } = JSON.parse(seen.body) as { method: string };
  const resourceTemplates = BOMBS.map(([name, uriTemplate]) => ({ name, uriTemplate }));
  const contents = [{ uri: 'x:', text: 'read' }];
  if (method === 'server/discover') response.writeHead(400).end();
  else if (method === 'initialize')
    answerJson(response, seen, { ...legacyResult(seen), capabilities: { resources: {} } });
  else answerJson(response, seen, { resources: [], resourceTemplates, contents });
});
const { port } = await gatewayForFile({
  servers: { it: { url: `${server.origin}/mcp`, type: 'http' } },
});
const session = await RawSession.open(port);

for (const [what, , uri] of BOMBS) {
  test(`a URI made for ${what} is decided in time`, async () => {
    const startedAt = performance.now();
    await session.request('resources/read', { uri });
    assert.equal((await session.request('ping')).error, undefined);
    assert.ok(performance.now() - startedAt < 5000);
  });
}

test('an honest URI of an honest template is read', async () => {
  const { result } = await session.request('resources/read', { uri: 'repo://a-b-c' });
  assert.match(JSON.stringify(result), /read/u);
});
