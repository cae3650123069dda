import assert from 'node:assert/strict';
import { objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { rpcOf, send } from './raw-http.ts';
import { WAYS, eraOf } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { linkOf, type Tapped } from './scenario-tap.ts';
import { codeOf, hello, initializing, requestIn } from './scenario-speech.ts';
import type { Talk } from './scenario-talk.ts';
import { LEGACY_WAYS, MODERN_WAYS, type Scenario } from './scenario.ts';

const META = 'io.modelcontextprotocol/';
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

/** What is changed in `_meta`, and the HTTP status that is due. */
interface Terms {
  readonly status: number;
  change?(meta: JsonObject): void;
}

/** Sends a modern request with a changed `_meta`; over HTTP its status must be as given. */
async function askedWith(
  scene: ScenarioScene,
  method: string,
  params: JsonObject,
  { change, status }: Terms,
): Promise<Message> {
  const [message, headers] = requestIn('modern', method, params);
  const meta = objectOf(objectOf(message['params'])['_meta']);
  change?.(meta);
  const version = meta[`${META}protocolVersion`];
  const sent =
    typeof version === 'string' ? { ...headers, 'mcp-protocol-version': version } : headers;
  if (scene.inbound === 'http') {
    const got = await send(scene.port, { headers: sent, body: message });
    assert.equal(got.status, status, got.text);
    return rpcOf(got) as Message;
  }
  return (await scene.talk()).ask(message, sent);
}

async function metaIsRequired(scene: ScenarioScene): Promise<void> {
  for (const key of ['protocolVersion', 'clientCapabilities']) {
    const drop = (meta: JsonObject): void => void delete meta[`${META}${key}`];
    const answer = await askedWith(scene, 'tools/list', {}, { change: drop, status: 400 });
    // On stdio nothing but `_meta` tells the eras apart: without a version the request is a legacy one.
    if (scene.inbound === 'http' || key === 'clientCapabilities')
      assert.equal(codeOf(answer), -32602);
    else assert.ok(answer.error !== undefined);
  }
  const unnamed = (meta: JsonObject): void => void delete meta[`${META}clientInfo`];
  assert.ok(
    (await askedWith(scene, 'tools/list', {}, { change: unnamed, status: 200 })).result !==
      undefined,
  );
}

async function versionsAreTold(scene: ScenarioScene): Promise<void> {
  const other = (meta: JsonObject): void => void (meta[`${META}protocolVersion`] = '2199-01-01');
  const answer = await askedWith(scene, 'tools/list', {}, { change: other, status: 400 });
  assert.equal(codeOf(answer), -32022);
  const data = objectOf(answer.error?.data);
  assert.equal(data['requested'], '2199-01-01');
  assert.ok((data['supported'] as unknown[]).includes('2026-07-28'));
}

/** A method of each capability, which must be there where the capability is. */
const METHODS: Readonly<Record<string, readonly [string, JsonObject]>> = {
  tools: ['tools/list', {}],
  prompts: ['prompts/list', {}],
  resources: ['resources/list', {}],
  completions: ['completion/complete', {}],
};

async function promisesAreKept(
  ask: (method: string, params: JsonObject) => Promise<Message>,
  capabilities: JsonObject,
): Promise<void> {
  for (const [name, [method, params]] of Object.entries(METHODS)) {
    assert.ok(name in capabilities, name);
    const { error } = await ask(method, params);
    assert.notEqual(error?.code, -32601, method);
  }
  for (const name of ['tools', 'prompts', 'resources'])
    assert.equal(objectOf(capabilities[name])['listChanged'], true, name);
  assert.equal(objectOf(capabilities['resources'])['subscribe'], true);
  assert.ok('logging' in capabilities);
}

async function discoveryTells(scene: ScenarioScene): Promise<void> {
  const talk = await scene.freshTalk();
  const { result = {} } = await talk.ask(...requestIn('modern', 'server/discover'));
  assert.ok((result['supportedVersions'] as unknown[]).includes('2026-07-28'));
  const capabilities = objectOf(result['capabilities']);
  await promisesAreKept(
    (method, params) => talk.ask(...requestIn('modern', method, params)),
    capabilities,
  );
  for (const id of Object.keys(objectOf(capabilities['extensions'])))
    assert.match(id, /^[a-z][\w.-]*\/[\w.-]+$/u);
  assert.equal(typeof objectOf(objectOf(result['_meta'])[`${META}serverInfo`])['name'], 'string');
}

async function anyRequestIsFirst(scene: ScenarioScene): Promise<void> {
  const talk = await scene.freshTalk();
  const params = { name: scene.name('test_simple_text'), arguments: {} };
  const { result } = await talk.ask(...requestIn('modern', 'tools/call', params));
  assert.equal(result?.['resultType'], 'complete');
}

async function nothingIsKept(scene: ScenarioScene): Promise<void> {
  const talk = await scene.talk();
  const params = { name: scene.name('test_missing_capability'), arguments: {} };
  const meta = { [`${META}clientCapabilities`]: { sampling: {} } };
  await talk.ask(...requestIn('modern', 'tools/call', params, { meta }));
  assert.equal(codeOf(await talk.ask(...requestIn('modern', 'tools/call', params))), -32021);
}

async function capabilitiesAreRequired(scene: ScenarioScene): Promise<void> {
  const params = { name: scene.name('test_missing_capability'), arguments: {} };
  // The first question a server ever asks may be refused, as nobody knows whose it is (R9).
  await scene.ask('tools/call', params);
  const answer = await askedWith(scene, 'tools/call', params, { status: 400 });
  assert.equal(codeOf(answer), -32021);
  assert.deepEqual(objectOf(answer.error?.data)['requiredCapabilities'], { sampling: {} });
}

async function resultsAreMarked(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const results = [
    await peer.result('tools/list'),
    await peer.result('prompts/list'),
    await peer.result('resources/list'),
    await peer.result('resources/templates/list'),
    await peer.result('resources/read', { uri: scene.uri('test://static-text') }),
    await peer.result('prompts/get', { name: scene.name('test_simple_prompt') }),
    await peer.call(scene.name('test_simple_text')),
  ];
  for (const result of results) {
    assert.equal(result['resultType'], 'complete');
    const info = objectOf(objectOf(result['_meta'])[`${META}serverInfo`]);
    assert.equal(typeof info['version'], 'string');
    assert.notEqual(info['name'], 'mcpx-fixture');
  }
}

async function codesAreOfTheEra(scene: ScenarioScene): Promise<void> {
  for (const code of [-32002, -32042, -32020, -32021, -32022, -32050, -32099]) {
    const [message, headers] = requestIn('modern', 'tools/call', {
      name: scene.name('fixture_rpc_error'),
      arguments: { code },
    });
    const { error } = await (await scene.talk()).ask(message, headers);
    const sent = error?.code ?? 0;
    assert.ok(sent !== -32002 && sent !== -32042, `${code} became ${sent}`);
    // What a modern server misses, it misses of the client: the gateway has told it what that can do.
    const isOfClient = sent === -32021 && scene.serverEra === 'modern';
    const isReserved = sent <= -32020 && sent >= -32099 && !isOfClient;
    assert.ok(!isReserved, `a server's ${code}, which says nothing of this hop, became ${sent}`);
  }
}

async function ownCodesAreOwn(scene: ScenarioScene): Promise<void> {
  const { REFUSALS } = (await import('../../src/kernel/refusals.ts')) as {
    REFUSALS: Record<string, { rpc: number }>;
  };
  const OF_THE_PROTOCOL = [
    -32700, -32600, -32601, -32602, -32603, -32002, -32020, -32021, -32022, -32042,
  ];
  for (const [name, { rpc }] of Object.entries(REFUSALS))
    assert.ok(OF_THE_PROTOCOL.includes(rpc) || rpc > -32000 || rpc < -32768, `${name}: ${rpc}`);
  assert.equal(scene.era, 'modern');
}

async function bothErasAtOnce(scene: ScenarioScene): Promise<void> {
  const session = await scene.open({ version: '2025-11-25', era: 'legacy' });
  const modern = await scene.open({ version: '2026-07-28', era: 'modern' });
  const [old, young] = await Promise.all([
    session.result('tools/list'),
    modern.result('tools/list'),
  ]);
  assert.equal(old['resultType'], undefined);
  assert.equal(young['resultType'], 'complete');
  assert.equal(codeOf(await modern.request('ping')), -32601);
  assert.deepEqual(await session.result('ping'), {});
}

async function nothingBeforeInitialize(scene: ScenarioScene): Promise<void> {
  const talk = await scene.freshTalk();
  for (const method of ['tools/list', 'prompts/list', 'resources/list']) {
    const [message] = requestIn('legacy', method);
    await talk.say(message).catch(() => undefined);
  }
  await hello(talk);
  const served = talk.came.filter(
    ({ message }) => message.result?.['tools'] ?? message.result?.['prompts'],
  );
  assert.deepEqual(served, []);
  const { result } = await talk.ask(...requestIn('legacy', 'tools/list'));
  assert.ok(Array.isArray(result?.['tools']));
}

async function versionsAreAgreed(scene: ScenarioScene): Promise<void> {
  const cases = [
    ...VERSIONS.map((version) => [version, version] as const),
    ['1999-01-01', '2025-11-25'] as const,
  ];
  // Each session of stdio is a process of its own: two of them say enough.
  for (const [wanted, agreed] of scene.inbound === 'stdio'
    ? cases.slice(-1).concat([cases[0]!])
    : cases) {
    const talk = await scene.freshTalk();
    const result = await hello(talk, wanted);
    assert.equal(result['protocolVersion'], agreed);
    const info = objectOf(result['serverInfo']);
    assert.ok(typeof info['name'] === 'string' && typeof info['version'] === 'string');
    await talk.close();
  }
}

async function initializePromises(scene: ScenarioScene): Promise<void> {
  const talk = await scene.freshTalk();
  const result = await hello(talk);
  await promisesAreKept(
    (method, params) => talk.ask(...requestIn('legacy', method, params)),
    objectOf(result['capabilities']),
  );
  assert.deepEqual(objectOf(objectOf(result['capabilities'])['tasks'])['cancel'], {});
}

function questionsOn(talk: Talk): unknown[] {
  return talk.came
    .filter(({ message }) => message.method !== undefined && message.id != null)
    .map(({ message }) => message.method);
}

async function quietUntilInitialized(scene: ScenarioScene): Promise<void> {
  const talk = await scene.freshTalk();
  const capabilities = { roots: {}, elicitation: {}, sampling: {} };
  await talk.ask(initializing('2025-11-25', capabilities));
  await (await scene.client()).call('legacy-http__fixture_touch_resource');
  assert.deepEqual(questionsOn(talk), []);
}

async function undeclaredIsNotAsked(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  const start = peer.questions.length;
  for (const tool of ['test_sampling', 'test_elicitation', 'test_input_required_result_list_roots'])
    await peer.request('tools/call', {
      name: scene.name(tool),
      arguments: { prompt: 'x', message: 'x' },
    });
  assert.deepEqual(peer.questions.slice(start), []);
}

/** The methods each link of a server was sent, in order. */
function methodsByLink(received: readonly Tapped[]): Map<string | undefined, string[]> {
  const links = new Map<string | undefined, string[]>();
  for (const tapped of received) {
    const method = tapped.message?.method;
    if (method === undefined || method === 'server/discover') continue;
    const link = linkOf(tapped);
    links.set(link, [...(links.get(link) ?? []), method]);
  }
  return links;
}

async function initializeIsSent(scene: ScenarioScene): Promise<void> {
  await scene.call('test_simple_text');
  const all = scene.receivedSince(0);
  const begun = all.filter(({ message }) => message?.method === 'initialize');
  assert.ok(begun.length > 0);
  for (const { message } of begun) {
    const { protocolVersion, capabilities, clientInfo } = message?.params ?? {};
    assert.equal(protocolVersion, '2025-11-25');
    assert.equal(typeof capabilities, 'object');
    assert.notEqual(objectOf(clientInfo)['name'], 'scenario');
  }
  for (const [link, methods] of methodsByLink(all)) {
    const told = `${String(link)}: ${methods.join()}`;
    if (link === undefined || scene.upstream !== 'http')
      assert.equal(methods[0], 'initialize', told);
    const next = methods.find((method) => method !== 'initialize');
    // A gateway that was ended meanwhile has not got further than initialize.
    if (next !== undefined) assert.equal(next, 'notifications/initialized', told);
  }
}

const OLD = WAYS.filter((way) => eraOf(way) === 'legacy');

/** Versions, discovery, initialize and what every request says of itself. */
export const LIFECYCLE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a modern request names its version and capabilities, or is refused; its client it need not name',
    cites: [
      'modern.meta.version-required',
      'modern.meta.capabilities-required',
      'modern.meta.client-info-optional',
    ],
    doors: MODERN_WAYS,
    run: metaIsRequired,
  },
  {
    name: 'a version that is not spoken is answered with those that are',
    cites: ['modern.version.unsupported'],
    doors: MODERN_WAYS,
    run: versionsAreTold,
  },
  {
    name: 'discovery names versions and capabilities, and every capability has its methods',
    cites: [
      'modern.version.discover',
      'modern.discover.result',
      'modern.discover.capabilities',
      'modern.extension.ids',
      'tools.capability',
      'prompts.capability',
      'resources.capability',
      'completion.capability',
      'completion.malformed',
    ],
    doors: MODERN_WAYS,
    run: discoveryTells,
  },
  {
    name: 'any request may be the first one',
    cites: ['modern.version.discover-optional'],
    doors: MODERN_WAYS,
    servers: ['legacy-http', 'modern-http'],
    run: anyRequestIsFirst,
  },
  {
    name: 'what one request declared does not count for the next one',
    cites: ['modern.stateless.requests-stand-alone'],
    doors: MODERN_WAYS,
    servers: ['modern-stdio', 'modern-http'],
    run: nothingIsKept,
  },
  {
    name: 'what needs a capability that was not declared is refused with -32021 that names it (R16)',
    cites: ['modern.meta.missing-capability', 'sampling.undeclared'],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: capabilitiesAreRequired,
  },
  {
    name: 'every result names its type and the gateway',
    cites: ['modern.result.type', 'modern.meta.server-info', 'modern.result.type-absent'],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: resultsAreMarked,
  },
  {
    name: 'codes of earlier revisions, and reserved codes a server makes up, reach no modern client',
    cites: ['modern.error.codes-of-earlier-revisions', 'modern.error.reserved-codes'],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: codesAreOfTheEra,
  },
  {
    name: 'the codes of our own refusals lie outside the range of JSON-RPC (R8)',
    cites: ['modern.error.own-codes'],
    doors: MODERN_WAYS,
    run: ownCodesAreOwn,
  },
  {
    name: 'clients of both eras are served at one endpoint at the same time',
    cites: ['modern.version.dual-era', 'modern.ping.removed'],
    doors: ['legacy-http', 'modern-http'],
    run: bothErasAtOnce,
  },
  {
    name: 'ping and setLevel, subscribe and unsubscribe are unknown in the modern era',
    cites: ['modern.ping.removed', 'modern.logging.removed', 'modern.resources.subscribe-removed'],
    doors: MODERN_WAYS,
    run: async (scene) => {
      for (const method of [
        'ping',
        'logging/setLevel',
        'resources/subscribe',
        'resources/unsubscribe',
        'initialize',
      ])
        assert.equal(
          codeOf(
            await askedWith(
              scene,
              method,
              { level: 'info', uri: 'test://static-text' },
              { status: 404 },
            ),
          ),
          -32601,
        );
    },
  },
  {
    name: 'nothing is served before initialize',
    cites: ['legacy.init.first'],
    doors: LEGACY_WAYS,
    run: nothingBeforeInitialize,
  },
  {
    name: 'a version that is spoken is agreed to, for any other the newest is offered',
    cites: ['legacy.init.same-version', 'legacy.init.other-version', 'legacy.init.result'],
    doors: LEGACY_WAYS,
    run: versionsAreAgreed,
  },
  {
    name: 'every capability of initialize has its methods',
    cites: [
      'legacy.init.promises-kept',
      'tools.capability',
      'prompts.capability',
      'resources.capability',
      'completion.capability',
      'completion.malformed',
      'logging.capability',
      'legacy.tasks.capability',
    ],
    doors: LEGACY_WAYS,
    run: initializePromises,
  },
  {
    name: 'a client that has not said it is initialized is asked nothing',
    cites: ['legacy.init.quiet-before-initialized'],
    doors: LEGACY_WAYS,
    run: quietUntilInitialized,
  },
  {
    name: 'a client is asked nothing that it did not declare',
    cites: [
      'legacy.init.client-capabilities',
      'elicitation.undeclared',
      'sampling.undeclared',
      'roots.undeclared',
      'modern.mrtr.undeclared',
    ],
    servers: WAYS,
    run: undeclaredIsNotAsked,
  },
  {
    name: 'a legacy server first gets initialize with the newest legacy version, then that its client is initialized, then the rest',
    cites: [
      'legacy.init.sent',
      'legacy.init.latest-version',
      'legacy.init.initialized',
      'legacy.init.no-early-requests',
    ],
    servers: OLD,
    doors: ['legacy-http', 'modern-http'],
    run: initializeIsSent,
  },
  {
    name: 'ping is answered with an empty result',
    cites: ['ping.answered'],
    doors: LEGACY_WAYS,
    run: async (scene) => assert.deepEqual(await (await scene.client()).result('ping'), {}),
  },
];
