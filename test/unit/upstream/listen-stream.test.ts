import assert from 'node:assert/strict';
import test from 'node:test';
import { notification, type Notification } from '../../../src/kernel/json-rpc.ts';
import { Acknowledgements } from '../../../src/upstream/listen-stream.ts';

function acknowledged(id?: number): Notification {
  const meta = id === undefined ? {} : { _meta: { 'io.modelcontextprotocol/subscriptionId': id } };
  return notification('notifications/subscriptions/acknowledged', meta);
}

/** Whether a promise is settled once all that was begun has gone on. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let isOver = false;
  void promise.then(() => {
    isOver = true;
  });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return isOver;
}

test('each listen stream stands when it is acknowledged itself, in whatever order', async () => {
  const streams = new Acknowledgements();
  const [first, second] = [streams.of(1), streams.of(2)];
  streams.take(acknowledged(1));
  assert.equal(await isSettled(first), true);
  assert.equal(await isSettled(second), false);
  streams.take(acknowledged(3));
  assert.equal(await isSettled(second), false);
  streams.take(acknowledged(2));
  assert.equal(await isSettled(second), true);
});

test('an acknowledgement that does not say of which stream is one of any', async () => {
  const streams = new Acknowledgements();
  const [first, second] = [streams.of(1), streams.of(2)];
  streams.take(acknowledged());
  assert.equal(await isSettled(first), true);
  assert.equal(await isSettled(second), true);
});

test('a stream that ended is not waited for, nor is any when all ended', async () => {
  const streams = new Acknowledgements();
  const [first, second, third] = [streams.of(1), streams.of(2), streams.of(3)];
  streams.giveUp(2);
  assert.equal(await isSettled(second), true);
  assert.equal(await isSettled(first), false);
  streams.giveUp();
  assert.equal(await isSettled(first), true);
  assert.equal(await isSettled(third), true);
});
