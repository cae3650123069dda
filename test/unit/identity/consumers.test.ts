import assert from 'node:assert/strict';
import test from 'node:test';
import type { RulePlan } from '../../../src/kernel/access.ts';
import {
  accessPlan,
  authPlan,
  credentials,
  issuerPlan,
  KEY,
  Scene,
  SHARED_KEY,
  TAG,
} from '../../support/identity.ts';

const ISSUER = 'https://login.example';

function tagged(tag: string, key = SHARED_KEY) {
  return credentials({ [KEY]: key, [TAG]: tag });
}

test('where nothing binds one, the tag selects the consumer, and is known to be a tag; where callers must prove themselves it lends no name (R20)', (t) => {
  for (const [auth, name] of [
    [{}, 'shared'],
    [{ isOn: false }, 'team'],
  ] as const) {
    const scene = new Scene(t, { auth, consumers: ['team'] });
    const principal = scene.at(tagged('team'));
    assert.equal(principal.consumer, 'team');
    assert.equal(principal.name, name);
    assert.equal(principal.proven.isTagged, true);
    const other = scene.at(tagged('nobody-configured-this'));
    assert.equal(other.consumer, 'nobody-configured-this');
    assert.ok(!principal.is(other));
  }
});

test('an empty tag is no tag', (t) => {
  const scene = new Scene(t);
  assert.equal(scene.at(tagged(' ')), scene.at(credentials({ [KEY]: SHARED_KEY })));
});

test('the consumer of a named key wins over the tag, which may repeat it and must not contradict it (R20)', async (t) => {
  const scene = new Scene(t);
  const key = scene.makeKey('agents');
  const plain = scene.at(credentials({ [KEY]: key }));
  assert.equal(plain.consumer, 'agents');
  assert.equal(plain.proven.isTagged, false);
  assert.equal(scene.at(tagged('agents', key)), plain);
  for (const tag of ['others', 'Agents', 'agents,agents', 'agents '.repeat(2)])
    await scene.refused(tagged(tag, key), 'CONSUMER_REFUSED');
});

test('a consumer that has a named key is selected by no tag, with the shared key or with none (R20)', async (t) => {
  for (const auth of [{}, { isOn: false }]) {
    const scene = new Scene(t, { auth });
    scene.makeKey('agents');
    const error = await scene.refused(tagged('agents'), 'CONSUMER_REFUSED');
    assert.doesNotMatch(error.message, /agents/);
    assert.equal(scene.at(tagged('others')).consumer, 'others');
  }
});

test('another key does not open a consumer that has one', async (t) => {
  const scene = new Scene(t);
  scene.makeKey('agents');
  await scene.refused(tagged('agents', scene.makeKey('others')), 'CONSUMER_REFUSED');
});

test('revoking the last key of a consumer, or letting it expire, does not open the consumer (R20)', async (t) => {
  const scene = new Scene(t);
  scene.makeKey('revoked', { id: 'id-of-the-revoked-one' });
  scene.makeKey('expired', { expiresAt: scene.now + 1000 });
  scene.keys.revoke('id-of-the-revoked-one', scene.now);
  scene.now += 5000;
  await scene.refused(tagged('revoked'), 'CONSUMER_REFUSED');
  await scene.refused(tagged('expired'), 'CONSUMER_REFUSED');
});

test('a caller tagged as a consumer is that consumer no longer once it gets a key (R20)', async (t) => {
  const scene = new Scene(t);
  const principal = scene.at(tagged('agents')).withClient('Cursor');
  assert.ok(scene.identity.holds(principal));
  const key = scene.makeKey('agents');
  assert.ok(!scene.identity.holds(principal));
  await scene.refused(tagged('agents'), 'CONSUMER_REFUSED');
  assert.equal(scene.at(credentials({ [KEY]: key })).consumer, 'agents');
});

test('an issuer that maps consumers or groups binds every name in permissions, on or off (R20)', async (t) => {
  for (const claim of [{ consumerClaim: 'client_id' }, { groupsClaim: 'groups' }])
    for (const isOn of [true, false]) {
      const issuers = [issuerPlan(ISSUER, claim)];
      const scene = new Scene(t, { auth: { isOn, issuers }, consumers: ['team', 'agents'] });
      await scene.refused(tagged('team'), 'CONSUMER_REFUSED');
      await scene.refused(tagged('agents'), 'CONSUMER_REFUSED');
      assert.equal(scene.at(tagged('others')).consumer, 'others');
      assert.equal(scene.at(tagged('constructor')).consumer, 'constructor');
    }
});

test('an issuer with a list of consumers binds those alone, and one that maps nothing binds none (R20)', async (t) => {
  const listed = issuerPlan(ISSUER, { consumerClaim: 'client_id', consumers: ['agents'] });
  const consumers = ['team', 'agents'];
  const scene = new Scene(t, { auth: { issuers: [listed] }, consumers });
  await scene.refused(tagged('agents'), 'CONSUMER_REFUSED');
  const team = scene.at(tagged('team'));
  assert.equal(team.consumer, 'team');

  scene.identity.apply(authPlan({ issuers: [issuerPlan(ISSUER)] }), accessPlan(...consumers));
  assert.equal(scene.at(tagged('agents')).consumer, 'agents');

  const all = issuerPlan(ISSUER, { groupsClaim: 'groups' });
  scene.identity.apply(authPlan({ issuers: [all] }), accessPlan(...consumers));
  assert.ok(!scene.identity.holds(team), 'a reload that binds the consumer ends who was tagged so');
});

test('a tag that is no name is refused', async (t) => {
  const scene = new Scene(t);
  const good = ['a', '7', 'a@b.example', 'A-b_c.d+e', 'x'.repeat(100)];
  for (const tag of good) assert.equal(scene.at(tagged(tag)).consumer, tag);
  const bad = [
    'x'.repeat(101),
    '-a',
    '_a',
    '.a',
    '@a',
    'a b',
    'a/b',
    'a,b',
    'a\0',
    'a\nb',
    'tëam',
    '__proto__',
    '*',
    '${x}',
  ];
  for (const tag of bad) {
    const { message } = await scene.refused(tagged(tag), 'CONSUMER_REFUSED');
    assert.ok(!message.includes(tag) || tag.length < 3, message);
  }
});

test('a wrong credential is refused before anything is said about the tag', async (t) => {
  const scene = new Scene(t);
  scene.makeKey('agents');
  await scene.refused(tagged('agents', 'wrong'), 'UNAUTHENTICATED');
  await scene.refused(credentials({ [TAG]: 'agents' }), 'UNAUTHENTICATED');
});

test('a tag does not select the group entry of a consumer that has a key of its own (R20)', async (t) => {
  const scene = new Scene(t, { consumers: ['ci', 'deployers', 'free'] });
  const access = accessPlan('deployers', 'free');
  const consumers = { ...access.consumers, ci: { grant: undefined, memberOf: 'deployers' } };
  scene.identity.apply(authPlan(), { ...access, consumers });
  assert.equal(scene.at(tagged('deployers')).consumer, 'deployers');
  scene.makeKey('ci');
  scene.now += 2000;
  await scene.refused(tagged('deployers'), 'CONSUMER_REFUSED');
  assert.equal(scene.at(tagged('free')).consumer, 'free');
});

test('a token mapping binds every consumer that an entry, a rule or a membership gives rights to (R20)', async (t) => {
  const issuer = issuerPlan('https://issuer.example', { consumerClaim: 'team' });
  const scene = new Scene(t);
  const access = accessPlan('entry');
  const consumers = { ...access.consumers, member: { grant: undefined, memberOf: 'group' } };
  const rule = { consumers: ['ruled', '*'] } as unknown as RulePlan;
  scene.identity.apply(authPlan({ issuers: [issuer] }), { ...access, consumers, rules: [rule] });
  for (const name of ['entry', 'member', 'group', 'ruled'])
    await scene.refused(tagged(name), 'CONSUMER_REFUSED');
  assert.equal(scene.at(tagged('label')).consumer, 'label');
});
