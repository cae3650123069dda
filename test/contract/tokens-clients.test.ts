import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as modern from '@modelcontextprotocol/client';
import * as legacy from '@modelcontextprotocol/sdk/client/auth.js';
import { eventually } from '../support/processes.ts';
import {
  Agent,
  KINDS,
  type AuthorizedClient,
  type Authorizer,
  type Kind,
} from '../support/tokens-clients.ts';
import { REQUIRED, scopesIn, STEP, tokenScene } from '../support/tokens-scene.ts';
import { signIn, userProvider } from '../support/tokens-users.ts';

const LIMIT = { timeout: 30_000 };
const LOOK = ['far__look', 'work__look'];
const WRITE = 'work__write';

const provider = await userProvider({ dora: ['developers'], adam: ['admins'] });
const scene = await tokenScene({
  issuer: provider.issuer,
  token: () => Promise.reject(new Error('clients get their tokens themselves')),
});
const url = new URL('/mcp', scene.base);

const UNAUTHORIZED = { message: /unauthorized/iu };

const SDKS = { 'SDK v1': legacy, 'SDK v2': modern };

describe('what the discovery of the SDKs finds', LIMIT, () => {
  for (const [sdk, library] of Object.entries(SDKS))
    for (const path of ['/mcp', '/mcp/reading', '/sse'])
      test(`${sdk} comes from ${path} to the provider's endpoints`, async () => {
        const server = new URL(path, scene.base);
        const resource = await library.discoverOAuthProtectedResourceMetadata(server);
        assert.deepEqual(resource.authorization_servers, [provider.issuer]);
        const found = await library.discoverAuthorizationServerMetadata(provider.issuer);
        assert.equal(found?.issuer, provider.issuer);
        assert.equal(found.token_endpoint, `${provider.issuer}/token`);
        const refused = await fetch(server, { method: path === '/sse' ? 'GET' : 'POST' });
        await refused.body?.cancel();
        const challenge = library.extractWWWAuthenticateParams(refused);
        assert.equal(challenge.scope, REQUIRED);
        const { resourceMetadataUrl } = challenge;
        assert.ok(resourceMetadataUrl !== undefined);
        assert.deepEqual(
          await library.discoverOAuthProtectedResourceMetadata(server, { resourceMetadataUrl }),
          resource,
        );
      });
});

for (const [name, kind] of Object.entries(KINDS)) {
  describe(name, LIMIT, () => {
    test('gets in by client credentials, knowing no more than the URL and its secret', async (t) => {
      const before = provider.asked.length;
      const client = await connected(t, kind, kind.robot(provider.issuer));
      assert.deepEqual(await client.tools(), []);
      assert.deepEqual(provider.asked.slice(before), [
        { grant: 'client_credentials', scope: REQUIRED },
      ]);
    });

    test('at the endpoint of a tool group, too', async (t) => {
      const at = new URL('/mcp/reading', scene.base);
      const client = await signedIn(t, kind, { agent: agentOf('desktop'), user: 'adam', at });
      assert.deepEqual((await client.tools()).toSorted(), LOOK);
    });

    test('registers itself, has its user sign in and sees what the groups of that user may', async (t) => {
      const client = await signedIn(t, kind, { agent: new Agent(), user: 'dora' });
      assert.deepEqual((await client.tools()).toSorted(), LOOK);
      assert.notEqual((await client.call('work__look'))['isError'], true);
      await assert.rejects(client.call('work__drop'));
    });

    if (kind.stepsUp === 'never') return;

    test('renews a token that has run out, and goes on in the same session', async (t) => {
      provider.lifeSec = 3;
      t.after(() => {
        provider.lifeSec = 3600;
      });
      const agent = agentOf('desktop');
      const client = await signedIn(t, kind, { agent, user: 'dora' });
      const id = client.sessionId();
      assert.equal(id !== undefined, kind.era === 'legacy');
      const first = agent.tokens()?.['access_token'];
      const before = provider.asked.length;
      await eventually('the token was renewed', 15_000, async () => {
        assert.deepEqual((await client.tools()).toSorted(), LOOK);
        return agent.tokens()?.['access_token'] !== first;
      });
      assert.equal(client.sessionId(), id);
      const grants = provider.asked.slice(before).map(({ grant }) => grant);
      assert.deepEqual([...new Set(grants)], ['refresh_token']);
      assert.equal(agent.page, undefined, 'the user was not asked again');
    });

    test('with client credentials a call that needs another scope steps up, or fails at once', async (t) => {
      const client = await connected(t, kind, kind.robot(provider.issuer));
      assert.deepEqual(await client.tools(), []);
      const before = provider.asked.length;
      const called = bounded(client.call(WRITE));
      if (kind.stepsUp === 'by-any-grant') assert.notEqual((await called)['isError'], true);
      else await assert.rejects(called, { code: 403 });
      const isBetter = kind.stepsUp === 'by-any-grant';
      assert.deepEqual(
        provider.asked.slice(before).map(({ grant, scope }) => ({ grant, scope: scopesIn(scope) })),
        [{ grant: 'client_credentials', scope: isBetter ? [REQUIRED, STEP] : [REQUIRED] }],
      );
      assert.deepEqual(await client.tools(), isBetter ? [WRITE] : []);
    });

    test('steps up by sending its user to the provider, and the session goes on', async (t) => {
      // SDK v1 uses a refresh token where it has one, and that never brings more scopes.
      const agent = agentOf(kind.stepsUp === 'by-any-grant' ? 'desktop' : 'terminal');
      const client = await signedIn(t, kind, { agent, user: 'dora' });
      const id = client.sessionId();
      assert.ok(!(await client.tools()).includes(WRITE));
      await assert.rejects(client.call(WRITE), UNAUTHORIZED);
      const wanted = scopesIn(agent.page?.searchParams.get('scope') ?? '');
      assert.deepEqual(
        wanted.filter((scope) => scope !== 'offline_access'),
        [REQUIRED, STEP],
      );
      await client.finish(await answerTo(agent, 'dora'));
      assert.notEqual((await client.call(WRITE))['isError'], true);
      assert.deepEqual((await client.tools()).toSorted(), [...LOOK, WRITE].toSorted());
      assert.equal(client.sessionId(), id);
    });
  });
}

test(
  'SDK v1 with a refresh token asks for a new one in vain, once, and its session goes on',
  LIMIT,
  async (t) => {
    const agent = agentOf('desktop');
    const kind = KINDS['SDK v1']!;
    const client = await signedIn(t, kind, { agent, user: 'dora' });
    const before = provider.asked.length;
    await assert.rejects(bounded(client.call(WRITE)), { code: 403 });
    assert.deepEqual(
      provider.asked.slice(before).map(({ grant }) => grant),
      ['refresh_token'],
    );
    assert.deepEqual((await client.tools()).toSorted(), LOOK);
  },
);

test(
  'over HTTP+SSE a client whose token ran out comes back with a new one, its user not asked again',
  LIMIT,
  async (t) => {
    provider.lifeSec = 3;
    t.after(() => {
      provider.lifeSec = 3600;
    });
    const agent = agentOf('desktop');
    const kind = KINDS['SDK v1 over HTTP+SSE']!;
    const client = await signedIn(t, kind, { agent, user: 'dora' });
    await client.close();
    const token = String(agent.tokens()?.['access_token']);
    await eventually('the token had run out', 15_000, async () => {
      const headers = { authorization: `Bearer ${token}` };
      const { status, body } = await fetch(url, { method: 'DELETE', headers });
      await body?.cancel();
      return status === 401;
    });
    const again = await connected(t, kind, agent);
    assert.deepEqual((await again.tools()).toSorted(), LOOK);
    assert.equal(agent.page, undefined, 'the user was not asked again');
    assert.notEqual(agent.tokens()?.['access_token'], token);
  },
);

/** What becomes of a call; fails once its client has asked for more tokens than anybody needs. */
async function bounded<T>(called: Promise<T>): Promise<T> {
  const before = provider.asked.length;
  let isSettled = false;
  const settled = called.finally(() => {
    isSettled = true;
  });
  // It is looked at below; until then a rejection has nobody else.
  settled.catch(() => undefined);
  const isCircling = (): boolean => provider.asked.length > before + 6;
  await eventually('the call was answered', 15_000, () => isSettled || isCircling());
  assert.ok(isSettled, `it asks again and again: ${JSON.stringify(provider.asked.slice(before))}`);
  return settled;
}

async function connected(
  t: TestContext,
  kind: Kind,
  authorizer: Authorizer,
  at = url,
): Promise<AuthorizedClient> {
  const client = kind.open(at, authorizer);
  t.after(() => client.close());
  await client.connect();
  return client;
}

/** An agent that the provider knows already. */
function agentOf(client: 'desktop' | 'terminal'): Agent {
  return new Agent({ client_id: client, issuer: provider.issuer });
}

/** A client whose user has just signed in. */
async function signedIn(
  t: TestContext,
  kind: Kind,
  { agent, user, at = url }: { agent: Agent; user: string; at?: URL },
): Promise<AuthorizedClient> {
  const first = kind.open(at, agent);
  await assert.rejects(first.connect(), UNAUTHORIZED);
  await first.finish(await answerTo(agent, user));
  await first.close();
  return connected(t, kind, agent, at);
}

async function answerTo(agent: Agent, user: string): Promise<URLSearchParams> {
  const { page } = agent;
  assert.ok(page !== undefined, 'the user is sent to the provider');
  assert.equal(page.origin, provider.issuer);
  agent.page = undefined;
  return signIn(page, user);
}
