import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/kernel/json.ts';
import type { Message } from '../../../src/kernel/json-rpc.ts';
import { keepVerbatim, verbatim } from '../../../src/kernel/verbatim.ts';
import { textOf } from '../../../src/spine/written.ts';

const LONG = 'all work and no play '.repeat(4_000);

/** The result of a response with this text, kept as a connector does. */
function received(text: string): JsonObject {
  const message = JSON.parse(text) as Message & { result: JsonObject };
  keepVerbatim(message, text);
  return message.result;
}

function response(result: string): string {
  return `{"jsonrpc":"2.0","id":7,"result":${result}}`;
}

test('a long part of a result is written as it came, whatever the order of the members', () => {
  const content = `[{"type":"text","text":${JSON.stringify(LONG)},"n":12345678901234567890,"m":1.0}]`;
  const texts = [
    `{"jsonrpc":"2.0","id":7,"result":{"content":${content},"isError":false}}`,
    `{"result":{"isError":false,"content":${content}},"jsonrpc":"2.0","id":7}`,
    ` { "id" : 7 , "result" : { "a" : null , "content" : ${content} } , "jsonrpc":"2.0" } `,
    `{"id":7,"x":[1,{"result":[]}],"result":{"r\\u0065sult":{},"content":${content}},"jsonrpc":"2.0"}`,
  ];
  for (const text of texts) {
    const result = received(text);
    assert.equal(verbatim(result['content']), content, text.slice(0, 60));
    const written = textOf(result);
    assert.ok(written.includes(`"content":${content}`));
    assert.deepEqual(JSON.parse(written), result);
  }
});

test('what was changed on the way is written anew, what was not is not', () => {
  const long = JSON.stringify({ rows: [LONG] });
  const result = received(response(`{"structuredContent": ${long}, "content": [${long}]}`));
  const changed = { ...result, content: [], _meta: { seen: true }, none: undefined };
  assert.equal(textOf(changed), `{"structuredContent":${long},"content":[],"_meta":{"seen":true}}`);
  assert.equal(textOf({}), '{}');
});

test('of members of one name the last one counts', () => {
  const [first, last] = [
    ['first', LONG],
    ['last', LONG],
  ].map((value) => JSON.stringify(value));
  const twice = received(response(`{"content":${first},"content":${last}}`));
  assert.equal(verbatim(twice['content']), last);
  const short = received(response(`{"content":${first},"content":["short"]}`));
  assert.equal(verbatim(short['content']), undefined);
  const outer = received(
    `{"result":{"content":${first}},"result":{"content":${last}},"jsonrpc":"2.0","id":1}`,
  );
  assert.equal(textOf(outer), `{"content":${last}}`);
});

test('what is laid out over several lines, nested deep, short, or no result is not kept', () => {
  for (const gap of ['\n', '\r'])
    assert.equal(verbatim(received(response(`{"a":["${LONG}",${gap}1]}`))['a']), undefined);
  const deep = `${'['.repeat(600)}"${LONG}"${']'.repeat(600)}`;
  assert.equal(verbatim(received(response(`{"a":${deep}}`))['a']), undefined);
  assert.equal(verbatim(received(response(`{"a":["short"],"b":"${LONG}"}`))['a']), undefined);
  const text = `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","data":["${LONG}"]}}`;
  const error = JSON.parse(text) as { error: { data: Json } };
  keepVerbatim(error as unknown as Message, text);
  assert.equal(verbatim(error.error.data), undefined);
});

test('a text of which much would have to be looked at is not kept', () => {
  for (const part of [
    JSON.stringify(Array.from({ length: 50_000 }, (_, index) => index)),
    JSON.stringify(['"'.repeat(100_000)]),
    JSON.stringify(['\\"'.repeat(100_000)]),
    JSON.stringify(Array.from({ length: 50_000 }, () => '')),
  ])
    assert.equal(verbatim(received(response(`{"a":${part}}`))['a']), undefined);
});

/** A value as JSON with white space of any kind between its tokens. */
function laidOut(value: unknown, gap: string): string {
  if (Array.isArray(value))
    return `[${gap}${value.map((each) => laidOut(each, gap)).join(`${gap},`)}]`;
  if (typeof value !== 'object' || value === null) return `${JSON.stringify(value)}${gap}`;
  const members = Object.entries(value).map(
    ([name, each]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${laidOut(each, gap)}`,
  );
  return `{${members.join(`${gap},`)}${gap}}`;
}

test('however a result is laid out, it is written as what it means', () => {
  let kept = 0;
  const filler = fc.constantFrom(LONG, `${LONG}"${LONG}\\`, `\u2028é${LONG}`, `${LONG}\\"`);
  const results = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('content', 'result', 'id', '__proto__x')),
    fc.oneof(fc.jsonValue(), fc.tuple(fc.jsonValue(), filler, fc.jsonValue())),
    { maxKeys: 4 },
  );
  fc.assert(
    fc.property(
      results,
      fc.constantFrom('', ' ', '\t ', '\n'),
      fc.boolean(),
      (value, gap, isFirst) => {
        const result = laidOut(value, gap);
        const text = isFirst
          ? `{"result":${result},"jsonrpc":"2.0","id":1}`
          : `{${gap}"jsonrpc":"2.0","id":1${gap},"result":${result}}`;
        const found = received(text);
        for (const each of Object.values(found)) {
          const part = verbatim(each);
          if (part === undefined) continue;
          kept += 1;
          assert.deepEqual(JSON.parse(part), each);
          assert.doesNotMatch(part, /[\n\r]/u);
        }
        assert.deepEqual(JSON.parse(textOf(found)), JSON.parse(JSON.stringify(found)));
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(kept > 50, `only ${kept} parts were kept`);
});
