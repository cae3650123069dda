import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import {
  accepting,
  answersIn,
  assertBadState,
  Parker,
  type Waiting,
} from '../support/asking-parker.ts';
import { askersForFile } from '../support/asking-scene.ts';
import { Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  startAttacked,
} from '../support/attack-gateway.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { rpcOf, type Got } from '../support/raw-http.ts';

/** The state by which a waiting call is gone on with is in the hands of its client, and of whoever else gets hold of it (R3). */

const askers = await askersForFile(['oldhttp']);
const { journal } = askers;
const servers = { ...askers.servers, it: fixtureEntry('modern') };
const app = { asks: { maxPerMinute: 100_000 }, list: { pageSize: 5 } };
const gateway = await attackedForFile({ servers, app });
const { port } = gateway;
const keys = {
  alice: await gateway.createKey('alice'),
  mallory: await gateway.createKey('mallory'),
};
const alice = new Parker(port, { headers: { [KEY_HEADER]: keys.alice } });
const mallory = new Parker(port, { headers: { [KEY_HEADER]: keys.mallory } });

let last = 0;

function tagged(): string {
  last += 1;
  return `attack${last}`;
}

/** What is said, without the id, which is that of the request. */
function saidIn(got: Got): string {
  const { id: _id, ...rest } = JSON.parse(got.text) as Record<string, unknown>;
  return JSON.stringify([got.status, got.headers['content-type'], rest]);
}

/** All is refused in the very same words, and the call waits on and is answered as if nothing had been. */
async function assertAllForeign(
  waiting: Waiting,
  tag: string,
  attempts: readonly unknown[],
  by = alice,
): Promise<void> {
  const said = new Set<string>();
  for (const requestState of attempts) {
    const got = await by.retry(waiting, accepting(waiting), { requestState });
    assertBadState(got, 'foreign');
    said.add(saidIn(got));
  }
  assert.equal(said.size, 1, [...said].join('\n'));
  assert.deepEqual(journal.running(tag), [tag]);
  assert.equal(answersIn(await alice.retry(waiting, accepting(waiting))).length, 1);
  await journal.untilOver(tag, 'ended');
  assert.equal(journal.begun(tag), 1);
}

test('a state with a bit changed at any byte is refused, and the call waits on', async () => {
  const tag = tagged();
  const waiting = await alice.park('oldhttp', { tag });
  const bytes = Buffer.from(waiting.requestState, 'base64url');
  const changed = [...bytes.keys()].map((at) => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
    return copy.toString('base64url');
  });
  await assertAllForeign(waiting, tag, changed);
});

test('a state cut at any byte, from either end, is refused, and the call waits on', async () => {
  const tag = tagged();
  const waiting = await alice.park('oldhttp', { tag });
  const { requestState } = waiting;
  const cut = Array.from(requestState).flatMap((_, at) => [
    requestState.slice(0, at),
    requestState.slice(at + 1),
  ]);
  await assertAllForeign(waiting, tag, cut);
});

test('states that are guessed, forged, of another kind or of another gateway are refused alike', async (t) => {
  const other = await startAttacked({ servers, app });
  t.after(() => other.stop());
  const stranger = new Parker(other.port, {
    headers: { [KEY_HEADER]: await other.createKey('alice') },
  });
  const tag = tagged();
  const wish = { tag };
  const abroad = await stranger.park('oldhttp', { tag });
  const waiting = await alice.park('oldhttp', wish);
  const headers = { [KEY_HEADER]: keys.alice };
  const session = await Caller.open(port, { headers });
  const listed = rpcOf(await alice.ask('tools/list', {}));
  const { length } = Buffer.from(waiting.requestState, 'base64url');
  const guessed = Array.from({ length: 100 }, () => randomBytes(length).toString('base64url'));
  const head = waiting.requestState.slice(0, 24);
  const forged = guessed.slice(0, 20).map((guess) => head + guess.slice(24));
  const kinds = [abroad.requestState, session.sessionId, listed.result?.['nextCursor'] ?? ''];
  const odd = [
    '',
    ' ',
    'null',
    '__proto__',
    'a'.repeat(100_000),
    7,
    true,
    null,
    {},
    [waiting.requestState],
  ];
  const copies = [` ${waiting.requestState}`, waiting.requestState + waiting.requestState];
  const attempts = [...guessed, ...forged, ...kinds, ...odd, ...copies];
  // The call of the other gateway runs at the same server under the same tag: it is answered first.
  assert.equal(answersIn(await stranger.retry(abroad, accepting(abroad))).length, 1);
  const said = new Set<string>();
  for (const requestState of attempts) {
    const got = await alice.retry(waiting, accepting(waiting), { requestState });
    assertBadState(got, 'foreign');
    said.add(saidIn(got));
  }
  assert.equal(said.size, 1, [...said].join('\n'));
  assert.equal(answersIn(await alice.retry(waiting, accepting(waiting))).length, 1);
});

test("the state of another principal is nothing in anybody else's hands, before, during and after its call, and says nothing", async () => {
  const tag = tagged();
  const waiting = await alice.park('oldhttp', { tag, rounds: [['elicitation'], ['elicitation']] });
  const forged = await mallory.retry(waiting, accepting(waiting), { requestState: 'forged' });
  const while1 = await mallory.retry(waiting, accepting(waiting));
  assert.deepEqual(journal.running(tag), [tag]);
  const got = await alice.retry(waiting, accepting(waiting));
  const requestState = String(rpcOf(got).result?.['requestState']);
  const second = { ...waiting, requestState };
  const used = await mallory.retry(waiting, accepting(waiting));
  const while2 = await mallory.retry(second, { elicitation_2: { action: 'accept' } });
  answersIn(await alice.retry(second, { elicitation_2: { action: 'decline' } }));
  const after = await mallory.retry(second, accepting(waiting));
  for (const each of [forged, while1, used, while2, after]) {
    assertBadState(each, 'foreign');
    assert.equal(saidIn(each), saidIn(forged));
  }
  await journal.untilOver(tag, 'ended');
  assert.equal(journal.begun(tag), 1);
});

test('somebody else who calls the same with the same arguments has a call of its own', async () => {
  const tag = tagged();
  const [own, other] = [
    await alice.park('oldhttp', { tag }),
    await mallory.park('oldhttp', { tag }),
  ];
  assertBadState(await mallory.retry(own, accepting(own)), 'foreign');
  assertBadState(await alice.retry(other, accepting(other)), 'foreign');
  const content = { answer: 'by alice' };
  const [[answer] = []] = answersIn(await alice.retry(own, accepting(own, content)));
  assert.deepEqual(answer?.['content'], content);
  const theirs = { answer: 'by mallory' };
  const [[second] = []] = answersIn(await mallory.retry(other, accepting(other, theirs)));
  assert.deepEqual(second?.['content'], theirs);
});

test('of one state sent many times at once exactly one goes on', async () => {
  for (let round = 0; round < 20; round += 1) {
    const tag = tagged();
    const waiting = await alice.park('oldhttp', { tag });
    const all = await Promise.all(
      Array.from({ length: 5 }, (_, number) =>
        alice.retry(waiting, accepting(waiting, { answer: `copy ${number}` })),
      ),
    );
    const [went, ...more] = all.filter(({ status }) => status === 200);
    assert.ok(went);
    assert.deepEqual(more, []);
    for (const got of all) if (got !== went) assertBadState(got, 'used');
    assert.equal(answersIn(went).length, 1);
    await journal.untilOver(tag, 'ended');
    assert.equal(journal.begun(tag), 1);
  }
});

test('a state tells nothing of the call, its caller or its server', async () => {
  const tag = tagged();
  const waiting = await alice.park('oldhttp', { tag });
  const bytes = Buffer.from(waiting.requestState, 'base64url').toString('latin1');
  for (const word of [tag, 'alice', 'oldhttp', 'interview', 'parked'])
    assert.ok(!bytes.includes(word), word);
  answersIn(await alice.retry(waiting, accepting(waiting)));
});

test('a state that is refused is recorded as refused', async () => {
  // Nobody else is called so: what was recorded before may still be on its way.
  const eve = new Parker(port, { headers: { [KEY_HEADER]: await gateway.createKey('eve') } });
  const waiting = await alice.park('oldhttp', { tag: tagged() });
  assertBadState(await eve.retry(waiting, accepting(waiting)), 'foreign');
  const { code } = await gateway.recorded(
    'the refusal',
    ({ caller, outcome }) => caller?.['name'] === 'eve' && outcome === 'refused',
  );
  assert.equal(code, 'PARAMS_INVALID');
  answersIn(await alice.retry(waiting, accepting(waiting)));
});

test('after all of this nothing runs on, and the gateway serves as before', async () => {
  await journal.assertNoOrphan();
  await assertServes(gateway);
});
