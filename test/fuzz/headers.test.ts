import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import test from 'node:test';
import * as fc from 'fast-check';
import { newKeyText, parseKeyText } from '../../src/identity/new-key.ts';
import { readJwt } from '../../src/identity/jwt-text.ts';
import { fromHeader, toHeader } from '../../src/kernel/header-text.ts';
import type { DoorPlan } from '../../src/kernel/plan.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { Doors } from '../../src/listen/doors.ts';
import { routeOf } from '../../src/listen/route.ts';
import {
  formatTraceparent,
  parseTraceparent,
  received,
} from '../../src/record/trace/trace-context.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { Random } from './random.ts';

const RUNS = { seed: 20_260_728, numRuns: 1500 };

const PLAN: DoorPlan = {
  publicUrl: 'https://gateway.example',
  allowedHosts: ['other.example:8443'],
  allowedOrigins: ['https://page.example'],
  trustedProxies: ['10.0.0.0/8', '127.0.0.1', 'fd00::/8'],
  allowedAddresses: [],
  tls: undefined,
  maxBodyBytes: 1000,
  maxHeaderBytes: 1000,
  maxInFlight: 1000,
  maxInFlightBytes: 1000,
  maxConnections: 1000,
  receiveTimeoutMs: 1000,
  stalledMs: 1000,
  maxUnreadBytes: 1000,
};

/** Header values: any that HTTP can carry, and true ones with faults. */
function values(...examples: readonly string[]): fc.Arbitrary<string> {
  const spoilt = fc
    .tuple(fc.nat(), fc.constantFrom(...examples))
    .map(([seed, text]) => mutateBytes(text, new Random(seed), examples));
  return fc.oneof(spoilt, fc.string({ unit: 'binary' }), fc.constantFrom(...examples));
}

test('any text comes back out of the header it was put into, and any header gives a text or nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const header = toHeader(text);
      assert.match(header, /^[\t\x20-\x7e]*$/u);
      assert.equal(fromHeader(header), text);
    }),
    RUNS,
  );
  // Names and arguments come from callers, and are as long as a body may be.
  const long = 'é'.repeat(1_000_000);
  assert.equal(fromHeader(toHeader(long)), long);
  fc.assert(
    fc.property(values('=?base64?AAAA?=', '=?base64?4pyT?=', 'plain', '=?base64??='), (header) => {
      assert.ok(['string', 'undefined'].includes(typeof fromHeader(header)));
    }),
    RUNS,
  );
});

test('whatever Host, Origin and forwarding headers say, a caller is let in or refused for one of three reasons', () => {
  const doors = new Doors(PLAN, '127.0.0.1');
  const headers = fc.record(
    {
      host: values('gateway.example', 'localhost:9000', '[::1]', 'other.example:8443', 'a:99999'),
      origin: values('https://page.example', 'null', 'http://localhost', 'https://[::1]:0'),
      'x-forwarded-for': values('10.0.0.1, 192.0.2.7', '[fd00::1]:80', 'unknown, ::ffff:10.1.1.1'),
      forwarded: values('for=192.0.2.43;proto=http', 'for="[2001:db8::1]:4711"'),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(headers, (given) => {
      const request = {
        headers: given,
        rawHeaders: Object.entries(given).flat(),
        socket: { remoteAddress: '127.0.0.1' },
      } as unknown as IncomingMessage;
      try {
        const { address } = doors.check(request);
        assert.ok(address === undefined || typeof address === 'string');
      } catch (error) {
        assert.ok(error instanceof Refusal, String(error));
        assert.match(error.code, /^(?:HOST|ORIGIN|ADDRESS)_REFUSED$/u);
      }
    }),
    RUNS,
  );
});

test('any traceparent is that of the specification or none, and what goes on is well formed', () => {
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const parents = values(good, `${good}-x`, good.replace('00-', 'cc-'), good.toUpperCase());
  const states = values('a=b,c@d=e', 'a=b,'.repeat(40), '=', 'a=\u007f');
  fc.assert(
    fc.property(parents, states, states, (traceparent, tracestate, baggage) => {
      const parent = parseTraceparent(traceparent);
      if (parent !== undefined)
        assert.match(formatTraceparent(parent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/u);
      received({ traceparent, tracestate, baggage });
    }),
    RUNS,
  );
});

test('no other text than a key reads as a key, and any token reads or does not, without a throw', () => {
  const key = newKeyText('0123456789abcdef', 'A'.repeat(43));
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUifQ.c2lnbmF0dXJl';
  fc.assert(
    fc.property(values(key, jwt, 'a.b.c', 'e30.e30.'), (text) => {
      const parts = parseKeyText(text);
      if (parts !== undefined) assert.equal(newKeyText(parts.id, parts.secret), text);
      readJwt(text);
    }),
    RUNS,
  );
});

test('any path has a route', () => {
  const paths = values('/mcp', '/mcp/group', '/mcp/%2e%2e/x', '/messages', '/sse/__proto__');
  fc.assert(
    fc.property(paths, (path) => {
      assert.equal(typeof routeOf(path).route, 'string');
    }),
    RUNS,
  );
});
