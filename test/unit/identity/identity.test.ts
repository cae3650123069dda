import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import test from 'node:test';
import { Identity } from '../../../src/identity/identity.ts';
import { Refusal } from '../../../src/kernel/refusals.ts';
import {
  accessPlan,
  authPlan,
  bearer,
  credentials,
  KEY,
  Scene,
  SHARED_KEY,
  TAG,
} from '../../support/identity.ts';

const OFF = { isOn: false, sharedKey: undefined };

test('with authentication off everybody is the local caller, whatever they present', (t) => {
  const scene = new Scene(t, { auth: OFF });
  const callers = [credentials(), credentials({ [KEY]: 'wrong' }), bearer('wrong')];
  for (const caller of callers) {
    const principal = scene.at(caller);
    assert.equal(principal.proof, 'local');
    assert.equal(principal.credential, 'local');
    assert.equal(principal.consumer, undefined);
  }
});

test('with authentication on a caller without a credential is refused and told what to send', async (t) => {
  const scene = new Scene(t, { auth: { header: 'x-team-key' } });
  const nothing = [
    credentials(),
    credentials({ 'x-team-key': ' ', authorization: 'Bearer ' }),
    credentials({ authorization: 'Basic dXNlcjpwYXNz' }),
    credentials({ [KEY]: SHARED_KEY }),
  ];
  for (const caller of nothing) {
    const { message, data } = await scene.refused(caller, 'UNAUTHENTICATED');
    assert.match(message, /x-team-key/);
    assert.deepEqual(data, { challenge: {} });
  }
});

test('the shared key proves in the key header, in a renamed one, and as a bearer in any case', (t) => {
  const scene = new Scene(t);
  const callers = [
    credentials({ [KEY]: SHARED_KEY }),
    bearer(SHARED_KEY),
    credentials({ authorization: `bEARER   ${SHARED_KEY}` }),
  ];
  for (const caller of callers) {
    const principal = scene.at(caller);
    assert.equal(principal.proof, 'shared-key');
    assert.equal(principal.credential, 'shared');
    assert.equal(principal.scopes, undefined);
  }
  const renamed = new Scene(t, { auth: { header: 'x-team-key' } });
  assert.equal(renamed.at(credentials({ 'x-team-key': SHARED_KEY })).proof, 'shared-key');
});

test('nothing but the very text of the shared key is the shared key', async (t) => {
  const scene = new Scene(t);
  const half = SHARED_KEY.slice(0, -1);
  const others = [half, `${SHARED_KEY}x`, SHARED_KEY.toUpperCase(), `x${half}`, '\0', 'undefined'];
  for (const [index, text] of others.entries()) {
    const caller = credentials({ [KEY]: text }, { address: `198.51.100.${index}` });
    const { data } = await scene.refused(caller, 'UNAUTHENTICATED');
    assert.match(JSON.stringify(data), /"error":"invalid_token"/);
  }
});

test('without a shared key nothing is the shared key, not even nothing', async (t) => {
  const scene = new Scene(t, { auth: { sharedKey: undefined } });
  for (const text of ['', ' ', 'undefined', '\0'])
    await scene.refused(credentials({ [KEY]: text }), 'UNAUTHENTICATED');
});

test('a key in the header and a bearer must both be good; the stronger one is the caller', async (t) => {
  const scene = new Scene(t);
  const own = scene.makeKey('agents');
  const both = (key: string, token: string) => bearer(token, { [KEY]: key });
  assert.equal(scene.at(both(SHARED_KEY, own)).consumer, 'agents');
  assert.equal(scene.at(both(own, SHARED_KEY)).consumer, 'agents');
  assert.equal(scene.at(both(own, scene.makeKey('others'))).consumer, 'agents');
  await scene.refused(both(SHARED_KEY, 'wrong'), 'UNAUTHENTICATED');
  await scene.refused(both('wrong', SHARED_KEY), 'UNAUTHENTICATED');
  await scene.refused(both(own, 'wrong'), 'UNAUTHENTICATED');
});

test('the same credential, tag and endpoint give the same object, and any other one gives another', (t) => {
  const scene = new Scene(t);
  const own = scene.makeKey('agents');
  const variants = [
    credentials({ [KEY]: SHARED_KEY }),
    credentials({ [KEY]: SHARED_KEY, [TAG]: 'team' }),
    credentials({ [KEY]: SHARED_KEY }, { endpoint: 'team' }),
    credentials({ [KEY]: SHARED_KEY }, { endpoint: '' }),
    credentials({ [KEY]: SHARED_KEY, [TAG]: 'team' }, { endpoint: 'team' }),
    credentials({ [KEY]: own }),
    credentials({ [KEY]: own }, { endpoint: 'team' }),
  ];
  const found = variants.map((caller) => scene.at(caller));
  assert.equal(new Set(found.map(({ key }) => key)).size, variants.length);
  for (const [index, caller] of variants.entries()) assert.equal(scene.at(caller), found[index]);
  assert.equal(scene.at(credentials({ [KEY]: own, [TAG]: 'agents' })), found[5]);
  assert.equal(found[4]?.endpoint, 'team');
});

test('settings that are applied again unchanged keep the objects; changed ones do not', (t) => {
  const scene = new Scene(t, { consumers: ['a'] });
  const caller = credentials({ [KEY]: SHARED_KEY });
  const before = scene.at(caller);
  scene.identity.apply(authPlan(), accessPlan('a'));
  assert.equal(scene.at(caller), before);
  scene.identity.apply(authPlan(), accessPlan('a', 'b'));
  const after = scene.at(caller);
  assert.notEqual(after, before);
  assert.ok(after.is(before));
  assert.ok(scene.identity.holds(before));
});

test('however many tags callers make up, the caller that comes often stays the same object', (t) => {
  const scene = new Scene(t, { auth: OFF });
  const often = scene.at(credentials({ [TAG]: 'often' }));
  const first = scene.at(credentials({ [TAG]: 'tag-0' }));
  for (let index = 1; index < 15_000; index += 1) {
    scene.at(credentials({ [TAG]: `tag-${index}` }));
    if (index % 1000 === 0) assert.equal(scene.at(credentials({ [TAG]: 'often' })), often);
  }
  assert.notEqual(scene.at(credentials({ [TAG]: 'tag-0' })), first, 'what is kept is bounded');
});

test('a new shared key ends what the old one proved, and so does switching authentication on or off', async (t) => {
  const scene = new Scene(t, { auth: OFF });
  const { identity } = scene;
  const local = scene.at(credentials());
  assert.ok(identity.holds(local.withClient('Cursor')));

  identity.apply(authPlan(), accessPlan());
  assert.ok(!identity.holds(local));
  const shared = scene.at(credentials({ [KEY]: SHARED_KEY }));
  assert.ok(identity.holds(shared.withClient('Cursor')));

  identity.apply(authPlan({ sharedKey: 'another' }), accessPlan());
  assert.ok(!identity.holds(shared.withClient('Cursor')));
  await scene.refused(credentials({ [KEY]: SHARED_KEY }), 'UNAUTHENTICATED');

  identity.apply(authPlan(OFF), accessPlan());
  assert.ok(!identity.holds(shared));
  assert.ok(identity.holds(local));
});

test('whoever started the process is local under any settings, and stays so', (t) => {
  const scene = new Scene(t);
  const parent = scene.at(credentials({}, { isParent: true, address: undefined }));
  assert.equal(parent.proof, 'local');
  assert.ok(scene.identity.holds(parent));
  scene.identity.apply(authPlan({ sharedKey: 'another' }), accessPlan());
  assert.ok(scene.identity.holds(parent));
});

test('a caller another identity proved does not hold here', (t) => {
  const [one, other] = [new Scene(t), new Scene(t)];
  const principal = one.at(credentials({ [KEY]: SHARED_KEY }));
  assert.ok(!other.identity.holds(principal));
});

test('before any settings are applied nobody is let in', (t) => {
  const { keys } = new Scene(t);
  const identity = new Identity({ now: () => 0, keys });
  assert.throws(
    () => identity.identify(credentials({ [KEY]: SHARED_KEY })),
    (error) => error instanceof Refusal && error.code === 'UNAUTHENTICATED',
  );
});

test('no secret is found in a caller or in a refusal', async (t) => {
  const scene = new Scene(t, { auth: { sharedKey: 'SECRET-shared' } });
  const own = scene.makeKey('agents');
  const seen: unknown[] = [
    scene.at(credentials({ [KEY]: 'SECRET-shared' })),
    scene.at(credentials({ [KEY]: own })),
    await scene.refused(credentials({ [KEY]: 'SECRET-wrong' }), 'UNAUTHENTICATED'),
    await scene.refused(bearer('SECRET-wrong'), 'UNAUTHENTICATED'),
    await scene.refused(
      bearer('eyJhbGciOiJub25lIn0.eyJpc3MiOiJTRUNSRVQifQ.SECRET'),
      'UNAUTHENTICATED',
    ),
  ];
  const text = inspect(seen, { depth: 10, showHidden: true }) + seen.map(String).join(' ');
  assert.doesNotMatch(text, /SECRET/);
  assert.ok(!text.includes(own.slice(-43)));
});
