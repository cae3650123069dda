import assert from 'node:assert/strict';
import test from 'node:test';
import { Subscriptions } from '../../../src/catalog/subscriptions.ts';

/** Subscriptions with a record of what the upstreams were told to watch. */
function recorded(fails = false): { subscriptions: Subscriptions; told: string[] } {
  const told: string[] = [];
  const subscriptions: Subscriptions = new Subscriptions((upstream) => {
    if (fails) return Promise.reject(new Error('does not take it'));
    told.push(`${upstream}: ${subscriptions.watched(upstream).join(' ')}`);
    return Promise.resolve();
  });
  return { subscriptions, told };
}

const nothing = (): void => undefined;

test('a server is asked once however many want to know, and told when nobody does any more (R10)', async () => {
  const { subscriptions, told } = recorded();
  await subscriptions.add('s', 'x:1', 'anne', nothing);
  await subscriptions.add('s', 'x:1', 'bert', nothing);
  await subscriptions.add('s', 'x:2', 'bert', nothing);
  await subscriptions.remove('s', 'x:1', 'anne');
  await subscriptions.remove('s', 'x:1', 'anne');
  await subscriptions.remove('s', 'x:1', 'nobody');
  await subscriptions.remove('s', 'x:1', 'bert');
  assert.deepEqual(told, ['s: x:1', 's: x:1 x:2', 's: x:2']);
});

test('a change is told to those who subscribed to it at that server, and to nobody else (R10)', async () => {
  const { subscriptions } = recorded();
  const heard: string[] = [];
  const hear = (who: string) => (uri: string) => heard.push(`${who} ${uri}`);
  await subscriptions.add('s', 'x:1', 'anne', hear('anne'));
  await subscriptions.add('s', 'x:2', 'bert', hear('bert'));
  await subscriptions.add('other', 'x:1', 'carl', hear('carl'));
  subscriptions.tell('s', 'x:1');
  subscriptions.tell('s', 'x:3');
  subscriptions.tell('none', 'x:1');
  assert.deepEqual(heard, ['anne x:1']);
});

test('a change of something below a resource is told to those who subscribed to that resource', async () => {
  const { subscriptions } = recorded();
  const heard: string[] = [];
  for (const uri of ['file:///a', 'file:///a/', 'file:///ab', 'file:///'])
    await subscriptions.add('s', uri, uri, () => heard.push(uri));
  subscriptions.tell('s', 'file:///a/b.txt');
  assert.deepEqual(heard, ['file:///a', 'file:///a/', 'file:///']);
});

test('one who subscribes twice is told once', async () => {
  const { subscriptions } = recorded();
  let count = 0;
  for (let round = 0; round < 2; round += 1)
    await subscriptions.add('s', 'x:1', 'anne', () => (count += 1));
  subscriptions.tell('s', 'x:1');
  assert.equal(count, 1);
});

test('who is gone is told nothing any more, and what was watched for it alone is not watched', async () => {
  const { subscriptions, told } = recorded();
  await subscriptions.add('s', 'x:1', 'anne', () => assert.fail('told'));
  await subscriptions.add('t', 'y:1', 'anne', () => assert.fail('told'));
  await subscriptions.add('t', 'y:1', 'bert', nothing);
  subscriptions.removeAll('anne');
  subscriptions.tell('s', 'x:1');
  subscriptions.tell('t', 'y:1');
  assert.deepEqual(subscriptions.watched('s'), []);
  assert.deepEqual(subscriptions.watched('t'), ['y:1']);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.equal(told.at(-1), 's: ');
});

test('what is asked for at once is told to the server at once', async () => {
  const { subscriptions, told } = recorded();
  const uris = Array.from({ length: 1000 }, (_, index) => `x:${index}`);
  await Promise.all(uris.map((uri) => subscriptions.add('s', uri, 'anne', nothing)));
  assert.deepEqual(told, [`s: ${uris.join(' ')}`]);
});

test('a subscription that a server does not take is none', async () => {
  const { subscriptions } = recorded(true);
  await assert.rejects(
    subscriptions.add('s', 'x:1', 'anne', () => assert.fail('told')),
    /does not take/u,
  );
  subscriptions.tell('s', 'x:1');
  assert.deepEqual(subscriptions.watched('s'), []);
});

test('a second subscriber waits for the server too, and learns when it does not take it', async () => {
  const { subscriptions } = recorded(true);
  const both = [
    subscriptions.add('s', 'x:1', 'anne', nothing),
    subscriptions.add('s', 'x:1', 'bert', nothing),
  ];
  const outcomes = await Promise.allSettled(both);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});

test('signs in names and URIs do not mix up servers', async () => {
  const { subscriptions } = recorded();
  await subscriptions.add('a', 'b:c', 'anne', () => assert.fail('told'));
  subscriptions.tell('a b', ':c');
  subscriptions.tell('a:b', 'c');
  await subscriptions.remove('a\0b', ':c', 'anne');
  assert.deepEqual(subscriptions.watched('a'), ['b:c']);
});
