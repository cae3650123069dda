import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal } from '../support/attack-caller.ts';
import { KEY_HEADER, SHARED_KEY } from '../support/attack-gateway.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a caller says it comes from is believed of trusted proxies alone: nobody talks himself into the allowed ranges. */

const env = { API_KEY: SHARED_KEY, ALLOWED_IP_RANGES: '10.0.0.0/8, 2001:db8::/32' };
const direct = await gatewayForFile({ servers: {}, env, isReady: false });
const behind = await gatewayForFile({
  servers: {},
  env,
  isReady: false,
  app: 'server:\n  trustedProxies: [127.0.0.1, 10.9.0.0/16]\n',
});
const key = { [KEY_HEADER]: SHARED_KEY };

async function statusAt(port: number, headers: Record<string, string | string[]>): Promise<number> {
  return (await send(port, { headers: { ...key, ...headers }, body: initializeBody() })).status;
}

for (const headers of [
  {},
  { 'x-forwarded-for': '10.0.0.1' },
  { 'x-forwarded-for': '10.0.0.1, 10.0.0.2' },
  { 'x-real-ip': '10.0.0.1' },
  { forwarded: 'for=10.0.0.1' },
  { 'x-client-ip': '10.0.0.1' },
  { 'true-client-ip': '10.0.0.1' },
  { via: '1.1 10.0.0.1' },
]) {
  test(`${JSON.stringify(headers)} from an address nobody trusts is no way in, with a good key too`, async () => {
    const all = { ...key, ...headers } as Record<string, string>;
    for (const [method, path] of [
      ['POST', '/mcp'],
      ['GET', '/sse'],
      ['GET', '/admin/servers'],
      ['OPTIONS', '/mcp'],
    ] as const) {
      const body = method === 'POST' ? initializeBody() : undefined;
      assertRefusal(
        await send(direct.port, { method, path, headers: all, body }),
        'ADDRESS_REFUSED',
        403,
      );
    }
  });
}

for (const [forwarded, status] of [
  ['10.0.0.1', 200],
  ['203.0.113.1, 10.0.0.1', 200],
  ['10.0.0.1, 10.9.0.5', 200],
  ['2001:db8::1', 200],
  ['[2001:db8::1]:443', 200],
  ['10.0.0.1:1234', 200],
  ['::ffff:10.0.0.1', 200],
  ['10.0.0.1, 203.0.113.1', 403],
  ['10.0.0.1, 203.0.113.1, 10.9.0.5', 403],
  ['203.0.113.1', 403],
  ['10.0.0.1, unknown', 403],
  ['unknown', 403],
  ['10.0.0.1.', 403],
  ['010.0.0.1', 403],
  ['0x0a000001', 403],
  ['167772161', 403],
  ['10.1', 403],
  ['10.0.0.1 10.0.0.1', 403],
  ['10.0.0.1;203.0.113.1', 403],
  ['::ffff:203.0.113.1', 403],
  ['::10.0.0.1', 403],
  ['64:ff9b::10.0.0.1', 403],
] as const) {
  test(`through a trusted proxy "${forwarded}" is answered ${status}`, async () => {
    assert.equal(await statusAt(behind.port, { 'x-forwarded-for': forwarded }), status);
  });
}

test('of two forwarding headers the later one is nearer', async () => {
  const two = (first: string, second: string) =>
    statusAt(behind.port, { 'x-forwarded-for': [first, second] });
  assert.equal(await two('10.0.0.1', '203.0.113.1'), 403);
  assert.equal(await two('203.0.113.1', '10.0.0.1'), 200);
});

test('who was turned away is recorded by the address it came from, not the one it named', async () => {
  await statusAt(direct.port, { 'x-forwarded-for': '10.7.7.7' });
  const text = (): string => {
    const folder = join(direct.folder, 'data', 'audit');
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
  };
  await eventually('it is recorded', () => text().includes('ADDRESS_REFUSED'));
  assert.match(text(), /"address":"127\.0\.0\.1"/u);
  assert.doesNotMatch(text(), /10\.7\.7\.7/u);
});

test('health is told to everybody, and nothing else is (R18)', async () => {
  const got = await send(direct.port, { method: 'GET', path: '/healthcheck' });
  assert.deepEqual([got.status, got.text], [200, '{"status":"OK"}']);
});
