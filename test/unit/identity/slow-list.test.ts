import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { SlowList } from '../../../src/identity/slow-list.ts';
import type { RefusalCode } from '../../../src/kernel/refusals.ts';
import { credentials, KEY, Scene, SHARED_KEY } from '../../support/identity.ts';

const ADDRESS = '192.0.2.1';

/** Tries a key from an address; the result is how it was refused. */
async function tries(scene: Scene, key: string, code: RefusalCode, address = ADDRESS) {
  return scene.refused(credentials({ [KEY]: key }, { address }), code);
}

async function slowed(t: TestContext, address = ADDRESS): Promise<Scene> {
  const scene = new Scene(t);
  for (let count = 0; count < 10; count += 1)
    await tries(scene, `wrong-${count}`, 'UNAUTHENTICATED', address);
  return scene;
}

test('after ten wrong credentials within a minute the next ones are not looked at, and told when to come back', async (t) => {
  const scene = await slowed(t);
  const { data, message } = await tries(scene, 'wrong', 'GUESSING');
  assert.deepEqual(data, { retryAfterSec: 1 });
  assert.ok(!message.includes('wrong-'));
  await tries(scene, SHARED_KEY, 'GUESSING');
});

test('one credential a second is looked at meanwhile, and a good one lets its caller in for good', async (t) => {
  const scene = await slowed(t);
  scene.now += 1000;
  await tries(scene, 'wrong', 'UNAUTHENTICATED');
  await tries(scene, SHARED_KEY, 'GUESSING');
  scene.now += 1000;
  const good = credentials({ [KEY]: SHARED_KEY }, { address: ADDRESS });
  const principal = scene.at(good);
  await tries(scene, 'wrong', 'GUESSING');
  assert.equal(scene.at(good), principal);
});

test('a caller that is known already never waits for its neighbours', async (t) => {
  const scene = new Scene(t);
  const good = credentials({ [KEY]: SHARED_KEY }, { address: ADDRESS });
  const principal = scene.at(good);
  for (let count = 0; count < 10; count += 1) await tries(scene, 'wrong', 'UNAUTHENTICATED');
  await tries(scene, 'wrong', 'GUESSING');
  assert.equal(scene.at(good), principal);
});

test('other addresses are not slowed', async (t) => {
  const scene = await slowed(t);
  await tries(scene, 'wrong', 'UNAUTHENTICATED', '192.0.2.2');
  assert.equal(
    scene.at(credentials({ [KEY]: SHARED_KEY }, { address: '192.0.2.2' })).proof,
    'shared-key',
  );
});

test('a minute without wrong credentials ends it', async (t) => {
  const scene = await slowed(t);
  scene.now += 60_000;
  for (let count = 0; count < 10; count += 1) await tries(scene, 'wrong', 'UNAUTHENTICATED');
  await tries(scene, 'wrong', 'GUESSING');
});

test('wrong credentials spread over more than a minute slow nobody', async (t) => {
  const scene = new Scene(t);
  for (let count = 0; count < 100; count += 1) {
    await tries(scene, 'wrong', 'UNAUTHENTICATED');
    scene.now += 6700;
  }
});

test('no credential, a tag that is refused, a revoked key and an expired one are no guesses', async (t) => {
  const scene = new Scene(t);
  const expired = scene.makeKey('agents', { expiresAt: scene.now });
  const revoked = scene.makeKey('agents', { revokedAt: scene.now });
  for (let count = 0; count < 12; count += 1) {
    const tag = { 'x-lunar-consumer-tag': 'agents', [KEY]: SHARED_KEY };
    await scene.refused(credentials({}, { address: ADDRESS }), 'UNAUTHENTICATED');
    await scene.refused(credentials(tag, { address: ADDRESS }), 'CONSUMER_REFUSED');
    await tries(scene, expired, 'UNAUTHENTICATED');
    await tries(scene, revoked, 'UNAUTHENTICATED');
  }
});

test('a request with two unknown credentials counts once while its address is slowed', async (t) => {
  const scene = await slowed(t);
  scene.now += 1000;
  const own = scene.makeKey('agents');
  const both = { [KEY]: SHARED_KEY, authorization: `Bearer ${own}` };
  assert.equal(scene.at(credentials(both, { address: ADDRESS })).consumer, 'agents');
});

test('addresses of one IPv6 network are one, however they are written; IPv4 is the same inside IPv6', () => {
  const same: readonly (readonly [string, string])[] = [
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8::1', '2001:0db8:0:0:1:2:3:4'],
    ['fe80::1%eth0', 'FE80:0000::2'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ];
  const different: readonly (readonly [string, string])[] = [
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['1::', '::1'],
    ['192.0.2.1', '192.0.2.2'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ];
  for (const [one, other] of same) assert.ok(isSlowedBy(one, other), `${one} ${other}`);
  for (const [one, other] of different) assert.ok(!isSlowedBy(one, other), `${one} ${other}`);
});

function isSlowedBy(one: string, other: string): boolean {
  const list = new SlowList(() => 0);
  for (let count = 0; count < 10; count += 1) list.failed(one);
  return list.waitSec(other) !== undefined;
}

test('ten thousand addresses are remembered and no more', () => {
  const list = new SlowList(() => 0);
  for (let count = 0; count < 10; count += 1) list.failed('first');
  for (let index = 0; index < 9999; index += 1) list.failed(`address ${index}`);
  assert.equal(list.waitSec('first'), 1);
  for (let index = 0; index < 10_000; index += 1) list.failed(`another ${index}`);
  assert.equal(list.waitSec('first'), undefined);
});

test('a clock that is set back locks nobody out', () => {
  let now = 1_000_000;
  const list = new SlowList(() => now);
  for (let count = 0; count < 10; count += 1) list.failed(ADDRESS);
  assert.equal(list.waitSec(ADDRESS), 1);
  now -= 500_000;
  assert.equal(list.waitSec(ADDRESS), undefined);
});
