import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { SERVER_ENTRY } from '../../../src/config/server-entry.ts';
import { load } from './plan-from.ts';

const KEYS = [
  ...[
    'mcpServers',
    'servers',
    'command',
    'args',
    'env',
    'cwd',
    'url',
    'headers',
    'type',
    'disabled',
  ],
  ...[
    'isolation',
    'callTimeoutMs',
    'fromEnv',
    'a',
    '',
    '__proto__',
    'constructor',
    'toString',
    '1',
  ],
  ...[
    'permissions',
    'default',
    'base',
    'consumers',
    'allow',
    'block',
    'toolGroups',
    'name',
    'services',
  ],
  ...[
    'auth',
    'enabled',
    'toolExtensions',
    'childTools',
    'targetServerAttributes',
    'server',
    'sse',
    'upstreams',
  ],
];
/** Keys of the sections that decide who may do what, each under the section itself. */
const RULE_KEYS = ['id', 'effect', 'consumers', 'tools', 'servers', 'annotations', 'asks', 'when'];
const TEST_KEYS = ['name', 'groups', 'claims', 'at', 'may', 'mayNot', 'tool', 'resource', 'args'];
const ISSUER_KEYS = ['issuer', 'audience', 'algorithms', 'jwksUri', 'clockToleranceSec'];
const PARAM_KEYS = [
  'value',
  'default',
  'hidden',
  'rename',
  'enum',
  'minimum',
  'maximum',
  'pattern',
];
/** Keys of the sections that say what is recorded and how much may be used. */
const LIMIT_KEYS = ['id', 'per', 'rate', 'concurrency', 'budget', 'servers', 'tools', 'warnAt'];
const RECORD_KEYS = ['enabled', 'endpoint', 'headers', 'database', 'retention', 'layers', 'level'];
const TOKEN_KEYS = ['enabled', 'model', 'consumers', 'prices', 'maxQueue'];
const SYSLOG_KEYS = ['host', 'port', 'url', 'headers', 'protocol', 'timeoutMs'];
const SIGNS = '{}[]":,-&*!|>#\n\t ab1$'.split('');
const SCALARS = [
  'x',
  '*',
  '${A}',
  '${',
  'http://a',
  'allow',
  'stdio',
  'deny',
  'a/b',
  '*/x',
  'args.a == 1',
  '2026-01-31T22:30',
  '${principal.name}',
  '',
  0,
  -1,
  1e300,
  true,
  null,
];

/** Values made of the words the files use, so that checks behind the first one are reached. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(...SCALARS),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 4 })
      .map((pairs) => Object.fromEntries(pairs)),
  ),
}));

const ANY = { requiredKeys: [] };

test('any text as a file gives a plan or an error, never an exception', () => {
  const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...SIGNS) }));
  fc.assert(
    fc.property(texts, texts, (servers, app) => checkSound(servers, app)),
    { numRuns: 500 },
  );
});

test('any JSON and YAML gives a plan or an error, never an exception', () => {
  const both = fc.tuple(value, value);
  fc.assert(
    fc.property(both, ([servers, app]) => checkSound(JSON.stringify(servers), stringify(app))),
    { numRuns: 1000 },
  );
});

test('no other key beside a sound entry brings the gateway down', () => {
  const foreign = KEYS.filter((key) => !Object.hasOwn(SERVER_ENTRY.shape, key));
  const entries = fc.dictionary(fc.constantFrom(...foreign), value);
  fc.assert(
    fc.property(entries, (entry) => {
      const servers = { mcpServers: { it: { ...entry, command: 'x' } } };
      assert.equal(load({ servers }).plan?.servers.length, 1);
    }),
  );
});

test('sections made of their own words give a plan or an error in its place, never an exception', () => {
  const item = (keys: readonly string[]): fc.Arbitrary<object> =>
    fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: keys.length });
  const params = fc.dictionary(fc.constantFrom('a', 'b'), item(PARAM_KEYS));
  const children = fc.array(fc.record({ name: fc.constantFrom('a', 'b'), overrideParams: params }));
  const app = fc.record(
    {
      rules: fc.array(item(RULE_KEYS), { maxLength: 3 }),
      tests: fc.array(item(TEST_KEYS), { maxLength: 3 }),
      auth: fc.record({ jwt: fc.array(item(ISSUER_KEYS), { maxLength: 2 }) }),
      limits: fc.record({ rules: fc.array(item(LIMIT_KEYS), { maxLength: 3 }) }),
      audit: fc.record({ syslog: item(SYSLOG_KEYS), http: item(SYSLOG_KEYS) }, ANY),
      logging: item(RECORD_KEYS),
      tracing: item(RECORD_KEYS),
      tokens: item(TOKEN_KEYS),
      usage: item(RECORD_KEYS),
      toolExtensions: children.map((childTools) => ({ services: { a: { b: { childTools } } } })),
    },
    ANY,
  );
  fc.assert(
    fc.property(app, (app) => checkSound('{}', stringify(app))),
    { numRuns: 200 },
  );
});

function checkSound(servers: string, app: string): void {
  const { plan, problems } = load({ servers, app });
  const errors = problems.filter(({ severity }) => severity === 'error');
  assert.equal(plan === undefined, errors.length > 0);
  for (const { file, line, column, message } of problems) {
    assert.ok((line ?? 1) >= 1 && (column ?? 1) >= 1, `${file}:${line}:${column}`);
    assert.match(message, /\S/);
  }
}
