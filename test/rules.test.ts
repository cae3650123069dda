import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Visitor, type Expression } from 'oxc-parser';
import { importsOf, ROOT, sourcesUnder, type SourceFile } from './support/source-file.ts';

const RULES = 26;

/** Rules about what does not exist yet: no test can hold them. */
const LATER: Readonly<Record<string, string>> = {};

/** Rules of which a part does not exist yet. */
const PARTLY: readonly string[] = [];

const page = readFileSync(join(ROOT, 'docs/rules.md'), 'utf8');
const src = sourcesUnder('src');
const tests = sourcesUnder('test').filter(({ path }) => path.endsWith('.test.ts'));

/** The text of each rule, by its number. */
function rulesOf(text: string): Map<string, string> {
  const paragraphs = text.split('\n\n').map((each) => each.replaceAll('\n', ' '));
  const entries = paragraphs.flatMap((paragraph) => {
    const found = /^\*\*(R\d+)\.\*\* (.*)$/u.exec(paragraph);
    return found === null ? [] : [[found[1] ?? '', found[2] ?? ''] as const];
  });
  return new Map(entries);
}

/** The name of a test as it is written, with nothing in place of what is filled in. */
function nameOf(expression: Expression | undefined): string {
  if (expression?.type === 'Literal') return String(expression.value);
  if (expression?.type !== 'TemplateLiteral') return '';
  return expression.quasis.map(({ value }) => value.raw).join(' ');
}

/** The names of all tests in a file. */
function testNamesIn({ program }: SourceFile): string[] {
  const names: string[] = [];
  new Visitor({
    CallExpression: ({ callee, arguments: [first] }) => {
      const isTest =
        callee.type === 'Identifier' && (callee.name === 'test' || callee.name === 'it');
      if (isTest && first !== undefined && first.type !== 'SpreadElement')
        names.push(nameOf(first));
    },
  }).visit(program);
  return names;
}

function citationsIn(text: string): string[] {
  return [...text.matchAll(/\bR(?:[1-9]|[1-9]\d)\b/gu)].map(([rule]) => rule);
}

const rules = rulesOf(page);
const cited = new Set(tests.flatMap(testNamesIn).flatMap(citationsIn));

test(`docs/rules.md has the rules R1 to R${RULES}, each once and in order`, () => {
  const expected = Array.from({ length: RULES }, (_, index) => `R${index + 1}`);
  assert.deepEqual([...rules.keys()], expected);
  assert.equal(page.match(/^\*\*R\d+\.\*\*/gmu)?.length, RULES);
});

test('every rule about what exists is held by a test with its number in its name', () => {
  const unheld = [...rules.keys()].filter((rule) => !(rule in LATER) && !cited.has(rule));
  assert.deepEqual(unheld, []);
});

test('a rule about what does not exist yet says so on the page, and none of them is held by a test by mistake', () => {
  for (const [rule, reason] of Object.entries(LATER)) {
    assert.match(rules.get(rule) ?? '', /\*Not built yet/u, `${rule}: ${reason}`);
    assert.ok(!cited.has(rule), `${rule} is held by a test now: it is built`);
  }
  const unbuilt = [...rules]
    .filter(([, text]) => text.includes('*Not built yet'))
    .map(([rule]) => rule);
  assert.deepEqual(unbuilt.toSorted(), [...Object.keys(LATER), ...PARTLY].toSorted());
});

test('no code, page or test cites a rule that there is not', () => {
  const inSource = [...src, ...tests].flatMap(({ text }) =>
    [...text.matchAll(/docs\/rules\.md ((?:R\d+(?:, | and )?)+)/gu)].flatMap(([, list = '']) =>
      citationsIn(list),
    ),
  );
  for (const rule of [...inSource, ...cited, ...citationsIn(page)])
    assert.ok(rules.has(rule), `${rule} is cited, but docs/rules.md does not have it`);
});

test('a layer imports no other layer: what it needs it says in its own ports.ts (R4)', () => {
  const layers = [
    'session',
    'catalog',
    'policy',
    'upstream',
    'record',
    'store',
    'seal',
    'spine',
    'identity',
    'config',
  ];
  const faults = src.flatMap((file) => {
    const layer = file.path.split('/')[1] ?? '';
    if (!layers.includes(layer)) return [];
    return importsOf(file)
      .map(({ specifier }) => /^(?:\.\.\/)+(\w+)\//u.exec(specifier)?.[1] ?? layer)
      .filter((target) => target !== 'kernel' && target !== layer && layers.includes(target))
      .map((target) => `${file.path} imports ${target}`);
  });
  assert.deepEqual(faults, []);
});

test('the seal knows the kernel and node:crypto alone; the command line reaches a gateway by its Operator (R4)', () => {
  const importsUnder = (folder: string): string[] =>
    src
      .filter(({ path }) => path.startsWith(folder))
      .flatMap((file) => importsOf(file).map(({ specifier }) => specifier));
  assert.deepEqual(new Set(importsUnder('src/seal/')), new Set(['node:crypto']));
  const reached = importsUnder('src/cli/').filter((specifier) =>
    /^\.\.\/(?!kernel|config)/u.test(specifier),
  );
  assert.ok(
    // What works without a running gateway is put together in the wiring.
    reached.every((specifier) =>
      /^\.\.\/(?:gateway|admin\/ports|wiring\/[\w-]+)\.ts$/u.test(specifier),
    ),
    reached.join(),
  );
});

test('what a test demands for a figure of a requirement is a round ceiling, named where it stands (R24)', () => {
  const ceilings = tests.flatMap(({ text }) =>
    [...text.matchAll(/\/\*\* ([^*]*)\(docs\/rules\.md R24\)\. \*\/\nconst \w+ = ([\d_]+);/gu)].map(
      ([, why = '', value = '']) => ({ why, ms: Number(value.replaceAll('_', '')) }),
    ),
  );
  assert.ok(ceilings.length > 0, 'no ceiling is marked as one');
  for (const { why, ms } of ceilings) {
    assert.match(why, /^Five times /u);
    assert.equal(ms % 500, 0, `${ms} is five times no figure`);
  }
});

test('the bench prints absolute times, and no test asks it for them (R24)', () => {
  const report = readFileSync(join(ROOT, 'bench/report.ts'), 'utf8');
  for (const column of ['p50 ms', 'p99 ms', 'CPU us/call'])
    assert.ok(report.includes(`'${column}'`), column);
});
