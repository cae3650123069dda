import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { load, lines, planOf } from './plan-from.ts';

const ROOT = join(import.meta.dirname, '../../..');

const LIMITS = {
  connectTimeoutMs: 30_000,
  probeTimeoutMs: 3000,
  listTimeoutMs: 15_000,
  callTimeoutMs: 300_000,
  progressResetsCallTimeout: true,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 10_000,
  restartMinMs: 250,
  restartMaxMs: 30_000,
  restartWaitMs: 10_000,
  shutdownGraceMs: 2000,
  maxMessageBytes: 134_217_728,
  maxStderrBytes: 65_536,
  maxInstances: 16,
  instanceIdleMs: 300_000,
  maxConnections: 64,
};

const DEFAULTS = {
  naming: 'prefix',
  server: {
    publicUrl: undefined,
    allowedHosts: [],
    allowedOrigins: [],
    trustedProxies: [],
    tls: undefined,
    maxBodyBytes: 4_194_304,
    maxHeaderBytes: 16_384,
  },
  sessions: {
    idleMs: 1_800_000,
    maxAgeMs: 2_592_000_000,
    maxCount: 10_000,
    detachedMs: 10_000,
    askTimeoutMs: 300_000,
  },
  list: {
    firstWaitMs: 2000,
    debounceMs: 100,
    pageSize: 1000,
    ttlMs: 60_000,
    maxInstructionsBytes: 16_384,
  },
  sse: {
    afterMs: 1000,
    keepAliveMs: 15_000,
    retryMs: 1000,
    resumableMs: 60_000,
    maxStoredMessages: 1000,
    maxStoredBytes: 8_388_608,
  },
  upstreams: { startConcurrency: 8 },
  shutdown: { drainMs: 10_000 },
};

test('nothing configured gives the documented defaults (R14, R15)', () => {
  const servers = { mcpServers: { it: { command: 'x' } } };
  const { servers: compiled, ...settings } = planOf({ servers });
  assert.deepEqual(settings, DEFAULTS);
  assert.deepEqual(compiled[0]?.limits, LIMITS);
});

test('a section whose lines are all comments is an empty one', () => {
  const { servers: _, ...settings } = planOf({
    app: 'server:\n  # maxBodyBytes: 1\npermissions:\n',
  });
  assert.deepEqual(settings, DEFAULTS);
});

test('the settings the repository comes with comment out the true defaults', () => {
  const text = readFileSync(join(ROOT, 'config/app.yaml'), 'utf8');
  const uncommented = text.replaceAll(/^# (?=[a-z]+:|  )/gim, '');
  const servers = { mcpServers: { memory: { command: 'x' } } };
  for (const app of [text, uncommented]) {
    const { plan, problems } = load({ app, servers });
    assert.deepEqual(lines({ problems }), []);
    const { servers: _, ...settings } = plan ?? {};
    assert.deepEqual(settings, DEFAULTS);
  }
});

test('the door can be set as a whole (R18)', () => {
  const app = `
server:
  publicUrl: https://mcp.example.com/base
  allowedHosts: [mcp.example.com, "mcp.example.com:8443"]
  allowedOrigins: ["https://app.example.com", "http://localhost:5173"]
`;
  const { server } = planOf({ app });
  assert.equal(server.publicUrl, 'https://mcp.example.com/base');
  assert.deepEqual(server.allowedHosts, ['mcp.example.com', 'mcp.example.com:8443']);
  assert.deepEqual(server.allowedOrigins, ['https://app.example.com', 'http://localhost:5173']);
  assert.deepEqual(server.trustedProxies, []);
});

const BAD: readonly [text: string, expected: RegExp][] = [
  ['naming: flt', /^error 1:9 naming: Give one of: prefix, flat. Did you mean "flat"/],
  ['permisions: {}', /^error 1:1 permisions: "permisions" is no key .*Did you mean "permissions"/],
  ['sessions:\n  idle: 5', /^error 2:3 sessions.idle: .*Did you mean "idleMs"/],
  ['sse: { zzz: 1 }', /sse.zzz: "zzz" is no key known here. Known: afterMs, /],
  ['list: { pageSize: "5" }', /list.pageSize: Write a whole number, without quotes/],
  ['list: { pageSize: }', /list.pageSize: This is empty; give a whole number, or remove the key/],
  ['list: [1]', /list: Expected a mapping of keys to values, found a list/],
  ['auth: { enabled: yes }', /auth.enabled: Write true or false, without quotes/],
  ['server: { publicUrl: mcp.example.com }', /publicUrl: Give the whole address/],
  ['server: { publicUrl: "ftp://mcp.example.com" }', /publicUrl: Give the whole address/],
  ['server: { allowedHosts: ["http://a"] }', /allowedHosts\[0\]: Give a host name alone/],
  ['server: { allowedOrigins: ["*"] }', /allowedOrigins\[0\]: Give scheme, host and port/],
  ['server: { allowedOrigins: ["https://a/"] }', /allowedOrigins\[0\]: Give scheme, host and port/],
  ['server: { trustedProxies: [proxy] }', /trustedProxies\[0\]: Give an IP address/],
  ['server: { maxBodyBytes: 10 }', /maxBodyBytes: The least value allowed is 1024/],
  ['server: { tls: { cert: a } }', /server.tls.key: This is missing; give a text/],
  ['upstreams: { restartMinMs: 60000 }', /upstreams.restartMinMs: restartMinMs \(60000\) must not/],
  ['shutdown: { drainMs: .inf }', /shutdown.drainMs/],
];

for (const [app, expected] of BAD) {
  test(`${JSON.stringify(app)} is an error that says what to write`, () => {
    const result = load({ app });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

test('a plan is frozen all the way down', () => {
  const plan = planOf({ servers: { mcpServers: { it: { command: 'x', args: ['a'] } } } });
  assert.throws(() => Object.assign(plan.list, { pageSize: 1 }), TypeError);
  assert.throws(() => Object.assign(plan.servers[0]?.endpoint ?? {}, { command: 'y' }), TypeError);
});
