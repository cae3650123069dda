import assert from 'node:assert/strict';
import test from 'node:test';
import { initializeBody } from '../support/raw-clients.ts';
import { gatewayForFile, SECRET } from '../support/raw-gateway.ts';
import { parseRaw, speak } from '../support/raw-http.ts';

/** A path in disguise is an unknown path: nothing is decoded, joined or read from a disk. */

const { port, folder } = await gatewayForFile({ servers: {} });

const BODY = JSON.stringify(initializeBody());

async function ask(method: string, target: string): Promise<{ status: number; text: string }> {
  const body = method === 'POST' ? BODY : '';
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${body.length}`,
  ];
  return parseRaw(await speak(port, `${lines.join('\r\n')}\r\n\r\n${body}`));
}

for (const target of [
  '/mcp/',
  '//mcp',
  '/mcp//',
  '/./mcp',
  '/x/../mcp',
  '/mcp/../mcp',
  '/mcp/..;/mcp',
  '/%6dcp',
  '/mcp%00',
  '/mcp%2f',
  '/mcp;x=1',
  '/mcp#x',
  '\\mcp',
  'mcp',
  '*',
  '/admin/../mcp',
  'http://localhost/mcp',
  '/__proto__',
  '/constructor',
]) {
  test(`POST ${target} is no way to /mcp`, async () => {
    const { status, text } = await ask('POST', target);
    assert.ok(status === 404 || status === 400, `answered ${status}`);
    assert.doesNotMatch(text, /protocolVersion/u);
  });
}

for (const target of [
  '/admin/servers/',
  '/admin/%73ervers',
  '/admin//servers',
  '/mcp/../admin/servers',
  '/healthcheck/../admin/servers',
  '/../../etc/passwd',
  '/..%2f..%2f..%2fetc%2fpasswd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/....//....//etc/passwd',
  '/config/mcp.json',
  '/package.json',
  '/.git/config',
  '/.mcpx/keys/seal.json',
  '/proc/self/environ',
]) {
  test(`GET ${target} is an unknown path`, async () => {
    const { status, text } = await ask('GET', target);
    assert.ok(status === 404 || status === 400, `answered ${status}`);
    assert.doesNotMatch(text, /root:|mcpServers|phase|secret/u);
    assert.ok(!text.includes(SECRET) && !text.includes(folder));
  });
}

test('an unknown path is not echoed', async () => {
  const { text } = await ask('GET', '/<script>alert(1)</script>');
  assert.ok(!text.includes('script'));
});

test('a method in small letters, or made up, is none', async () => {
  for (const method of ['post', 'Post', 'MCP', 'TRACE', 'CONNECT']) {
    const raw = await speak(
      port,
      `${method} /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    assert.doesNotMatch(raw, /^HTTP\/1\.1 2/u, method);
    assert.doesNotMatch(raw, /<html|protocolVersion/u, method);
  }
});
