import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { connect, stateOf, TRANSPORTS, type TestClient } from '../support/gateway-clients.ts';
import { jsonOf, RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX } from '../support/processes.ts';

const TOLD_MS = 10_000;
const TOOLS_CHANGED = 'notifications/tools/list_changed';

interface State {
  readonly pid: number;
  readonly methods: Readonly<Record<string, number>>;
}

/** The names of the servers whose tools are listed. */
function serversIn(tools: readonly string[]): string[] {
  return [...new Set(tools.map((name) => name.split('__')[0] ?? ''))].toSorted();
}

async function assertTold(
  client: TestClient,
  heardBefore: number,
  servers: string[],
): Promise<void> {
  await eventually(
    `the ${client.transport} client was told, and saw the tools of ${servers.join()}`,
    TOLD_MS,
    async () => {
      const isTold = client.heard.slice(heardBefore).some(({ method }) => method === TOOLS_CHANGED);
      return isTold && serversIn(await client.tools()).join() === servers.join();
    },
    () => client.heard.map(({ method }) => method),
  );
}

async function stateAt(session: RawSession, server: string): Promise<State> {
  return jsonOf<State>(await session.call(`${server}__fixture_state`));
}

function saidAll(gateway: TestGateway): string {
  return gateway
    .log()
    .map(({ msg }) => msg)
    .join('\n');
}

test('an edit that adds one server and removes another is told to clients of all transports, and disturbs no call on a third', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { kept: fixture('legacy'), removed: echoServer() },
  });
  await gateway.whenReady('kept', 'removed');
  const clients = await Promise.all(TRANSPORTS.map((transport) => connect(t, gateway, transport)));
  const before = await Promise.all(
    clients.map((client) => stateOf<State>(client, 'kept__fixture_state')),
  );
  for (const client of clients)
    assert.deepEqual(serversIn(await client.tools()), ['kept', 'removed']);
  const heard = clients.map((client) => client.heard.length);
  const calls = clients.map((client) => client.call('kept__fixture_slow', { ms: 4_000 }));

  await gateway.configure({ added: echoServer(), kept: fixture('legacy') });
  await Promise.all(
    clients.map((client, index) => assertTold(client, heard[index] ?? 0, ['added', 'kept'])),
  );
  for (const client of clients)
    assert.match(textOf({ result: await client.call('added__echo', { text: 'new' }) }), /^new/u);

  for (const result of await Promise.all(calls)) assert.equal(textOf({ result }), 'waited 4000 ms');
  const after = await Promise.all(
    clients.map((client) => stateOf<State>(client, 'kept__fixture_state')),
  );
  assert.deepEqual(
    after.map(({ pid }) => pid),
    before.map(({ pid }) => pid),
  );
  assert.ok(
    after.every(({ methods }) => methods['initialize'] === 1),
    'its connection was made anew',
  );
});

test('a call to a tool of a server that was removed is answered as an unknown one', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { kept: echoServer(), removed: echoServer() },
  });
  await gateway.whenReady('kept', 'removed');
  const session = await RawSession.open(gateway.url);
  await gateway.configure({ kept: echoServer() });
  const answer = await eventually('the call was refused', TOLD_MS, async () => {
    const found = await session.call('removed__echo', { text: 'x' });
    return found.error?.code === -32602 && found;
  });
  assert.equal(answer.error?.data?.['refusal'], 'TARGET_UNKNOWN');
});

test('a changed entry restarts that server alone, and calls in flight on it are told so', async (t) => {
  const servers = { one: fixture('legacy'), two: fixture('legacy') };
  const gateway = await TestGateway.start(t, { servers });
  await gateway.whenReady('one', 'two');
  const session = await RawSession.open(gateway.url);
  const [one, two] = [await stateAt(session, 'one'), await stateAt(session, 'two')];
  const lost = session.call('two__fixture_slow', { ms: 60_000 });
  const kept = session.call('one__fixture_slow', { ms: 3_000 });
  await gateway.configure({ ...servers, two: fixture('legacy', '--extra-tools', '1') });
  await eventually('the new entry was in force', TOLD_MS, async () =>
    (await session.tools()).includes('two__fixture_extra_0'),
  );
  assert.equal((await stateAt(session, 'one')).pid, one.pid);
  assert.notEqual((await stateAt(session, 'two')).pid, two.pid);
  assert.equal((await lost).error?.data?.['refusal'], 'UPSTREAM_LOST');
  assert.equal(textOf(await kept), 'waited 3000 ms');
});

const BAD_EDITS: Readonly<Record<string, { text: string; why: RegExp }>> = {
  'broken JSON': { text: '{\n  "mcpServers": {\n    "one": \n', why: /mcp\.json:\d+:\d+: error: / },
  'a wrong type': {
    text: '{\n  "mcpServers": {\n    "one": { "command": 42 }\n  }\n}\n',
    why: /mcp\.json:3:\d+: error: mcpServers\.one\.command: /u,
  },
  'an entry that leads nowhere': {
    text: '{\n  "mcpServers": {\n    "one": { }\n  }\n}\n',
    why: /mcp\.json:3:\d+: error: mcpServers\.one/u,
  },
};

for (const [name, { text, why }] of Object.entries(BAD_EDITS)) {
  test(`${name} in mcp.json keeps the last good plan, says why with file and line, and a mended file is taken over`, async (t) => {
    const gateway = await TestGateway.start(t, { servers: { one: fixture('legacy') } });
    await gateway.whenReady('one');
    const session = await RawSession.open(gateway.url);
    const { pid } = await stateAt(session, 'one');
    await writeFile(gateway.serversPath, text);
    await eventually('the edit was refused', TOLD_MS, () =>
      saidAll(gateway).includes('the last good one stays in force'),
    );
    assert.match(saidAll(gateway), why);
    assert.equal((await stateAt(session, 'one')).pid, pid);

    await gateway.configure({ one: fixture('legacy'), two: echoServer() });
    await eventually('the mended file was in force', TOLD_MS, async () =>
      (await session.tools()).includes('two__echo'),
    );
    assert.equal((await stateAt(session, 'one')).pid, pid);
  });
}

test('a bad app.yaml keeps the last good plan and says why', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { one: fixture('legacy') } });
  await gateway.whenReady('one');
  const session = await RawSession.open(gateway.url);
  const { pid } = await stateAt(session, 'one');
  await writeFile(gateway.appPath, 'naming: prefix\nlist:\n  firstWaitMs: soon\n');
  await eventually('the edit was refused', TOLD_MS, () =>
    saidAll(gateway).includes('the last good one stays in force'),
  );
  assert.match(saidAll(gateway), /app\.yaml:3:\d+: error: list\.firstWaitMs/u);
  assert.equal((await stateAt(session, 'one')).pid, pid);
});

test('an edit of app.yaml that concerns names alone renames, tells clients, and restarts nothing', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { one: fixture('legacy') } });
  await gateway.whenReady('one');
  const client = await connect(t, gateway, 'http');
  const { pid } = await stateOf<State>(client, 'one__fixture_state');
  await writeFile(gateway.appPath, 'naming: flat\n');
  await eventually(
    'the client was told',
    TOLD_MS,
    async () =>
      client.heard.some(({ method }) => method === TOOLS_CHANGED) &&
      (await client.tools()).includes('fixture_state'),
  );
  assert.equal((await stateOf<State>(client, 'fixture_state')).pid, pid);
});

test('another order of the same servers changes the order of the lists, and restarts nothing', async (t) => {
  const [one, two] = [fixture('legacy', '--name', 'one'), fixture('legacy', '--name', 'two')];
  const gateway = await TestGateway.start(t, { servers: { one, two } });
  await gateway.whenReady('one', 'two');
  const session = await RawSession.open(gateway.url);
  const before = [await stateAt(session, 'one'), await stateAt(session, 'two')];
  assert.match((await session.tools())[0] ?? '', /^one__/u);
  await gateway.configure({ two, one });
  await eventually('the lists were in the new order', TOLD_MS, async () =>
    (await session.tools())[0]?.startsWith('two__'),
  );
  const after = [await stateAt(session, 'one'), await stateAt(session, 'two')];
  assert.deepEqual(
    after.map(({ pid }) => pid),
    before.map(({ pid }) => pid),
  );
});

test(
  'a server switched off by an edit is stopped and leaves the lists; switched on, it is back',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { one: echoServer(), two: echoServer() },
    });
    await gateway.whenReady('one', 'two');
    const session = await RawSession.open(gateway.url);
    await gateway.configure({ one: echoServer(), two: { ...echoServer(), disabled: true } });
    const stopped = await gateway.whenServer('two', ({ phase }) => phase === 'stopped');
    assert.match(stopped.reason ?? '', /switched off/u);
    assert.deepEqual(await session.tools(), ['one__echo']);
    await eventually(
      'its process was gone',
      TOLD_MS,
      () =>
        descendantsOf(gateway.pid).filter(({ command }) => command.includes('echo-stdio'))
          .length === 1,
    );
    await gateway.configure({ one: echoServer(), two: echoServer() });
    await gateway.whenReady('two');
    assert.deepEqual(await session.tools(), ['one__echo', 'two__echo']);
  },
);

test('a file saved as editors do, written beside and renamed over, is taken over', async (t) => {
  const gateway = await TestGateway.start(t, { servers: { one: echoServer() } });
  await gateway.whenReady('one');
  const session = await RawSession.open(gateway.url);
  for (const name of ['two', 'three']) {
    const beside = join(gateway.folder, '.mcp.json.swp');
    await writeFile(
      beside,
      JSON.stringify({ mcpServers: { one: echoServer(), [name]: echoServer() } }),
    );
    await rename(beside, gateway.serversPath);
    await eventually(
      `"${name}" was there`,
      TOLD_MS,
      async () => (await session.tools()).join() === `one__echo,${name}__echo`,
    );
  }
});

test(
  'many edits in a row end in the plan of the last, with one process per server',
  ON_LINUX,
  async (t) => {
    const gateway = await TestGateway.start(t, {
      servers: { steady: fixture('legacy') },
      app: { upstreams: { shutdownGraceMs: 300 } },
    });
    await gateway.whenReady('steady');
    const session = await RawSession.open(gateway.url);
    const { pid } = await stateAt(session, 'steady');
    for (let edit = 0; edit < 30; edit += 1) {
      const entry = { ...echoServer(), env: { EDIT: String(edit) } };
      await gateway.configure({ steady: fixture('legacy'), [`flips${edit % 3}`]: entry });
      await new Promise((resolve) => setTimeout(resolve, edit % 4 === 0 ? 250 : 10));
    }
    await gateway.configure({ steady: fixture('legacy'), last: echoServer() });
    await eventually(
      'the last plan was in force',
      TOLD_MS,
      async () => serversIn(await session.tools()).join() === 'last,steady',
    );
    await eventually(
      'only its servers and the watchdog ran',
      TOLD_MS,
      () => descendantsOf(gateway.pid).length === 3,
      () => descendantsOf(gateway.pid),
    );
    assert.equal((await stateAt(session, 'steady')).pid, pid);
  },
);
