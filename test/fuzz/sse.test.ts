import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { after } from 'node:test';
import * as fc from 'fast-check';
import { Agent } from 'undici';
import { isMessage, type Message } from '../../src/kernel/json-rpc.ts';
import { SseWriter } from '../../src/listen/sse-writer.ts';
import { Unread } from '../../src/listen/unread.ts';
import { startFetch } from '../../src/upstream/connectors/http-fetch.ts';
import { Lingering } from '../../src/upstream/connectors/lingering.ts';
import type { WireFailure } from '../../src/upstream/wire.ts';
import { eventsOf } from './event-parser.ts';

const RUNS = { seed: 20_260_728, numRuns: 150 };

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

let serve: Serve = () => undefined;
const server = createServer((request, response) => serve(request, response)).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
const dispatcher = new Agent();
after(async () => {
  await dispatcher.close();
  server.closeAllConnections();
  server.close();
});

interface Read {
  readonly messages: readonly Message[];
  readonly others: readonly (readonly [string, string])[];
  readonly lastId: string;
  readonly failure: WireFailure | undefined;
}

/** What the gateway makes of an event stream that comes in these chunks. */
function readBy(chunks: readonly Buffer[], maxBytes = 1_000_000): Promise<Read> {
  serve = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) response.write(chunk);
    response.end();
  };
  return new Promise((resolve) => {
    const messages: Message[] = [];
    const others: (readonly [string, string])[] = [];
    let lastId = '';
    const sink = {
      onMessage: (message: Message) => messages.push(message),
      onEvent: (name: string, data: string) => others.push([name, data]),
      onId: (id: string) => (lastId = id),
      onEnd: (failure: WireFailure | undefined) => resolve({ messages, others, lastId, failure }),
    };
    startFetch(
      { url, method: 'GET', headers: {}, body: undefined, sink },
      { dispatcher, origin: url.origin, maxBytes, lingering: new Lingering() },
    );
  });
}

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  let from = 0;
  return ends
    .toSorted((a, b) => a - b)
    .map((to) => {
      const part = bytes.subarray(from, to);
      from = to;
      return part;
    });
}

/** As eventsOf, but for what the gateway passes over: other names, no data, no message. */
function messagesOf(text: string): readonly unknown[] {
  return eventsOf(text)
    .filter(({ name }) => name === '' || name === 'message')
    .map(({ data }) => parsed(data))
    .filter((value) => isMessage(value));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const word = fc.string({ unit: 'binary', maxLength: 20 });
const plainWord = word.map((text) => text.replaceAll(/[\r\n]/gu, ' '));
const message = word.map((method) => JSON.stringify({ jsonrpc: '2.0', method }));
const line = fc.oneof(
  message.map((text) => `data: ${text}`),
  message.map((text) => `data:${text}`),
  plainWord.map((text) => `data: ${text}`),
  plainWord.map((text) => `: ${text}`),
  plainWord.map((text) => `id: ${text}`),
  fc.constantFrom('id: a\0b', 'id', 'data', 'event: message', 'event: other', 'event', 'retry: 10'),
  fc.constantFrom('retry: x', 'unknown: field', 'data : spaced', ' data: x', ':'),
  fc.constantFrom('', '', ''),
);
const endings = fc.array(fc.constantFrom('\n', '\r\n', '\r'), { minLength: 1, maxLength: 4 });
const places = fc.array(fc.nat(2000), { maxLength: 6 });

test('whatever a server writes into a stream, ended as it likes and cut anywhere, every whole message of it arrives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 20 }),
      endings,
      places,
      fc.boolean(),
      async (lines, ends, cuts, hasMark) => {
        const body = lines.map((text, index) => text + ends[index % ends.length]).join('');
        // One end of a line may not make two of what is to be one: CR before LF is one end.
        const text = `${hasMark ? '\ufeff' : ''}${body}\n\n`;
        const { messages, failure } = await readBy(cut(Buffer.from(text), cuts));
        assert.equal(failure, undefined);
        assert.deepEqual(messages, messagesOf(text));
      },
    ),
    RUNS,
  );
});

test('a message of many lines, ids with NUL, and events of other names are what the standard says', async () => {
  const text =
    'id: 1\ndata: {"jsonrpc":"2.0",\ndata: "method":"a"}\n\nid: 2\0\ndata: \n\nevent: endpoint\ndata: /x\n\n';
  const { messages, others, lastId } = await readBy([Buffer.from(text)]);
  assert.deepEqual(messages, [{ jsonrpc: '2.0', method: 'a' }]);
  assert.deepEqual(others, [['endpoint', '/x']]);
  assert.equal(lastId, '1');
});

test('a field that never ends is cut off at the bound for a message, soon and in any pieces', async () => {
  const piece = Buffer.from('x'.repeat(999));
  for (const begin of ['data: ', 'id: ', ': ', 'event: ', '']) {
    const chunks = [Buffer.from(begin), ...Array.from({ length: 2000 }, () => piece)];
    const { messages, failure } = await readBy(chunks, 1_000_000);
    assert.deepEqual(messages, []);
    assert.equal(failure?.kind, 'protocol', begin);
  }
});

test('what the gateway writes into a stream is read back the same by a reader of the standard', async () => {
  const texts = fc.array(
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
    { maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(texts, fc.option(fc.stringMatching(/^\d{1,5}$/u)), async (sent, prefix) => {
      serve = (_request, response) => {
        const unread = new Unread({ stalledMs: 60_000, maxUnreadBytes: 1_000_000 });
        const terms = { keepAliveMs: 0, maxBehindBytes: 1_000_000, unread };
        const writer = new SseWriter(response, terms, { 'x-other': '1' }, prefix ?? undefined);
        for (const [index, text] of sent.entries()) {
          writer.raw(': keep-alive\n\n');
          writer.write(index + 1, text);
        }
        writer.end();
      };
      const response = await fetch(url);
      const events = eventsOf(await response.text());
      assert.deepEqual(
        events.map(({ data }) => data),
        sent,
      );
      const ids = sent.map((_text, index) => (prefix === null ? '' : `${prefix}_${index + 1}`));
      assert.deepEqual(
        events.map(({ id }) => id),
        ids,
      );
    }),
    RUNS,
  );
});
