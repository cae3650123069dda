import assert from 'node:assert/strict';
import test from 'node:test';
import { modernCall, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import { startRaw, type RawGateway } from '../support/raw-gateway.ts';
import { rpcOf, send, type JsonObject } from '../support/raw-http.ts';

/**
 * What the conformance suite found with a legacy server on stdio and is held here, since the suite waits for half a
 * second only: too short for a server that is started anew for each client.
 */
const WATCHED = 'test://watched-resource';

async function listen({ port }: RawGateway): Promise<EventReader> {
  const notifications = { toolsListChanged: true, resourceSubscriptions: [WATCHED] };
  const sent = modernSent('subscriptions/listen', { notifications });
  const stream = await EventReader.open(port, sent);
  await stream.nextMessage(({ method }) => method === 'notifications/subscriptions/acknowledged');
  return stream;
}

async function toolNames({ port }: RawGateway): Promise<readonly string[]> {
  const { result } = rpcOf(await send(port, modernSent('tools/list')));
  const tools = (result?.['tools'] ?? []) as { name: string }[];
  return tools.map(({ name }) => name);
}

test('R9: clients that can be asked nothing hear of what changes in the instance they share', async (t) => {
  const gateway = await startRaw();
  t.after(() => gateway.stop());
  const { error } = rpcOf(await modernCall(gateway.port, 'it__test_missing_capability'));
  assert.equal(error?.code, -32021);
  const data: JsonObject = error?.data ?? {};
  assert.deepEqual(data['requiredCapabilities'], { sampling: {} });
  const [{ isInteractive } = { isInteractive: false }] = await gateway.servers();
  assert.equal(isInteractive, true, 'from now on the shared instance is for the lists alone');
  const stream = await listen(gateway);
  t.after(() => stream.break());
  await modernCall(gateway.port, 'it__test_trigger_tool_change');
  await stream.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
  assert.ok((await toolNames(gateway)).includes('it__test_dynamic_tool'));
  const { result } = rpcOf(await modernCall(gateway.port, 'it__test_dynamic_tool'));
  assert.match(JSON.stringify(result), /here today/u);
  await modernCall(gateway.port, 'it__fixture_touch_resource');
  const told = await stream.nextMessage(
    ({ method }) => method === 'notifications/resources/updated',
  );
  assert.equal(told.params?.['uri'], WATCHED);
});
