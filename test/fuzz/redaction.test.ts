import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../src/kernel/json.ts';
import { canonicalJson } from '../../src/record/canonical-json.ts';
import { redact } from '../../src/record/redact.ts';
import { Scrubber, withoutCredentials } from '../../src/record/scrub.ts';

const RUNS = { seed: 20_260_728, numRuns: 1000 };
const CEILING_MS = 5000;

const around = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('"', '\\', '=', ':', ' ', '\n', '{', '[redacted]', '@', '…') }),
);
/** Texts that an operator may have as a secret: of any characters, but not of blanks alone. */
const secret = fc
  .oneof(
    fc.string({ unit: 'binary-ascii', minLength: 8, maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('a', '$', '\\', '"', '.', '*', '/', 'é'), minLength: 8 }),
  )
  .filter((text) => text.trim().length >= 8);

/** How a secret can stand in a text: as it is, in JSON, in JSON within JSON, in what is called Basic. */
const EMBEDDINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify({ header: text }),
  (text) => JSON.stringify(JSON.stringify([text])),
  (text) => JSON.stringify(JSON.stringify(JSON.stringify(text))),
  (text) => `Authorization: Bearer ${text}`,
  (text) => `https://user:${text}@host/?key=${text}`,
];

function forms(text: string): readonly string[] {
  const escaped = (value: string): string => JSON.stringify(value).slice(1, -1);
  const once = escaped(text);
  return [text, once, escaped(once), escaped(escaped(once))];
}

test('no secret survives in any text, whatever stands around it and however often it is written as JSON', () => {
  fc.assert(
    fc.property(
      secret,
      around,
      around,
      fc.constantFrom(...EMBEDDINGS),
      (hidden, before, after, embed) => {
        const scrubber = new Scrubber();
        scrubber.use([hidden]);
        // What is left of the text around it may be the same by chance, but for what was put there.
        if (forms(hidden).some((form) => `[redacted]${before}${after}`.includes(form))) return;
        const text = `${before} ${embed(hidden)} ${after}`;
        for (const left of [scrubber.text(text), scrubber.exact(text)])
          for (const form of forms(hidden))
            assert.ok(
              !left.includes(form),
              `${JSON.stringify(form)} is in ${JSON.stringify(left)}`,
            );
      },
    ),
    RUNS,
  );
});

test('texts are scrubbed once and for all: doing it again changes nothing', () => {
  const texts = fc.array(
    fc.oneof(around, fc.constantFrom('password=', 'token: ', 'sk-abcdefghijklmnopqrst', '?key=')),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(texts, (parts) => {
      const once = withoutCredentials(parts.join(''));
      assert.equal(withoutCredentials(once), once);
    }),
    RUNS,
  );
});

const keys = fc.constantFrom(
  'password',
  'apiKey',
  'Authorization',
  'x-secret',
  'name',
  'value',
  'a',
);
const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<Json>('SECRET-VALUE-1', 'plain', 1, null, true, ''),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(keys, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

test('arguments are redacted under every key that names a secret, at any depth, and stay JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(keys, tree, { noNullPrototype: true }), (args) => {
      const { value, isWhole } = redact(args);
      checkRedacted(value, false);
      if (isWhole) assert.deepEqual(value, args);
      assert.equal(JSON.stringify(redact(value).value), JSON.stringify(value));
    }),
    RUNS,
  );
});

function checkRedacted(value: Json | undefined, isUnderSecret: boolean): void {
  if (typeof value === 'string' && isUnderSecret) assert.match(value, /^(?:\[redacted\])?$/u);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value))
    checkRedacted(part, /password|apiKey|Authorization|secret/u.test(key));
}

test('texts made to take long are scrubbed soon', () => {
  const scrubber = new Scrubber();
  scrubber.use(['a'.repeat(100), 'p"a\\ss'.repeat(5)]);
  for (const part of [
    'a',
    'password',
    'password=',
    '-----BEGIN ',
    'https://',
    'https://a:',
    'Basic ',
    'Basic aaaaaaaa',
    '"\\',
    'eyJ',
    '[redacted]',
    'authorization: ',
    '?key=',
    '…',
  ]) {
    const started = performance.now();
    scrubber.text(part.repeat(Math.ceil(60_000 / part.length)));
    scrubber.exact(part.repeat(Math.ceil(60_000 / part.length)));
    assert.ok(performance.now() - started < CEILING_MS, part);
  }
});

test('the canonical form of a value is the same however its keys were ordered, and means the same', () => {
  const value = fc.dictionary(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '1', '')),
    fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>,
  );
  fc.assert(
    fc.property(value, (object) => {
      // What cannot be told from it in JSON is the same.
      const plain = JSON.parse(JSON.stringify(object)) as JsonObject;
      const turned = Object.fromEntries(Object.entries(plain).toReversed());
      const text = canonicalJson(plain);
      assert.equal(canonicalJson(turned), text);
      assert.equal(canonicalJson(JSON.parse(text) as Json), text);
      assert.deepEqual(JSON.parse(text), plain);
    }),
    RUNS,
  );
});
