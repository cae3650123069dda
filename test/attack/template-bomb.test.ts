import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { answerJson, fakeServer, legacyResult } from '../support/fake-server.ts';
import { RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { startRaw } from '../support/raw-gateway.ts';

/** No URI of a client and no template of a server may keep the gateway busy for long: matching them takes bounded time. */

async function withTemplate(t: TestContext, uriTemplate: string): Promise<RawSession> {
  const server = await fakeServer(t, (seen, response) => {
    if (seen.method === 'GET') {
      response.writeHead(405).end();
      return;
    }
    const { method } = JSON.parse(seen.body) as { method: string };
    const resources = { capabilities: { resources: {} } };
    if (method === 'server/discover') response.writeHead(400).end();
    else if (method === 'initialize')
      answerJson(response, seen, { ...legacyResult(seen), ...resources });
    else if (method === 'resources/templates/list')
      answerJson(response, seen, { resourceTemplates: [{ uriTemplate, name: 'bomb' }] });
    else if (method === 'resources/read')
      answerJson(response, seen, { contents: [{ uri: 'x:', text: 'read' }] });
    else answerJson(response, seen, { resources: [], ...legacyResult(seen) });
  });
  const gateway = await startRaw({
    servers: { it: { url: `${server.origin}/mcp`, type: 'http' } },
  });
  t.after(() => gateway.stop());
  await eventually('it is ready', async () => (await gateway.servers())[0]?.phase === 'ready');
  return RawSession.open(gateway.port);
}

for (const [what, template, uri] of [
  [
    'an honest template with three parts',
    'repo://{owner}-{name}-{branch}',
    `repo://${'-'.repeat(8000)}/`,
  ],
  ['three expressions side by side', 'x:{a}{b}{c}', `x:${'a'.repeat(8000)}/`],
  ['five greedy expressions', 'x:{+a}{+b}{+c}{+d}{+e}y', `x:${'a'.repeat(8000)}z`],
  ['twenty expressions', `x:${'{+a},'.repeat(20)}y`, `x:${','.repeat(8000)}z`],
  ['queries within queries', 'x:{?a}{?b}{?c}{?d}y', `x:${'?'.repeat(8000)}z`],
] as const) {
  test(`a URI made for ${what} is decided in time`, async (t) => {
    const session = await withTemplate(t, template);
    const startedAt = performance.now();
    await session.request('resources/read', { uri });
    assert.equal((await session.request('ping')).error, undefined);
    assert.ok(performance.now() - startedAt < 2000);
  });
}

test('an honest URI of an honest template is read', async (t) => {
  const session = await withTemplate(t, 'repo://{owner}-{name}-{branch}');
  const { result } = await session.request('resources/read', { uri: 'repo://a-b-c' });
  assert.match(JSON.stringify(result), /read/u);
});
