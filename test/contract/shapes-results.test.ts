import assert from 'node:assert/strict';
import test from 'node:test';
import { partOf, type JsonObject } from '../support/raw-http.ts';
import { clientOf, ERAS, sceneOf, scripted, type Client } from '../support/shapes-scene.ts';

/** Results and errors in the shape that each protocol revision knows (docs/decisions/0028). */

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
const AUDIO = { type: 'audio', data: 'QQ==', mimeType: 'audio/wav' };
const LINK = { type: 'resource_link', uri: 'https://x/1', name: 'n' };
const error = (code: number, data?: JsonObject): JsonObject => ({
  error: { code, message: 'said', ...(data === undefined ? {} : { data }) },
});
const required = { requiredCapabilities: { elicitation: { url: {} } } };
const elicitations = [{ mode: 'url', elicitationId: 'e', url: 'https://x/consent', message: 'm' }];

const tool = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  inputSchema: { type: 'object', properties: { any: true } },
  ...more,
});
const script: JsonObject = {
  capabilities: { tools: {}, resources: {} },
  lists: {
    tools: [
      tool('users', { outputSchema: { type: 'array', items: {} } }),
      ...['media', 'hop20', 'hop21', 'hop22', 'urls', 'bare'].map((name) => tool(name)),
    ],
    resources: [{ uri: 'x:1', name: 'gone' }],
  },
  answers: {
    'tools/call users': { result: { content: [], structuredContent: [{ id: 1 }] } },
    'tools/call media': { result: { content: [AUDIO, LINK] } },
    'tools/call bare': { result: { isError: false } },
    'tools/call hop20': error(-32020),
    'tools/call hop21': error(-32021, required),
    'tools/call hop22': error(-32022, { supported: [] }),
    'tools/call urls': error(-32042, { elicitations }),
  },
};
const read = (code: number): JsonObject => ({
  answers: { ...(script['answers'] as JsonObject), 'resources/read': error(code, { uri: 'x:1' }) },
});

const gateways = {
  modern: await sceneOf({ servers: { it: scripted('modern', { ...script, ...read(-32602) }) } }),
  legacy: await sceneOf({ servers: { it: scripted('legacy', { ...script, ...read(-32002) }) } }),
};

async function call(client: Client, name: string): Promise<JsonObject> {
  const { result, error: got } = await client.request('tools/call', { name: `it__${name}` });
  return result ?? (got as unknown as JsonObject);
}

for (const server of ERAS) {
  const { port } = gateways[server];
  for (const version of VERSIONS) {
    test(`a client of ${version} gets from a ${server} server what its revision can say`, async () => {
      const client = await clientOf('legacy', port, { version });
      const [users] = partOf<JsonObject[]>(await client.request('tools/list'), 'tools');
      assert.deepEqual(users, {
        name: 'it__users',
        inputSchema: { type: 'object', properties: { any: {} } },
      });
      assert.deepEqual(await call(client, 'users'), {
        content: [{ type: 'text', text: '[{"id":1}]' }],
      });
      const { content } = await call(client, 'media');
      const types = (content as JsonObject[]).map(({ type }) => type);
      const expected = [
        version < '2025-03-26' ? 'resource' : 'audio',
        version < '2025-06-18' ? 'text' : 'resource_link',
      ];
      assert.deepEqual(types, expected);
      assert.deepEqual(await call(client, 'bare'), { isError: false, content: [] });
    });

    test(`"not found" of a ${server} server is -32002 to a client of ${version}`, async () => {
      const client = await clientOf('legacy', port, { version });
      const { error: got } = await client.request('resources/read', { uri: 'x:1' });
      assert.deepEqual(got, { code: -32002, message: 'said', data: { uri: 'x:1' } });
    });
  }

  test(`a modern client gets from a ${server} server what the modern protocol can say`, async () => {
    const client = await clientOf('modern', port);
    const [users] = partOf<JsonObject[]>(await client.request('tools/list'), 'tools');
    assert.deepEqual(users, { ...tool('it__users'), outputSchema: { type: 'array', items: {} } });
    const { content, structuredContent, resultType } = await call(client, 'users');
    assert.deepEqual([content, structuredContent, resultType], [[], [{ id: 1 }], 'complete']);
    assert.deepEqual((await call(client, 'media'))['content'], [AUDIO, LINK]);
    assert.deepEqual((await call(client, 'bare'))['content'], []);
    const { error: got } = await client.request('resources/read', { uri: 'x:1' });
    assert.deepEqual(got, { code: -32602, message: 'said', data: { uri: 'x:1' } });
  });
}

test('errors of the hop to a modern server never reach a client as its own', async () => {
  for (const era of ERAS) {
    const client = await clientOf(era, gateways.modern.port);
    for (const name of ['hop20', 'hop22']) {
      const { code, data, message } = await call(client, name);
      assert.deepEqual([code, (data as JsonObject)['refusal']], [1506, 'UPSTREAM_PROTOCOL'], name);
      assert.match(String(message), /Server "it" .*\(said\)/u);
    }
  }
});

test('a capability that a modern server lacks is named to clients of both eras', async () => {
  const modern = await clientOf('modern', gateways.modern.port);
  assert.deepEqual(await call(modern, 'hop21'), { code: -32021, message: 'said', data: required });
  assert.equal(modern.status(), 400);
  const { code, message, data } = await call(
    await clientOf('legacy', gateways.modern.port),
    'hop21',
  );
  assert.deepEqual(
    [code, (data as JsonObject)['requiredCapabilities']],
    [1510, required.requiredCapabilities],
  );
  assert.match(String(message), /elicitation\.url/u);
});

for (const version of VERSIONS) {
  test(`-32042 of a legacy server to a client of ${version}`, async () => {
    const got = await call(await clientOf('legacy', gateways.legacy.port, { version }), 'urls');
    if (version === '2025-11-25') {
      assert.equal(got['code'], -32042);
      const [shown] = (got['data'] as JsonObject)['elicitations'] as JsonObject[];
      assert.equal(shown?.['url'], 'https://x/consent');
    } else {
      assert.equal(got['code'], 1510);
      assert.match(String(got['message']), /use a newer client/u);
    }
  });
}
