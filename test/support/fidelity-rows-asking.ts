import assert from 'node:assert/strict';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { structured, textOf, type Answers, type Heard, type Peer } from './fidelity-peer.ts';
import {
  able,
  answersOf,
  EVERY_CAPABILITY,
  masked,
  rootsOf,
  type Inbound,
  type Row,
  type Scene,
} from './fidelity-scene.ts';

/** A server may ask for roots at any time of its own accord, so this question says nothing about the call beside it. */
const ROOTS = 'roots/list';

/** Calls a tool that asks, through the gateway and directly; the question and the result must be the same. */
async function askedAlike(
  scene: Scene,
  server: string,
  tool: string,
  args: JsonObject,
): Promise<Heard> {
  const client = await scene.client();
  const direct = await scene.direct(server);
  const ask = async (peer: Peer, name: string) => {
    const start = peer.questions.length;
    const response = await peer.request('tools/call', { name, arguments: args });
    const all = peer.questions.slice(start);
    return { questions: all.filter(({ method }) => method !== ROOTS), response };
  };
  const shown = await ask(client, `${server}__${tool}`);
  const own = await ask(direct, tool);
  const bare = ({ questions, response }: typeof own): unknown =>
    masked({
      questions: questions.map(({ method, params }) => ({ method, params })),
      result: response.result,
      error: response.error,
    });
  assert.deepEqual(bare(shown), bare(own));
  const [question] = shown.questions;
  assert.ok(question !== undefined, `${tool} asked nothing`);
  return question;
}

/** A row in which tools ask and are answered. */
function alike(name: string, all: readonly (readonly [string, string, JsonObject?])[]): Row {
  return {
    name,
    run: async (scene) => {
      for (const [server, tool, args] of all) await askedAlike(scene, server, tool, args ?? {});
    },
  };
}

async function urlElicitationCompletes(scene: Scene): Promise<void> {
  const client = await scene.client();
  const start = client.heard.length;
  const asked = await askedAlike(scene, 'apart', 'fixture_url_elicitation', {});
  assert.equal(asked.params['mode'], 'url');
  const completed = await client.next(
    ({ method }) => method === 'notifications/elicitation/complete',
    start,
  );
  assert.deepEqual(completed.params, { elicitationId: asked.params['elicitationId'] });
  await askedAlike(scene, 'everything', 'trigger-url-elicitation', {
    url: 'https://example.com/a?b=c',
  });
}

/** The error that sends a client to a URL first, and the retry that then goes through. */
async function urlElicitationByError(scene: Scene): Promise<void> {
  const client = await scene.client();
  const params = { name: 'apart__fixture_url_elicitation', arguments: { throw: true } };
  const { error } = await client.request('tools/call', params);
  assert.equal(error?.code, -32_042);
  const [elicitation] = objectOf(error.data)['elicitations'] as unknown[];
  const { elicitationId, ...rest } = objectOf(elicitation);
  assert.deepEqual(masked(rest), {
    mode: 'url',
    message: 'Please connect your account',
    url: 'https://example.com/connect?elicitation=<uuid>',
  });
  assert.equal(typeof elicitationId, 'string');
  const url = `https://example.com/${scene.inbound.replaceAll(/\W/g, '')}`;
  const again = {
    name: 'everything__trigger-url-elicitation',
    arguments: { url, errorPath: true },
  };
  assert.equal((await client.request('tools/call', again)).error?.code, -32_042);
  assert.match(textOf(await client.result('tools/call', again)), /completed the URL elicitation/);
}

/** Everyone waits until all have come. */
function meeting(count: number): () => Promise<void> {
  let open: () => void = () => undefined;
  let left = count;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    left -= 1;
    if (left === 0) open();
    return all;
  };
}

/** Two clients that answer only when both have been asked. */
async function openPair(scene: Scene, rounds: number): Promise<readonly [Peer, Peer]> {
  const meetings = Array.from({ length: rounds }, () => meeting(2));
  const open = (inbound: Inbound, name: string): Promise<Peer> => {
    let round = 0;
    const plain = answersOf(name);
    const answers: Answers = Object.fromEntries(
      Object.entries(plain).map(([method, answer]) => [
        method,
        async (params, tell) => {
          const meet = meetings[round];
          round += 1;
          await meet?.();
          return answer(params, tell);
        },
      ]),
    );
    return scene.openAt(inbound, { name, capabilities: EVERY_CAPABILITY, answers });
  };
  // Two transports meet where that is possible.
  const other = scene.inbound === 'HTTP+SSE' ? 'streamable HTTP' : scene.inbound;
  return Promise.all([open(scene.inbound, 'anna'), open(other, 'boris')]);
}

/** Each of two clients calls at the same time; both are asked before either is answered. */
async function eachIsAskedItsOwn(
  scene: Scene,
  tool: string,
  argsOf: (name: string) => JsonObject,
): Promise<void> {
  const pair = await openPair(scene, 1);
  const names = ['anna', 'boris'] as const;
  const results = await Promise.all(
    pair.map((peer, index) => peer.call(tool, argsOf(names[index] ?? ''))),
  );
  for (const [index, result] of results.entries()) {
    const [own = '', other = ''] = index === 0 ? names : names.toReversed();
    const text = JSON.stringify(result);
    assert.ok(text.includes(own), `${own} was answered with what it said: ${text}`);
    assert.ok(!text.includes(other), `${own} was not answered with what ${other} said: ${text}`);
    const asked = JSON.stringify(pair[index]?.questions.map(({ params }) => params));
    assert.ok(!asked.includes(other), `${own} was not asked for ${other}: ${asked}`);
  }
}

function rightOfTwo(what: string, tools: readonly string[]): Row {
  return {
    name: `${what} reaches the right one of two clients that call at the same time (R9)`,
    run: async (scene) => {
      for (const tool of tools)
        await eachIsAskedItsOwn(scene, tool, (name) => ({
          prompt: `for ${name}`,
          message: `for ${name}`,
        }));
    },
  };
}

/** server-everything asks for the roots of its client by itself, 350 ms after the client came. */
async function rootsOfEachClient(scene: Scene): Promise<void> {
  const names = ['anna', 'boris'] as const;
  const pair = await Promise.all(names.map((name) => scene.open(able(name))));
  const lists = await Promise.all(pair.map((peer) => peer.call('everything__get-roots-list')));
  const own = await scene.openDirect('everything', able('anna'));
  assert.deepEqual(lists[0], await own.call('get-roots-list'));
  for (const [index, list] of lists.entries()) {
    const [mine = '', other = ''] = index === 0 ? names : names.toReversed();
    assert.match(textOf(list), new RegExp(`file:///home/${mine}`));
    assert.doesNotMatch(textOf(list), new RegExp(other));
  }
  const roots = await Promise.all(pair.map((peer) => peer.call('apart__fixture_roots')));
  for (const [index, name] of names.entries())
    assert.deepEqual(structured(roots[index] ?? {}), rootsOf(name));
}

/** A client whose roots change is asked again, and the other one is left alone. */
async function changedRootsArrive(scene: Scene): Promise<void> {
  let folder = 'before';
  const answers = { 'roots/list': () => ({ roots: [{ uri: `file:///${folder}`, name: folder }] }) };
  const client = await scene.open({ capabilities: { roots: { listChanged: true } }, answers });
  const other = await scene.open(able('other'));
  const list = async (): Promise<string> => textOf(await client.call('everything__get-roots-list'));
  assert.match(await list(), /file:\/\/\/before/);
  await other.call('everything__get-roots-list');
  const askedOther = other.questions.length;
  folder = 'after';
  await client.notify('notifications/roots/list_changed');
  const deadline = performance.now() + 2_000;
  while (!/file:\/\/\/after/.test(await list()))
    assert.ok(performance.now() < deadline, 'the server knows the new roots');
  assert.equal(other.questions.length, askedOther);
}

/** What the client does not want or cannot do is told to the server as it would be directly. */
async function noMeansNo(scene: Scene): Promise<void> {
  const answers: Answers = {
    'elicitation/create': () => ({ action: 'decline', _meta: { 'example.com/why': 'no time' } }),
    'sampling/createMessage': () => Promise.reject(new Error('The user said no')),
  };
  const wish = { name: 'no', capabilities: EVERY_CAPABILITY, answers };
  const client = await scene.open(wish);
  const direct = await scene.openDirect('apart', wish);
  for (const [tool, args] of [
    ['test_elicitation', { message: 'May I?' }],
    ['test_sampling', { prompt: 'May I?' }],
  ] as const) {
    const shown = await client.request('tools/call', { name: `apart__${tool}`, arguments: args });
    const own = await direct.request('tools/call', { name: tool, arguments: args });
    assert.deepEqual([shown.result, shown.error], [own.result, own.error]);
  }
  const mute = await scene.open({ name: 'mute', capabilities: {} });
  const ownMute = await scene.openDirect('apart', { name: 'mute', capabilities: {} });
  const asking = { name: 'test_elicitation', arguments: { message: 'May I?' } };
  assert.deepEqual(
    await mute.result('tools/call', { ...asking, name: 'apart__test_elicitation' }),
    await ownMute.result('tools/call', asking),
  );
  assert.deepEqual(mute.questions, []);
}

/** The server asks while the client has given up: the question is taken back or was never put. */
async function questionsEndWithTheirCall(scene: Scene): Promise<void> {
  const never = new Promise<JsonObject>(() => undefined);
  const client = await scene.open({
    ...able('slow'),
    answers: { 'elicitation/create': () => never },
  });
  const name = 'apart__test_elicitation';
  const begun = client.begin('tools/call', { name, arguments: { message: 'Still there?' } });
  const deadline = performance.now() + 5_000;
  while (client.questions.length === 0) {
    assert.ok(performance.now() < deadline, 'the client is asked');
    await client.request('ping');
  }
  await client.cancel(begun);
  const { content } = await client.call('apart__test_simple_text');
  assert.equal((content as unknown[]).length, 1);
  assert.deepEqual(client.strays, []);
}

/** A server that is asked and asks three things at once; its result holds what it was answered. */
async function severalAtOnce(scene: Scene): Promise<void> {
  const client = await scene.client();
  const start = client.questions.length;
  await askedAlike(scene, 'apart', 'test_input_required_result_multiple_inputs', {});
  const methods = new Set(client.questions.slice(start).map(({ method }) => method));
  assert.deepEqual([...methods].toSorted(), [
    'elicitation/create',
    ROOTS,
    'sampling/createMessage',
  ]);
}

/** Everything that servers ask of clients. */
export const ASKING_ROWS: readonly Row[] = [
  alike(
    'forms reach the client whole, with defaults and choices, and the answer reaches the server',
    [
      ['apart', 'test_elicitation', { message: 'Who are you?' }],
      ['apart', 'test_elicitation_sep1034_defaults'],
      ['apart', 'test_elicitation_sep1330_enums'],
      ['apart', 'test_input_required_result_multi_round'],
      ['everything', 'trigger-elicitation-request'],
    ],
  ),
  {
    name: 'a URL is shown to the client, and its completion announced',
    run: urlElicitationCompletes,
  },
  { name: 'an error that asks for a URL first arrives whole (-32042)', run: urlElicitationByError },
  alike('sampling reaches the client whole, and the completion reaches the server', [
    ['apart', 'test_sampling', { prompt: 'What is the capital of France?' }],
    ['everything', 'trigger-sampling-request', { prompt: 'Say something', maxTokens: 7 }],
  ]),
  { name: 'three questions at once are all answered', run: severalAtOnce },
  { name: 'a refusal and an error of the client reach the server as they are', run: noMeansNo },
  { name: 'a call given up while its question is open ends', run: questionsEndWithTheirCall },
  rightOfTwo('sampling', ['everything__trigger-sampling-request', 'apart__test_sampling']),
  rightOfTwo('elicitation', ['apart__test_elicitation']),
  { name: 'each of two clients is asked for its own roots (R9)', run: rootsOfEachClient },
  { name: 'changed roots reach the server of their client', run: changedRootsArrive },
];
