import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { UriTemplate } from '../../../src/catalog/uri-template.ts';

const VALUE = fc.string({
  unit: fc.constantFrom(...'abz019-._~%é'.split('')),
  minLength: 1,
  maxLength: 8,
});
const LITERAL = fc.string({
  unit: fc.constantFrom(...':/xy.?=&!'.split('')),
  minLength: 1,
  maxLength: 5,
});

for (const [template, uri, values] of [
  ['test://{id}/data', 'test://7/data', ['7']],
  ['test://{id}/data', 'test://7/8/data', undefined],
  ['test://{id}/data', 'test:///data', undefined],
  ['test://{id}/data', 'test://7/data/', undefined],
  ['test://{id}/data', 'Test://7/data', undefined],
  ['test://{id}/data', 'test://7?x/data', undefined],
  ['file:///{+path}', 'file:///a/b/c.txt', ['a/b/c.txt']],
  ['file:///{+path}.md', 'file:///a.md/b.md', ['a.md/b']],
  ['x:{/a}', 'x:/one', ['/one']],
  ['x:{#frag}', 'x:#top', ['#top']],
  ['x:search{?q}', 'x:search?q=1', ['?q=1']],
  ['x:search{?q}', 'x:search', ['']],
  ['x:search{?q}', 'x:searching', undefined],
  ['x:{a}{?q}', 'x:one?q=2', ['one', '?q=2']],
  ['x:{a}{?q}', 'x:one', ['one', '']],
  ['{a}-{b}-{c}', 'one-two-three-four', ['one', 'two', 'three-four']],
  ['x:(a.b)*{id}', 'x:(a.b)*7', ['7']],
  ['x:(a.b)*{id}', 'x:(aXb)*7', undefined],
] as const) {
  test(`${template} ${values === undefined ? 'is not' : 'is'} the template of ${uri}`, () => {
    assert.deepEqual(new UriTemplate(template).match(uri), values);
  });
}

test('a text without an expression is the template of nothing', () => {
  for (const text of ['', 'x:plain', 'x:{unclosed', 'x:}{'])
    assert.equal(new UriTemplate(text).match(text), undefined, text);
});

test('what a URI was matched with fills the template to that very URI again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(LITERAL, VALUE), { minLength: 1, maxLength: 6 }),
      LITERAL,
      (parts, end) => {
        const template = new UriTemplate(parts.map(([text]) => `${text}{v}`).join('') + end);
        const uri = parts.map(([text, value]) => text + value).join('') + end;
        assert.equal(template.fill(parts.map(([, value]) => value)), uri);
        const values = template.match(uri);
        if (values !== undefined) assert.equal(template.fill(values), uri);
      },
    ),
  );
});

test('values whose signs the literals do not have come back as they went in', () => {
  const between = fc.string({
    unit: fc.constantFrom(...':/!'.split('')),
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(between, VALUE), { minLength: 1, maxLength: 6 }), (parts) => {
      const template = new UriTemplate(parts.map(([text]) => `${text}{v}`).join(''));
      const values = parts.map(([, value]) => value);
      assert.deepEqual(template.match(template.fill(values)), values);
    }),
  );
});

test('the literal texts can be changed and the expressions stay', () => {
  const template = new UriTemplate('file:///{+path}/x{?q,r}');
  assert.equal(template.mapText(encodeURIComponent), 'file%3A%2F%2F%2F{+path}%2Fx{?q,r}');
  assert.equal(
    template.mapText((text) => text),
    'file:///{+path}/x{?q,r}',
  );
});

test('whatever template and URI, matching throws nothing and ends in time', () => {
  const startedAt = performance.now();
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'{}+?/ab-,'.split('')) }),
      fc.string({ unit: fc.constantFrom(...'ab-/?'.split('')) }),
      (template, uri) => {
        const compiled = new UriTemplate(template);
        const values = compiled.match(uri);
        if (values !== undefined) assert.equal(compiled.fill(values), uri);
      },
    ),
    { numRuns: 2000 },
  );
  const bomb = new UriTemplate(`x:${'{+a},'.repeat(50)}y`);
  assert.equal(bomb.match(`x:${','.repeat(8000)}z`), undefined);
  assert.ok(performance.now() - startedAt < 5000);
});

test('a URI above 8,192 characters is of no template', () => {
  const template = new UriTemplate('x:{+a}');
  assert.equal(template.match(`x:${'a'.repeat(8190)}`)?.length, 1);
  assert.equal(template.match(`x:${'a'.repeat(8191)}`), undefined);
});
