import assert from 'node:assert/strict';
import { objectOf, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { textOf, type Peer } from './fidelity-peer.ts';
import { answersOf } from './fidelity-scene.ts';
import { eventually } from './raw-eventually.ts';
import { WAYS, type Way } from './scenario-fleet.ts';
import type { ScenarioScene } from './scenario-scene.ts';
import { codeOf } from './scenario-speech.ts';
import { linkOf, type Tapped } from './scenario-tap.ts';
import { LEGACY_WAYS, MODERN_WAYS, type Scenario } from './scenario.ts';

const PREFIX = 'test_input_required_result';
const KINDS = ['elicitation/create', 'sampling/createMessage', 'roots/list'];
const ROOTS_CHANGED = 'notifications/roots/list_changed';
/** Servers whose asking a client cannot tell from another's: one on stdio and one over HTTP of each era. */
const MODERN_SERVERS: readonly Way[] = ['modern-stdio', 'modern-http'];

/** The next params of a request that was answered `input_required`, with an answer to everything asked. */
async function answered({ result = {} }: Message, name = 'able'): Promise<JsonObject> {
  const asked = Object.entries(objectOf(result['inputRequests']));
  const given = asked.map(async ([key, value]) => {
    const { method, params } = objectOf(value);
    const answer = answersOf(name)[String(method)];
    return [key, await answer?.(objectOf(params), () => Promise.resolve())] as const;
  });
  const { requestState } = result;
  return {
    ...(asked.length === 0 ? {} : { inputResponses: Object.fromEntries(await Promise.all(given)) }),
    ...(requestState === undefined ? {} : { requestState }),
  };
}

function isAsking({ result }: Message): boolean {
  return result?.['resultType'] === 'input_required';
}

function ofTool(scene: ScenarioScene, tool: string, args: JsonObject = {}): JsonObject {
  return { name: scene.name(tool), arguments: args };
}

async function roundsOf(peer: Peer, method: string, params: JsonObject): Promise<Message[]> {
  const all = [await peer.request(method, params)];
  for (let last = all[0]; last !== undefined && isAsking(last) && all.length < 6; last = all.at(-1))
    all.push(await peer.request(method, { ...params, ...(await answered(last)) }));
  return all;
}

/** Checks the first answer of a request whose server asks. */
function asks(first: Message | undefined): string[] {
  const { inputRequests, requestState } = first?.result ?? {};
  const asked = Object.values(objectOf(inputRequests)).map((one) =>
    String(objectOf(one)['method']),
  );
  assert.ok(asked.length > 0 || requestState !== undefined);
  for (const method of asked) assert.ok(KINDS.includes(method), method);
  return asked;
}

async function questionsComeAsResults(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const start = peer.questions.length;
  const cases: readonly (readonly [string, JsonObject])[] = [
    ['prompts/get', { name: scene.name(`${PREFIX}_prompt`) }],
    ['tools/call', ofTool(scene, `${PREFIX}_multi_round`)],
  ];
  for (const [method, params] of cases) {
    const all = await roundsOf(peer, method, params);
    assert.ok(all.length > 1, method);
    asks(all[0]);
    assert.equal(all.at(-1)?.result?.['resultType'], 'complete', JSON.stringify(all.at(-1)));
  }
  const many = await roundsOf(peer, 'tools/call', ofTool(scene, `${PREFIX}_multiple_inputs`));
  assert.deepEqual(new Set(asks(many[0])), new Set(KINDS));
  const last = JSON.stringify(many.at(-1)?.result);
  assert.match(last, /"resultType":"complete"/u);
  assert.match(last, /said by able/u);
  assert.match(last, /file:\/\/\/home\/able/u);
  assert.deepEqual(peer.questions.slice(start), [], 'a modern client was sent a request');
}

async function statesAreChecked(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const params = ofTool(scene, `${PREFIX}_request_state`);
  const first = await peer.request('tools/call', params);
  const good = await answered(first);
  const state = String(good['requestState']);
  const bad = `${state.slice(0, -4)}${state.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
  const other = ofTool(scene, `${PREFIX}_tampered_state`);
  const tries: readonly JsonObject[] = [
    { ...params, ...good, requestState: bad },
    { ...params, ...good, requestState: 'made up' },
    { ...other, ...good },
    { ...params, ...good, arguments: { other: true } },
  ];
  for (const one of tries) assert.equal(codeOf(await peer.request('tools/call', one)), -32602);
  const last = await peer.request('tools/call', { ...params, ...good });
  assert.match(textOf(last.result ?? {}), /^state-ok, confirmed/u);
  if (scene.serverEra === 'legacy')
    assert.equal(
      codeOf(await peer.request('tools/call', { ...params, ...good })),
      -32602,
      'a state was used twice',
    );
}

async function answersAreChecked(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const params = ofTool(scene, `${PREFIX}_multiple_inputs`);
  const first = await peer.request('tools/call', params);
  const { inputResponses, requestState } = await answered(first);
  for (const broken of ['text', [1]])
    assert.equal(
      codeOf(await peer.request('tools/call', { ...params, requestState, inputResponses: broken })),
      -32602,
      JSON.stringify(broken),
    );
  const [key = '', value] = Object.entries(objectOf(inputResponses))[0] ?? [];
  const again = await peer.request('tools/call', {
    ...params,
    requestState,
    inputResponses: { [key]: value, nobody: { asked: true } },
  });
  assert.ok(isAsking(again), JSON.stringify(again));
  const rest = await answered(again);
  const all = { ...objectOf(inputResponses), ...objectOf(rest['inputResponses']) };
  const last = await peer.request('tools/call', {
    ...params,
    requestState: rest['requestState'],
    inputResponses: { ...all, nobody: {} },
  });
  assert.equal(last.result?.['resultType'], 'complete', JSON.stringify(last));
}

async function onlyThreeAsk(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const others: readonly (readonly [string, JsonObject])[] = [
    ['tools/list', {}],
    ['prompts/list', {}],
    ['resources/list', {}],
    [
      'completion/complete',
      {
        ref: { type: 'ref/prompt', name: scene.name('test_prompt_with_arguments') },
        argument: { name: 'arg1', value: 'p' },
      },
    ],
  ];
  for (const [method, params] of others)
    assert.ok(!isAsking(await peer.request(method, params)), method);
}

async function retriesAreRight(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  for (const tool of [`${PREFIX}_request_state`, `${PREFIX}_elicitation`, 'fixture_state_only']) {
    const start = scene.received().length;
    const params = ofTool(scene, tool);
    if (scene.era === 'modern') await roundsOf(peer, 'tools/call', params);
    else await peer.call(scene.name(tool));
    const calls = scene
      .received()
      .slice(start)
      .filter(({ message }) => message?.method === 'tools/call')
      .map(({ message }) => message);
    assert.equal(calls.length, 2, tool);
    const [first, retry] = calls;
    assert.notEqual(first?.id, retry?.id);
    const { _meta: _one, ...asked } = objectOf(first?.params);
    const { _meta: _two, inputResponses, requestState, ...asAgain } = objectOf(retry?.params);
    assert.deepEqual(asAgain, asked);
    assert.ok(!('inputResponses' in asked) && !('requestState' in asked));
    assert.equal(Object.keys(objectOf(inputResponses)).length === 0, tool === 'fixture_state_only');
    assert.equal(requestState === undefined, tool === `${PREFIX}_elicitation`);
  }
}

async function questionsReachLegacyClients(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const start = peer.questions.length;
  const said = await peer.call(scene.name(`${PREFIX}_sampling`));
  assert.match(JSON.stringify(said), /said by able/u);
  const roots = await peer.call(scene.name(`${PREFIX}_list_roots`));
  assert.ok(JSON.stringify(roots).includes('file:///srv/able'));
  const { content } = await peer.call(scene.name(`${PREFIX}_elicitation`));
  assert.match(JSON.stringify(content), /Hello, able!/u);
  const asked = peer.questions.slice(start);
  assert.deepEqual(
    asked.map(({ method }) => method),
    ['sampling/createMessage', 'roots/list', 'elicitation/create'],
  );
  const [sampling, , elicitation] = asked;
  const { messages, maxTokens } = objectOf(sampling?.params);
  assert.deepEqual([Array.isArray(messages), maxTokens], [true, 100]);
  assert.match(String(elicitation?.params['message']), /What is your name\?/u);
  assert.ok(
    String(elicitation?.params['message']).includes(scene.server),
    'the server is not named',
  );
  assert.deepEqual(objectOf(elicitation?.params['requestedSchema'])['required'], ['name']);
}

/** Answers one elicitation of a tool with an action, and returns the text of its result. */
async function answeredWith(scene: ScenarioScene, peer: Peer, action: string): Promise<string> {
  const params = ofTool(scene, 'test_elicitation', { message: action });
  if (scene.era === 'legacy') return textOf(await peer.result('tools/call', params));
  const first = await peer.request('tools/call', params);
  const { requestState, inputResponses } = await answered(first);
  const [key = ''] = Object.keys(objectOf(inputResponses));
  const state = requestState === undefined ? {} : { requestState };
  return textOf(
    await peer.result('tools/call', { ...params, ...state, inputResponses: { [key]: { action } } }),
  );
}

async function actionsReachServers(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  for (const action of ['decline', 'cancel'])
    assert.match(await answeredWith(scene, peer, action), new RegExp(`action[:=] ?${action}`, 'u'));
}

async function modesAreKept(scene: ScenarioScene): Promise<void> {
  const peer = await scene.onlyForms();
  const start = peer.questions.length;
  const answer = await peer.request('tools/call', ofTool(scene, 'fixture_url_elicitation'));
  assert.deepEqual(peer.questions.slice(start), []);
  assert.ok(!isAsking(answer), JSON.stringify(answer));
  if (scene.era === 'modern') assert.equal(codeOf(answer), -32021);
}

async function undeclaredIsAnError(scene: ScenarioScene): Promise<void> {
  const peer = await scene.client();
  await peer.request('tools/call', ofTool(scene, 'fixture_roots'));
  const answers = (): Tapped[] =>
    scene.received().filter(({ message }) => message !== undefined && message.method === undefined);
  await eventually('the server was answered', () => answers().length > 0);
  assert.equal(answers()[0]?.message?.error?.code, -32601);
  const ids = answers().map((one) => `${linkOf(one)} ${String(one.message?.id)}`);
  assert.equal(new Set(ids).size, ids.length, 'a question was answered twice');
}

async function answersGoBackOnce(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  await peer.call(scene.name(`${PREFIX}_multiple_inputs`));
  const answers = scene
    .received()
    .filter(({ message }) => message?.method === undefined && message !== undefined);
  assert.equal(answers.length, 3);
  const ids = answers.map((one) => `${linkOf(one)} ${String(one.message?.id)}`);
  assert.equal(new Set(ids).size, 3);
}

async function urlErrorsPass(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const { error } = await peer.request(
    'tools/call',
    ofTool(scene, 'fixture_url_elicitation', { throw: true }),
  );
  assert.equal(error?.code, -32042);
  const [elicitation] = objectOf(error.data)['elicitations'] as JsonObject[];
  assert.deepEqual(
    [elicitation?.['mode'], typeof elicitation?.['elicitationId']],
    ['url', 'string'],
  );
}

async function completionIsTold(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const other = await scene.client();
  const [start, beside] = [peer.heard.length, other.heard.length];
  await peer.call(scene.name('fixture_url_elicitation'));
  const told = await peer.next(
    ({ method }) => method === 'notifications/elicitation/complete',
    start,
  );
  const asked = peer.questions.findLast(({ params }) => params['mode'] === 'url');
  assert.equal(told.params['elicitationId'], asked?.params['elicitationId']);
  assert.deepEqual(other.heardOf('notifications/elicitation/complete', beside), []);
}

/**
 * Only who declared `listChanged` has to tell (spec 2025-11-25, roots, "Root List Changes"): a session that clients share has
 * roots of several of them, declares no changes, and is told of none.
 */
async function rootsChange(scene: ScenarioScene): Promise<void> {
  const peer = await scene.able();
  const link = async (): Promise<string | undefined> => {
    await peer.call(scene.name('fixture_roots'));
    const called = scene.sent('tools/call').at(-1);
    return called === undefined ? undefined : linkOf(called);
  };
  // The first question a server ever asks marks it; from then on its clients may have instances of their own (R9).
  await link();
  const own = await link();
  const isPromised = declaredOn(scene, own)['listChanged'] === true;
  // A question over streamable HTTP says in whose call it is asked, so that such a server may stay shared.
  if (scene.upstream !== 'http')
    assert.ok(isPromised, 'a client with its own instance has its changes told');
  await peer.notify(ROOTS_CHANGED);
  const told = (): boolean => scene.sent(ROOTS_CHANGED).some((one) => linkOf(one) === own);
  if (isPromised) await eventually(`${scene.server} was told`, told);
  // What was told would have been told before this call.
  assert.equal(await link(), own);
  assert.equal(told(), isPromised);
}

/** What the gateway declared of roots when it opened this link. */
function declaredOn(scene: ScenarioScene, link: string | undefined): JsonObject {
  const begun = scene
    .receivedSince(0)
    .filter(({ message }) => message?.method === 'initialize')
    .find((one) => linkOf(one) === link || one.http?.response?.headers['mcp-session-id'] === link);
  assert.ok(begun !== undefined, `${scene.server} was never told who its client is`);
  return objectOf(objectOf(begun.message?.params?.['capabilities'])['roots']);
}

async function twoClientsAreKeptApart(scene: ScenarioScene): Promise<void> {
  const names = ['anna', 'bert'];
  const peers = await Promise.all(
    names.map((name) =>
      scene.open({ capabilities: { elicitation: {} }, answers: answersOf(name) }),
    ),
  );
  const call = async (peer: Peer, name: string): Promise<string> => {
    const params = ofTool(scene, `${PREFIX}_elicitation`);
    const first = await peer.request('tools/call', params);
    if (!isAsking(first)) return JSON.stringify(first.result ?? first.error);
    const last = await peer.request('tools/call', { ...params, ...(await answered(first, name)) });
    return JSON.stringify(last.result ?? last.error);
  };
  // The first question a server ever asks marks it; from then on each client has its own instance (R9).
  await call(peers[0] as Peer, names[0] ?? '');
  const texts = await Promise.all(peers.map((peer, index) => call(peer, names[index] ?? '')));
  for (const [index, text] of texts.entries())
    assert.ok(text.includes(`Hello, ${names[index]}!`), text);
}

const OLD: readonly Way[] = LEGACY_WAYS;

/** Rounds, elicitation, sampling and roots in the four combinations of eras. */
export const ASKING_SCENARIOS: readonly Scenario[] = [
  {
    name: 'what a server asks comes to a modern client as input_required, in as many rounds as it takes',
    cites: [
      'modern.mrtr.by-result',
      'modern.mrtr.unique-keys',
      'modern.mrtr.known-kinds',
      'modern.mrtr.something-asked',
      'modern.stdio.no-requests',
      'sampling.whole',
      'roots.whole',
      'modern.mrtr.client.inputs',
    ],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: questionsComeAsResults,
  },
  {
    name: 'a state that was altered, made up, or made for another request is refused',
    cites: [
      'modern.mrtr.state-verified',
      'modern.mrtr.state-request',
      'modern.mrtr.state-once',
      'modern.mrtr.client.echo-exact',
    ],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: statesAreChecked,
  },
  {
    name: 'answers that are no map are refused, those nobody asked for ignored, those missing asked for again',
    cites: [
      'modern.mrtr.invalid-responses',
      'modern.mrtr.unknown-responses',
      'modern.mrtr.missing-responses',
    ],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: answersAreChecked,
  },
  {
    name: 'nothing but calls, prompts and reads is answered input_required',
    cites: ['modern.mrtr.supported-requests'],
    doors: MODERN_WAYS,
    servers: WAYS,
    run: onlyThreeAsk,
  },
  {
    name: 'a request is sent again under a new id, the same but for answers and state, each only where there are any',
    cites: [
      'modern.mrtr.client.inputs',
      'modern.mrtr.client.state-only',
      'modern.mrtr.client.echo-exact',
      'modern.mrtr.client.no-state',
      'modern.mrtr.client.new-id',
      'modern.mrtr.client.same-request',
    ],
    servers: MODERN_SERVERS,
    run: retriesAreRight,
  },
  {
    name: 'what a server asks comes to a legacy client as requests, whole',
    cites: ['elicitation.whole', 'sampling.whole', 'roots.whole'],
    doors: OLD,
    servers: WAYS,
    isAlone: true,
    run: questionsReachLegacyClients,
  },
  {
    name: 'decline and cancel reach the server',
    cites: ['elicitation.actions', 'elicitation.whole'],
    servers: WAYS,
    run: actionsReachServers,
  },
  {
    name: 'a client that knows forms alone is sent to no URL',
    cites: ['elicitation.mode'],
    servers: WAYS,
    run: modesAreKept,
  },
  {
    name: 'a server that asks for roots of a legacy client without them gets -32601',
    cites: [
      'legacy.roots.client.unsupported',
      'legacy.elicitation.client.undeclared',
      'roots.undeclared',
    ],
    doors: OLD,
    servers: OLD,
    run: undeclaredIsAnError,
  },
  {
    name: 'each question of a server is answered once, under its own id',
    cites: ['base.response.to-server'],
    doors: OLD,
    servers: OLD,
    run: answersGoBackOnce,
  },
  {
    name: 'the error that asks to go to a URL reaches clients that know it',
    cites: ['legacy.elicitation.url-required'],
    doors: OLD,
    servers: OLD,
    run: urlErrorsPass,
  },
  {
    name: 'that an elicitation is complete is told to the client it was for',
    cites: ['legacy.elicitation.complete'],
    doors: OLD,
    servers: OLD,
    isAlone: true,
    run: completionIsTold,
  },
  {
    name: 'that roots changed is told to servers that were promised it',
    cites: ['legacy.roots.client.changed'],
    doors: OLD,
    servers: OLD,
    isAlone: true,
    run: rootsChange,
  },
  {
    name: 'a question goes to the client in whose call it is asked (R9)',
    cites: ['elicitation.bound', 'modern.stateless.any-connection'],
    doors: ['legacy-http', 'legacy-sse', 'modern-http'],
    servers: ['legacy-stdio', 'legacy-http', 'legacy-sse'],
    run: twoClientsAreKeptApart,
  },
];
