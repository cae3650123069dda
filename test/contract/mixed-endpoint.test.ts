import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { differencesOf, namesIn, type Difference } from '../support/eras-diff.ts';
import {
  FIXTURES,
  listAll,
  MIXED,
  openMixedHouse,
  settle,
  type MixedHouse,
} from '../support/eras-mixed.ts';
import { saysAda } from '../support/eras-modern-server.ts';
import {
  structured,
  textOf,
  type Answers,
  type Heard,
  type Peer,
} from '../support/fidelity-peer.ts';

type JsonObject = Record<string, unknown>;

const LIMIT = { timeout: 30_000 };
const META = 'io.modelcontextprotocol/';

/** Ada's answers, as a client of either era gives them. */
const ANSWERS: Answers = Object.fromEntries(
  ['elicitation/create', 'sampling/createMessage', 'roots/list'].map((method) => [
    method,
    (params: JsonObject) => saysAda({ method, params }),
  ]),
);

/** What every result of 2026-07-28 has and those of 2025-11-25 lack: its type, and who answers. */
const OF_RESULTS: readonly Difference[] = ['resultType: modern alone', '_meta: modern alone'];
/** What results that may be kept have besides. */
const OF_CACHEABLE: readonly Difference[] = [
  ...OF_RESULTS,
  'ttlMs: modern alone',
  'cacheScope: modern alone',
];

/** Tools that can be called as tasks of 2025-11-25 alone: 2026-07-28 has none, and its clients no such tools. */
const TASK_ONLY: readonly string[] = [
  'oldlocal__fixture_task_required',
  'everything__simulate-research-query',
  'oldremote__fixture_task_required',
];

/** What tools say of tasks is in the lists of the era that has them. */
function differencesOfTasks(tools: readonly JsonObject[]): Difference[] {
  return tools.flatMap(({ name, execution }): Difference[] => {
    if (TASK_ONLY.includes(String(name))) return [`tools > ${String(name)}: legacy alone`];
    return execution === undefined ? [] : [`tools > ${String(name)} > execution: legacy alone`];
  });
}

const LISTS = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
] as const;

/** Tools of the fixture that answer the same at every call. */
const STEADY_TOOLS: Readonly<Record<string, JsonObject>> = {
  test_simple_text: {},
  test_image_content: {},
  test_audio_content: {},
  test_embedded_resource: {},
  test_multiple_content_types: {},
  test_error_handling: {},
  test_tool_with_logging: {},
  test_tool_with_progress: {},
  json_schema_2020_12_tool: { name: 'Ada', contactMethod: 'email', email: 'ada@example.com' },
  fixture_resource_link: {},
  fixture_view: {},
  fixture_big: { bytes: 100_000 },
};

/** Tools of the fixture that ask, each in the way of its era. A legacy server that asks has a process for each client from then on. */
const ASKING_TOOLS: Readonly<Record<string, JsonObject>> = {
  test_elicitation: { message: 'Who are you?' },
  test_sampling: { prompt: 'Speak' },
  test_input_required_result_elicitation: {},
  test_input_required_result_sampling: {},
  test_input_required_result_list_roots: {},
  test_input_required_result_multiple_inputs: {},
  test_input_required_result_multi_round: {},
  test_input_required_result_request_state: {},
};

test('a difference is found wherever it is, and items are matched by what names them', () => {
  const item = { name: 'a', deep: { list: [1, { x: 1 }] } };
  const other = { name: 'b' };
  assert.deepEqual(differencesOf({ items: [item, other] }, { items: [other, item] }), []);
  assert.deepEqual(
    differencesOf(
      { items: [item, other], old: 1, same: [1, 2] },
      { items: [{ name: 'a', deep: { list: [1, { x: 2 }] } }], new: 1, same: [1, 2, 3] },
    ),
    [
      'items > a > deep > list > 1 > x: unlike',
      'items > b: legacy alone',
      'old: legacy alone',
      'same > 2: modern alone',
      'new: modern alone',
    ],
  );
});

let house: MixedHouse;
let legacy: Peer;
let modern: Peer;
before(
  async () => {
    house = await openMixedHouse();
    legacy = await house.open('legacy', { answers: ANSWERS });
    modern = await house.open('modern');
  },
  { timeout: 40_000 },
);
after(
  async () => {
    await legacy?.close();
    await modern?.close();
    await house?.stop();
  },
  { timeout: 20_000 },
);

/** The same request of both clients one after the other, each settled in the way of its era. */
async function both(method: string, params: JsonObject): Promise<[JsonObject, JsonObject]> {
  const old = await settle(legacy, method, params, ANSWERS);
  return [old, await settle(modern, method, params, ANSWERS)];
}

async function assertSameCall(name: string, args: JsonObject): Promise<void> {
  const [old, recent] = await both('tools/call', { name, arguments: args });
  assert.deepEqual(differencesOf(old, recent).toSorted(), OF_RESULTS.toSorted(), name);
  assert.deepEqual(Object.keys(recent['_meta'] as object), [`${META}serverInfo`]);
}

describe('the catalog of three servers of the legacy era and two of the modern one behind one endpoint', () => {
  test('every server is spoken to in its own era, whatever the others speak', LIMIT, async () => {
    const states = await house.gateway.states();
    assert.deepEqual(
      Object.fromEntries(states.map((state) => [state.name, Reflect.get(state, 'era')])),
      MIXED,
    );
    for (const server of FIXTURES) {
      const seen = await modern.call(`${server}__fixture_state`);
      const { methods, protocolVersion } = structured(seen) as {
        methods: Record<string, number>;
        protocolVersion: string;
      };
      const isModern = MIXED[server] === 'modern';
      assert.equal(protocolVersion, isModern ? '2026-07-28' : '2025-11-25', server);
      assert.equal(methods['initialize'], isModern ? undefined : 1, server);
      assert.equal(methods['subscriptions/listen'], isModern ? 1 : undefined, server);
    }
  });

  for (const [method, key] of LISTS)
    test(
      `${method} is the same for clients of both eras but for what an era lacks`,
      LIMIT,
      async () => {
        const old = await listAll(legacy, method, key);
        const recent = await listAll(modern, method, key);
        const all = namesIn(old[key] as unknown[]);
        const names = all.filter((name) => !TASK_ONLY.includes(name));
        assert.equal(all.length - names.length, key === 'tools' ? TASK_ONLY.length : 0);
        assert.deepEqual(namesIn(recent[key] as unknown[]), names, 'and in the same order');
        const expected = [...OF_CACHEABLE, ...differencesOfTasks(old[key] as JsonObject[])];
        assert.deepEqual(differencesOf(old, recent).toSorted(), expected.toSorted());
        for (const server of Object.keys(MIXED)) {
          if (method === 'resources/list' || method === 'resources/templates/list') break;
          assert.ok(
            names.some((name) => name.startsWith(`${server}__`)),
            server,
          );
        }
      },
    );

  test('initialize and server/discover say the same but for what an era lacks', LIMIT, async () => {
    const discovered = await modern.result('server/discover');
    const differences: readonly Difference[] = [
      // Versions are negotiated in one era and listed in the other.
      'protocolVersion: legacy alone',
      'supportedVersions: modern alone',
      // Who answers is in `_meta` of every modern result.
      'serverInfo: legacy alone',
      ...OF_CACHEABLE,
      // Tasks of the core are those of the legacy servers, tasks of the extension those of the modern ones.
      'capabilities > tasks: legacy alone',
      'capabilities > extensions: modern alone',
    ];
    assert.deepEqual(differencesOf(legacy.welcome, discovered).toSorted(), differences.toSorted());
    const { capabilities } = discovered as { capabilities: JsonObject };
    assert.deepEqual(capabilities['resources'], { listChanged: true, subscribe: true });
    const { tools } = legacy.welcome['capabilities'] as JsonObject;
    assert.deepEqual(tools, { listChanged: true });
  });

  test('news of all servers reach clients of both eras, each in its own way', LIMIT, hearNews);
});

/** Where the resource that the fixture can touch is offered, by server. */
async function watchedUris(): Promise<Record<string, string>> {
  const { resources } = await listAll(legacy, 'resources/list', 'resources');
  const uris = namesIn(resources as unknown[]).filter((uri) => uri.includes('watched'));
  assert.equal(uris.length, FIXTURES.length, uris.join());
  // The first server keeps its URI, the others' name theirs.
  return Object.fromEntries(
    uris.map((uri) => [FIXTURES.find((server) => uri.includes(server)) ?? FIXTURES[0], uri]),
  );
}

async function hearNews(): Promise<void> {
  const watched = await watchedUris();
  for (const uri of Object.values(watched)) await legacy.result('resources/subscribe', { uri });
  const listener = await house.open('modern');
  try {
    const resourceSubscriptions = Object.values(watched);
    const notifications = { toolsListChanged: true, resourceSubscriptions };
    // The stream ends with its client, unanswered.
    listener.begin('subscriptions/listen', { notifications }).response.catch(() => undefined);
    const begun = await listener.next(({ method }) => method.endsWith('acknowledged'));
    assert.deepEqual(begun.params['notifications'], notifications);
    for (const server of FIXTURES) {
      const starts = [legacy, listener].map((client) => [client, client.heard.length] as const);
      await modern.call(`${server}__fixture_touch_resource`);
      await modern.call(`${server}__fixture_add_tool`);
      for (const [client, start] of starts) {
        const isUpdate = ({ method, params }: Heard): boolean =>
          method === 'notifications/resources/updated' && params['uri'] === watched[server];
        await client.next(isUpdate, start);
        const isChange = ({ method }: Heard): boolean =>
          method === 'notifications/tools/list_changed';
        await client.next(isChange, start);
      }
    }
  } finally {
    await listener.close();
  }
  const old = await listAll(legacy, 'tools/list', 'tools');
  const recent = await listAll(modern, 'tools/list', 'tools');
  const expected = [...OF_CACHEABLE, ...differencesOfTasks(old['tools'] as JsonObject[])];
  assert.deepEqual(differencesOf(old, recent).toSorted(), expected.toSorted());
  const names = namesIn(recent['tools'] as unknown[]);
  for (const server of FIXTURES) assert.ok(names.includes(`${server}__fixture_added`), server);
}

describe('calls to three servers of the legacy era and two of the modern one behind one endpoint', () => {
  for (const server of FIXTURES) {
    test(
      `${server}: calls give the same to clients of both eras but for what an era lacks`,
      LIMIT,
      async () => {
        for (const [tool, args] of Object.entries(STEADY_TOOLS))
          await assertSameCall(`${server}__${tool}`, args);
        const [old, recent] = await both('tools/call', { name: `${server}__fixture_unknown` });
        assert.deepEqual(differencesOf(old, recent).toSorted(), [
          `_meta > ${META}serverInfo: modern alone`,
          'resultType: modern alone',
        ]);
      },
    );

    test(`${server}: errors are the same to clients of both eras`, LIMIT, async () => {
      const params = { name: `${server}__fixture_rpc_error`, arguments: { code: -32012 } };
      const [old, recent] = await Promise.all([
        legacy.request('tools/call', params),
        modern.request('tools/call', params),
      ]);
      assert.deepEqual(old.error, recent.error);
      assert.equal(old.error?.code, -32012);
    });
  }

  test('every resource that both list reads the same', LIMIT, async () => {
    const { resources } = await listAll(modern, 'resources/list', 'resources');
    const uris = namesIn(resources as unknown[]).filter((uri) => !uri.endsWith('input-required'));
    assert.ok(uris.length > 20, uris.join());
    for (const uri of uris) {
      const [old, recent] = await both('resources/read', { uri });
      assert.deepEqual(differencesOf(old, recent).toSorted(), OF_CACHEABLE.toSorted(), uri);
    }
  });

  test('prompts and completions are the same for both', LIMIT, async () => {
    for (const server of FIXTURES) {
      const prompt = {
        name: `${server}__test_prompt_with_arguments`,
        arguments: { arg1: 'one', arg2: 'two' },
      };
      const [old, recent] = await both('prompts/get', prompt);
      assert.deepEqual(differencesOf(old, recent).toSorted(), OF_RESULTS.toSorted());
      const ref = { type: 'ref/prompt', name: prompt.name };
      const argument = { name: 'arg1', value: 'pa' };
      const [completed, again] = await both('completion/complete', { ref, argument });
      assert.deepEqual(differencesOf(completed, again).toSorted(), OF_RESULTS.toSorted());
      assert.deepEqual((completed['completion'] as JsonObject)['values'], [
        'paris',
        'park',
        'party',
      ]);
    }
  });

  test('what does not exist is -32002 to one and -32602 to the other', LIMIT, async () => {
    const params = { uri: 'test://nothing' };
    const [old, recent] = await Promise.all([
      legacy.request('resources/read', params),
      modern.request('resources/read', params),
    ]);
    assert.deepEqual([old.error?.code, recent.error?.code], [-32002, -32602]);
    assert.equal(old.error?.message, recent.error?.message);
  });

  test(
    'what can be called as a task alone is there for clients that have tasks, and unknown to others',
    LIMIT,
    async () => {
      for (const name of TASK_ONLY) {
        const made = await legacy.result('tools/call', {
          name,
          arguments: { topic: 'python' },
          task: {},
        });
        const { taskId } = made['task'] as JsonObject;
        await legacy.result('tasks/cancel', { taskId });
        const { error } = await modern.request('tools/call', { name });
        assert.deepEqual([error?.code, error?.message], [-32602, `Unknown tool: ${name}`]);
      }
    },
  );

  test(
    'a call of a modern client stays modern to a modern server, in one round or several',
    LIMIT,
    async () => {
      for (const server of ['newlocal', 'newremote'] as const) {
        const echoed = structured(await modern.call(`${server}__fixture_echo`, { a: 1 }));
        const meta = echoed['_meta'] as JsonObject;
        assert.equal(meta[`${META}protocolVersion`], '2026-07-28');
        assert.equal((meta[`${META}clientInfo`] as JsonObject)['name'], 'mcpx');
        const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
        assert.deepEqual(meta[`${META}clientCapabilities`], capabilities);
        // Nothing is parked here: the keys are the server's own.
        const asked = await modern.call(`${server}__test_input_required_result_multiple_inputs`);
        assert.deepEqual(Object.keys(asked['inputRequests'] as object), [
          'user_name',
          'greeting',
          'client_roots',
        ]);
      }
    },
  );
});

describe('questions of three servers of the legacy era and two of the modern one behind one endpoint', () => {
  before(async () => {
    // The first question of a process that several clients have used may be in doubt: it marks the server (R9).
    const params = { name: 'oldlocal__test_elicitation', arguments: { message: 'Who are you?' } };
    await legacy.request('tools/call', params);
  });

  for (const server of FIXTURES)
    test(`${server}: what asks gives the same to clients of both eras`, LIMIT, async () => {
      for (const [tool, args] of Object.entries(ASKING_TOOLS))
        await assertSameCall(`${server}__${tool}`, args);
      const prompt = { name: `${server}__test_input_required_result_prompt` };
      const [old, recent] = await both('prompts/get', prompt);
      assert.deepEqual(differencesOf(old, recent).toSorted(), OF_RESULTS.toSorted());
      assert.match(JSON.stringify(recent['messages']), /Use this context: a test/);
    });

  test("server-everything's tools give the same to clients of both eras", LIMIT, async () => {
    await assertSameCall('everything__echo', { message: 'Grüße' });
    await assertSameCall('everything__get-sum', { a: 2, b: 40 });
    await assertSameCall('everything__get-tiny-image', {});
    await assertSameCall('everything__get-structured-content', { location: 'Chicago' });
    await assertSameCall('everything__trigger-elicitation-request', {});
    await assertSameCall('everything__trigger-sampling-request', { prompt: 'Speak' });
    await assertSameCall('everything__get-roots-list', {});
  });

  test(
    'a legacy client has one session for all servers, and each is asked in its own era',
    LIMIT,
    async () => {
      const client = await house.open('legacy', { answers: ANSWERS, name: 'one session' });
      try {
        for (const server of FIXTURES) {
          const echoed = structured(await client.call(`${server}__fixture_echo`, { a: 1 }));
          const version = (echoed['_meta'] as JsonObject)[`${META}protocolVersion`];
          assert.equal(version, MIXED[server] === 'modern' ? '2026-07-28' : undefined, server);
          const before = client.questions.length;
          const tool = `${server}__test_input_required_result_multi_round`;
          assert.equal(textOf(await client.call(tool)), 'Ada likes blue');
          assert.equal(client.questions.length - before, 2, server);
        }
      } finally {
        await client.close();
      }
    },
  );
});
