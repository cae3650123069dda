import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { EXAMPLES } from '../../../scripts/reference/examples.ts';
import { load, lines, planOf, serversNamed } from './plan-from.ts';

const ROOT = join(import.meta.dirname, '../../..');

const FORMATS = {
  uri: true,
  ipv4: true,
  ipv6: true,
  cidrv4: true,
  cidrv6: true,
  'date-time': true,
} as const;

const LIMITS = {
  connectTimeoutMs: 30_000,
  probeTimeoutMs: 3000,
  eraMaxAgeMs: 86_400_000,
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
  maxInFlight: 256,
  maxQueued: 2048,
  queueWaitMs: 30_000,
  breakAfter: 5,
  breakMs: 5000,
  retries: 1,
};

const DEFAULTS = {
  naming: 'prefix',
  server: {
    publicUrl: undefined,
    allowedHosts: [],
    allowedOrigins: [],
    trustedProxies: [],
    allowedAddresses: [],
    tls: undefined,
    maxBodyBytes: 4_194_304,
    maxHeaderBytes: 16_384,
    maxInFlight: 10_000,
    maxInFlightBytes: 268_435_456,
    maxConnections: 20_000,
    receiveTimeoutMs: 60_000,
    stalledMs: 60_000,
    maxUnreadBytes: 268_435_456,
  },
  sessions: {
    idleMs: 1_800_000,
    maxAgeMs: 2_592_000_000,
    maxCount: 10_000,
    maxPerPrincipal: 5000,
    detachedMs: 10_000,
    askTimeoutMs: 300_000,
  },
  parking: {
    timeoutMs: 300_000,
    gatherMs: 20,
    maxCount: 1000,
    maxPerPrincipal: 100,
    maxBytes: 67_108_864,
    maxBytesPerPrincipal: 8_388_608,
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
    maxTotalBytes: 268_435_456,
    maxStreams: 20_000,
    maxStreamsPerPrincipal: 5000,
  },
  upstreams: { startConcurrency: 8 },
  shutdown: { drainMs: 10_000 },
  auth: {
    isOn: false,
    header: 'x-lunar-api-key',
    sharedKey: undefined,
    issuers: [],
    admins: { consumers: [], groups: [] },
    hasPublicMetrics: false,
  },
  access: {
    default: { id: 'permissions.default', base: 'allow', allow: [], block: [] },
    consumers: {},
    clientNames: {},
    groups: {},
    rules: [],
    tests: [],
  },
  extensions: {},
  validatesArguments: false,
  asks: { maxPerMinute: 60 },
  limits: { showsState: false, limits: [] },
  audit: {
    isOn: true,
    arguments: 'redacted',
    flushMs: 100,
    onFailure: 'drop-and-count',
    maxSegmentBytes: 67_108_864,
    retention: { maxAgeDays: 0, maxBytes: 0 },
    syslog: undefined,
    http: undefined,
  },
  logging: { level: 'info', layers: {}, format: 'auto' },
  metrics: { isOnMainPort: true, maxLabelValues: 100 },
  tracing: {
    isOn: false,
    endpoint: 'http://localhost:4318/v1/traces',
    headers: {},
    sampleRatio: 1,
    followsParent: true,
    serviceName: 'mcpx',
    timeoutMs: 10_000,
    maxQueue: 2048,
  },
  tokens: {
    isOn: true,
    maxExactBytes: 8192,
    maxExactPerSecond: 250,
    maxQueue: 1000,
    model: undefined,
    consumers: {},
    prices: [],
  },
  usage: {
    isOn: true,
    database: undefined,
    flushMs: 1000,
    retention: { minute: 2, hour: 60, day: 730 },
    maxSeries: 1000,
  },
  lunar: undefined,
  fromEnvironment: [],
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

test('the examples of the reference page hold together', () => {
  const app = `server: { publicUrl: "https://mcp.example.com" }\n${Object.values(EXAMPLES).join('')}`;
  const env = { OTLP_TOKEN: 'it', USAGE_DATABASE_URL: 'postgres://db.example.com/mcpx' };
  const servers = serversNamed('slack', 'calendar', 'files');
  const { plan, problems } = load({ app, servers, env });
  assert.deepEqual(lines({ problems }), []);
  assert.equal(plan?.access.rules.length, 3);
});

test('the schema for editors takes the examples, and no misspelt key', () => {
  const validate = new Ajv({ strict: false, formats: FORMATS }).compile(
    JSON.parse(readFileSync(join(ROOT, 'schemas/app.schema.json'), 'utf8')) as object,
  );
  const value = parse(Object.values(EXAMPLES).join('')) as Record<string, object>;
  assert.equal(validate(value), true, JSON.stringify(validate.errors));
  for (const key of Object.keys(EXAMPLES)) {
    const misspelt = Array.isArray(value[key]) ? [{ zzz: 1 }] : { ...value[key], zzz: 1 };
    assert.equal(validate({ ...value, [key]: misspelt }), false, key);
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

test('arguments, questions and public metrics can be set (R7, R21)', () => {
  const app = `
validateArguments: true
asks: { maxPerMinute: 0 }
metrics: { public: true }
`;
  const { validatesArguments, asks, auth } = planOf({ app });
  assert.equal(validatesArguments, true);
  assert.deepEqual(asks, { maxPerMinute: 0 });
  assert.equal(auth.hasPublicMetrics, true);
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
  ['server: { publicUrl: "https://a.example/?b=1" }', /publicUrl: Give the address without/],
  ['server: { publicUrl: "https://u:p@a.example" }', /publicUrl: Give the address without/],
  ['server: { allowedHosts: ["http://a"] }', /allowedHosts\[0\]: Give a host name alone/],
  ['server: { allowedOrigins: ["*"] }', /allowedOrigins\[0\]: Give scheme, host and port/],
  ['server: { allowedOrigins: ["https://a/"] }', /allowedOrigins\[0\]: Give scheme, host and port/],
  ['server: { trustedProxies: [proxy] }', /trustedProxies\[0\]: Give an IP address/],
  ['server: { maxBodyBytes: 10 }', /maxBodyBytes: The least value allowed is 1024/],
  ['server: { tls: { cert: a } }', /server.tls.key: This is missing; give a text/],
  ['upstreams: { restartMinMs: 60000 }', /upstreams.restartMinMs: restartMinMs \(60000\) must not/],
  ['shutdown: { drainMs: .inf }', /shutdown.drainMs/],
  ['asks: { maxPerMinute: -1 }', /asks.maxPerMinute: The least value allowed is 0/],
  ['audit: { arguments: redact }', /audit.arguments: Give one of: .*Did you mean "redacted"/],
  ['metrics: { publc: true }', /metrics.publc: .*Did you mean "public"/],
  ['validateArguments: "yes"', /validateArguments: Write true or false, without quotes/],
  [
    'auth:\n  admins:\n    __proto__: {}',
    /^error 3:5 auth.admins.__proto__: Nothing can be named/m,
  ],
  [
    'permissions:\n  consumers:\n    __proto__: { block: [] }',
    /^error 3:5 permissions.consumers.__proto__: Nothing can be named/m,
  ],
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
