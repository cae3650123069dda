import assert from 'node:assert/strict';
import test from 'node:test';
import { RawSession } from '../support/raw-clients.ts';
import { EventReader, type Event } from '../support/raw-events.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { begin, send } from '../support/raw-http.ts';

/** Event streams of the legacy protocol: when an answer becomes one, how it looks, how it is taken up again. */

const { port } = await gatewayForFile({
  app: 'sse:\n  afterMs: 300\n  keepAliveMs: 200\n  retryMs: 700\n  resumableMs: 1500\n',
});

const SLOW = 'it__fixture_slow';

function slowBody(session: RawSession, ms: number, progressEveryMs = 0) {
  const params = {
    name: SLOW,
    arguments: { ms, progressEveryMs },
    ...(progressEveryMs > 0 ? { _meta: { progressToken: 'p' } } : {}),
  };
  return session.body('tools/call', params);
}

function lastId(events: readonly Event[]): string {
  return events.findLast(({ id }) => id !== undefined)?.id ?? '';
}

test('an answer that nothing precedes comes as JSON (R15)', async () => {
  const session = await RawSession.open(port);
  const got = await session.post(session.body('tools/call', { name: 'it__test_simple_text' }));
  assert.deepEqual([got.status, got.headers['content-type']], [200, 'application/json']);
});

test('an answer that something precedes comes as a stream, in order, and the stream ends with it (R15)', async () => {
  const session = await RawSession.open(port);
  const stream = await session.stream(slowBody(session, 100, 25));
  await stream.ended;
  const kinds = stream.messages.map(({ method, result }) => method ?? (result ? 'result' : '?'));
  assert.deepEqual(kinds, [...Array.from({ length: 4 }, () => 'notifications/progress'), 'result']);
  assert.equal(stream.response.headers['x-accel-buffering'], 'no');
  assert.match(String(stream.response.headers['cache-control']), /no-cache/u);
  assert.equal(stream.response.headers['mcp-session-id'], session.id);
});

test('an answer not ready after sse.afterMs becomes a stream that is kept alive by comments (R15)', async () => {
  const session = await RawSession.open(port);
  const startedAt = performance.now();
  const stream = await session.stream(slowBody(session, 2000));
  const openedMs = performance.now() - startedAt;
  assert.ok(openedMs >= 250 && openedMs < 1500, `it became a stream after ${openedMs} ms`);
  await stream.next(({ comment }) => comment !== undefined);
  await stream.ended;
  assert.match(JSON.stringify(stream.messages), /waited 2000 ms/u);
});

test('every event of a POST stream has an id of its own; 2025-11-25 gets a priming event with retry', async () => {
  const session = await RawSession.open(port);
  const stream = await session.stream(slowBody(session, 60, 20));
  await stream.ended;
  const [first, ...rest] = stream.events;
  assert.deepEqual([first?.data, first?.retry], ['', 700]);
  assert.ok((first?.id ?? '').length > 0);
  const ids = stream.events.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(rest.every(({ id, data }) => id !== undefined && data !== ''));
});

for (const version of ['2025-06-18', '2025-03-26']) {
  test(`${version} does not know events without data and gets none`, async () => {
    const session = await RawSession.open(port, { version });
    const stream = await session.stream(slowBody(session, 60, 20));
    await stream.ended;
    assert.equal(stream.messages.length, 4);
    assert.ok(stream.events.every(({ data, comment }) => comment !== undefined || data !== ''));
  });
}

test('GET opens the stream for what belongs to no request and says when to come back', async () => {
  const session = await RawSession.open(port);
  const stream = await session.listen();
  assert.equal(stream.status, 200);
  assert.equal((await stream.next(({ retry }) => retry !== undefined)).retry, 700);
  await session.call('it__fixture_add_tool', { name: 'added_for_get' });
  const method = 'notifications/tools/list_changed';
  await stream.nextMessage((message) => message.method === method);
  await stream.next(({ comment }) => comment !== undefined);
  stream.break();
});

test('a GET that does not take event streams is refused with 406', async () => {
  const session = await RawSession.open(port);
  const headers = { ...session.headers, accept: 'application/json' };
  const got = await send(port, { method: 'GET', headers });
  assert.equal(got.status, 406);
  assert.match(got.text, /"refusal":"NOT_ACCEPTABLE"/u);
});

test('what is told while no stream is open is delivered once the client listens', async () => {
  const session = await RawSession.open(port);
  await session.call('it__fixture_add_tool', { name: 'added_before_get' });
  await eventually('the list has it', async () =>
    JSON.stringify(await session.request('tools/list')).includes('added_before_get'),
  );
  const stream = await session.listen();
  const method = 'notifications/tools/list_changed';
  await stream.nextMessage((message) => message.method === method);
  stream.break();
});

test('a second GET takes the place of the first one', async () => {
  const session = await RawSession.open(port);
  const first = await session.listen();
  const second = await session.listen();
  await first.ended;
  await session.call('it__fixture_add_tool', { name: 'added_for_second' });
  await second.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
  second.break();
});

test('a broken GET stream is taken up again after Last-Event-ID: nothing twice, nothing lost', async () => {
  const session = await RawSession.open(port);
  const changed = ({ data }: Event): boolean => data?.includes('list_changed') === true;
  const first = await session.listen();
  await session.call('it__fixture_add_tool', { name: 'added_resume_1' });
  const seen = await first.next(changed);
  first.break();
  await session.call('it__fixture_add_tool', { name: 'added_resume_2' });
  await eventually('the list has it', async () =>
    JSON.stringify(await session.request('tools/list')).includes('added_resume_2'),
  );
  const second = await session.listen(seen.id);
  const next = await second.next(changed);
  assert.notEqual(next.id, seen.id);
  second.break();
  const again = await session.listen(seen.id);
  assert.equal((await again.next(changed)).id, next.id, 'the same event has the same id');
  again.break();
});

test('a broken POST stream is taken up again after Last-Event-ID, up to the result', async () => {
  const session = await RawSession.open(port);
  const body = slowBody(session, 600, 50);
  const first = await session.stream(body);
  await first.next(({ data }) => data?.includes('"progress":100') === true);
  first.break();
  const seen = first.messages.length;
  const second = await session.listen(lastId(first.events));
  await second.nextMessage(({ id }) => id === body.id);
  await second.ended;
  const progress = [...first.messages.slice(0, seen), ...second.messages].flatMap(({ params }) =>
    params === undefined ? [] : [params['progress']],
  );
  assert.deepEqual(progress, [50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600]);
});

test('the priming event alone is enough to come back for an answer that was not there yet', async () => {
  const session = await RawSession.open(port);
  const body = slowBody(session, 900);
  const first = await session.stream(body);
  const primed = await first.next(({ id }) => id !== undefined);
  first.break();
  const second = await session.listen(primed.id);
  const answer = await second.nextMessage(({ id }) => id === body.id);
  assert.match(JSON.stringify(answer), /waited 900 ms/u);
  await second.ended;
});

test('an answer that came while nobody listened can still be had for a short time, then is gone (R15)', async () => {
  const session = await RawSession.open(port);
  const body = slowBody(session, 500);
  const first = await session.stream(body);
  const primed = await first.next(({ id }) => id !== undefined);
  first.break();
  const ended = await session.state();
  assert.equal(ended['cancelled'], 0);
  await eventually('the call is over', async () => {
    const again = await session.post({ jsonrpc: '2.0', id: body.id, method: 'ping' });
    return !again.text.includes('DUPLICATE_ID');
  });
  const second = await session.listen(primed.id);
  await second.nextMessage(({ id }) => id === body.id);
  await second.ended;
  await new Promise((resolve) => {
    setTimeout(resolve, 1700);
  });
  const third = await session.listen(primed.id);
  await third.next(({ comment }) => comment !== undefined);
  assert.ok(third.messages.every(({ id }) => id !== body.id));
  third.break();
});

test('a legacy client that goes away does not cancel its call: the server ends it in its own time (R15)', async () => {
  const session = await RawSession.open(port);
  const before = await session.state();
  const [asJson, asStream] = [slowBody(session, 200), slowBody(session, 200, 20)];
  const stream = await session.stream(asStream);
  await stream.next(({ data }) => data?.includes('progress') === true);
  stream.break();
  const controller = new AbortController();
  const gone = fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: { ...session.headers, 'content-type': 'application/json' },
    body: JSON.stringify(asJson),
    signal: controller.signal,
  });
  await eventually('both have begun', async () => {
    const { callsStarted } = await session.state();
    return Number(callsStarted) === Number(before['callsStarted']) + 2;
  });
  controller.abort();
  await assert.rejects(gone);
  await eventually('both ids are free again', async () => {
    const pings = await Promise.all(
      [asJson, asStream].map(({ id }) => session.post({ jsonrpc: '2.0', id, method: 'ping' })),
    );
    return pings.every(({ text }) => !text.includes('DUPLICATE_ID'));
  });
  const after = await session.state();
  assert.equal(after['cancelled'], before['cancelled']);
});

test('a question of the server and its answer go over the stream of the call', async () => {
  const session = await RawSession.open(port, { capabilities: { elicitation: {} } });
  const params = { name: 'it__test_elicitation', arguments: { message: 'Who?' } };
  const body = session.body('tools/call', params);
  const stream = await session.stream(body);
  const asked = await stream.nextMessage(({ method }) => method === 'elicitation/create');
  const content = { username: 'ada', email: 'ada@example.com' };
  const answer = { jsonrpc: '2.0', id: asked.id, result: { action: 'accept', content } };
  assert.equal((await session.post(answer)).status, 202);
  const result = await stream.nextMessage(({ id }) => id === body.id);
  assert.match(JSON.stringify(result), /action: accept.*ada@example.com/u);
  await stream.ended;
});

test('a Last-Event-ID nobody gave opens the stream as if there were none', async () => {
  const session = await RawSession.open(port);
  for (const id of ['nonsense', '999_999', '0_999', '-1_-1', '__proto__', '1_1_1']) {
    const response = await begin(port, {
      method: 'GET',
      headers: { ...session.headers, 'last-event-id': id },
    });
    assert.equal(response.statusCode, 200, id);
    const stream = new EventReader(response);
    await stream.next(({ retry }) => retry === 700);
    stream.break();
  }
});
