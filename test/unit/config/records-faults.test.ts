import assert from 'node:assert/strict';
import test from 'node:test';
import { load, lines } from './plan-from.ts';

const ENV = {
  BAD_URL: 'mailto:who',
  BAD_HEADER: 'a\nb',
  BAD_DB: 'mysql://root:hunter2@db/x',
  EMPTY: '',
};

/** What is written, and the whole of what is said about it. */
const BAD: readonly [app: string, ...expected: string[]][] = [
  [
    'metrics: { maxLabelValues: 0 }',
    'error 1:28 metrics.maxLabelValues: The least value allowed is 1.',
  ],
  [
    'metrics: { maxLabelValues: 10001 }',
    'error 1:28 metrics.maxLabelValues: The greatest value allowed is 10000.',
  ],
  [
    'metrics: { mainPort: 1 }',
    'error 1:22 metrics.mainPort: Expected true or false, found a number.',
  ],
  [
    'tracing: { enabld: true }',
    'error 1:12 tracing.enabld: "enabld" is no key known here. Did you mean "enabled"?',
  ],
  [
    'tracing:\n  sampleRatio: 1.5',
    'error 2:16 tracing.sampleRatio: The greatest value allowed is 1.',
  ],
  [
    'tracing:\n  sampleRatio: -0.5',
    'error 2:16 tracing.sampleRatio: The least value allowed is 0.',
  ],
  [
    'tracing:\n  sampleRatio: "0.5"',
    'error 2:16 tracing.sampleRatio: Write a number, without quotes.',
  ],
  [
    'tracing: { endpoint: localhost:4318 }',
    'error 1:22 tracing.endpoint: Give an http or https address, such as http://localhost:4318/v1/traces.',
  ],
  [
    'tracing: { endpoint: "https://a:b@otlp.example" }',
    'error 1:22 tracing.endpoint: A login in the URL is not sent; use an Authorization header.',
  ],
  [
    'tracing: { enabled: true, endpoint: "${BAD_URL}" }',
    'error 1:37 tracing.endpoint: Give an http or https address, such as http://localhost:4318/v1/traces. It comes from a variable of the environment: correct that.',
  ],
  [
    'tracing: { enabled: true, endpoint: "${NOWHERE}" }',
    'error 1:37 tracing.endpoint: This needs the environment variable NOWHERE, which is not set; set it, or remove this key.',
  ],
  [
    'tracing:\n  enabled: true\n  headers:\n    Authorization: { fromEnv: OTLP_TOKEN }',
    'error 4:5 tracing.headers.Authorization: This needs the environment variable OTLP_TOKEN, which is not set; set it, or remove this key.',
  ],
  [
    'tracing: { enabled: true, headers: { a: "${BAD_HEADER}" } }',
    'error 1:41 tracing.headers.a: This holds a line break or another character no HTTP header can carry. It comes from a variable of the environment: correct that.',
  ],
  [
    'tracing: { headers: { "a b": c } }',
    'error 1:23 tracing.headers["a b"]: No HTTP header can have this name.',
  ],
  [
    'tracing: { headers: { a: 1 } }',
    'error 1:26 tracing.headers.a: Give a text in quotes, or {"fromEnv": "NAME"}.',
  ],
  ['tracing: { serviceName: "" }', 'error 1:25 tracing.serviceName: This must not be empty.'],
  ['tracing: { timeoutMs: 0 }', 'error 1:23 tracing.timeoutMs: The least value allowed is 1.'],
  [
    'logging: { level: verbose }',
    'error 1:19 logging.level: Give one of: trace, debug, info, warn, error, fatal, silent.',
  ],
  [
    'logging: { layers: { upstreams: debug } }',
    'error 1:22 logging.layers.upstreams: "upstreams" is no key known here. Did you mean "upstream"?',
  ],
  [
    'logging: { layers: { upstream: debg } }',
    'error 1:32 logging.layers.upstream: Give one of: trace, debug, info, warn, error, fatal, silent. Did you mean "debug"?',
  ],
  [
    'logging: { format: pretti }',
    'error 1:20 logging.format: Give one of: auto, json, pretty. Did you mean "pretty"?',
  ],
  [
    'audit: { onFailure: drop }',
    'error 1:21 audit.onFailure: Give one of: refuse, drop-and-count. Did you mean "drop-and-count"?',
  ],
  ['audit: { flushMs: 60001 }', 'error 1:19 audit.flushMs: The greatest value allowed is 60000.'],
  [
    'audit: { maxSegmentBytes: 100 }',
    'error 1:27 audit.maxSegmentBytes: The least value allowed is 4096.',
  ],
  [
    'audit:\n  retention: { maxBytes: 5000 }',
    'error 2:26 audit.retention.maxBytes: One file alone may grow to 67108864 bytes (audit.maxSegmentBytes), so 5000 bytes in all cannot be kept to; raise this or lower that.',
  ],
  [
    'audit: { retention: { maxAgeDays: 1.5 } }',
    'error 1:35 audit.retention.maxAgeDays: Expected a whole number, found a number.',
  ],
  [
    'audit: { syslog: {} }',
    'error 1:10 audit.syslog.host: This is missing. Give a text in quotes, or {"fromEnv": "NAME"}.',
  ],
  [
    'audit: { syslog: { host: "siem:514" } }',
    'error 1:26 audit.syslog.host: Give a host name or address alone, such as siem.example.com; the port has a key of its own.',
  ],
  [
    'audit: { syslog: { host: siem, port: 70000 } }',
    'error 1:38 audit.syslog.port: The greatest value allowed is 65535.',
  ],
  [
    'audit: { syslog: { host: siem, facility: 24 } }',
    'error 1:42 audit.syslog.facility: The greatest value allowed is 23.',
  ],
  [
    'audit: { syslog: { host: siem, protocol: http } }',
    'error 1:42 audit.syslog.protocol: Give one of: udp, tcp, tls.',
  ],
  [
    'audit: { syslog: { host: siem, appName: "a b" } }',
    'error 1:41 audit.syslog.appName: Give up to 48 characters of ASCII without spaces.',
  ],
  [
    'audit: { http: { url: siem } }',
    'error 1:23 audit.http.url: This is no URL; give one such as https://siem.example.com/audit.',
  ],
  [
    'audit: { http: { url: "https://siem", headers: { a: "${NOWHERE}" } } }',
    'error 1:53 audit.http.headers.a: This needs the environment variable NOWHERE, which is not set; set it, or remove this key.',
  ],
  [
    'audit: { http: { url: "${input:url}" } }',
    'error 1:23 audit.http.url: This wants "input:url", but nobody can be asked here.',
  ],
  [
    'tokens: { model: gpt-5 }',
    'error 1:18 tokens.model: Give provider and model, such as openai/gpt-5.',
  ],
  [
    'tokens: { model: 5 }',
    'error 1:18 tokens.model: Give provider and model, such as openai/gpt-5.',
  ],
  [
    'tokens: { model: { provider: openai, name: gpt-5 } }',
    'error 1:11 tokens.model.id: This is missing; give a text.',
    'error 1:38 tokens.model.name: "name" is no key known here. Known: provider, id.',
  ],
  [
    'tokens: { consumers: { alice: "/x" } }',
    'error 1:31 tokens.consumers.alice: Give provider and model, such as openai/gpt-5.',
  ],
  [
    'tokens: { prices: [{ model: a, input: "1", output: -1 }] }',
    'error 1:39 tokens.prices[0].input: Write a number, without quotes.',
    'error 1:52 tokens.prices[0].output: The least value allowed is 0.',
  ],
  [
    'tokens: { prices: [{ model: a, input: 1, output: 1, encoding: o200k }] }',
    'error 1:63 tokens.prices[0].encoding: Give one of: o200k_base, o200k_harmony, cl100k_base, p50k_base, p50k_edit, r50k_base. Did you mean "o200k_base"?',
  ],
  [
    'tokens:\n  prices:\n    - { provider: a, model: b, input: 1, output: 1 }\n    - { provider: A, model: b, input: 2, output: 2 }',
    'error 4:29 tokens.prices[1].model: Line 3 has a price of this model, and the first holds; keep one of the two.',
  ],
  [
    'usage: { database: "./usage.db" }',
    'error 1:20 usage.database: This is no address of a PostgreSQL database; give one such as postgres://mcpx:password@db.example.com/mcpx, or remove the key to keep a file in the data folder.',
  ],
  [
    'usage: { database: "${BAD_DB}" }',
    'error 1:20 usage.database: This is no address of a PostgreSQL database; give one such as postgres://mcpx:password@db.example.com/mcpx, or remove the key to keep a file in the data folder. It comes from a variable of the environment: correct that.',
  ],
  [
    'usage: { database: "${EMPTY}" }',
    'error 1:20 usage.database: This is no address of a PostgreSQL database; give one such as postgres://mcpx:password@db.example.com/mcpx, or remove the key to keep a file in the data folder. It comes from a variable of the environment: correct that.',
  ],
  [
    'usage: { database: "${USAGE_DATABASE_URL}" }',
    'error 1:20 usage.database: This needs the environment variable USAGE_DATABASE_URL, which is not set; set it, or remove this key.',
  ],
  [
    'usage: { retention: { minuteDays: 0 } }',
    'error 1:35 usage.retention.minuteDays: The least value allowed is 1.',
  ],
  ['usage: { maxSeries: 0 }', 'error 1:21 usage.maxSeries: The least value allowed is 1.'],
];

for (const [app, ...expected] of BAD) {
  test(`${JSON.stringify(app)} is an error in its place that says what to write, and quotes no value`, () => {
    const { plan, problems } = load({ app, env: ENV });
    assert.equal(plan, undefined);
    assert.deepEqual(lines({ problems }), expected);
    assert.ok(problems.every(({ file }) => file === 'config/app.yaml'));
    assert.doesNotMatch(lines({ problems }).join(), /hunter2/);
  });
}

test('what begins like a reference and is none is a warning', () => {
  const { plan, problems } = load({ app: 'tracing: { headers: { a: "${" } }' });
  assert.deepEqual(plan?.tracing.headers, { a: '${' });
  assert.deepEqual(lines({ problems }), [
    'warning 1:23 tracing.headers.a: A "${" here begins no reference to a variable and stays; write "$${" where it is meant.',
  ]);
});
