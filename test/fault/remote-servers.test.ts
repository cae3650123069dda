import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import {
  FIXTURE,
  freePort,
  startNode,
  stop,
  type Started,
} from '../support/conformance-processes.ts';
import { legacyServer, listenFault, sendResult } from '../support/faults-http.ts';
import { connectLegacy } from '../support/gateway-clients.ts';
import {
  jsonOf,
  modernRequest,
  RawSession,
  textOf,
  type WireMessage,
} from '../support/gateway-session.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

interface State {
  readonly pid: number;
  readonly callsStarted: number;
  readonly sessions: number;
  readonly lastHeaders: Readonly<Record<string, string | undefined>>;
}

/** Five times the second in which a server must be back (docs/rules.md R24). */
const BACK_MS = 5_000;

interface Remote {
  readonly url: string;
  /** Kills the server and starts another in its place. */
  replace(): Promise<void>;
  kill(): Promise<void>;
}

async function remote(t: TestContext, ...args: readonly string[]): Promise<Remote> {
  const port = await freePort();
  let running: Started | undefined;
  const start = async (): Promise<void> => {
    const server = startNode([FIXTURE, ...args, '--port', String(port)]);
    running = server;
    await eventually('the remote server listened', 10_000, () =>
      server.output().includes('listening'),
    );
  };
  const kill = async (): Promise<void> => {
    running?.child.kill('SIGKILL');
    await running?.exited;
  };
  t.after(async () => {
    if (running !== undefined) await stop(running);
  });
  await start();
  return {
    url: `http://127.0.0.1:${port}/${args.includes('sse') ? 'sse' : 'mcp'}`,
    kill,
    replace: async () => {
      await kill();
      await start();
    },
  };
}

const KINDS = {
  'legacy HTTP': ['--era', 'legacy', '--transport', 'http'],
  'HTTP+SSE': ['--era', 'legacy', '--transport', 'sse'],
  'modern HTTP': ['--era', 'modern', '--transport', 'http'],
} as const;

for (const [kind, args] of Object.entries(KINDS)) {
  const isModern = kind === 'modern HTTP';

  test(`a ${kind} server that was restarted has forgotten everything: the next calls work all the same`, async (t) => {
    const server = await remote(t, ...args);
    const gateway = await TestGateway.start(t, { servers: { far: { url: server.url } } });
    await gateway.whenReady('far');
    const session = await RawSession.open(gateway.url);
    const call = (name: string, given = {}): Promise<WireMessage> =>
      isModern
        ? modernRequest(gateway.url, 'tools/call', { name: `far__${name}`, arguments: given })
        : session.call(`far__${name}`, given);
    const before = jsonOf<State>(await call('fixture_state'));
    await server.replace();
    const begin = performance.now();
    const answers = await Promise.all(
      [1, 2, 3, 4].map((number) => call('fixture_echo', { number })),
    );
    for (const [index, answer] of answers.entries())
      assert.match(
        textOf(answer),
        new RegExp(`"number":\\s*${index + 1}`, 'u'),
        JSON.stringify(answer),
      );
    assert.ok(performance.now() - begin < BACK_MS);
    const after = jsonOf<State>(await call('fixture_state'));
    assert.notEqual(after.pid, before.pid);
    assert.equal(after.callsStarted, 4, 'a call was sent twice');
  });

  test(`a ${kind} server killed in mid-call fails that call, others go on, and it is back when it is back`, async (t) => {
    const server = await remote(t, ...args);
    const gateway = await TestGateway.start(t, {
      servers: { far: { url: server.url }, near: echoServer() },
      app: { upstreams: { restartMaxMs: 500 } },
    });
    await gateway.whenReady('far', 'near');
    const session = await RawSession.open(gateway.url);
    const call = (name: string, given = {}): Promise<WireMessage> =>
      isModern
        ? modernRequest(gateway.url, 'tools/call', { name: `far__${name}`, arguments: given })
        : session.call(`far__${name}`, given);
    const lost = call('fixture_slow', { ms: 60_000 });
    await eventually(
      'the call ran',
      5_000,
      async () => jsonOf<State>(await call('fixture_state')).callsStarted === 1,
    );
    await server.kill();
    const answer = await lost;
    assert.equal(answer.error?.code, 1502, JSON.stringify(answer));
    assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
    assert.match(textOf(await session.call('near__echo', { text: 'fine' })), /^fine/u);
    await server.replace();
    await eventually(
      'its calls worked again',
      BACK_MS,
      async () => (await call('fixture_echo')).error === undefined,
    );
  });
}

test('a session the server has ended by itself is replaced without the client noticing, and no call runs twice', async (t) => {
  const server = await remote(t, ...KINDS['legacy HTTP']);
  const gateway = await TestGateway.start(t, { servers: { far: { url: server.url } } });
  await gateway.whenReady('far');
  const session = await RawSession.open(gateway.url);
  for (let round = 1; round <= 3; round += 1) {
    await session.call('far__fixture_echo');
    const { lastHeaders } = jsonOf<State>(await session.call('far__fixture_state'));
    const id = lastHeaders['mcp-session-id'];
    assert.ok(id);
    const ended = await fetch(server.url, { method: 'DELETE', headers: { 'mcp-session-id': id } });
    assert.equal(ended.status, 200);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, number) => session.call('far__fixture_echo', { number })),
    );
    for (const answer of answers) assert.equal(answer.error, undefined, JSON.stringify(answer));
    const state = jsonOf<State>(await session.call('far__fixture_state'));
    assert.equal(state.callsStarted, round * 9);
  }
});

test("a client's own session with a server that asks is replaced too when the server has forgotten it", async (t) => {
  const server = await remote(t, ...KINDS['legacy HTTP']);
  const gateway = await TestGateway.start(t, {
    servers: { far: { url: server.url, isolation: 'session' } },
  });
  await gateway.whenReady('far');
  const client = await connectLegacy(t, gateway, 'http', { roots: ['file:///mine'] });
  const roots = async (): Promise<string> =>
    textOf({ result: await client.call('far__fixture_roots') });
  assert.match(await roots(), /file:\/\/\/mine/u);
  await server.replace();
  assert.match(await roots(), /file:\/\/\/mine/u);
});

interface Broken {
  readonly answer: (response: ServerResponse, id: unknown) => unknown;
  readonly refusal: string;
}

const HEAD = { 'content-type': 'application/json' };
const BROKEN: Readonly<Record<string, Broken>> = {
  'breaks off in the middle of its JSON': {
    answer: (response) => {
      response.writeHead(200, { ...HEAD, 'content-length': '1000' });
      response.write('{"jsonrpc":"2.0",');
      setTimeout(() => response.destroy(), 50);
    },
    refusal: 'UPSTREAM_LOST',
  },
  'resets the connection': {
    answer: (response) => response.socket?.resetAndDestroy(),
    refusal: 'UPSTREAM_LOST',
  },
  'ends its stream without an answer': {
    answer: (response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n'),
    refusal: 'UPSTREAM_PROTOCOL',
  },
  'answers with a page': {
    answer: (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>'),
    refusal: 'UPSTREAM_PROTOCOL',
  },
  'answers with JSON that is no message': {
    answer: (response) => response.writeHead(200, HEAD).end('{"hello":"world"}'),
    refusal: 'UPSTREAM_PROTOCOL',
  },
  'answers with something that is not JSON': {
    answer: (response) => response.writeHead(200, HEAD).end('{"jsonrpc": "2.0", "id": }'),
    refusal: 'UPSTREAM_PROTOCOL',
  },
  'answers with an empty body': {
    answer: (response) => response.writeHead(200, HEAD).end(),
    refusal: 'UPSTREAM_PROTOCOL',
  },
  'answers with HTTP 500': {
    answer: (response) => response.writeHead(500).end('the database is on fire'),
    refusal: 'UPSTREAM_LOST',
  },
  'answers with HTTP 503': {
    answer: (response) => response.writeHead(503).end(),
    refusal: 'UPSTREAM_LOST',
  },
};

test('whatever a remote server does instead of answering, its caller is told at once, and the next call works', async (t) => {
  let next: Broken['answer'] | undefined;
  const fault = await listenFault(
    t,
    legacyServer((response, id) => {
      const broken = next;
      next = undefined;
      if (broken === undefined)
        sendResult(response, id, { content: [{ type: 'text', text: 'fine' }] });
      else broken(response, id);
    }),
  );
  const gateway = await TestGateway.start(t, { servers: { far: { url: fault.url } } });
  await gateway.whenReady('far');
  const session = await RawSession.open(gateway.url);
  const seen: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  for (const [how, { answer, refusal }] of Object.entries(BROKEN)) {
    next = answer;
    const begin = performance.now();
    const { error } = await session.call('far__fine');
    assert.ok(performance.now() - begin < BACK_MS, `a server that ${how}`);
    seen[how] = error?.data?.['refusal'];
    expected[how] = refusal;
    assert.match(error?.message ?? '', /"far"/u, how);
    assert.equal(textOf(await session.call('far__fine')), 'fine', `after a server that ${how}`);
  }
  assert.deepEqual(seen, expected);
});

test('an error that speaks of 401 concerns its call alone', async (t) => {
  const fault = await listenFault(
    t,
    legacyServer((response, id) => {
      response.writeHead(200, HEAD);
      const error = { code: -32000, message: 'The other side said 401 Unauthorized' };
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    }),
  );
  const gateway = await TestGateway.start(t, {
    servers: { far: { url: fault.url }, near: echoServer() },
  });
  await gateway.whenReady('far', 'near');
  const [one, two] = [await RawSession.open(gateway.url), await RawSession.open(gateway.url)];
  for (const session of [one, two, one]) {
    const { error } = await session.call('far__fine');
    assert.deepEqual(error, { code: -32000, message: 'The other side said 401 Unauthorized' });
    assert.match(textOf(await session.call('near__echo', { text: 'fine' })), /^fine/u);
  }
  assert.equal((await gateway.server('far')).phase, 'ready');
  assert.equal((await gateway.server('far')).restarts, 0);
});

test('a server that refuses access in mid-life is pending-auth, and says so to its callers', async (t) => {
  let isOpen = true;
  const fine = legacyServer((response, id) =>
    sendResult(response, id, { content: [{ type: 'text', text: 'fine' }] }),
  );
  const fault = await listenFault(t, (response, request, body) =>
    isOpen ? fine(response, request, body) : response.writeHead(401).end(),
  );
  const gateway = await TestGateway.start(t, {
    servers: { far: { url: fault.url } },
    app: { upstreams: { restartMinMs: 100, restartMaxMs: 300, pingIntervalMs: 300 } },
  });
  await gateway.whenReady('far');
  const session = await RawSession.open(gateway.url);
  assert.equal(textOf(await session.call('far__fine')), 'fine');
  isOpen = false;
  const { error } = await session.call('far__fine');
  assert.equal(error?.data?.['refusal'], 'UPSTREAM_UNAVAILABLE');
  assert.match(error?.message ?? '', /401/u);
  const { reason } = await gateway.whenServer('far', ({ phase }) => phase === 'pending-auth');
  assert.match(reason ?? '', /headers/u);
  isOpen = true;
  await gateway.whenReady('far');
  assert.equal(textOf(await session.call('far__fine')), 'fine');
});

test('an HTTP+SSE server that names an endpoint of another origin gets nothing sent there', async (t) => {
  const trap = await listenFault(t, (response) => response.writeHead(202).end());
  const fault = await listenFault(t, (response, request) => {
    if (request.method !== 'GET') return response.writeHead(405).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return response.write(`event: endpoint\ndata: ${trap.url}\n\n`);
  });
  const gateway = await TestGateway.start(t, {
    servers: { far: { url: fault.url, type: 'sse', headers: { authorization: 'Bearer secret' } } },
  });
  const { reason } = await gateway.whenServer('far', ({ phase }) => phase === 'failed');
  assert.match(reason ?? '', /another origin/u);
  assert.deepEqual(trap.requests, []);
});

test('connections to a server are kept alive, and never more than maxConnections carry calls', async (t) => {
  const sockets = new Set<unknown>();
  let open = 0;
  let most = 0;
  const fault = await listenFault(
    t,
    legacyServer((response, id) => {
      sockets.add(response.socket);
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        sendResult(response, id, { content: [{ type: 'text', text: 'fine' }] });
      }, 20);
    }),
  );
  const gateway = await TestGateway.start(t, {
    servers: { far: { url: fault.url, maxConnections: 3 } },
  });
  await gateway.whenReady('far');
  const session = await RawSession.open(gateway.url);
  for (let round = 0; round < 10; round += 1) await session.call('far__fine');
  assert.ok(sockets.size <= 3, `${sockets.size} connections for 10 calls one after the other`);
  const calls = Array.from({ length: 30 }, () => session.call('far__fine'));
  for (const answer of await Promise.all(calls)) assert.equal(textOf(answer), 'fine');
  assert.equal(most, 3);
  assert.ok(sockets.size <= 6, `${sockets.size} connections in all`);
});
