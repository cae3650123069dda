import assert from 'node:assert/strict';
import test from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
  startAttacked,
} from '../support/attack-gateway.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { send } from '../support/raw-http.ts';
import { residentMib } from '../support/raw-memory.ts';
import { eventually } from '../support/raw-eventually.ts';

/** Somebody who begins sessions without end takes nobody else's away, though there may be only so many. */

const gateway = await attackedForFile({ app: { sessions: { maxCount: 20 } } });
const { port } = gateway;
const victim = { [KEY_HEADER]: await gateway.createKey('victim') };
const flooder = { [KEY_HEADER]: await gateway.createKey('flooder') };

async function flood(count: number): Promise<void> {
  for (let index = 0; index < count; index += 10)
    await Promise.all(Array.from({ length: 10 }, () => Caller.open(port, { headers: flooder })));
}

test('a session outlives a flood of others, with its subscriptions and its log level', async () => {
  const caller = await Caller.open(port, { headers: victim });
  await caller.request('resources/subscribe', { uri: 'test://watched-resource' });
  await flood(200);
  assert.equal((await caller.request('ping')).error, undefined);
  const stream = await caller.stream(undefined, { accept: 'text/event-stream' });
  await caller.call('it__fixture_touch_resource', { uri: 'test://watched-resource' });
  await stream.nextMessage(({ method }) => method === 'notifications/resources/updated');
  stream.break();
});

test('an open stream and a call in flight go on through it', async () => {
  const caller = await Caller.open(port, { headers: victim });
  const stream = await caller.stream(undefined, { accept: 'text/event-stream' });
  const slow = caller.call('it__fixture_slow', { ms: 1500 });
  await flood(200);
  assert.match(JSON.stringify(await slow), /waited 1500 ms/u);
  assert.ok(!stream.isOver);
  stream.break();
});

test('what a client says of itself at length is not kept at length', async () => {
  const other = await startAttacked({ app: {} });
  try {
    const before = residentMib(other.pid);
    const list = Array.from({ length: 200_000 }, () => ({}));
    const name = 'x'.repeat(500_000);
    for (let count = 0; count < 60; count += 1) {
      const capabilities = { experimental: { list }, elicitation: {} };
      const body = initializeBody({ capabilities, clientInfo: { name, version: '1', list } });
      const { status } = await send(other.port, { headers: { [KEY_HEADER]: SHARED_KEY }, body });
      assert.ok(status === 200 || status === 400, `answered ${status}`);
    }
    const grown = residentMib(other.pid) - before;
    assert.ok(grown < 700, `grown by ${grown.toFixed(0)} MiB`);
    await assertServes(other);
  } finally {
    await other.stop();
  }
});

test('the memory is given back', async () => {
  const before = residentMib(gateway.pid);
  await flood(1000);
  assert.ok(residentMib(gateway.pid) - before < 100);
  await eventually('it serves', async () => {
    await assertServes(gateway);
    return true;
  });
});
