import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, SECRET } from '../support/raw-gateway.ts';
import { partOf, type JsonObject, type Rpc } from '../support/raw-http.ts';

/** `mcpx stdio`: the gateway for the client that started it, one message a line. */

/** The gateway as a child process, spoken to on its input and output. */
class StdioGateway {
  readonly child: ChildProcess;
  readonly messages: Rpc[] = [];
  readonly exited: Promise<number | null>;
  errors = '';
  #rest: string[] = [];
  readonly #heard: (() => void)[] = [];
  #lastId = 100;

  constructor(child: ChildProcess) {
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.on('exit', resolve);
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
  }

  static async start(t: TestContext, servers: object, args = ['stdio']): Promise<StdioGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-stdio-'));
    await writeFile(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: servers }));
    await writeFile(join(folder, 'app.yaml'), '');
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, ['bin/mcpx.js', ...args], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH,
        HOME,
        MCPX_TEST_SECRET: SECRET,
        SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
        APP_CONFIG_PATH: join(folder, 'app.yaml'),
        MCPX_DATA_DIR: join(folder, 'data'),
      },
    });
    const gateway = new StdioGateway(child);
    t.after(async () => {
      child.kill('SIGKILL');
      await gateway.exited;
      await rm(folder, { recursive: true, force: true });
    });
    return gateway;
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  send(body: unknown): void {
    this.write(`${JSON.stringify(body)}\n`);
  }

  begin(method: string, params: JsonObject = {}): number {
    this.#lastId += 1;
    this.send({ jsonrpc: '2.0', id: this.#lastId, method, params });
    return this.#lastId;
  }

  request(method: string, params: JsonObject = {}): Promise<Rpc> {
    const wanted = this.begin(method, params);
    return this.next(({ id, method }) => id === wanted && method === undefined);
  }

  async initialize(capabilities: JsonObject = {}): Promise<Rpc> {
    this.send(initializeBody({ capabilities }));
    const answer = await this.next(({ id }) => id === 0);
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  /** Begins a session and waits until the servers have been listed. */
  async ready(capabilities: JsonObject = {}): Promise<Rpc> {
    const answer = await this.initialize(capabilities);
    await this.request('tools/list');
    return answer;
  }

  /** The first message, past or to come, that a test accepts. */
  async next(accepts: (message: Rpc) => boolean): Promise<Rpc> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const found = this.messages.find(accepts);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`Late; got ${JSON.stringify(this.messages).slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #take(chunk: string): void {
    if (!chunk.includes('\n')) {
      this.#rest.push(chunk);
      return;
    }
    const lines = [...this.#rest, chunk].join('').split('\n');
    this.#rest = [lines.pop() ?? ''];
    // Whatever is not a message on standard output breaks a client: parsing must not fail.
    for (const line of lines) this.messages.push(JSON.parse(line) as Rpc);
    for (const heard of this.#heard.splice(0)) heard();
  }
}

const LEGACY = { it: fixtureEntry('legacy') };

test('a client that lists once right after the start sees the tools of all healthy servers (R14)', async (t) => {
  const gateway = await StdioGateway.start(t, {
    ...LEGACY,
    late: fixtureEntry('modern', '--start-delay', '500'),
    dead: { command: 'no-such-command-at-all' },
  });
  await gateway.initialize();
  const tools = partOf<{ name: string }[]>(await gateway.request('tools/list'), 'tools');
  const names = tools.map(({ name }) => name);
  assert.ok(names.includes('it__test_simple_text'), names.join(' '));
  assert.ok(names.includes('late__test_simple_text'), names.join(' '));
});

test('a call right after the start, from a client that never lists, waits for its server too (R14)', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  await gateway.initialize();
  const { result } = await gateway.request('tools/call', { name: 'it__test_simple_text' });
  assert.match(JSON.stringify(result), /simple text response/u);
});

test('standard output carries messages alone; the log goes to standard error and holds no secret', async (t) => {
  const secret = { fromEnv: 'MCPX_TEST_SECRET' };
  const entry = { ...fixtureEntry('legacy'), env: { FIXTURE_SECRET: secret } };
  const gateway = await StdioGateway.start(t, { it: entry });
  await gateway.ready();
  await gateway.request('tools/call', { name: 'it__fixture_stderr', arguments: { text: 'noise' } });
  await eventually('the log has the line', () => gateway.errors.includes('stderr: noise'));
  assert.ok(!gateway.errors.includes(SECRET));
  assert.ok(gateway.messages.every((message) => 'jsonrpc' in message));
});

test('a legacy client calls, is asked, hears progress and is told of changes', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  const { result } = await gateway.ready({ elicitation: {} });
  assert.equal(result?.['protocolVersion'], '2025-11-25');
  await gateway.request('tools/call', {
    name: 'it__fixture_slow',
    arguments: { ms: 60, progressEveryMs: 20 },
    _meta: { progressToken: 'p' },
  });
  const progress = gateway.messages.filter(({ method }) => method === 'notifications/progress');
  assert.deepEqual(
    progress.map(({ params }) => params?.['progress']),
    [20, 40, 60],
  );
  await gateway.request('tools/call', {
    name: 'it__fixture_add_tool',
    arguments: { name: 'added' },
  });
  await gateway.next(({ method }) => method === 'notifications/tools/list_changed');
  const wanted = gateway.begin('tools/call', {
    name: 'it__test_elicitation',
    arguments: { message: 'Who?' },
  });
  const asked = await gateway.next(({ method }) => method === 'elicitation/create');
  gateway.send({ jsonrpc: '2.0', id: asked.id, result: { action: 'cancel' } });
  const answer = await gateway.next(({ id, result }) => id === wanted && result !== undefined);
  assert.match(JSON.stringify(answer), /action: cancel/u);
});

test('a modern client needs no initialize: it discovers, calls, listens and cancels by message', async (t) => {
  const gateway = await StdioGateway.start(t, { it: fixtureEntry('modern') });
  const ask = (id: string, method: string, params: JsonObject = {}): Promise<Rpc> => {
    gateway.send(modernSent(method, params, { id }).body);
    return gateway.next((message) => message.id === id);
  };
  const discovered = await ask('d', 'server/discover');
  assert.deepEqual(discovered.result?.['supportedVersions'], ['2026-07-28']);
  gateway.send(
    modernSent('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: 'l' })
      .body,
  );
  await gateway.next(({ method }) => method === 'notifications/subscriptions/acknowledged');
  await ask('c', 'tools/call', { name: 'it__test_trigger_tool_change', arguments: {} });
  await gateway.next(({ method }) => method === 'notifications/tools/list_changed');
  const slow = { name: 'it__fixture_slow', arguments: { ms: 60_000 } };
  gateway.send(modernSent('tools/call', slow, { id: 'slow' }).body);
  const seen = async (): Promise<JsonObject> => {
    const id = `s${gateway.messages.length}`;
    const { result } = await ask(id, 'tools/call', { name: 'it__fixture_state', arguments: {} });
    return result?.['structuredContent'] as JsonObject;
  };
  await eventually('it has begun', async () => (await seen())['callsStarted'] === 2);
  gateway.send({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: 'slow' },
  });
  await eventually('the server knows', async () => (await seen())['cancelled'] === 1);
  assert.ok(gateway.messages.every(({ id }) => id !== 'slow'));
  assert.equal((await ask('n', 'no/such')).error?.code, -32601);
  const late = modernSent(
    'tools/list',
    {},
    { id: 'v', meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } },
  );
  gateway.send(late.body);
  assert.equal((await gateway.next(({ id }) => id === 'v')).error?.code, -32022);
});

test('what is no message is answered with an error and the client goes on', async (t) => {
  const gateway = await StdioGateway.start(t, {});
  await gateway.ready();
  for (const [line, code] of [
    ['nonsense', -32700],
    ['{"jsonrpc":"2.0","id":1}', -32600],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
    ['null', -32600],
  ] as const) {
    const before = gateway.messages.length;
    gateway.write(`${line}\n`);
    await eventually('it is answered', () => gateway.messages.length > before);
    const { id, error } = gateway.messages.at(-1) ?? {};
    assert.deepEqual([id, error?.code], [null, code], line);
  }
  gateway.write('\n\r\n   \n');
  assert.deepEqual((await gateway.request('ping')).result, {});
});

test('a message may come in pieces, many in one piece, with text of every language and CR at the end', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  await gateway.ready();
  const text = 'größe 你好 🙂';
  const call = (id: number): string =>
    JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'it__fixture_echo', arguments: { text } },
    });
  const bytes = Buffer.from(`${call(1)}\n${call(2)}\r\n${call(3)}\n`);
  for (let at = 0; at < bytes.length; at += 7) {
    gateway.child.stdin?.write(bytes.subarray(at, at + 7));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  for (const wanted of [1, 2, 3]) {
    const { result } = await gateway.next(({ id }) => id === wanted);
    const echoed = result?.['structuredContent'] as { arguments: { text: string } };
    assert.equal(echoed.arguments.text, text);
  }
});

test('a message of 20 MB passes both ways', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  await gateway.ready();
  const text = 'x'.repeat(20_000_000);
  const { result } = await gateway.request('tools/call', {
    name: 'it__fixture_echo',
    arguments: { text },
  });
  const echoed = result?.['structuredContent'] as { arguments: { text: string } };
  assert.equal(echoed.arguments.text.length, text.length);
});

test('an id still being answered is refused; a request before initialize and a second initialize are too', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  assert.equal(
    (await gateway.request('tools/list')).error?.data?.['refusal'],
    'SESSION_UNINITIALIZED',
  );
  await gateway.ready();
  const wanted = gateway.begin('tools/call', { name: 'it__fixture_slow', arguments: { ms: 300 } });
  gateway.send({ jsonrpc: '2.0', id: wanted, method: 'ping' });
  const refused = await gateway.next(({ id, error }) => id === wanted && error !== undefined);
  assert.equal(refused.error?.data?.['refusal'], 'DUPLICATE_ID');
  await gateway.next(({ id, result }) => id === wanted && result !== undefined);
  gateway.send({ ...initializeBody(), id: 'again' });
  const again = await gateway.next(({ id }) => id === 'again');
  assert.equal(again.error?.data?.['refusal'], 'DUPLICATE_INITIALIZE');
});

test('the end of input ends the gateway with code 0 and every server with it', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  await gateway.ready();
  const answer = await gateway.request('tools/call', { name: 'it__fixture_state' });
  const { pid } = partOf<{ pid: number }>(answer, 'structuredContent');
  gateway.child.stdin?.end();
  assert.equal(await gateway.exited, 0);
  assert.throws(() => process.kill(pid, 0), /ESRCH/u);
});

test('a call in flight when the input ends is answered or its server is told, and the end does not hang', async (t) => {
  const gateway = await StdioGateway.start(t, LEGACY);
  await gateway.ready();
  gateway.begin('tools/call', { name: 'it__fixture_slow', arguments: { ms: 60_000 } });
  const startedAt = performance.now();
  gateway.child.stdin?.end();
  assert.equal(await gateway.exited, 0);
  assert.ok(performance.now() - startedAt < 10_000);
});

test('a configuration with an error is told on standard error alone, with exit code 1', async (t) => {
  const gateway = await StdioGateway.start(t, { it: { command: 7 } });
  assert.equal(await gateway.exited, 1);
  assert.match(gateway.errors, /mcp\.json:1:\d+: error: mcpServers\.it\.command/u);
  assert.equal(gateway.messages.length, 0);
});
