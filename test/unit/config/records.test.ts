import assert from 'node:assert/strict';
import test from 'node:test';
import type { Plan } from '../../../src/kernel/plan.ts';
import { load, lines, planOf } from './plan-from.ts';

test('the audit can be set as a whole, with both ways to send it on (R22)', () => {
  const app = `
audit:
  enabled: true
  arguments: full
  flushMs: 0
  onFailure: refuse
  maxSegmentBytes: 4096
  retention: { maxAgeDays: 30, maxBytes: 1000000 }
  syslog: { host: "\${SIEM}", port: 1514, protocol: tcp, facility: 16, appName: gate }
  http: { url: { fromEnv: SIEM_URL }, headers: { Authorization: "Bearer \${SIEM_KEY}" }, timeoutMs: 50 }
`;
  const env = { SIEM: 'siem.example.com', SIEM_URL: 'https://siem.example.com/in', SIEM_KEY: 'k1' };
  assert.deepEqual(planOf({ app, env }).audit, {
    isOn: true,
    arguments: 'full',
    flushMs: 0,
    onFailure: 'refuse',
    maxSegmentBytes: 4096,
    retention: { maxAgeDays: 30, maxBytes: 1_000_000 },
    syslog: {
      host: 'siem.example.com',
      port: 1514,
      protocol: 'tcp',
      facility: 16,
      appName: 'gate',
    },
    http: {
      url: 'https://siem.example.com/in',
      headers: { Authorization: 'Bearer k1' },
      timeoutMs: 50,
    },
  });
});

const FAILURES: readonly [
  app: string,
  env: Record<string, string>,
  expected: Plan['audit']['onFailure'],
][] = [
  ['', {}, 'drop-and-count'],
  ['', { API_KEY: 'a-key-of-sixteen-characters' }, 'refuse'],
  ['auth: { enabled: true }', {}, 'refuse'],
  ['auth: { enabled: true }\naudit: { onFailure: drop-and-count }', {}, 'drop-and-count'],
  ['audit: { onFailure: refuse }', {}, 'refuse'],
];

for (const [app, env, expected] of FAILURES) {
  const key = Object.keys(env).join() || 'no key';
  test(`${JSON.stringify(app)} and ${key}: when the audit fails, ${expected} (R22)`, () => {
    assert.equal(planOf({ app, env }).audit.onFailure, expected);
  });
}

const PORTS = [
  ['udp', 514],
  ['tcp', 601],
  ['tls', 6514],
] as const;

for (const [protocol, port] of PORTS) {
  test(`syslog over ${protocol} goes to port ${port} unless told otherwise`, () => {
    const { syslog } = planOf({
      app: `audit: { syslog: { host: "::1", protocol: ${protocol} } }`,
    }).audit;
    const rest = { host: '::1', facility: 13, appName: 'mcpx' };
    assert.deepEqual(syslog, { ...rest, protocol, port });
  });
}

test('the level of the file comes before LOG_LEVEL, and layers have their own', () => {
  const env = { LOG_LEVEL: 'warn' };
  const levels = (app: string): Plan['logging'] => planOf({ app, env }).logging;
  assert.deepEqual(levels(''), { level: 'warn', layers: {}, format: 'auto' });
  assert.deepEqual(
    levels(
      'logging: { level: debug, layers: { upstream: trace, exchange: silent }, format: json }',
    ),
    { level: 'debug', layers: { upstream: 'trace', exchange: 'silent' }, format: 'json' },
  );
});

test('metrics can be kept from the main port, and their labels bounded', () => {
  const { metrics, auth } = planOf({ app: 'metrics: { mainPort: false, maxLabelValues: 7 }' });
  assert.deepEqual(metrics, { isOnMainPort: false, maxLabelValues: 7 });
  assert.equal(auth.hasPublicMetrics, false);
});

test('traces can be set as a whole, and their values come from variables', () => {
  const app = `
tracing:
  enabled: true
  endpoint: "https://\${OTLP_HOST}/v1/traces"
  headers: { Authorization: "Bearer \${OTLP_TOKEN}", x-team: { fromEnv: TEAM } }
  sampleRatio: 0.25
  followParent: false
  serviceName: gate
  timeoutMs: 100
  maxQueue: 10
`;
  const env = { OTLP_HOST: 'otlp.example.com', OTLP_TOKEN: 't1', TEAM: 'x' };
  assert.deepEqual(planOf({ app, env }).tracing, {
    isOn: true,
    endpoint: 'https://otlp.example.com/v1/traces',
    headers: { Authorization: 'Bearer t1', 'x-team': 'x' },
    sampleRatio: 0.25,
    followsParent: false,
    serviceName: 'gate',
    timeoutMs: 100,
    maxQueue: 10,
  });
});

const OTEL = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
  OTEL_EXPORTER_OTLP_HEADERS: 'api-key=abc%20d, team = x',
  OTEL_SERVICE_NAME: 'gateway-7',
};

test('the variables of OpenTelemetry hold where app.yaml says nothing', () => {
  const { tracing } = planOf({ app: 'tracing: { enabled: true }', env: OTEL });
  assert.equal(tracing.endpoint, 'http://collector:4318/v1/traces');
  assert.deepEqual(tracing.headers, { 'api-key': 'abc d', team: 'x' });
  assert.equal(tracing.serviceName, 'gateway-7');
});

test('headers of the environment are not sent to a receiver that app.yaml names', () => {
  const app = 'tracing: { enabled: true, endpoint: "https://other.example/v1/traces" }';
  const { tracing } = planOf({ app, env: OTEL });
  assert.equal(tracing.endpoint, 'https://other.example/v1/traces');
  assert.deepEqual(tracing.headers, {});
});

test('variables of OpenTelemetry switch nothing on, and bad ones keep nothing from starting then', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector', OTEL_EXPORTER_OTLP_HEADERS: 'zzz' };
  const { plan, problems } = load({ env });
  assert.deepEqual(problems, []);
  assert.equal(plan?.tracing.isOn, false);
  assert.deepEqual(lines(load({ app: 'tracing: { enabled: true }', env })), [
    'error OTEL_EXPORTER_OTLP_ENDPOINT : This is no URL; give one such as http://localhost:4318.',
    'error OTEL_EXPORTER_OTLP_HEADERS : Give headers as name=value with commas between them; other signs in values are written with %, such as %20 for a space.',
  ]);
});

test('models are written as text or mapping, and prices keep their order', () => {
  const app = `
tokens:
  enabled: true
  maxExactBytes: 100
  maxQueue: 0
  model: OpenAI/gpt-5
  consumers: { alice: openrouter/meta/Llama, bob: { provider: Anthropic, id: claude } }
  prices:
    - { provider: OpenAI, model: "gpt-5*", input: 1.25, output: 10 }
    - { model: "*", input: 0, output: 0.5, encoding: cl100k_base }
`;
  assert.deepEqual(planOf({ app }).tokens, {
    isOn: true,
    maxExactBytes: 100,
    maxExactPerSecond: 250,
    maxQueue: 0,
    model: { provider: 'openai', id: 'gpt-5' },
    consumers: {
      alice: { provider: 'openrouter', id: 'meta/Llama' },
      bob: { provider: 'anthropic', id: 'claude' },
    },
    prices: [
      { provider: 'openai', model: 'gpt-5*', input: 1.25, output: 10, encoding: undefined },
      { provider: '*', model: '*', input: 0, output: 0.5, encoding: 'cl100k_base' },
    ],
  });
});

test('usage can go to PostgreSQL, at an address from the environment', () => {
  const app =
    'usage: { database: "${DB}", flushMs: 5, retention: { minuteDays: 1, hourDays: 2, dayDays: 3 }, maxSeries: 9 }';
  const DB = 'postgresql://mcpx:it@db.example.com:5432/mcpx?sslmode=require';
  assert.deepEqual(planOf({ app, env: { DB } }).usage, {
    isOn: true,
    database: DB,
    flushMs: 5,
    retention: { minute: 1, hour: 2, day: 3 },
    maxSeries: 9,
  });
});

test('in a section that is switched off, a missing variable is a warning', () => {
  const app = `
tracing: { enabled: false, headers: { Authorization: "\${OTLP_TOKEN}" } }
usage: { enabled: false, database: "\${DB}" }
audit: { enabled: false, http: { url: "\${URL}" } }
`;
  const { plan, problems } = load({ app });
  assert.deepEqual(lines({ problems }), [
    'warning 2:39 tracing.headers.Authorization: This needs the environment variable OTLP_TOKEN, which is not set; set it, or remove this key.',
    'warning 3:26 usage.database: This needs the environment variable DB, which is not set; set it, or remove this key.',
    'warning 4:34 audit.http.url: This needs the environment variable URL, which is not set; set it, or remove this key.',
  ]);
  assert.equal(plan?.usage.isOn, false);
});

test('what values took from variables is known, but for variables that hold no secret', () => {
  const app = 'tracing: { headers: { a: "x ${TOKEN}", b: "${LANG}", c: "${EMPTY}" } }';
  const env = { TOKEN: 't', LANG: 'C', EMPTY: '', OTHER: 'o', KEY: 'k' };
  const servers = { mcpServers: { it: { command: 'x', args: ['--key=${KEY}'] } } };
  assert.deepEqual(planOf({ app, env, servers }).fromEnvironment, ['t', 'k']);
});
