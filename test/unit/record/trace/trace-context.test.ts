import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  formatTraceparent,
  isBaggage,
  isTracestate,
  parseTraceparent,
  received,
} from '../../../../src/record/trace/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const GOOD = `00-${TRACE}-${SPAN}-01`;

const hex = (digits: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'.split('')), {
      minLength: digits,
      maxLength: digits,
    })
    .map((all) => all.join(''))
    .filter((text) => /[^0]/u.test(text));

test('a traceparent of version 00 is read in its four parts', () => {
  assert.deepEqual(parseTraceparent(GOOD), { traceId: TRACE, parentId: SPAN, flags: 1 });
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.flags, 0);
  assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.flags, 255);
});

test('a traceparent of a later version is read as far as it is known, whatever follows a dash', () => {
  const parts = { traceId: TRACE, parentId: SPAN, flags: 1 };
  for (const rest of ['', '-', '-what-the-future-will-be-like'])
    assert.deepEqual(parseTraceparent(`cc-${TRACE}-${SPAN}-01${rest}`), parts, rest);
});

/** Section 3.2.2 of the specification, and the cases of its own test suite. */
const INVALID: Readonly<Record<string, string>> = {
  nothing: '',
  'version ff': `ff-${TRACE}-${SPAN}-01`,
  'an upper-case version': `CC-${TRACE}-${SPAN}-01`,
  'a version that is no number': `.0-${TRACE}-${SPAN}-01`,
  'a version of one digit': `0-${TRACE}-${SPAN}-01`,
  'a version of three digits': `000-${TRACE}-${SPAN}-01`,
  'more than four fields in version 00': `${GOOD}-what-the-future`,
  'a dash at the end of version 00': `${GOOD}-`,
  'a dot after the flags of a later version': `cc-${TRACE}-${SPAN}-01.what-the-future`,
  'a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
  'a parent id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
  'an upper-case trace id': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  'an upper-case parent id': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
  'a trace id that is too short': `00-${TRACE.slice(1)}-${SPAN}-01`,
  'a trace id that is too long': `00-${TRACE}1-${SPAN}-01`,
  'a parent id that is too short': `00-${TRACE}-${SPAN.slice(1)}-01`,
  'a parent id that is too long': `00-${TRACE}-${SPAN}1-01`,
  'a trace id with another character': `00-.${TRACE.slice(1)}-${SPAN}-01`,
  'flags with another character': `00-${TRACE}-${SPAN}-.0`,
  'flags that are too short': `00-${TRACE}-${SPAN}-1`,
  'flags that are too long': `00-${TRACE}-${SPAN}-001`,
  'no flags': `00-${TRACE}-${SPAN}`,
  'other separators': GOOD.replaceAll('-', '_'),
  'a space before it': ` ${GOOD}`,
  'a line end after it': `${GOOD}\n`,
  'two in one': `${GOOD}, ${GOOD}`,
  'a line end in what follows': `cc-${TRACE}-${SPAN}-01-a\r\nx-evil: 1`,
  'far too much behind it': `cc-${TRACE}-${SPAN}-01-${'a'.repeat(5000)}`,
};

for (const [what, text] of Object.entries(INVALID))
  test(`a traceparent is ignored with ${what}`, () => {
    assert.equal(parseTraceparent(text), undefined);
  });

test('what is written as a traceparent is read as the same again, without flags nobody knows', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (traceId, parentId, flags) => {
      const text = formatTraceparent({ traceId, parentId, flags });
      assert.match(text, /^00-[\da-f]{32}-[\da-f]{16}-0[0-3]$/u);
      assert.deepEqual(parseTraceparent(text), { traceId, parentId, flags: flags & 3 });
    }),
  );
});

test('no text makes reading a traceparent fail, and what is read can be a header', () => {
  const near = fc
    .tuple(hex(32), hex(16), fc.string({ unit: 'binary' }))
    .map((all) => all.join('-'));
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    near.map((text) => `01-${text}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      if (parseTraceparent(text) !== undefined) assert.match(text, /^[\x21-\x7e]+$/u);
    }),
  );
});

test('a tracestate is taken as the specification writes it', () => {
  for (const text of [
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'rojo=1 , \tcongo=2',
    'fw529a3039@dt=FfAAAAAA',
    '0digit=1',
    'a_-*/=x',
    'foo=1,,bar=2',
    'foo= leading space',
    `${'z'.repeat(256)}=1`,
    `foo=${'v'.repeat(256)}`,
    Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(','),
  ])
    assert.equal(isTracestate(text), true, text);
});

test('a tracestate is discarded whole when a part of it is not valid', () => {
  for (const text of [
    '',
    ' , ',
    'foo',
    'foo=',
    '=1',
    'Foo=1',
    'foo =1',
    'foo=1=2',
    'foo=1;bar=2,b\u00e4r=1',
    'foo=bar\r\nx-evil: 1',
    'foo=\u007f',
    '@foo=1',
    `${'z'.repeat(257)}=1`,
    `foo=${'v'.repeat(257)}`,
    Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(','),
    `foo=1${' '.repeat(5000)}`,
  ])
    assert.equal(isTracestate(text), false, text);
});

test('baggage is taken as the specification writes it, and discarded when a part of it is not valid', () => {
  for (const text of [
    'userId=alice,serverNode=DF%2028,isProduction=false',
    'key1=value1;property1;property2 = x, key2 = value2',
    'a=',
    'a=b=c',
    Array.from({ length: 64 }, (_, index) => `k${index}=v`).join(','),
    `a=${'v'.repeat(8190)}`,
  ])
    assert.equal(isBaggage(text), true, text.slice(0, 100));
  for (const text of [
    '',
    'a',
    '=b',
    'a b=c',
    'a=b c',
    'a="b"',
    'a=b\\c',
    'a=b;',
    'a=b\r\nx-evil: 1',
    'a=\u00e4',
    Array.from({ length: 65 }, (_, index) => `k${index}=v`).join(','),
    `a=${'v'.repeat(8191)}`,
  ])
    assert.equal(isBaggage(text), false, text.slice(0, 100));
});

test('whatever is sent as tracestate or baggage, only what one header line can hold goes on', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      const text = `a=${one},b=${other}`;
      for (const isGood of [isTracestate, isBaggage])
        if (isGood(text)) assert.match(text, /^[\t\x20-\x7e]*$/u);
    }),
  );
});

test('judging long texts made to be hard to judge takes no longer than their length', () => {
  const hard = [
    `a=b${' '.repeat(8000)}\u0000`,
    `a=b${';a'.repeat(4000)}\u0000`,
    `a=b${' ;a ='.repeat(1600)}"`,
    `${'\t '.repeat(4000)}x`,
  ];
  const short = timeOf(() => hard.map((text) => isBaggage(text.slice(0, 100))));
  const long = timeOf(() => hard.map((text) => isBaggage(text)));
  // Eighty times as long: quadratic work would be 6,400 times.
  assert.ok(long < short * 2000 + 50, `${long} ms against ${short} ms`);
});

function timeOf(work: () => void): number {
  const begin = performance.now();
  for (let round = 0; round < 20; round += 1) work();
  return performance.now() - begin;
}

test('a context is what of it is valid, and none without a valid traceparent', () => {
  const baggage = 'a=b';
  const tracestate = 'foo=1';
  assert.deepEqual(received({ traceparent: GOOD, tracestate, baggage })?.context, {
    traceparent: GOOD,
    tracestate,
    baggage,
  });
  assert.deepEqual(received({ traceparent: GOOD, tracestate: 'Foo', baggage: 7 })?.context, {
    traceparent: GOOD,
    tracestate: undefined,
    baggage: undefined,
  });
  for (const traceparent of [undefined, 7, null, {}, 'x', INVALID['version ff']])
    assert.equal(received({ traceparent, tracestate, baggage }), undefined);
});
