import assert from 'node:assert/strict';
import test from 'node:test';
import { modernCall, modernSent, RawSession } from '../support/raw-clients.ts';
import { fixtureEntry, gatewayForFile } from '../support/raw-gateway.ts';
import { rpcOf, send, type JsonObject } from '../support/raw-http.ts';

/**
 * Many servers split their input at every line separator Unicode has, Node's readline among them, though the protocol
 * knows only LF. Text of a client must not break a message in pieces there, and no piece may be taken for a message.
 */

const { port } = await gatewayForFile({
  servers: { it: fixtureEntry('legacy'), new: fixtureEntry('modern') },
});

const SEPARATORS = {
  LF: '\n',
  CR: '\r',
  CRLF: '\r\n',
  VT: '\v',
  FF: '\f',
  NEL: '\u0085',
  LS: '\u2028',
  PS: '\u2029',
};

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

function forged(separator: string): string {
  const params = { name: 'fixture_add_tool', arguments: { name: 'forged' }, _meta: META };
  const call = JSON.stringify({ jsonrpc: '2.0', id: 'forged', method: 'tools/call', params });
  return `a${separator}${call}${separator}b`;
}

for (const [name, separator] of Object.entries(SEPARATORS)) {
  test(`text between two ${name} in an argument is text to the server, in either era`, async () => {
    const text = forged(separator);
    const session = await RawSession.open(port);
    const signal = AbortSignal.timeout(5000);
    const ask = async (headers: Record<string, string>, body: unknown): Promise<JsonObject> => {
      const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      });
      return (await response.json()) as JsonObject;
    };
    const echo = { name: 'it__fixture_echo', arguments: { text } };
    const answers = [await ask(session.headers, session.body('tools/call', echo))];
    const modern = modernSent('tools/call', { ...echo, name: 'new__fixture_echo' });
    answers.push(await ask(modern.headers as Record<string, string>, modern.body));
    for (const { result } of answers) {
      const { arguments: echoed } = (result as { structuredContent: JsonObject }).structuredContent;
      assert.equal((echoed as { text: string }).text, text);
    }
  });
}

test('no such text has run: the tool it would have added is nowhere', async () => {
  const session = await RawSession.open(port);
  const tools = [
    await session.request('tools/list'),
    rpcOf(await send(port, modernSent('tools/list'))),
  ];
  for (const list of tools) assert.ok(!JSON.stringify(list).includes('forged'));
  const { error } = await session.call('it__forged');
  assert.ok(error !== undefined);
  assert.ok(rpcOf(await modernCall(port, 'new__forged')).error !== undefined);
});
