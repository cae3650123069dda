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
const SIGNS = '{}[]":,-&*!|>#\n\t ab1$'.split('');
const SCALARS = [
  'x',
  '*',
  '${A}',
  '${',
  'http://a',
  'allow',
  'stdio',
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

function checkSound(servers: string, app: string): void {
  const { plan, problems } = load({ servers, app });
  const errors = problems.filter(({ severity }) => severity === 'error');
  assert.equal(plan === undefined, errors.length > 0);
  for (const { file, line, column, message } of problems) {
    assert.ok((line ?? 1) >= 1 && (column ?? 1) >= 1, `${file}:${line}:${column}`);
    assert.match(message, /\S/);
  }
}
