import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as fc from 'fast-check';
import { load } from '../unit/config/plan-from.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { Random } from './random.ts';

const RUNS = { seed: 20_260_728, numRuns: 200 };
/** Far above what any file takes to be read, also on a machine that is busy. */
const CEILING_MS = 10_000;

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const reference = read('docs/reference/configuration.md');
const blocks = (language: string): readonly string[] =>
  [...reference.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'gu'))].map(
    ([, text = '']) => text,
  );

/** The examples of the reference, the file a user starts with, and that file with everything in it switched on. */
const APPS = [
  ...blocks('yaml'),
  read('config/app.yaml'),
  read('config/app.yaml').replaceAll(/^# (?=[ \w])/gmu, ''),
];
const SERVERS = [...blocks('json'), read('config/mcp.json')].filter((text) =>
  text.includes('mcpServers'),
);
const ENV = { CRM_TOKEN: 'x'.repeat(20), API_KEY: 'a-shared-key-0123456789' };

function check(servers: string, app: string): void {
  const started = performance.now();
  const { plan, problems } = load({ servers, app, env: ENV });
  assert.ok(performance.now() - started < CEILING_MS, 'it took too long');
  const errors = problems.filter(({ severity }) => severity === 'error');
  assert.equal(plan === undefined, errors.length > 0);
  for (const { file, line, column, path, message } of problems) {
    assert.match(message, /\S/u);
    // It names the file, or the variable of the environment, and in a file the place.
    assert.ok(file !== '' && (line === undefined) === (column === undefined), message);
    if (line !== undefined && column !== undefined) assert.ok(line >= 1 && column >= 1, message);
    assert.equal(typeof path, 'string');
  }
}

test('the examples that are spoilt below are sound', () => {
  assert.ok(APPS.length > 10 && SERVERS.length > 0);
  for (const app of APPS.slice(0, -1)) check('{}', app);
});

test('an example with any bytes changed gives a plan, or errors that say where, soon', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(...SERVERS),
      fc.constantFrom(...APPS),
      (seed, one, two) => {
        const random = new Random(seed);
        check(mutateBytes(one, random, SERVERS), mutateBytes(two, random, APPS));
      },
    ),
    RUNS,
  );
});

test('an example with any values changed gives a plan, or errors that say where, soon', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(...SERVERS),
      fc.constantFrom(...APPS),
      (seed, one, two) => {
        const random = new Random(seed);
        const lines = two.split('\n');
        const [from, to] = [random.below(lines.length), random.below(lines.length)];
        // Lines in other places are other settings, or none.
        lines.splice(to, 0, ...lines.splice(from, 1 + random.below(4)));
        check(mutateJson(one, random, SERVERS), lines.join('\n'));
      },
    ),
    RUNS,
  );
});

test('files made to take long are refused soon', () => {
  const aliases = Array.from({ length: 20 }, (_, index) => {
    const before = index === 0 ? 'x' : `*a${index - 1}, *a${index - 1}`;
    return `a${index}: &a${index} [${before}]`;
  }).join('\n');
  for (const text of [
    aliases,
    '['.repeat(20_000),
    '{'.repeat(20_000),
    `a: ${'- '.repeat(20_000)}`,
    `a: "${'\\'.repeat(100_000)}`,
    '&a [*a]',
    `${'a'.repeat(200_000)}: 1`,
    'a: b\n'.repeat(2_000),
    `rules: [{ id: a, effect: deny, when: "${'('.repeat(5000)}" }]`,
    `rules: [{ id: a, effect: deny, tools: ["a/${'*'.repeat(5000)}"] }]`,
  ])
    check(text, text);
});
