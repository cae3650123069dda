import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertAllowed,
  assertRefusal,
  call,
  givenTo,
  itemsOf,
  namesOf,
  opened,
  RawLegacy,
  WAYS,
} from '../support/access-callers.ts';
import { accessGateway, refusedStart, tagged } from '../support/access-gateway.ts';
import { realServer, serverWith } from '../support/access-servers.ts';
import { assertAccess, prompts, resources, templates, tools } from '../support/access-things.ts';
import { EventReader } from '../support/raw-events.ts';
import { assertRefused, send } from '../support/raw-http.ts';

// Where the original was known to fail: each of its holes is a test here.

const POSTING = {
  name: 'post_message',
  title: 'Post a message',
  annotations: { title: 'Post', readOnlyHint: false },
  inputSchema: {
    type: 'object',
    properties: { channel: { type: 'string' }, text: { type: 'string' } },
    required: ['channel', 'text'],
  },
  outputSchema: {
    type: 'object',
    properties: { tool: { type: 'string' }, arguments: { type: 'object' } },
    required: ['tool'],
  },
};

const gateway = await accessGateway({
  servers: {
    everything: realServer('everything', 'stdio'),
    slack: serverWith({
      tools: ['list_channels', POSTING],
      prompts: ['digest'],
      resources: ['slack://channels'],
    }),
  },
  app: `
permissions:
  consumers:
    no-everything: { block: [all-of-everything] }
    no-posting: { block: [posting] }
    only-child: { allow: [child] }
    only-parent: { allow: [posting] }
    child-by-name: { allow: [child, reading] }
    ruled-child: { allow: [child] }
    member: { consumerGroupKey: team }
    silent-member: { consumerGroupKey: nobodys-team }
    narrow-member: { consumerGroupKey: team, block: [posting] }
    team: { allow: [reading] }
    prompts-only: { allow: [prompts] }
toolGroups:
  - { name: all-of-everything, services: { Everything: "*" } }
  - { name: posting, services: { SLACK: [post_message] } }
  - { name: child, services: { Slack: [post_to_general] } }
  - { name: reading, services: { slack: [list_channels] } }
  - { name: prompts, services: { slack: [digest, "slack://channels"] } }
rules:
  - { id: parent-denied, effect: deny, consumers: [ruled-child], tools: ["SLACK/post_message"] }
  - { id: everything-by-rule, effect: deny, consumers: [by-rule], servers: ["EVERY*"] }
toolExtensions:
  services:
    Slack:
      post_message:
        childTools:
          - { name: post_to_general, overrideParams: { channel: { value: general } } }
`,
});

for (const [way, open] of Object.entries(WAYS)) {
  describe(`over ${way}`, () => {
    test('a block on "Everything" blocks "everything", whatever the case of the name, in permissions as in rules', async (t) => {
      for (const consumer of ['no-everything', 'by-rule']) {
        const caller = await opened(t, open, gateway.port, { headers: tagged(consumer) });
        for (const thing of [
          ...tools('everything__echo'),
          ...prompts('everything__simple-prompt'),
          ...resources('demo://resource/static/document/features.md'),
          ...templates('demo://resource/dynamic/text/{resourceId}'),
        ])
          await assertAccess(caller, thing, false);
        assert.deepEqual(
          (await namesOf(caller, 'tools')).filter((name) => /everything/iu.test(name)),
          [],
        );
        assertAllowed(await call(caller, 'slack__list_channels'));
      }
    });

    test('blocking a tool blocks the custom tools made from it', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('no-posting') });
      for (const thing of tools('slack__post_message', 'slack__post_to_general'))
        await assertAccess(caller, thing, false);
      for (const thing of tools('slack__list_channels', 'everything__get-sum'))
        assert.ok((await namesOf(caller, 'tools')).includes(thing.name));
    });

    test('a custom tool that is allowed by its own name is open where its parent is not, even where a rule denies the parent', async (t) => {
      for (const consumer of ['only-child', 'ruled-child']) {
        const caller = await opened(t, open, gateway.port, { headers: tagged(consumer) });
        assert.deepEqual(await namesOf(caller, 'tools'), ['slack__post_to_general']);
        const told = await call(caller, 'slack__post_to_general', { text: 'hello' });
        assert.deepEqual(givenTo(told), { text: 'hello', channel: 'general' });
        for (const thing of tools('slack__post_message')) await assertAccess(caller, thing, false);
      }
    });

    test('a parent that is allowed by name does not allow its custom tools', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('only-parent') });
      assert.deepEqual(await namesOf(caller, 'tools'), ['slack__post_message']);
      for (const thing of tools('slack__post_to_general')) await assertAccess(caller, thing, false);
    });

    test('consumerGroupKey really groups: the entry under that name holds for its members', async (t) => {
      const member = await opened(t, open, gateway.port, { headers: tagged('member') });
      assert.deepEqual(await namesOf(member, 'tools'), ['slack__list_channels']);
      await assertAccess(member, { kind: 'prompts', name: 'slack__digest' }, false);
      assertAllowed(await call(member, 'slack__list_channels'));
    });

    test('a member with an entry of its own has what both allow, less what either blocks', async (t) => {
      const member = await opened(t, open, gateway.port, { headers: tagged('narrow-member') });
      assert.deepEqual(await namesOf(member, 'tools'), ['slack__list_channels']);
    });

    test('a member of a group without an entry has what everybody has', async (t) => {
      const member = await opened(t, open, gateway.port, { headers: tagged('silent-member') });
      assert.ok((await namesOf(member, 'tools')).includes('slack__post_message'));
    });

    test('prompts and resources obey the same groups as tools', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('prompts-only') });
      assert.deepEqual(await namesOf(caller, 'tools'), []);
      assert.deepEqual(await namesOf(caller, 'prompts'), ['slack__digest']);
      assert.deepEqual(await namesOf(caller, 'resources'), ['slack://channels']);
      assert.deepEqual(await namesOf(caller, 'resourceTemplates'), []);
      for (const thing of [...prompts('slack__digest'), ...resources('slack://channels')])
        await assertAccess(caller, thing, true);
    });

    test('an overridden parameter leaves schema and required, and title, annotations and outputSchema stay', async (t) => {
      const caller = await opened(t, open, gateway.port);
      const item = (await itemsOf(caller, 'tools')).find(
        ({ name }) => name === 'slack__post_to_general',
      );
      assert.deepEqual(item?.['inputSchema'], {
        type: 'object',
        properties: { text: { type: 'string' } },
        required: ['text'],
      });
      assert.deepEqual(item?.['outputSchema'], POSTING.outputSchema);
      assert.equal(item?.['title'], POSTING.title);
      assert.deepEqual(item?.['annotations'], POSTING.annotations);
    });
  });
}

test('a session never changes its consumer: another tag, or none, does not find it, and it goes on as before', async (t) => {
  const session = await RawLegacy.open(gateway.port, { headers: tagged('no-posting') });
  t.after(() => session.close());
  const { 'x-lunar-consumer-tag': _own, ...untagged } = session.headers;
  const others = [{ ...untagged, ...tagged('only-parent') }, untagged];
  for (const headers of others) {
    for (const body of [
      session.body('tools/list'),
      session.body('tools/call', { name: 'slack__post_message', arguments: {} }),
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } },
    ])
      assertRefused(await session.post(body, headers), 404, 1404, 'SESSION_UNKNOWN');
    for (const method of ['GET', 'DELETE'])
      assertRefused(await send(gateway.port, { method, headers }), 404, 1404, 'SESSION_UNKNOWN');
  }
  assertRefusal(await call(session, 'slack__post_message'), 'TARGET_UNKNOWN');
  assertAllowed(await call(session, 'slack__list_channels'));
});

test('the same on HTTP+SSE: a message with another tag than that of its stream is refused', async () => {
  const stream = await EventReader.open(gateway.port, {
    method: 'GET',
    path: '/sse',
    headers: { accept: 'text/event-stream', ...tagged('no-posting') },
  });
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' };
  for (const headers of [tagged('only-parent'), {}])
    assertRefused(await send(gateway.port, { path, headers, body }), 404, 1404, 'SESSION_UNKNOWN');
  const own = await send(gateway.port, { path, headers: tagged('no-posting'), body });
  assert.equal(own.status, 202);
  stream.break();
});

const BAD: Readonly<Record<string, { readonly app: string; readonly says: RegExp }>> = {
  'allow and block in one entry': {
    app: 'permissions:\n  consumers:\n    dev:\n      allow: []\n      block: []\n',
    says: /app\.yaml:(?:3|4):\d+: error: permissions\.consumers\.dev: Both "allow" and "block" stand here/u,
  },
  'allow and block in the default': {
    app: 'permissions:\n  default: { allow: [], block: [] }\n',
    says: /app\.yaml:2:\d+: error: permissions\.default: Both "allow" and "block" stand here/u,
  },
  'a group that nobody defines': {
    app: 'permissions:\n  default: { allow: [raed-only] }\ntoolGroups:\n  - { name: read-only, services: {} }\n',
    says: /app\.yaml:2:\d+: error: permissions\.default\.allow\[?.?0\]?: No tool group is named "raed-only".*read-only/u,
  },
};

for (const [what, { app, says }] of Object.entries(BAD)) {
  test(`${what} is an error at the start that names the line`, async () => {
    const { code, output } = await refusedStart({ servers: {}, app });
    assert.match(output, says);
    assert.equal(code, 1);
  });
}
