import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { allOf } from '../support/raw-clients.ts';
import { refusalOf } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  callWith,
  elsewhere,
  KEY_HEADER,
} from '../support/attack-gateway.ts';
import { residentMib } from '../support/raw-memory.ts';
import type { Got } from '../support/raw-http.ts';

/** Who tries keys is slowed down by address; those who have a good one go on, from that address too. */

const gateway = await attackedForFile();
const { port } = gateway;
const good = await gateway.createKey('alice');

function guess(
  from: Record<string, string>,
  key = `mcpx_guess_${randomBytes(32).toString('base64url')}`,
): Promise<Got> {
  return callWith(port, { ...from, [KEY_HEADER]: key }, 'it__test_simple_text');
}

async function counted(
  guesses: readonly Promise<Got>[],
): Promise<ReadonlyMap<string | undefined, number>> {
  const counts = new Map<string | undefined, number>();
  for (const got of await Promise.all(guesses))
    counts.set(refusalOf(got), (counts.get(refusalOf(got)) ?? 0) + 1);
  return counts;
}

test('after some wrong keys from one address the next ones are answered 429, unlooked at, and recorded', async () => {
  const place = elsewhere();
  const first = Array.from({ length: 10 }, () => guess(place));
  assert.equal((await counted(first)).get('UNAUTHENTICATED'), 10);
  const from = gateway.audit().length;
  const got = await guess(place);
  assert.equal(got.status, 429);
  assert.equal(refusalOf(got), 'GUESSING');
  assert.match(String(got.headers['retry-after']), /^[1-9]\d*$/u);
  assert.equal(typeof allOf(got)[0]?.error?.data?.['retryAfterSec'], 'number');
  const later = await counted(Array.from({ length: 500 }, () => guess(place)));
  assert.ok((later.get('GUESSING') ?? 0) >= 490, JSON.stringify([...later]));
  const { outcome } = await gateway.recorded(
    'it',
    ({ code, address }) => code === 'GUESSING' && address === place['x-forwarded-for'],
    from,
  );
  assert.equal(outcome, 'turned-away');
});

test('a good key that is known goes on working from an address that is slowed down', async () => {
  const place = elsewhere();
  await assertServes(gateway, { ...place, [KEY_HEADER]: good });
  await counted(Array.from({ length: 30 }, () => guess(place)));
  assert.equal(refusalOf(await guess(place)), 'GUESSING');
  for (let round = 0; round < 20; round += 1)
    await assertServes(gateway, { ...place, [KEY_HEADER]: good });
  await assertServes(gateway, { ...place, authorization: `Bearer ${good}` });
});

test('a good key that is known from elsewhere is served from an address that is slowed down', async () => {
  const place = elsewhere();
  const fresh = await gateway.createKey('bob');
  await counted(Array.from({ length: 30 }, () => guess(place)));
  // The key is known to the gateway, since making it waits until it is.
  await assertServes(gateway, { ...place, [KEY_HEADER]: fresh });
  assert.equal(refusalOf(await guess(place)), 'GUESSING');
});

test('what a caller says of where it comes from changes nothing unless a trusted proxy says it', async () => {
  const place = elsewhere();
  const disguises = Array.from({ length: 60 }, (_, index) => {
    const forwarded = `203.0.113.${index}, ${place['x-forwarded-for']}`;
    return guess({
      'x-forwarded-for': forwarded,
      'x-real-ip': `203.0.113.${index}`,
      forwarded: `for=203.0.113.${index}`,
      'true-client-ip': `203.0.113.${index}`,
      'cf-connecting-ip': `203.0.113.${index}`,
    });
  });
  const counts = await counted(disguises);
  assert.ok((counts.get('GUESSING') ?? 0) >= 45, JSON.stringify([...counts]));
});

test('the many addresses of one network of IPv6, and the two spellings of IPv4, are one', async () => {
  const network = Array.from({ length: 60 }, (_, index) =>
    guess({ 'x-forwarded-for': `2001:db8:1:2:${index.toString(16)}::1` }),
  );
  const six = await counted(network);
  assert.ok((six.get('GUESSING') ?? 0) >= 45, JSON.stringify([...six]));
  const spelt = Array.from({ length: 60 }, (_, index) =>
    guess({ 'x-forwarded-for': index % 2 === 0 ? '198.51.100.9' : '::ffff:198.51.100.9' }),
  );
  const four = await counted(spelt);
  assert.ok((four.get('GUESSING') ?? 0) >= 45, JSON.stringify([...four]));
});

test('wrong keys in every place for keys count', async () => {
  const place = elsewhere();
  const wrong = randomBytes(16).toString('hex');
  const ways: Record<string, string>[] = [
    { [KEY_HEADER]: wrong },
    { authorization: `Bearer ${wrong}` },
    { authorization: `Bearer ${wrong}.${wrong}.${wrong}` },
  ];
  const counts = await counted(
    Array.from({ length: 60 }, (_, index) =>
      callWith(port, { ...place, ...ways[index % ways.length] }, 'it__test_simple_text'),
    ),
  );
  assert.ok((counts.get('GUESSING') ?? 0) >= 45, JSON.stringify([...counts]));
});

test('one address slows nobody else down', async () => {
  const place = elsewhere();
  await counted(Array.from({ length: 30 }, () => guess(place)));
  assert.equal(refusalOf(await guess(place)), 'GUESSING');
  assert.equal(refusalOf(await guess(elsewhere())), 'UNAUTHENTICATED');
  await assertServes(gateway, { ...elsewhere(), [KEY_HEADER]: await gateway.createKey('carol') });
});

test('thousands of addresses are remembered in bounded space', async () => {
  const before = residentMib(gateway.pid);
  for (let round = 0; round < 100; round += 1)
    await Promise.all(Array.from({ length: 30 }, () => guess(elsewhere())));
  assert.ok(residentMib(gateway.pid) - before < 100);
  await assertServes(gateway, { [KEY_HEADER]: good });
});
