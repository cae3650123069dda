import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject, Rpc } from '../support/raw-http.ts';
import { eventually } from '../support/raw-eventually.ts';
import { clientOf, ERAS, sceneOf, scripted, welcomeOf } from '../support/shapes-scene.ts';

/** Extensions that no specification knows: declared and relayed where one server alone has them. */

const ECHO = { echo: true };
const lab = {
  capabilities: { tools: {}, extensions: { 'example.com/lab': { a: 1 } }, telemetry: { b: 2 } },
  lists: { tools: [{ name: 'measure', inputSchema: { type: 'object' } }] },
  answers: {
    'lab/run': ECHO,
    'example.com/lab/run': ECHO,
    'telemetry/read': ECHO,
    'lab/fail': { error: { code: 7, message: 'no', data: { x: 1 } } },
  },
};
const both = { capabilities: { experimental: { shared: {} } }, answers: { 'shared/do': ECHO } };

const gateway = await sceneOf({
  servers: {
    old: scripted('legacy', {
      ...both,
      ...lab,
      capabilities: { ...lab.capabilities, ...both.capabilities },
    }),
    new: scripted('modern', {
      capabilities: { extensions: { 'example.org/studio': {} }, ...both.capabilities },
      answers: { 'studio/run': ECHO, 'shared/do': ECHO },
    }),
  },
});

for (const era of ERAS) {
  test(`a ${era} client is told of what one server alone declares, and of nothing that two do`, async () => {
    const capabilities = (await welcomeOf(era, gateway.port))['capabilities'] as JsonObject;
    assert.deepEqual(capabilities['extensions'], {
      'example.com/lab': { a: 1 },
      'example.org/studio': {},
    });
    assert.deepEqual(capabilities['telemetry'], { b: 2 });
    assert.equal(capabilities['experimental'], undefined);
  });

  for (const method of ['lab/run', 'example.com/lab/run', 'telemetry/read', 'studio/run']) {
    test(`${method} of a ${era} client reaches the server that has it, with its parameters as they came`, async () => {
      const client = await clientOf(era, gateway.port);
      const params = {
        name: 'measure',
        taskId: 't',
        uri: 'x:1',
        deep: [{ a: 1 }],
      };
      const { result, error } = await client.request(method, params);
      assert.equal(error, undefined, JSON.stringify(error));
      assert.equal(result?.['method'], method);
      const { _meta: _hop, ...got } = result['params'] as JsonObject;
      assert.deepEqual(got, params);
    });
  }

  test(`an error of an extension reaches a ${era} client as it is`, async () => {
    const { error } = await (await clientOf(era, gateway.port)).request('lab/fail');
    assert.deepEqual(error, { code: 7, message: 'no', data: { x: 1 } });
  });

  test(`a method that nobody has, or two, or that is reserved, does not exist for a ${era} client`, async () => {
    const client = await clientOf(era, gateway.port);
    for (const method of [
      'shared/do',
      'nobody/do',
      'tools/invent',
      'sampling/createMessage',
      'measure',
    ]) {
      const { error } = await client.request(method, { name: 'x' });
      assert.deepEqual([error?.code, error?.message], [-32601, `Method not found: ${method}`]);
      if (era === 'modern') assert.equal(client.status(), 404);
    }
  });
}

test('a call of an extension leaves its record (R1)', async () => {
  const client = await clientOf('modern', gateway.port);
  await client.request('studio/run', { a: 1 });
  const line = (): string | undefined =>
    gateway
      .output()
      .split('\n')
      .find((each) => each.includes('"target":"studio/run"'));
  await eventually('the call is in the log', () => line() !== undefined);
  assert.match(line() ?? '', /"outcome":"ok"/u);
});

const restricted = await sceneOf({
  servers: { old: scripted('legacy', lab) },
  app: [
    'permissions:',
    '  default: { allow: [all] }',
    '  clientNames: { partial: { allow: [some] }, none: { block: [all] } }',
    'toolGroups:',
    '  - { name: all, services: { old: "*" } }',
    '  - { name: some, services: { old: [measure] } }',
  ].join('\n'),
});

for (const name of ['partial', 'none']) {
  test(`a caller that may not have all of the server (${name}) gets none of its extensions, in the words for what does not exist (R5)`, async () => {
    const client = await clientOf('legacy', restricted.port, {
      clientInfo: { name, version: '1' },
    });
    const { error } = await client.request('lab/run');
    assert.deepEqual([error?.code, error?.message], [-32601, 'Method not found: lab/run']);
    const unknown: Rpc = await client.request('nolab/run');
    assert.deepEqual(Object.keys(error?.data ?? {}), Object.keys(unknown.error?.data ?? {}));
  });
}

test('a caller that may have all of the server has its extensions too', async () => {
  const { result } = await (await clientOf('legacy', restricted.port)).request('lab/run', { a: 1 });
  assert.deepEqual(result, { method: 'lab/run', params: { a: 1 } });
});
