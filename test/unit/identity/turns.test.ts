import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Turns } from '../../../src/identity/turns.ts';
import { bearer, issuerPlan, Scene } from '../../support/identity.ts';
import { TestProvider } from '../../support/oidc.ts';

const provider = await TestProvider.start();
after(() => provider.stop());

test('of one source eight pieces of work are done at a time, in the order they came; another source does not wait', async () => {
  const turns = new Turns();
  const [order, releases]: [number[], (() => void)[]] = [[], []];
  const begin = (source: string, number: number): Promise<boolean> =>
    turns.take(source, async (hasWaited) => {
      order.push(number);
      await new Promise<void>((resolve) => releases.push(resolve));
      return hasWaited;
    });
  const all = Array.from({ length: 12 }, (_, number) => begin('a', number));
  const other = begin('b', 99);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 99]);
  for (let done = 0; done < 13; done += 1) {
    releases[done]?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(
    order.filter((number) => number < 99),
    Array.from({ length: 12 }, (_, index) => index),
  );
  assert.deepEqual(await Promise.all(all), [
    ...Array<boolean>(8).fill(false),
    ...Array<boolean>(4).fill(true),
  ]);
  assert.equal(await other, false);
});

test('work that fails gives its place on', async () => {
  const turns = new Turns();
  const failing = Array.from({ length: 30 }, (_, number) =>
    turns.take('a', () => Promise.reject(new Error(String(number)))),
  );
  const outcomes = await Promise.allSettled(failing);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  assert.equal(await turns.take('a', async (hasWaited) => hasWaited), false);
});

test('many good tokens that one address presents at once are all taken', async (t) => {
  const scene = new Scene(t, { auth: { issuers: [issuerPlan(provider.issuer, {})] } });
  const tokens = await Promise.all(
    Array.from({ length: 60 }, (_, index) => provider.token({ subject: `user-${index}` })),
  );
  const found = await Promise.all(
    tokens.map(async (token) => scene.identity.identify(bearer(token))),
  );
  assert.equal(new Set(found.map(({ key }) => key)).size, 60);
});

test('wrong signatures that one address presents all at once are not verified all at once: most are refused unseen', async (t) => {
  const scene = new Scene(t, { auth: { issuers: [issuerPlan(provider.issuer, {})] } });
  const good = await provider.token({ subject: 'somebody' });
  await scene.identity.identify(bearer(good));
  const [head = '', body = ''] = good.split('.');
  const guesses = Array.from({ length: 200 }, (_, index) => {
    const signature = Buffer.from(`wrong ${index}`.padEnd(256, '.')).toString('base64url');
    return Promise.resolve(scene.identity.identify(bearer(`${head}.${body}.${signature}`)));
  });
  const outcomes = await Promise.allSettled(guesses);
  const codes = outcomes.map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as { code?: string }).code : 'proven',
  );
  const looked = codes.filter((code) => code === 'UNAUTHENTICATED').length;
  assert.ok(looked >= 10 && looked < 20, `${looked} of 200 were looked at`);
  assert.equal(codes.filter((code) => code === 'GUESSING').length, 200 - looked);
  assert.ok(await scene.identity.identify(bearer(good)), 'who is known is not kept waiting');
});
