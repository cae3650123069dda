import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefusal, Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  KEY_HEADER,
  SHARED_KEY,
  startAttacked,
  TAG_HEADER,
} from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { rpcOf, send, type JsonObject } from '../support/raw-http.ts';

/** Whoever has the key that all share may go by a consumer that nothing else proves, and by no other (R20). */

const { gateway, provider, claims } = await tokenSceneForFile({
  issuer: { consumerClaim: 'team', consumers: undefined },
  servers: { it: fixtureEntry('legacy', '--extra-tools', '1') },
  app: {
    toolGroups: [
      { name: 'texts', services: { it: ['test_simple_text'] } },
      { name: 'state', services: { it: ['fixture_state'] } },
    ],
    auth: { admins: { consumers: ['operators'] } },
    permissions: {
      default: { allow: ['texts'] },
      consumers: {
        mapped: { block: [] },
        member: { consumerGroupKey: 'crew' },
        crew: { block: [] },
      },
    },
    toolExtensions: {
      services: {
        it: {
          fixture_extra_0: {
            childTools: [{ name: 'own', overrideParams: { text: { value: '${principal.name}' } } }],
          },
        },
      },
    },
    rules: [
      { id: 'ops', effect: 'allow', consumers: ['ops'], tools: ['it/fixture_state'] },
      { id: 'own', effect: 'allow', tools: ['it/own'] },
      {
        id: 'alice',
        effect: 'allow',
        tools: ['it/fixture_echo'],
        when: 'principal.name == "alice"',
      },
    ],
  },
});
const { port } = gateway;
const shared = { [KEY_HEADER]: SHARED_KEY };
const named = await gateway.createKey('keyed');
const nameless = { authorization: `Bearer ${await provider.sign(claims())}` };

function tagged(credential: Record<string, string>, tag: string): Record<string, string> {
  return { ...credential, [TAG_HEADER]: tag };
}

for (const [who, credential] of [
  ['the shared key', shared],
  ['a token that names no consumer', nameless],
] as const) {
  for (const [what, tag] of [
    ['has a named key', 'keyed'],
    ['tokens may name', 'mapped'],
    ['others belong to', 'crew'],
    ['belongs to another one', 'member'],
    ['only a rule knows', 'ops'],
  ]) {
    test(`a consumer that ${what} is not selected by a tag with ${who}, and that is recorded (R20)`, async () => {
      const from = gateway.audit().length;
      const caller = new Caller(port, { headers: tagged(credential, tag ?? '') });
      assertRefusal(await caller.modernCall('it__fixture_state'), 'CONSUMER_REFUSED', 403);
      await gateway.recorded(
        'it',
        ({ code, address }) => code === 'CONSUMER_REFUSED' && address === caller.address,
        from,
      );
    });
  }
}

test('a consumer whose key was revoked or has expired stays closed to the shared key (R20)', async () => {
  const [, id = ''] = /^mcpx_([\w-]+)_[\w-]{43}$/u.exec(named) ?? [];
  await gateway.mcpx('keys', 'revoke', id);
  const brief = await gateway.createKey('brief', '--expires', '1m');
  assert.ok(brief.startsWith('mcpx_'));
  for (const tag of ['keyed', 'brief']) {
    const caller = new Caller(port, { headers: tagged(shared, tag) });
    assertRefusal(await caller.modernCall('it__test_simple_text'), 'CONSUMER_REFUSED', 403);
  }
});

test('the entry that a protected consumer belongs to is as protected: its name is no way around the key (R20)', async (t) => {
  const other = await startAttacked({
    app: {
      permissions: {
        default: { allow: [] },
        consumers: { ci: { consumerGroupKey: 'deployers' }, deployers: { block: [] } },
      },
    },
  });
  t.after(() => other.stop());
  const ci = { [KEY_HEADER]: await other.createKey('ci') };
  await assertServes(other, ci);
  const caller = new Caller(other.port, { headers: tagged(shared, 'deployers') });
  assertRefusal(await caller.modernCall('it__test_simple_text'), 'CONSUMER_REFUSED', 403);
});

test('a token without the claim does not read the admin API by a tag', async () => {
  for (const headers of [nameless, tagged(nameless, 'operators'), tagged(nameless, 'anybody')]) {
    const got = await send(port, { method: 'GET', path: '/admin/servers', headers });
    assert.equal(got.status, 403, got.text);
    assert.doesNotMatch(got.text, /"phase"/u);
  }
  const token = await provider.sign(claims({ team: 'operators' }));
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await send(port, { method: 'GET', path: '/admin/servers', headers })).status, 200);
});

test('a token that names a consumer is not led to another one by a tag', async () => {
  const token = await provider.sign(claims({ team: 'mapped' }));
  const bearer = { authorization: `Bearer ${token}` };
  for (const tag of ['ops', 'anybody', 'crew']) {
    const caller = new Caller(port, { headers: tagged(bearer, tag) });
    assertRefusal(await caller.modernCall('it__fixture_state'), 'CONSUMER_REFUSED', 403);
  }
  await assertServes(gateway, tagged(bearer, 'mapped'));
});

test('a tag does not take the name of somebody who is proven: neither conditions nor values know one for the other (R20)', async () => {
  const alice = new Caller(port, { headers: nameless });
  assert.equal((await alice.modernCall('it__fixture_echo')).status, 200);
  const caller = new Caller(port, { headers: tagged(shared, 'alice') });
  const got = await caller.modernCall('it__fixture_echo');
  assert.ok(rpcOf(got).error !== undefined, `the condition took it for the subject: ${got.text}`);
  const own = rpcOf(await alice.modernCall('it__own'));
  assert.match(JSON.stringify(own.result), /extra 0: alice/u);
  const other = await caller.modernCall('it__own');
  assert.doesNotMatch(other.text, /extra 0: alice"/u);
});

test('a claim that is no name selects nothing, and does not fall back to what holds for all', async () => {
  for (const team of ['', 0, true, [], ['mapped'], { name: 'mapped' }]) {
    const token = await provider.sign(claims({ team }));
    const caller = new Caller(port, { headers: { authorization: `Bearer ${token}` } });
    assertRefusal(await caller.modernCall('it__test_simple_text'), 'CONSUMER_REFUSED', 403);
  }
});

test('a consumer that nothing proves is free for the shared key, and may do no more than anybody', async () => {
  const caller = new Caller(port, { headers: tagged(shared, 'anybody') });
  const tools = (rpcOf(await caller.modern('tools/list')).result?.['tools'] ?? []) as JsonObject[];
  assert.deepEqual(tools.map(({ name }) => String(name)).toSorted(), [
    'it__own',
    'it__test_simple_text',
  ]);
  await assertServes(gateway, caller.headers);
  await assertServes(gateway);
});
