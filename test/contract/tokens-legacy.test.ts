import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { TestProvider } from '../support/oidc.ts';
import { eventually } from '../support/processes.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { send, type JsonObject } from '../support/raw-http.ts';
import { bearing, REQUIRED, seconds, tokenScene } from '../support/tokens-scene.ts';

const provider = await TestProvider.start();
after(() => provider.stop());
const { port, base, token, keep } = await tokenScene(provider);

test('in a batch a lack of scope is told in the body alone, for a client would send the whole batch again', async () => {
  const headers = bearing(await token({ claims: { org: { groups: ['developers'] } } }));
  const opened = await send(port, { headers, body: initializeBody({ version: '2025-03-26' }) });
  const own = { ...headers, 'mcp-session-id': String(opened.headers['mcp-session-id']) };
  const called = (id: number, name: string): JsonObject => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: {} },
  });
  const body = [called(1, 'work__look'), called(2, 'work__write')];
  const got = await send(port, { headers: own, body });
  assert.equal(got.status, 200, got.text);
  assert.match(got.text, /INSUFFICIENT_SCOPE/u);
});

test('an HTTP+SSE stream lives as long as the newest token its client has sent', async (t) => {
  const exp = seconds() + 3;
  const claims = { iss: provider.issuer, aud: `${base}/mcp`, sub: 'early', scope: REQUIRED };
  const early = keep(await provider.sign({ ...claims, iat: exp - 3, exp }));
  const headers = bearing(early);
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse', headers });
  t.after(() => stream.break());
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  headers['authorization'] = `Bearer ${await token({ subject: 'early' })}`;
  await send(port, { path, headers, body: initializeBody() });
  await eventually('the first token has run out', 15_000, () => seconds() > exp + 2);
  assert.equal(stream.isOver, false);
});
