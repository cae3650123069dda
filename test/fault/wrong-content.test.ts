import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { FaultScene } from '../support/fault-scene.ts';
import {
  EVENTS,
  eventOf,
  textResult,
  type Fault,
  type Incoming,
} from '../support/faulty-remote.ts';
import { textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';

const MIB = 1_048_576;
const JSON_HEAD = { 'content-type': 'application/json' };

const answering =
  (type: string, text: string | Buffer, headers: Record<string, string> = {}): Fault =>
  ({ response }) =>
    response.writeHead(200, { 'content-type': type, ...headers }).end(text);

const status =
  (code: number): Fault =>
  ({ response }) =>
    response.writeHead(code).end();

const strange =
  (make: (id: number) => unknown): Fault =>
  ({ response, id }) =>
    response.writeHead(200, JSON_HEAD).end(JSON.stringify(make(id ?? 0)));

const message = (id: unknown, text = 'stolen'): object => ({
  jsonrpc: '2.0',
  id,
  result: textResult(text),
});

const WRONG: Readonly<Record<string, Fault>> = {
  'a page': answering('text/html', '<h1>Welcome</h1>'),
  'a page that never ends': ({ response }) =>
    response.writeHead(200, { 'content-type': 'text/html' }).write('<h1>'),
  'an empty body': answering('application/json', ''),
  'an empty stream': answering('text/event-stream', ''),
  'no type at all': ({ response }) => response.writeHead(200).end('{}'),
  'HTTP 202': status(202),
  'HTTP 204': status(204),
  'half of JSON': answering('application/json', '{"jsonrpc":"2.0","id":1,'),
  'bytes that are no UTF-8': answering('application/json', Buffer.from([0xff, 0xfe, 0x7b])),
  'an empty array': strange(() => []),
  'an array of numbers': strange(() => [1, 2, 3]),
  'a text': strange(() => 'fine'),
  'an object that is no message': strange(() => ({ fine: true })),
  'an answer with another id': strange((id) => message(id + 1_000_000)),
  'an answer with its id as a text': strange((id) => message(String(id))),
  'a result without id': strange(() => message(null)),
  'two answers to others': strange((id) => [message(id + 7_000), message(id + 8_000)]),
};

test('what is no answer is told its caller as that, at once, and the next call works', async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  await Promise.all(
    scenes.map(async (scene) => {
      for (const fault of Object.values(WRONG))
        await scene.assertFault(fault, 'UPSTREAM_PROTOCOL', /answer/u);
      await scene.assertNothingLeft();
    }),
  );
});

const RIGHT: Readonly<Record<string, Fault>> = {
  'a type in capitals': ({ response, id }) =>
    response
      .writeHead(200, { 'content-type': 'Application/JSON; Charset=UTF-8' })
      .end(JSON.stringify(message(id, 'fine'))),
  'an array of one': strange((id) => [message(id, 'fine')]),
  'a stream in capitals, with a byte order mark and CRLF': ({ response, id }) =>
    response
      .writeHead(200, { 'content-type': 'TEXT/EVENT-STREAM' })
      .end(`\ufeff${eventOf(message(id, 'fine')).replaceAll('\n', '\r\n')}`),
  'its answer twice': strange((id) => [message(id, 'fine'), message(id, 'fine again')]),
};

test('what is unusual and yet an answer is taken as one', async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  for (const scene of scenes)
    for (const [how, fault] of Object.entries(RIGHT)) {
      scene.remote.onCall = fault;
      assert.equal(textOf(await scene.call()), 'fine', `${scene.name}: ${how}`);
    }
});

test("an answer that comes on another call's response reaches neither of the two", async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  for (const scene of scenes)
    for (const isStream of [false, true]) {
      let first: Incoming | undefined;
      scene.remote.onCall = (incoming) => {
        if (first === undefined) {
          first = incoming;
          return;
        }
        const { response } = incoming;
        const wrong = message(first.id, 'of another');
        if (isStream) response.writeHead(200, EVENTS).end(eventOf(wrong));
        else response.writeHead(200, JSON_HEAD).end(JSON.stringify(wrong));
      };
      const one = scene.call();
      await eventually('the first call was there', 5_000, () => first !== undefined);
      const two = await scene.call();
      assert.equal(two.error?.data?.['refusal'], 'UPSTREAM_PROTOCOL', JSON.stringify(two));
      if (first !== undefined) scene.remote.answer(first);
      assert.equal(textOf(await one), 'fine');
    }
});

test(
  'a body that is compressed is not unpacked, whatever it would become: its caller is told, and it costs nothing',
  ON_LINUX,
  async (t) => {
    const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
    // 1 GiB, in 64 parts of which each is whole.
    const part = gzipSync(Buffer.alloc(16 * MIB));
    const bomb = Buffer.concat(Array.from({ length: 64 }, () => part));
    for (const scene of scenes) {
      const before = residentMebibytes(scene.gateway.pid);
      for (const type of ['application/json', 'text/event-stream'])
        for (const encoding of ['gzip', 'br', 'gzip, gzip'])
          await scene.assertFault(
            answering(type, bomb, { 'content-encoding': encoding }),
            'UPSTREAM_PROTOCOL',
            /compressed/u,
          );
      const grown = residentMebibytes(scene.gateway.pid) - before;
      assert.ok(grown < 100, `${grown} MiB`);
      await scene.assertNothingLeft();
    }
  },
);

test('an answer nested beyond measure fails alone', async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  for (const scene of scenes) {
    scene.remote.onCall = ({ response, id }) =>
      response
        .writeHead(200, JSON_HEAD)
        .end(
          `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":{"a":${deep}}}}`,
        );
    const answer = await scene.call();
    assert.equal(
      answer.error?.data?.['refusal'],
      'UPSTREAM_PROTOCOL',
      JSON.stringify(answer).slice(0, 300),
    );
    scene.remote.onCall = undefined;
    await scene.assertWell();
  }
});
