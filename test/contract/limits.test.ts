import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import {
  Client as SecondClient,
  SdkHttpError,
  StreamableHTTPClientTransport as SecondHttp,
} from '@modelcontextprotocol/client';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as FirstSse } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as FirstHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { join } from 'node:path';
import { ROOT } from '../support/conformance-processes.ts';
import { assertLimited, limitedForFile, type LimitRule } from '../support/limits-gateway.ts';
import { modernCall, modernSent, RawSession } from '../support/raw-clients.ts';
import { rpcOf, send, type JsonObject, type Rpc } from '../support/raw-http.ts';

const LIMIT = { timeout: 30_000 };
const HOURLY = { calls: 2, per: '1h' };

/** Every tool has counts of its own: each test uses one. */
const RULES: readonly LimitRule[] = [
  { id: 'hourly', tools: ['*/fixture_extra_*'], per: ['tool'], rate: HOURLY },
  {
    id: 'daily',
    tools: ['*/test_simple_text'],
    per: ['server'],
    budget: { window: 'day', calls: 2 },
  },
  { id: 'sized', tools: ['*/fixture_big'], maxResultBytes: 2_000 },
  { id: 'sized-shadow', mode: 'shadow', tools: ['*/fixture_big'], maxResultBytes: 1_000 },
  { id: 'asked', tools: ['new/test_input_required_*'], budget: { window: 'day', calls: 2 } },
  { id: 'shadowed', mode: 'shadow', tools: ['*/fixture_echo'], rate: { calls: 1, per: '1d' } },
  {
    id: 'reading',
    servers: ['new'],
    per: ['tool'],
    budget: { window: 'month', calls: 100 },
    warnAt: 1,
  },
];

const gateway = await limitedForFile({ rules: RULES });
const { port } = gateway;
const base = `http://127.0.0.1:${port}`;

interface Calling {
  call(name: string): Promise<JsonObject>;
}

async function first(
  t: TestContext,
  transport: FirstHttp | FirstSse | FirstStdio,
): Promise<Calling> {
  const client = new FirstClient({ name: 'first', version: '1.0.0' });
  await client.connect(transport);
  t.after(() => client.close());
  return { call: (name) => client.callTool({ name, arguments: {} }) };
}

async function second(t: TestContext, mode: 'legacy' | { pin: string }): Promise<Calling> {
  const client = new SecondClient(
    { name: 'second', version: '1.0.0' },
    { versionNegotiation: { mode } },
  );
  await client.connect(new SecondHttp(new URL(`${base}/mcp`)));
  t.after(() => client.close());
  return { call: (name) => client.callTool({ name, arguments: {} }) };
}

function stdio(): FirstStdio {
  const { PATH = '', HOME = '' } = process.env;
  const { folder } = gateway;
  const config = {
    SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
    APP_CONFIG_PATH: join(folder, 'app.yaml'),
  };
  return new FirstStdio({
    command: process.execPath,
    args: [join(ROOT, 'bin/mcpx.js'), 'stdio'],
    env: { PATH, HOME, ...config, MCPX_DATA_DIR: join(folder, 'data') },
    stderr: 'ignore',
  });
}

const CLIENTS: Readonly<Record<string, (t: TestContext) => Promise<Calling>>> = {
  'SDK v1 over streamable HTTP': (t) => first(t, new FirstHttp(new URL(`${base}/mcp`))),
  'SDK v1 over HTTP+SSE': (t) => first(t, new FirstSse(new URL(`${base}/sse`))),
  'SDK v1 over stdio': (t) => first(t, stdio()),
  'SDK v2 in the legacy era': (t) => second(t, 'legacy'),
};

describe(
  'a call over a limit fails for its client with what to do about it, and the next one works',
  LIMIT,
  () => {
    for (const [index, [name, open]] of Object.entries(CLIENTS).entries())
      test(name, LIMIT, async (t) => {
        const client = await open(t);
        const tool = `old__fixture_extra_${index}`;
        for (let call = 0; call < 2; call += 1) await client.call(tool);
        await assert.rejects(client.call(tool), (error: Rpc['error'] & Error) => {
          assert.equal(error.code, 1429);
          assert.match(
            error.message,
            /The limit "hourly" of 2 calls in 1 hour is reached\. Try again in \d+ minutes/u,
          );
          assert.equal(error.data?.['limit'], 'hourly');
          const wait = Number(error.data['retryAfterMs']);
          assert.ok(wait > 0 && wait <= 1_800_000, String(wait));
          return true;
        });
        await client.call(`old__fixture_extra_${index + 10}`);
      });

    test(
      'SDK v2 in the modern era, which tells the HTTP status with the error in its text',
      LIMIT,
      async (t) => {
        const client = await second(t, { pin: '2026-07-28' });
        for (let call = 0; call < 2; call += 1) await client.call('new__fixture_extra_0');
        await assert.rejects(client.call('new__fixture_extra_0'), (error: unknown) => {
          assert.ok(error instanceof SdkHttpError, String(error));
          assert.equal(error.status, 429);
          const { error: told } = JSON.parse(String(error.data.text)) as Rpc;
          assertLimited(told, 'hourly');
          return true;
        });
        await client.call('new__fixture_extra_1');
      },
    );
  },
);

test('a modern client is told by 429 and Retry-After, in whole seconds and never too few', async () => {
  for (let call = 0; call < 2; call += 1)
    assert.equal((await modernCall(port, 'new__fixture_extra_2')).status, 200);
  const refused = await modernCall(port, 'new__fixture_extra_2');
  assert.equal(refused.status, 429);
  const waitMs = assertLimited(rpcOf(refused).error, 'hourly');
  assert.equal(refused.headers['retry-after'], String(Math.ceil(waitMs / 1000)));
  assert.equal(refused.headers['content-type'], 'application/json');
});

test('a legacy client is told in the body alone, for SDKs take any other status for a broken connection', async () => {
  const session = await RawSession.open(port);
  for (let call = 0; call < 2; call += 1) await session.call('old__fixture_extra_8');
  const refused = await session.post(
    session.body('tools/call', { name: 'old__fixture_extra_8', arguments: {} }),
  );
  assert.equal(refused.status, 200);
  assert.equal(refused.headers['retry-after'], undefined);
  assertLimited(rpcOf(refused).error, 'hourly');
});

test('a budget says until the end of its window, and calls of both eras use it up together', async () => {
  const session = await RawSession.open(port);
  assert.ok((await session.call('old__test_simple_text')).result);
  assert.ok(rpcOf(await modernCall(port, 'old__test_simple_text')).result);
  const untilMidnight = 86_400_000 - (Date.now() % 86_400_000);
  const waitMs = assertLimited((await session.call('old__test_simple_text')).error, 'daily');
  assert.ok(Math.abs(waitMs - untilMidnight) < 60_000, `${waitMs} ms, and it is ${untilMidnight}`);
  assert.equal((await modernCall(port, 'old__test_simple_text')).status, 429);
  assert.ok((await session.call('new__test_simple_text')).result, 'the other server has its own');
});

test('answers of both eras say what is left, beside what their server says', async () => {
  const session = await RawSession.open(port);
  const old = (await session.call('old__fixture_extra_9')).result;
  const shown = old?.['_meta'] as JsonObject | undefined;
  assert.deepEqual(shown?.['mcpx/limits'], {
    hourly: { rate: { limit: 2, perMs: 3_600_000, left: 1 } },
  });
  const modern = rpcOf(await modernCall(port, 'new__fixture_unknown')).result;
  const meta = modern?.['_meta'] as JsonObject;
  const { reading } = meta['mcpx/limits'] as { reading: JsonObject };
  assert.deepEqual(reading['calls'], { limit: 100, used: 1, left: 99 });
  assert.match(String(reading['resetsAt']), /^\d{4}-\d{2}-01T00:00:00\.000Z$/u);
  assert.deepEqual(meta['example.com/trace'], { spans: [1, 2, 3] });
  const unlimited = (await session.call('old__test_image_content')).result;
  assert.equal((unlimited?.['_meta'] as JsonObject | undefined)?.['mcpx/limits'], undefined);
});

test('prompts and resources count, lists and completions do not', async () => {
  const used = async (): Promise<number> => {
    const { top } = await gateway.limit('reading');
    return top.reduce((sum, { budget }) => sum + (budget?.calls?.used ?? 0), 0);
  };
  const before = await used();
  const prompt = { name: 'new__test_simple_prompt', arguments: {} };
  assert.equal((await send(port, modernSent('prompts/get', prompt))).status, 200);
  const read = await send(port, modernSent('resources/read', { uri: 'test://static-text' }));
  assert.equal(read.status, 200, read.text);
  assert.equal(await used(), before + 1, 'the resource is that of the server `old`');
  await send(port, modernSent('tools/list'));
  const argument = { name: 'arg1', value: 'x' };
  const ref = { type: 'ref/prompt', name: 'new__test_prompt_with_arguments' };
  await send(port, modernSent('completion/complete', { ref, argument }));
  assert.equal(await used(), before + 1);
});

test('a result longer than allowed is withheld, naming the limit; a shadow only counts it', async () => {
  const session = await RawSession.open(port);
  for (const [bytes, isFit] of [
    [300, true],
    [1_500, true],
    [2_500, false],
  ] as const) {
    const answers = [
      await session.call('old__fixture_big', { bytes }),
      rpcOf(await modernCall(port, 'new__fixture_big', { bytes })),
    ];
    for (const { result, error } of answers) {
      assert.equal(result !== undefined, isFit, String(bytes));
      if (isFit) continue;
      assert.equal(error?.code, 1430);
      assert.equal(error.data?.['refusal'], 'RESULT_TOO_LARGE');
      assert.deepEqual([error.data['limit'], error.data['maxResultBytes']], ['sized', 2_000]);
    }
  }
  assert.equal((await gateway.limit('sized')).hits, 2);
  assert.equal((await gateway.limit('sized-shadow')).hits, 2);
});

test('a limit in shadow mode refuses nothing, and operators see what it would have', async () => {
  for (let call = 0; call < 5; call += 1)
    assert.equal((await modernCall(port, 'new__fixture_echo')).status, 200);
  const { hits, mode } = await gateway.limit('shadowed');
  assert.deepEqual([mode, hits], ['shadow', 4]);
});

test('a call that goes on over several rounds counts once, and only its own rounds are free', async () => {
  const name = 'new__test_input_required_result_elicitation';
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
  const ask = async (more: JsonObject): Promise<Rpc> =>
    rpcOf(await send(port, modernSent('tools/call', { name, arguments: {}, ...more }, { meta })));
  const left = async (): Promise<number | undefined> =>
    (await gateway.limit('asked')).top[0]?.budget?.calls?.left;
  const round = async (): Promise<JsonObject> => {
    const { result, error } = await ask({});
    assert.equal(result?.['resultType'], 'input_required', JSON.stringify(error));
    const questions = Object.keys(result['inputRequests'] as JsonObject);
    const answer = { action: 'accept', content: { name: 'Ada' } };
    const { requestState } = result;
    return {
      inputResponses: Object.fromEntries(questions.map((key) => [key, answer])),
      ...(requestState === undefined ? {} : { requestState }),
    };
  };
  const answers = await round();
  assert.equal(await left(), 1);
  assert.equal((await ask(answers)).result?.['resultType'], 'complete');
  assert.equal(await left(), 1, 'the second round is part of the first');
  await ask(answers);
  assert.equal(await left(), 0, 'sent once more it is a call like any other');
  assertLimited((await ask(answers)).error, 'asked');
});
