import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import {
  assertAllowed,
  assertRefusal,
  call,
  givenTo,
  itemsOf,
  namesOf,
  opened,
  RawModern,
  WAYS,
  type Caller,
} from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { remoteServerWith, serverWith } from '../support/access-servers.ts';
import { assertAccess, tools } from '../support/access-things.ts';
import { fakeServer } from '../support/fake-server.ts';
import type { JsonObject } from '../support/raw-http.ts';

const POST = {
  name: 'post',
  title: 'Post',
  description: 'Posts a message.',
  annotations: { readOnlyHint: false, openWorldHint: true },
  inputSchema: {
    type: 'object',
    properties: {
      channel: { type: 'string', description: 'Where' },
      text: { type: 'string', description: 'What' },
      priority: { type: 'integer' },
      token: { type: 'string' },
      options: {
        type: 'object',
        properties: {
          markdown: { type: 'boolean' },
          thread: {
            type: 'object',
            properties: { id: { type: 'string' }, broadcast: { type: 'boolean' } },
            required: ['broadcast'],
          },
        },
        required: ['markdown'],
      },
    },
    required: ['channel', 'text'],
  },
  outputSchema: {
    type: 'object',
    properties: { tool: { type: 'string' }, arguments: { type: 'object' } },
    required: ['tool', 'arguments'],
  },
};

const gateway = await accessGateway({
  servers: {
    chat: serverWith({ tools: [POST, { ...POST, name: 'shout' }] }),
    remote: await remoteServerWith({ parts: ['asking', 'control'] }, 'modern'),
  },
  app: `
rules:
  - { id: not-to-all, effect: deny, consumers: [shy], tools: ["chat/*"], when: "args.channel == 'general'" }
toolExtensions:
  services:
    Chat:
      post:
        childTools:
          - name: fixed
            description: { action: rewrite, text: Posts to everybody. }
            title: To everybody
            annotations: { idempotentHint: true, openWorldHint: false }
            overrideParams: { channel: { value: general }, token: { value: "t-0-k-e-n" } }
          - { name: first-form, overrideParams: { channel: general, priority: 2 } }
          - { name: defaulted, description: { append: " Politely." }, overrideParams: { channel: { default: lobby }, priority: { default: 3 } } }
          - { name: hiding, overrideParams: { token: { hidden: true }, priority: { hidden: true, default: 1 } } }
          - { name: renamed, overrideParams: { text: { rename: message, description: The words }, channel: { rename: text } } }
          - name: constrained
            overrideParams:
              channel: { enum: [general, random] }
              text: { pattern: "^[a-z ]+$", maxLength: 10 }
              priority: { minimum: 1, maximum: 5 }
          - { name: personal, overrideParams: { channel: { value: "dm-\${principal.name}" }, text: { default: "from \${principal.name}" } } }
          - { name: deep, overrideParams: { options: { value: { markdown: true, thread: { broadcast: false } } } } }
          - { name: to-team, overrideParams: { channel: { value: "\${principal.consumer}" } } }
      shout:
        replace: true
        childTools:
          - { name: whisper, overrideParams: { priority: { value: 0 } } }
    remote:
      test_x_mcp_header:
        childTools:
          - { name: in-europe, overrideParams: { region: { value: eu } } }
          - { name: zoned, overrideParams: { region: { rename: zone }, priority: { default: 7 } } }
`,
});

async function toolOf(caller: Caller, name: string): Promise<JsonObject> {
  const found = (await itemsOf(caller, 'tools')).find((item) => item['name'] === name);
  assert.ok(found, `${name} is not listed`);
  return found;
}

async function schemaOf(caller: Caller, name: string): Promise<JsonObject> {
  return objectOf((await toolOf(caller, name))['inputSchema']);
}

function propertiesOf(schema: JsonObject): string[] {
  return Object.keys(objectOf(schema['properties']));
}

/** Arguments that do not fit the schema shown: the answer names the argument, and does not repeat its value. */
async function assertUnfit(
  caller: Caller,
  name: string,
  args: JsonObject,
  [argument, value]: readonly [RegExp, string],
): Promise<void> {
  const told = await call(caller, name, args);
  assertRefusal(told, 'PARAMS_INVALID');
  assert.equal(told.error?.code, -32602);
  assert.match(told.error?.message ?? '', argument);
  assert.ok(!JSON.stringify(told.error).includes(value), JSON.stringify(told.error));
}

for (const [way, open] of Object.entries(WAYS)) {
  describe(`what is shown, over ${way}`, () => {
    test('description, title and annotations are as configured, and outputSchema is the parent’s', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const fixed = await toolOf(caller, 'chat__fixed');
      assert.equal(fixed['title'], 'To everybody');
      assert.equal(fixed['description'], 'Posts to everybody.');
      assert.deepEqual(fixed['annotations'], {
        readOnlyHint: false,
        openWorldHint: false,
        idempotentHint: true,
      });
      assert.deepEqual(fixed['outputSchema'], POST.outputSchema);
      const defaulted = await toolOf(caller, 'chat__defaulted');
      assert.equal(defaulted['title'], 'Post');
      assert.match(String(defaulted['description']), /^Posts a message\.\s+Politely\.$/u);
      assert.deepEqual(defaulted['annotations'], POST.annotations);
    });

    test('fixed and hidden parameters are gone from schema and required; defaults, names and constraints are in it', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const fixed = await schemaOf(caller, 'chat__fixed');
      assert.deepEqual(propertiesOf(fixed), ['text', 'priority', 'options']);
      assert.deepEqual(fixed['required'], ['text']);
      const first = await schemaOf(caller, 'chat__first-form');
      assert.deepEqual(propertiesOf(first), ['text', 'token', 'options']);
      const defaulted = await schemaOf(caller, 'chat__defaulted');
      assert.deepEqual(defaulted['required'], ['text']);
      const { priority, channel } = objectOf(defaulted['properties']);
      assert.equal(objectOf(priority)['default'], 3);
      assert.equal(objectOf(channel)['default'], 'lobby');
      assert.deepEqual(propertiesOf(await schemaOf(caller, 'chat__hiding')), [
        'channel',
        'text',
        'options',
      ]);
      const renamed = await schemaOf(caller, 'chat__renamed');
      assert.deepEqual(propertiesOf(renamed).toSorted(), [
        'message',
        'options',
        'priority',
        'text',
        'token',
      ]);
      assert.deepEqual((renamed['required'] as string[]).toSorted(), ['message', 'text']);
      const { message, text } = objectOf(renamed['properties']);
      assert.deepEqual(message, { type: 'string', description: 'The words' });
      assert.deepEqual(text, { type: 'string', description: 'Where' });
      const narrow = objectOf((await schemaOf(caller, 'chat__constrained'))['properties']);
      assert.deepEqual(objectOf(narrow['channel'])['enum'], ['general', 'random']);
      assert.deepEqual(objectOf(narrow['priority'])['maximum'], 5);
      // What is put in for one caller is nothing for a list to tell.
      const personal = JSON.stringify(await toolOf(caller, 'chat__personal'));
      assert.doesNotMatch(personal, /principal|dm-/u);
    });

    test('of a parameter that is fixed in part the rest is left, at every depth', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const { options } = objectOf((await schemaOf(caller, 'chat__deep'))['properties']);
      assert.deepEqual(propertiesOf(objectOf(options)), ['thread']);
      const { thread } = objectOf(objectOf(options)['properties']);
      assert.deepEqual(propertiesOf(objectOf(thread)), ['id']);
      for (const part of [options, thread])
        assert.deepEqual(objectOf(part)['required'] ?? [], [], JSON.stringify(part));
    });

    test('a replaced tool is gone, and what replaces it is there', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const names = await namesOf(caller, 'tools');
      assert.ok(!names.includes('chat__shout') && names.includes('chat__whisper'));
      assertRefusal(
        await call(caller, 'chat__shout', { channel: 'a', text: 'b' }),
        'TARGET_UNKNOWN',
      );
      const told = await call(caller, 'chat__whisper', { channel: 'a', text: 'b' });
      assert.deepEqual(told.result?.['structuredContent'], {
        tool: 'shout',
        arguments: { channel: 'a', text: 'b', priority: 0 },
      });
    });
  });

  describe(`what the server gets, over ${way}`, () => {
    test('fixed values are sent, whatever the caller sends under their names', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const fixed = { text: 'hi', channel: 'general', token: 't-0-k-e-n' };
      assert.deepEqual(givenTo(await call(caller, 'chat__fixed', { text: 'hi' })), fixed);
      const sly = await call(caller, 'chat__fixed', { text: 'hi', channel: 'board', token: 'x' });
      if (sly.error === undefined) assert.deepEqual(givenTo(sly), fixed);
      else assertRefusal(sly, 'PARAMS_INVALID');
      const first = await call(caller, 'chat__first-form', { text: 'hi' });
      assert.deepEqual(givenTo(first), { text: 'hi', channel: 'general', priority: 2 });
    });

    test('a default is sent where the caller gives nothing, and gives way where it does', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const bare = await call(caller, 'chat__defaulted', { text: 'hi' });
      assert.deepEqual(givenTo(bare), { text: 'hi', channel: 'lobby', priority: 3 });
      const full = { text: 'hi', channel: 'random', priority: 0 };
      assert.deepEqual(givenTo(await call(caller, 'chat__defaulted', full)), full);
    });

    test('a hidden parameter cannot be given, and its default is sent', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const args = { channel: 'a', text: 'b' };
      const bare = await call(caller, 'chat__hiding', args);
      assert.deepEqual(givenTo(bare), { ...args, priority: 1 });
      const sly = await call(caller, 'chat__hiding', { ...args, token: 'mine', priority: 9 });
      if (sly.error === undefined) assert.deepEqual(givenTo(sly), { ...args, priority: 1 });
      else assertRefusal(sly, 'PARAMS_INVALID');
    });

    test('renamed parameters reach the server under its own names, also where one takes the name of another', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const told = await call(caller, 'chat__renamed', { message: 'hi', text: 'general' });
      assert.deepEqual(givenTo(told), { text: 'hi', channel: 'general' });
      await assertUnfit(caller, 'chat__renamed', { message: 'hi', channel: 'zebra' }, [
        /text/u,
        'zebra',
      ]);
    });

    test('values may name the caller', async (t) => {
      const headers = tagged('alice');
      const caller = await opened(t, open, gateway.port, { headers });
      assert.deepEqual(givenTo(await call(caller, 'chat__personal', {})), {
        channel: 'dm-alice',
        text: 'from alice',
      });
      assert.deepEqual(givenTo(await call(caller, 'chat__to-team', { text: 'a' })), {
        channel: 'alice',
        text: 'a',
      });
      // What no call of a caller could fill does not exist for it, whoever else was shown it before.
      const nobody = await opened(t, open, gateway.port);
      for (const thing of tools('chat__to-team')) await assertAccess(nobody, thing, false);
      assert.ok((await namesOf(caller, 'tools')).includes('chat__to-team'));
    });

    test('an object that is fixed in part is merged with what the caller gives, deeply', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const args = { channel: 'a', text: 'b' };
      assert.deepEqual(givenTo(await call(caller, 'chat__deep', args)), {
        ...args,
        options: { markdown: true, thread: { broadcast: false } },
      });
      const options = { thread: { id: 't1' } };
      assert.deepEqual(givenTo(await call(caller, 'chat__deep', { ...args, options })), {
        ...args,
        options: { markdown: true, thread: { id: 't1', broadcast: false } },
      });
      const sly = { markdown: false, thread: { id: 't1', broadcast: true } };
      const told = await call(caller, 'chat__deep', { ...args, options: sly });
      if (told.error !== undefined) assertRefusal(told, 'PARAMS_INVALID');
      else
        assert.deepEqual(givenTo(told), {
          ...args,
          options: { markdown: true, thread: { id: 't1', broadcast: false } },
        });
    });

    test('arguments are checked against the schema shown: the answer names the argument and not its value (R21)', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const good = { channel: 'general', text: 'hello', priority: 5 };
      assert.deepEqual(givenTo(await call(caller, 'chat__constrained', good)), good);
      const bad: readonly (readonly [JsonObject, RegExp, string])[] = [
        [{ channel: 'zebra' }, /channel/u, 'zebra'],
        [{ text: 'ZEBRA' }, /text/u, 'ZEBRA'],
        [{ text: 'zebra zebra zebra' }, /text/u, 'zebra'],
        [{ priority: 77_123 }, /priority/u, '77123'],
        [{ priority: 'zebra' }, /priority/u, 'zebra'],
      ];
      for (const [change, argument, value] of bad)
        await assertUnfit(caller, 'chat__constrained', { ...good, ...change }, [argument, value]);
      const { text: _text, ...lacking } = good;
      await assertUnfit(caller, 'chat__constrained', lacking, [/text/u, '\u0000']);
      await assertUnfit(caller, 'chat__fixed', { text: 4_711 }, [/text/u, '4711']);
    });

    test('arguments of a tool as its server has it are its server’s to check', async (t) => {
      const caller = await opened(t, open, gateway.port);
      assert.deepEqual(givenTo(await call(caller, 'chat__post', { priority: 'high' })), {
        priority: 'high',
      });
    });
  });
}

test('a condition judges what the server would get, not what the caller wrote, and both are recorded', async () => {
  const client = 'shy about arguments';
  const caller = new RawModern(gateway.port, { headers: tagged('shy'), client });
  assertRefusal(await call(caller, 'chat__fixed', { text: 'a' }), 'FORBIDDEN');
  assertRefusal(
    await call(caller, 'chat__renamed', { text: 'general', message: 'b' }),
    'FORBIDDEN',
  );
  assertAllowed(await call(caller, 'chat__renamed', { text: 'lobby', message: 'general' }));
  const lines = await gateway.audited(3, (line) => line['client'] === client);
  assert.deepEqual(
    lines.map((line) => [
      line['rule'],
      line['target'],
      line['custom'],
      line['arguments'],
      objectOf(line['judgedArguments'])['channel'],
    ]),
    [
      ['not-to-all', 'post', 'fixed', { text: 'a' }, 'general'],
      ['not-to-all', 'post', 'renamed', { text: 'general', message: 'b' }, 'general'],
      ['permissions.default', 'post', 'renamed', { text: 'lobby', message: 'general' }, 'lobby'],
    ],
  );
});

/** Calls a tool of the remote server by bare HTTP with these headers, and returns the headers its server got. */
async function sentOn(
  name: string,
  args: JsonObject,
  headers: Record<string, string>,
): Promise<Record<string, unknown>> {
  const caller = new RawModern(gateway.port);
  const got = await caller.post('tools/call', { name, arguments: args }, headers);
  assert.equal(got.status, 200, got.text);
  assert.doesNotMatch(got.text, /"error"/u);
  const state = await call(caller, 'remote__fixture_state');
  return objectOf(objectOf(state.result?.['structuredContent'])['lastHeaders']);
}

test('Mcp-Param headers of a custom tool are made anew of what its server gets (R21)', async () => {
  const fixed = await sentOn('remote__in-europe', { query: 'a' }, {});
  assert.equal(fixed['mcp-param-region'], 'eu');
  const ignored = await sentOn('remote__in-europe', { query: 'a' }, { 'mcp-param-region': 'us' });
  assert.equal(ignored['mcp-param-region'], 'eu');
  const renamed = await sentOn('remote__zoned', { zone: 'asia' }, { 'mcp-param-region': 'asia' });
  assert.equal(renamed['mcp-param-region'], 'asia');
  assert.equal(renamed['mcp-param-priority'], '7');
});

test('Mcp-Param headers are checked against the schema shown (R21)', async () => {
  const caller = new RawModern(gateway.port);
  const tries: readonly (readonly [JsonObject, Record<string, string>])[] = [
    [{ zone: 'asia' }, {}],
    [{ zone: 'asia' }, { 'mcp-param-region': 'us' }],
    [
      { zone: 'asia', priority: 2 },
      { 'mcp-param-region': 'asia', 'mcp-param-priority': '7' },
    ],
  ];
  for (const [args, headers] of tries) {
    const got = await caller.post(
      'tools/call',
      { name: 'remote__zoned', arguments: args },
      headers,
    );
    assert.equal(got.status, 400, got.text);
    assert.match(got.text, /"refusal":"HEADER_MISMATCH"/u);
  }
});

test('with validateArguments every tool’s arguments are checked, and no reference of a schema is fetched', async (t) => {
  const elsewhere = await fakeServer(t, (_seen, response) => {
    response.end(JSON.stringify({ type: 'string' }));
  });
  const strict = await accessGateway(
    {
      servers: {
        chat: serverWith({
          tools: [
            POST,
            {
              name: 'elsewhere',
              inputSchema: {
                type: 'object',
                properties: { a: { $ref: `${elsewhere.origin}/schema.json` } },
              },
            },
          ],
        }),
      },
      app: 'validateArguments: true\n',
    },
    t,
  );
  for (const open of Object.values(WAYS)) {
    const caller = await opened(t, open, strict.port);
    const args = { channel: 'a', text: 'b' };
    assert.deepEqual(givenTo(await call(caller, 'chat__post', args)), args);
    await assertUnfit(caller, 'chat__post', { ...args, priority: 'zebra' }, [/priority/u, 'zebra']);
    await assertUnfit(caller, 'chat__post', { text: 'b' }, [/channel/u, '\u0000']);
    const odd = await call(caller, 'chat__elsewhere', { a: 1 });
    if (odd.error === undefined) assertAllowed(odd);
    else assertRefusal(odd, 'PARAMS_INVALID');
  }
  assert.deepEqual(elsewhere.seen, []);
});
