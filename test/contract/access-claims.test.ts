import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  opened,
  RawLegacy,
  RawModern,
  WAYS,
} from '../support/access-callers.ts';
import { accessGateway, SHARED_KEY } from '../support/access-gateway.ts';
import { serverWith } from '../support/access-servers.ts';
import { assertAccess, tools } from '../support/access-things.ts';
import { TestProvider, type TokenWish } from '../support/oidc.ts';
import { assertRefused } from '../support/raw-http.ts';

const provider = await TestProvider.start();
after(() => provider.stop());

const gateway = await accessGateway({
  servers: { work: serverWith({ tools: ['read', 'write', 'deploy'] }) },
  env: { API_KEY: SHARED_KEY },
  app: `
server: { publicUrl: "https://mcpx.example" }
auth:
  jwt:
    - { issuer: "${provider.issuer}", consumerClaim: team, groupsClaim: org.groups, consumers: [red, blue, writers] }
permissions:
  default: { allow: [] }
  consumers:
    red: { allow: [reading] }
    writers: { allow: [writing] }
toolGroups:
  - { name: reading, services: { work: [read] } }
  - { name: writing, services: { work: [write] } }
rules:
  - { id: deployers, effect: allow, tools: ["work/deploy"], scopes: [admin] }
  - { id: not-in-hr, effect: deny, tools: ["work/read"], when: "claims.department == 'hr'" }
`,
});

async function bearer(wish: TokenWish): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await provider.token({ subject: 'u1', ...wish })}` };
}

for (const [way, open] of Object.entries(WAYS)) {
  describe(`over ${way}`, () => {
    test('the consumer and the groups that a token names have their entries, united', async (t) => {
      const headers = await bearer({
        claims: { team: 'red', department: 'it', org: { groups: ['writers'] } },
      });
      const caller = await opened(t, open, gateway.port, { headers });
      assert.deepEqual(await namesOf(caller, 'tools'), ['work__read', 'work__write']);
      for (const name of ['work__read', 'work__write']) assertAllowed(await call(caller, name));
    });

    test('a rule may depend on a claim, and one that the token lacks denies', async (t) => {
      for (const claims of [{ team: 'red', department: 'hr' }, { team: 'red' }]) {
        const headers = await bearer({ claims });
        const caller = await opened(t, open, gateway.port, { headers });
        for (const thing of tools('work__read')) await assertAccess(caller, thing, false);
      }
    });

    test('with the scope a tool that needs it is listed and open', async (t) => {
      const headers = await bearer({ claims: { team: 'blue' }, scope: 'admin' });
      const caller = await opened(t, open, gateway.port, { headers });
      assert.deepEqual(await namesOf(caller, 'tools'), ['work__deploy']);
      assertAllowed(await call(caller, 'work__deploy'));
    });

    test('a key that has no scopes cannot learn of what scopes would open', async (t) => {
      const headers = { 'x-lunar-api-key': SHARED_KEY };
      const caller = await opened(t, open, gateway.port, { headers });
      for (const thing of tools('work__deploy')) await assertAccess(caller, thing, false);
    });
  });
}

test('a token without the scope does not see the tool, and a call says which scope it takes (R6)', async (t) => {
  const headers = await bearer({ claims: { team: 'blue' }, scope: 'read' });
  const legacy = await RawLegacy.open(gateway.port, { headers });
  t.after(() => legacy.close());
  const modern = new RawModern(gateway.port, { headers });
  for (const caller of [legacy, modern]) {
    assert.deepEqual(await namesOf(caller, 'tools'), []);
    const params = { name: 'work__deploy', arguments: {} };
    const told = await caller.request('tools/call', params);
    assertRefusal(told, 'INSUFFICIENT_SCOPE');
    assert.equal(told.status, 403);
    assert.deepEqual(told.error?.data?.['scopes'], ['admin']);
    assertRefusal(await call(caller, 'work__read'), 'TARGET_UNKNOWN');
    const got =
      caller === legacy
        ? await legacy.post(legacy.body('tools/call', params))
        : await modern.post('tools/call', params);
    assert.match(
      got.headers['www-authenticate'] ?? '',
      /^Bearer error="insufficient_scope".*scope="admin".*resource_metadata="https:\/\/mcpx\.example\/\.well-known\/oauth-protected-resource\/mcp"/u,
    );
  }
});

test('a token that names a consumer is not that of another tag, and a tag cannot select what tokens prove (R20)', async () => {
  const red = await bearer({ claims: { team: 'red' } });
  const contradicting = { ...red, 'x-lunar-consumer-tag': 'blue' };
  assertRefused(
    await RawLegacy.initialize(gateway.port, { headers: contradicting }),
    403,
    1402,
    'CONSUMER_REFUSED',
  );
  const forged = { 'x-lunar-api-key': SHARED_KEY, 'x-lunar-consumer-tag': 'red' };
  assertRefused(
    await RawLegacy.initialize(gateway.port, { headers: forged }),
    403,
    1402,
    'CONSUMER_REFUSED',
  );
});
