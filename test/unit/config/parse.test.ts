import assert from 'node:assert/strict';
import test from 'node:test';
import { load, lines } from './plan-from.ts';

const BROKEN_JSON: readonly [text: string, expected: RegExp][] = [
  ['', /^error 1:1 : The file is empty/],
  ['{\n  "mcpServers": {\n', /^error 3:1 : A "}" is missing/],
  ['{"a": 1 "b": 2}', /^error 1:9 : A "," is missing/],
  ["{'a': 1}", /^error 1:2 : .*double quotes/],
  ['{"a": "b\n"}', /^error 1:7 : This text is not closed/],
  ['[]', /^error 1:1 : The file must hold a mapping/],
  ['{"a": {}, "b": 1,\n"a": {}}', /^error 2:1 a: "a" stands here again, after line 1/],
];

for (const [text, expected] of BROKEN_JSON) {
  test(`${JSON.stringify(text)} in mcp.json is an error with its place`, () => {
    const result = load({ servers: text });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).find((line) => line.startsWith('error')) ?? '', expected);
  });
}

const BROKEN_YAML: readonly [text: string, expected: RegExp][] = [
  ['- a', /^error 1:1 : The file must hold a mapping/],
  ['naming: flat\nnaming: prefix', /^error 2:1 naming: "naming" stands here again, after line 1/],
  ['sse:\n\tafterMs: 1', /^error 2:1 : This is not valid YAML: Tabs/],
  ['naming: *name', /^error 1:9 : No anchor of this name/],
  ['naming: flat\n---\nnaming: flat', /not valid YAML/],
  ['? [a]\n: 1', /Keys must be plain text/],
  ['sse: &a { b: *a }', /error 1:1 : .*repeats itself too often/],
];

for (const [text, expected] of BROKEN_YAML) {
  test(`${JSON.stringify(text)} in app.yaml is an error with its place`, () => {
    const result = load({ app: text });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

test('both files are checked, also when one cannot be read', () => {
  const result = load({ servers: '{', app: 'naming: x' });
  assert.deepEqual(
    result.problems.map(({ file }) => file),
    ['config/app.yaml', 'config/mcp.json'],
  );
});

test('aliases that multiply into millions of values are refused at once', () => {
  const levels = Array.from(
    { length: 9 },
    (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index},`.repeat(9)}]`,
  );
  const result = load({ app: ['l0: &l0 [x]', ...levels].join('\n') });
  assert.match(lines(result).join('\n'), /repeats itself too often/);
});

test('a file nested without end is an error, not a crash', () => {
  assert.match(lines(load({ servers: '['.repeat(200_000) })).join('\n'), /nested too deeply/);
  assert.equal(load({ app: '['.repeat(20_000) }).plan, undefined);
});

test('columns and lines hold with Windows line ends', () => {
  const result = load({ app: 'naming: flat\r\nlist:\r\n  pageSize: 0\r\n' });
  assert.deepEqual(lines(result), ['error 3:13 list.pageSize: The least value allowed is 1.']);
});
