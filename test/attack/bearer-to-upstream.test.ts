import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import { assertServes, KEY_HEADER, SHARED_KEY, TAG_HEADER } from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { answerJson, fakeServer, legacyResult, type Seen } from '../support/fake-server.ts';
import { EventReader } from '../support/raw-events.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';

/** What a caller proves itself with is for the gateway: no server is sent it, and none of the caller's other headers. */

const FILE = { after };
const streamable = await fakeServer(FILE, (seen, response) => {
  if (seen.method === 'GET') {
    response.writeHead(405).end();
    return;
  }
  if (seen.body.includes('server/discover')) response.writeHead(400).end();
  else answerJson(response, seen, resultOf(seen), { 'mcp-session-id': 'of-the-server' });
});
const modern = await fakeServer(FILE, (seen, response) => {
  const { method } = JSON.parse(seen.body === '' ? '{}' : seen.body) as { method?: string };
  const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
  answerJson(response, seen, {
    resultType: 'complete',
    ...(method === 'server/discover' ? discovered : resultOf(seen)),
  });
});
const { gateway, provider, claims } = await tokenSceneForFile({
  servers: {
    it: fixtureEntry('legacy'),
    old: {
      url: `${streamable.origin}/mcp`,
      type: 'http',
      headers: { authorization: 'Bearer of-the-operator', 'x-own': 'yes' },
    },
    new: { url: `${modern.origin}/mcp`, type: 'http' },
  },
});
const { port } = gateway;
const named = await gateway.createKey('alice');
const token = await provider.sign(claims());

const CREDENTIALS: readonly Record<string, string>[] = [
  { [KEY_HEADER]: SHARED_KEY },
  { [KEY_HEADER]: named },
  { authorization: `Bearer ${named}` },
  { authorization: `Bearer ${token}` },
  { authorization: `Bearer ${token}`, [KEY_HEADER]: named },
];
const MORE: Record<string, string> = {
  cookie: 'session=of-the-caller',
  'x-forwarded-user': 'of-the-caller',
  'proxy-authorization': 'Basic of-the-caller',
  'x-api-key': 'of-the-caller',
  'x-amz-security-token': 'of-the-caller',
  'mcp-param-secret': 'of-the-caller',
  'x-own': 'of-the-caller',
};

function sentToServers(): readonly Seen[] {
  return [...streamable.seen, ...modern.seen];
}

for (const [index, credential] of CREDENTIALS.entries()) {
  test(`credential ${index + 1} and the caller's other headers reach no server, in either era`, async () => {
    const before = sentToServers().length;
    const headers = { ...MORE, ...credential };
    const caller = new Caller(port, { headers });
    const session = await Caller.open(port, { headers });
    for (const server of ['old', 'new', 'it']) {
      const tool = server === 'it' ? 'it__fixture_echo' : `${server}__fake_tool`;
      const meta = { 'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' } };
      await caller.modern('tools/call', { name: tool, arguments: { a: 1 } }, meta);
      await session.call(tool, { a: 1 });
    }
    const seen = sentToServers().slice(before);
    assert.ok(seen.length >= 4, 'the servers were called');
    for (const request of seen) assertNothingOfTheCaller(request);
  });
}

test('the same over HTTP+SSE', async () => {
  const headers = { ...MORE, authorization: `Bearer ${token}` };
  const sse = await EventReader.open(port, { method: 'GET', path: '/sse', headers });
  const { data: path = '' } = await sse.next(({ event }) => event === 'endpoint');
  const post = (body: object) => send(port, { path, headers, body: { jsonrpc: '2.0', ...body } });
  const params = { protocolVersion: '2024-11-05', capabilities: {} };
  await post({ id: 0, method: 'initialize', params });
  const before = sentToServers().length;
  await post({ id: 1, method: 'tools/call', params: { name: 'old__fake_tool', arguments: {} } });
  await sse.nextMessage(({ id }) => id === 1);
  sse.break();
  const seen = sentToServers().slice(before);
  assert.ok(seen.length > 0);
  for (const request of seen) assertNothingOfTheCaller(request);
});

test('a server gets what its own entry says, and keeps getting it', () => {
  for (const { headers } of streamable.seen) {
    assert.equal(headers['authorization'], 'Bearer of-the-operator');
    assert.equal(headers['x-own'], 'yes');
  }
  for (const { headers } of modern.seen) assert.equal(headers['authorization'], undefined);
});

test('no server on stdio finds the key that all share in its environment', async () => {
  const caller = new Caller(port, { headers: { [KEY_HEADER]: SHARED_KEY } });
  const { text } = await caller.modernCall('it__fixture_state');
  assert.ok(!text.includes(SHARED_KEY));
  await assertServes(gateway);
});

function assertNothingOfTheCaller({ headers, url, body }: Seen): void {
  const whole = JSON.stringify([headers, url, body]);
  for (const text of [SHARED_KEY, named, token, 'of-the-caller'])
    assert.ok(!whole.includes(text), `a server was sent ${text.slice(0, 20)}: ${whole}`);
  for (const name of [KEY_HEADER, TAG_HEADER, 'cookie', 'x-forwarded-for', 'x-forwarded-user'])
    assert.equal(headers[name], undefined, name);
}

function resultOf(seen: Seen): object {
  return legacyResult(seen) ?? { content: [{ type: 'text', text: 'done' }] };
}
