import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import test from 'node:test';
import * as fc from 'fast-check';
import type { DoorPlan } from '../../../src/kernel/plan.ts';
import { corsHeaders, Doors, preflightHeaders } from '../../../src/listen/doors.ts';

const PLAN: DoorPlan = {
  publicUrl: undefined,
  allowedHosts: [],
  allowedOrigins: [],
  trustedProxies: [],
  allowedAddresses: [],
  tls: undefined,
  maxBodyBytes: 1000,
  maxInFlight: 10,
  maxInFlightBytes: 1024,
  maxConnections: 10,
  receiveTimeoutMs: 0,
  stalledMs: 0,
  maxUnreadBytes: 1024,
  maxHeaderBytes: 1000,
};

function requestWith(headers: Record<string, string>): IncomingMessage {
  const rawHeaders = Object.entries(headers).flat();
  return {
    headers,
    rawHeaders,
    socket: { remoteAddress: '127.0.0.1' },
  } as unknown as IncomingMessage;
}

function check(
  headers: Record<string, string>,
  plan: Partial<DoorPlan> = {},
  boundTo = '127.0.0.1',
): string {
  try {
    return (
      new Doors({ ...PLAN, ...plan }, boundTo).check(requestWith(headers)).origin ?? 'no origin'
    );
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('this machine is a Host under all its names, with and without a port (R18)', () => {
  for (const name of ['localhost', '127.0.0.1', '[::1]', 'LocalHost'])
    for (const host of [name, `${name}:9000`, `${name}:65535`])
      assert.equal(check({ host }), 'no origin', host);
});

test('names that are allowed are a Host: with a port only on that port, without one on any (R18)', () => {
  const plan = {
    allowedHosts: ['Any.example', 'one.example:8443'],
    publicUrl: 'https://pub.example:444/x',
  };
  for (const host of [
    'any.example',
    'any.example:1',
    'one.example:8443',
    'pub.example:444',
    'ONE.example:8443',
  ])
    assert.equal(check({ host }, plan), 'no origin', host);
  for (const host of [
    'one.example',
    'one.example:8444',
    'pub.example',
    'sub.any.example',
    'any.example.evil',
  ])
    assert.equal(check({ host }, plan), 'HOST_REFUSED', host);
});

test('the address the gateway is bound to is a Host, but for one that means all addresses (R18)', () => {
  assert.equal(check({ host: '127.0.0.2:80' }, {}, '127.0.0.2'), 'no origin');
  assert.equal(check({ host: '[fe80::1]' }, {}, 'fe80::1'), 'no origin');
  assert.equal(check({ host: '127.0.0.3' }, {}, '127.0.0.2'), 'HOST_REFUSED');
  // Browsers reach this machine under these too, from any page: nobody needs them to.
  assert.equal(check({ host: '0.0.0.0' }, {}, '0.0.0.0'), 'HOST_REFUSED');
  assert.equal(check({ host: '[::]:80' }, {}, '::'), 'HOST_REFUSED');
});

test('no name that nobody allowed is a Host, whatever it looks like', () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()), (host) => {
      const local = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/iu.test(host);
      assert.equal(check({ host }), local ? 'no origin' : 'HOST_REFUSED');
    }),
  );
});

test('without a Origin nobody asks for one; with one the page must be of this machine or allowed', () => {
  const host = 'localhost';
  for (const origin of [
    'http://localhost',
    'https://localhost:1',
    'http://127.0.0.1:5173',
    'http://[::1]:80',
    'HTTP://LOCALHOST',
  ])
    assert.equal(check({ host, origin }), origin, origin);
  for (const origin of [
    'null',
    '',
    'http://evil.example',
    'http://localhost.evil.example',
    'ws://localhost',
    'http://localhost/path',
    'http://user@localhost',
    'http://localhost:1:2',
    'localhost',
  ])
    assert.equal(check({ host, origin }), 'ORIGIN_REFUSED', origin);
  const plan = { allowedOrigins: ['https://App.example.com', 'https://slash.example.com/'] };
  assert.equal(check({ host, origin: 'https://app.example.com' }, plan), 'https://app.example.com');
  assert.equal(
    check({ host, origin: 'https://slash.example.com' }, plan),
    'https://slash.example.com',
  );
  for (const origin of [
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://x.app.example.com',
  ])
    assert.equal(check({ host, origin }, plan), 'ORIGIN_REFUSED', origin);
});

test('the Host is looked at before the Origin', () => {
  assert.equal(check({ host: 'evil.example', origin: 'http://localhost' }), 'HOST_REFUSED');
});

test('two Host headers are refused, whatever they say', () => {
  const request = requestWith({ host: 'localhost' });
  request.rawHeaders.push('HOST', 'localhost');
  assert.throws(() => new Doors(PLAN, '127.0.0.1').check(request), { code: 'HOST_REFUSED' });
});

test('only a page that asked gets CORS headers, for its own origin and without credentials', () => {
  assert.deepEqual(corsHeaders(undefined), {});
  const headers = corsHeaders('http://localhost:1');
  assert.equal(headers['access-control-allow-origin'], 'http://localhost:1');
  assert.equal(headers['access-control-allow-credentials'], undefined);
  assert.equal(headers['vary'], 'origin');
});

test('a preflight allows the headers asked for when they are header names and nothing else', () => {
  const allowed = (wanted: string): string | undefined =>
    preflightHeaders(requestWith({ 'access-control-request-headers': wanted }), 'http://localhost')[
      'access-control-allow-headers'
    ];
  assert.equal(allowed('content-type, mcp-session-id'), 'content-type, mcp-session-id');
  for (const wanted of ['x\r\ny: z', 'a;b', '*', 'x'.repeat(2000), 'é'])
    assert.equal(allowed(wanted), undefined, wanted.slice(0, 10));
});
