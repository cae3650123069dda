import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller, refusalOf } from '../support/attack-caller.ts';
import { assertServes, attackedForFile, KEY_HEADER } from '../support/attack-gateway.ts';
import { eventually } from '../support/raw-eventually.ts';

/** However a URI is written, what a server of the official SDK would read by it is what policy has judged. */

const gateway = await attackedForFile({
  servers: { docs: { command: process.execPath, args: ['test/support/attack-sdk-server.ts'] } },
  app: {
    toolGroups: [
      {
        name: 'secrets',
        services: { docs: ['file:///srv/secret.txt', 'file:///private/{name}', 'test://secret'] },
      },
      {
        name: 'public',
        services: { docs: ['file:///srv/readme.txt', 'file:///srv/public/{name}'] },
      },
      { name: 'tool', services: { docs: ['test_simple_text'] } },
    ],
    permissions: {
      consumers: {
        boss: { block: [] },
        blocked: { block: ['secrets'] },
        named: { allow: ['public', 'tool'] },
        ruled: { allow: ['tool'] },
        denied: { block: [] },
      },
    },
    rules: [
      {
        id: 'public-files',
        effect: 'allow',
        consumers: ['ruled'],
        resources: ['docs/file:///srv/public/*', 'docs/file:///srv/readme.txt'],
      },
      {
        id: 'no-secrets',
        effect: 'deny',
        consumers: ['denied'],
        resources: ['docs/file:///srv/secret*', 'docs/file:///private/*', 'docs/test://secret'],
      },
    ],
  },
});
const { port } = gateway;

async function callerOf(consumer: string): Promise<Caller> {
  const headers = { [KEY_HEADER]: await gateway.createKey(consumer) };
  return Caller.open(port, { headers });
}

const boss = await callerOf('boss');
const blocked = await callerOf('blocked');
const denied = await callerOf('denied');
const named = await callerOf('named');
const ruled = await callerOf('ruled');

/** Spellings under which the server finds what was blocked. */
const SECRETS = [
  'file:///srv/secret.txt',
  'FILE:///srv/secret.txt',
  'fILe:///srv/secret.txt',
  'file:///srv/./secret.txt',
  'file:///srv/x/../secret.txt',
  'file:///./srv/secret.txt',
  'file:///../srv/secret.txt',
  'file:///srv/%2e/secret.txt',
  'file:///srv/x/%2E%2e/secret.txt',
  'file:///srv/x%2f..%2fsecret.txt',
  'file:///srv%2fsecret.txt',
  'file:///%73rv/secret.txt',
  'file:///srv/%73%65%63%72%65%74%2e%74%78%74',
  ' file:///srv/secret.txt',
  'file:///srv/secret.txt ',
  '\tfile:///srv/secret.txt',
  '\u0000file:///srv/secret.txt',
  'fi\tle:///srv/secret.txt',
  'file:///srv/sec\nret.txt',
  'file:///srv/sec\rret.txt',
  'file:///srv/.\t./srv/secret.txt',
  'file:/srv/secret.txt',
  'file:srv/secret.txt',
  'file://localhost/srv/secret.txt',
  'file://LOCALHOST/srv/secret.txt',
  'file:\\\\\\srv\\secret.txt',
  'file:///srv\\secret.txt',
  'file:///srv/x\\..\\secret.txt',
  'file:///srv//secret.txt',
  'file:///srv/secret.txt#x',
  'file:///srv/secret.txt#',
  'file:///srv/secret.txt?x',
  'file:///srv/secret.txt?',
  'file:///private/diary.txt',
  'FILE:///private/diary.txt',
  'file:///private/./diary.txt',
  'file:///srv/../private/diary.txt',
  'file:///%70rivate/diary.txt',
  'file:///private%2fdiary.txt',
  'file:///private/%64iary.txt',
  'file:/private/diary.txt',
  ' file:///private/diary.txt',
  'file://localhost/private/diary.txt',
  'file:///private\\diary.txt',
  'file:///private//diary.txt',
  'file:///private/diary.txt#x',
  'file:///private/diary.txt?x',
  'test://secret',
  'TEST://secret',
  ' test://secret',
  'te\tst://secret',
  'test://se\ncret',
] as const;

function qualified(uri: string): readonly string[] {
  const encoded = encodeURIComponent(uri);
  return [
    `mcpx://docs/${encoded}`,
    `mcpx://DOCS/${encoded}`,
    `MCPX://docs/${encoded}`,
    `mcpx://docs/${encodeURIComponent(encoded)}`,
    `mcpx://docs/${uri}`,
    ` mcpx://docs/${encoded}`,
    `mcpx://docs/./${encoded}`,
    `mcpx://docs//${encoded}`,
  ];
}

test('the server itself is open, so that what follows is refused by the gateway alone', async () => {
  for (const uri of SECRETS) {
    const got = await boss.ask('resources/read', { uri });
    const isFound = got.text.includes('TOP-SECRET');
    // What is encoded of a template's own text is no URI of it for the SDK either.
    assert.ok(isFound || got.text.includes('error'), got.text);
  }
  for (const uri of ['file:///srv/secret.txt', 'file:///private/diary.txt', 'test://secret'])
    assert.match((await boss.ask('resources/read', { uri })).text, /TOP-SECRET/u);
});

for (const [how, caller] of [
  ['a group', blocked],
  ['a rule', denied],
] as const) {
  test(`no spelling of a URI reads what ${how} blocks, and each attempt is recorded`, async () => {
    const from = gateway.audit().length;
    const open: string[] = [];
    for (const uri of SECRETS) {
      const got = await caller.ask('resources/read', { uri });
      if (got.text.includes('TOP-SECRET') || refusalOf(got) !== 'RESOURCE_UNKNOWN') open.push(uri);
    }
    assert.deepEqual(open, []);
    const refused = (): number =>
      gateway
        .audit()
        .slice(from)
        .filter(({ code }) => code === 'RESOURCE_UNKNOWN').length;
    await eventually('each is recorded', () => refused() >= SECRETS.length);
  });

  test(`no URI with the server's name in it reads, or subscribes to, what ${how} blocks`, async () => {
    const open: string[] = [];
    for (const uri of SECRETS.flatMap(qualified))
      for (const method of ['resources/read', 'resources/subscribe']) {
        const { text } = await caller.ask(method, { uri });
        if (text.includes('TOP-SECRET') || !text.includes('"error"')) open.push(`${method} ${uri}`);
      }
    assert.deepEqual(open, []);
  });

  test(`no reference completes what ${how} blocks`, async () => {
    const argument = { name: 'name', value: '' };
    const open: string[] = [];
    const texts = ['file:///private/{name}', 'FILE:///private/{name}', ...SECRETS];
    for (const uri of texts.flatMap((text) => [text, ...qualified(text)])) {
      const ref = { type: 'ref/resource', uri };
      const { text } = await caller.ask('completion/complete', { ref, argument });
      if (text.includes('TOP-SECRET') || !text.includes('"error"')) open.push(uri);
    }
    assert.deepEqual(open, []);
  });

  test(`what ${how} leaves is read and listed, and nothing else is listed`, async () => {
    const read = await caller.ask('resources/read', { uri: 'file:///srv/readme.txt' });
    assert.match(read.text, /"readme"/u);
    const open = await caller.ask('resources/read', { uri: 'file:///srv/public/a.txt' });
    assert.match(open.text, /"public"/u);
    assert.deepEqual(await caller.listed('resources'), ['file:///srv/readme.txt']);
    const templates = await caller.listed('resourceTemplates');
    assert.ok(!templates.includes('file:///private/{name}'), String(templates));
  });
}

/** Spellings that begin where something is allowed and lead elsewhere. */
const ESCAPES = [
  'file:///srv/public/../secret.txt',
  'file:///srv/public/%2e%2e/secret.txt',
  'file:///srv/public/%2E%2E%2Fsecret.txt',
  'file:///srv/public/..%2fsecret.txt',
  'file:///srv/public/..%5csecret.txt',
  'file:///srv/public/..\\secret.txt',
  'file:///srv/public\\..\\secret.txt',
  'file:///srv/public/.\t./secret.txt',
  'file:///srv/public/.\n./secret.txt',
  'file:///srv/public/%2e\t%2e/secret.txt',
  'file:///srv/public/.%0a./secret.txt',
  'file:///srv/public/x/../../secret.txt',
  'file:///srv/public/a.txt/../../secret.txt',
  'file:///srv/public/./../secret.txt',
  'file:///srv/public//../../secret.txt',
  'file:///srv/public/..;/secret.txt',
  'file:///srv/public/../../private/diary.txt',
  'file:///srv/public/%252e%252e%252fsecret.txt',
  'FILE:///srv/public/../secret.txt',
  ' file:///srv/public/../secret.txt',
  'file:///srv/public/../secret.txt#/srv/public/a.txt',
  'file:///srv/readme.txt/../secret.txt',
  'file:///srv/readme.txt\\..\\secret.txt',
  'file:///srv/readme.txt#/../secret.txt',
  'file:///srv/secret.txt#file:///srv/public/a.txt',
  'file:///srv/secret.txt?file:///srv/public/a.txt',
] as const;

for (const [how, caller] of [
  ['a group with a template', named],
  ['a rule with a pattern', ruled],
] as const) {
  test(`no URI that begins inside what ${how} allows leads out of it`, async () => {
    const open: string[] = [];
    for (const uri of [...ESCAPES, ...ESCAPES.flatMap(qualified), ...SECRETS.flatMap(qualified)]) {
      const { text } = await caller.ask('resources/read', { uri });
      if (text.includes('TOP-SECRET')) open.push(uri);
    }
    assert.deepEqual(open, []);
    for (const uri of SECRETS) {
      assertRefusal(await caller.ask('resources/read', { uri }), 'RESOURCE_UNKNOWN');
      assertRefusal(await caller.ask('resources/subscribe', { uri }), 'RESOURCE_UNKNOWN');
    }
  });

  test(`what ${how} allows is read`, async () => {
    for (const [uri, text] of [
      ['file:///srv/readme.txt', /"readme"/u],
      ['file:///srv/public/a.txt', /"public"/u],
    ] as const)
      assert.match((await caller.ask('resources/read', { uri })).text, text);
  });
}

test('after all of this the gateway serves as before', async () => {
  await assertServes(gateway, boss.headers, 'docs__test_simple_text');
  await assertServes(gateway, ruled.headers, 'docs__test_simple_text');
});
