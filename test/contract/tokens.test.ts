import assert from 'node:assert/strict';
import { after, describe, test, type TestContext } from 'node:test';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  RawLegacy,
  RawModern,
} from '../support/access-callers.ts';
import { tagged } from '../support/access-gateway.ts';
import { TestProvider, type TokenWish } from '../support/oidc.ts';
import { eventually } from '../support/processes.ts';
import { initializeBody, modernSent } from '../support/raw-clients.ts';
import { EventReader } from '../support/raw-events.ts';
import {
  assertRefused,
  partOf,
  send,
  type Got,
  type JsonObject,
  type Sent,
} from '../support/raw-http.ts';
import {
  appOf,
  bearing,
  challengeOf,
  CHANGED,
  elsewhere,
  REQUIRED,
  scopesIn,
  seconds,
  STEP,
  tokenScene,
  type Bearing,
} from '../support/tokens-scene.ts';

const LIMIT = { timeout: 20_000 };
const METADATA = '/.well-known/oauth-protected-resource';
const LOOK = ['far__look', 'work__look'];
const WRITE = 'work__write';

const provider = await TestProvider.start();
after(() => provider.stop());
const stranger = await TestProvider.start();
after(() => stranger.stop());
const scene = await tokenScene(provider);
const { port, base, token, gateway } = scene;

/** A caller of either era whose token can be changed. */
type Changing = { readonly caller: RawLegacy | RawModern; use(token: string): void };

async function legacy(t: TestContext, wish?: TokenWish): Promise<Changing & { caller: RawLegacy }> {
  const headers = bearing(await token(wish));
  const caller = await RawLegacy.open(port, { headers });
  t.after(() => caller.close());
  return { caller, use: (next) => void (headers.authorization = `Bearer ${next}`) };
}

async function modern(wish?: TokenWish): Promise<Changing & { caller: RawModern }> {
  const headers = bearing(await token(wish));
  const caller = new RawModern(port, { headers });
  return { caller, use: (next) => void (headers.authorization = `Bearer ${next}`) };
}

const ERAS = {
  legacy,
  modern: (_t: TestContext, wish?: TokenWish): Promise<Changing> => modern(wish),
};

/** The first request of a caller, in both eras. */
function attempts(headers: Record<string, string>): readonly Sent[] {
  const list = modernSent('tools/list');
  return [
    { headers, body: initializeBody() },
    { ...list, headers: { ...list.headers, ...headers } },
  ];
}

describe('how a client finds out where tokens come from', LIMIT, () => {
  const DOORS: readonly (Sent & { readonly path: string })[] = [
    { path: '/mcp', body: initializeBody() },
    { path: '/mcp', ...modernSent('tools/list') },
    { path: '/mcp/reading', body: initializeBody() },
    { path: '/mcp/nothing-of-this-name', body: initializeBody() },
    { path: '/mcp', method: 'GET' },
    { path: '/mcp', method: 'DELETE' },
    { path: '/sse', method: 'GET' },
    { path: '/sse/reading', method: 'GET' },
  ];

  for (const door of DOORS) {
    const { path, method = 'POST' } = door;
    test(`${method} ${path} without a token is 401 with the place of the metadata (RFC 9728, R18)`, async () => {
      const got = await send(port, door);
      assertRefused(got, 401, 1401, 'UNAUTHENTICATED');
      assert.deepEqual(challengeOf(got), {
        realm: 'mcpx',
        scope: REQUIRED,
        resource_metadata: `${base}${METADATA}${path}`,
      });
    });
  }

  for (const path of ['', '/mcp', '/mcp/reading', '/sse']) {
    test(`the metadata of ${path || 'the root'} need no key and say who issues tokens`, async () => {
      const got = await send(port, { method: 'GET', path: `${METADATA}${path}` });
      assert.deepEqual([got.status, got.headers['content-type']], [200, 'application/json']);
      const { resource, ...document } = JSON.parse(got.text) as JsonObject;
      assert.deepEqual(document, {
        authorization_servers: [provider.issuer],
        bearer_methods_supported: ['header'],
        resource_name: 'MCPX',
        scopes_supported: [REQUIRED, STEP],
      });
      // What a client may use is what names the very resource it asked for (RFC 9728, section 3.3).
      assert.equal(resource, `${base}${path}`);
    });
  }

  test('a page of an allowed origin may read the metadata and the challenge', async () => {
    const origin = 'http://localhost:5173';
    const document = await send(port, {
      method: 'GET',
      path: `${METADATA}/mcp`,
      headers: { origin },
    });
    const refused = await send(port, { headers: { origin }, body: initializeBody() });
    for (const { headers } of [document, refused]) {
      assert.equal(headers['access-control-allow-origin'], origin);
      assert.match(String(headers['access-control-expose-headers']), /www-authenticate/iu);
    }
  });

  test('a page may ask for the metadata as the SDKs do, with the version of the protocol', async () => {
    const headers = {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'mcp-protocol-version',
    };
    const got = await send(port, { method: 'OPTIONS', path: `${METADATA}/mcp`, headers });
    assert.equal(got.status, 204);
    assert.match(String(got.headers['access-control-allow-headers']), /mcp-protocol-version/iu);
  });

  test('there are no metadata of what is no resource', async () => {
    for (const path of ['/nothing', 'mcp', '/mcp/a/b', '/messages'])
      assert.equal((await send(port, { method: 'GET', path: `${METADATA}${path}` })).status, 404);
  });
});

describe('which tokens prove somebody', LIMIT, () => {
  for (const path of ['', '/', '/mcp', '/sse', '/mcp/reading'])
    test(`one for the audience publicUrl${path} works in both eras`, async () => {
      const headers = bearing(await token({ audience: `${base}${path}` }));
      for (const sent of attempts(headers)) assert.equal((await send(port, sent)).status, 200);
    });

  test('one of the token endpoint works', async () => {
    const granted = scene.keep(await provider.grant(REQUIRED, `${base}/mcp`));
    for (const sent of attempts(bearing(granted)))
      assert.equal((await send(port, sent)).status, 200);
  });

  const WRONG: Readonly<Record<string, () => Promise<string>>> = {
    'for another audience': () => token({ audience: 'https://other.example/mcp' }),
    'for a place below this gateway that is no endpoint': () =>
      token({ audience: `${base}/mcp/reading/x` }),
    'that has expired': () => provider.sign(claims({ exp: seconds() - 1 })),
    'of another issuer': () =>
      stranger.token({ audience: `${base}/mcp`, subject: 'a', scope: REQUIRED }),
    'of another issuer under the name of this one': () =>
      provider.sign(claims(), { kid: provider.key.kid }, stranger.key.privateKey),
  };
  for (const [what, make] of Object.entries(WRONG))
    test(`one ${what} is 401 invalid_token in both eras`, async () => {
      for (const sent of attempts(bearing(scene.keep(await make()), elsewhere()))) {
        const got = await send(port, sent);
        assertRefused(got, 401, 1401, 'UNAUTHENTICATED');
        const { error, resource_metadata: place } = challengeOf(got);
        assert.deepEqual([error, place], ['invalid_token', `${base}${METADATA}/mcp`]);
      }
    });

  test('one that lacks a scope every token needs is 403 and told which', async () => {
    for (const sent of attempts(bearing(await token({ scope: STEP })))) {
      const got = await send(port, sent);
      assert.equal(got.status, 403, got.text);
      const { error, scope, resource_metadata: place } = challengeOf(got);
      assert.deepEqual(
        [error, scope, place],
        ['insufficient_scope', REQUIRED, `${base}${METADATA}/mcp`],
      );
    }
  });
});

describe('what a token opens', LIMIT, () => {
  const RIGHTS: readonly (readonly [string, JsonObject, readonly string[]])[] = [
    ['of no group', {}, []],
    ['of a group nobody configured', { org: { groups: ['others'] } }, []],
    ['of the group developers', { org: { groups: ['developers'] } }, LOOK],
    ['of the consumer red', { team: 'red' }, ['work__drop']],
    [
      'of red and developers',
      { team: 'red', org: { groups: ['developers'] } },
      [...LOOK, 'work__drop'],
    ],
  ];
  for (const [era, open] of Object.entries(ERAS)) {
    for (const [who, more, seen] of RIGHTS)
      test(`a token ${who} sees and calls just what is its own, ${era}`, async (t) => {
        const { caller } = await open(t, { claims: more });
        const listed = await namesOf(caller, 'tools');
        assert.deepEqual(listed.toSorted(), [...seen].toSorted());
        for (const name of ['work__look', 'far__look', 'work__drop']) {
          const told = await call(caller, name);
          if (seen.includes(name)) assertAllowed(told);
          else assertRefusal(told, 'TARGET_UNKNOWN');
        }
      });

    test(`a token of the group admins sees and calls all, ${era}`, async (t) => {
      const { caller } = await open(t, { claims: { org: { groups: ['admins'] } } });
      const names = await namesOf(caller, 'tools');
      for (const name of [...LOOK, 'work__drop', WRITE]) {
        assert.ok(names.includes(name), `${name} is in ${names.join()}`);
        assertAllowed(await call(caller, name));
      }
    });
  }

  test('the endpoint of a group narrows what a token opens', async (t) => {
    const headers = bearing(await token({ claims: { org: { groups: ['admins'] } } }));
    const caller = await RawLegacy.open(port, { headers, path: '/mcp/reading' });
    t.after(() => caller.close());
    const there = new RawModern(port, { headers, path: '/mcp/reading' });
    for (const each of [caller, there])
      assert.deepEqual((await namesOf(each, 'tools')).toSorted(), LOOK);
    const nowhere = new RawModern(port, { headers, path: '/mcp/nothing-of-this-name' });
    assert.equal((await nowhere.post('tools/list')).status, 404);
  });

  test('a tag that contradicts the token is 403, and one that agrees is fine (R20)', async () => {
    for (const wish of [{ claims: { team: 'red' } }, {}] as TokenWish[])
      for (const sent of attempts(bearing(await token(wish), tagged('blue'))))
        assert.equal((await send(port, sent)).status, 403);
    for (const sent of attempts(bearing(await token({ claims: { team: 'red' } }), tagged('red'))))
      assert.equal((await send(port, sent)).status, 200);
  });
});

describe('a tool that another scope opens', LIMIT, () => {
  for (const [era, open] of Object.entries(ERAS))
    test(`is not listed; a call says which scopes it takes; with them the caller goes on, ${era} (R6)`, async (t) => {
      const { caller, use } = await open(t, { claims: { org: { groups: ['developers'] } } });
      assert.deepEqual((await namesOf(caller, 'tools')).toSorted(), LOOK);
      const got = await callRaw(caller, WRITE);
      assert.equal(got.status, 403, got.text);
      const { error, scope, resource_metadata: place } = challengeOf(got);
      assert.deepEqual([error, place], ['insufficient_scope', `${base}${METADATA}/mcp`]);
      // A client may ask for just these scopes: without those every token needs it would be turned away at the door.
      assert.deepEqual(scopesIn(scope), [REQUIRED, STEP]);
      assert.equal(
        (await callRaw(caller, 'work__drop')).status,
        200,
        'what scopes do not open is unknown',
      );
      use(
        await token({
          scope: `${REQUIRED} ${STEP}`,
          claims: { org: { groups: ['developers'] } },
        }),
      );
      assert.deepEqual((await namesOf(caller, 'tools')).toSorted(), [...LOOK, WRITE].toSorted());
      assertAllowed(await call(caller, WRITE));
    });

  test('is known by its scope at the endpoint of its group alone', async (t) => {
    const headers = bearing(await token());
    const terms = (group: string): { headers: Bearing; path: string } => ({
      headers,
      path: `/mcp/${group}`,
    });
    const session = await RawLegacy.open(port, terms('writing'));
    t.after(() => session.close());
    for (const caller of [session, new RawModern(port, terms('writing'))]) {
      const got = await callRaw(caller, WRITE);
      assert.equal(got.status, 403);
      assert.equal(challengeOf(got)['resource_metadata'], `${base}${METADATA}/mcp/writing`);
    }
    assertRefusal(await call(new RawModern(port, terms('reading')), WRITE), 'TARGET_UNKNOWN');
  });

  test('an open stream is told that the tools have changed, once the better token was used', async (t) => {
    const { caller, use } = await legacy(t);
    await namesOf(caller, 'tools');
    const stream = await caller.listen();
    t.after(() => stream.break());
    use(await token({ scope: `${REQUIRED} ${STEP}` }));
    assertAllowed(await call(caller, WRITE));
    await stream.nextMessage(({ method }) => method === CHANGED);
  });

  test('a worse token of the same subject in the same session takes the tool away again', async (t) => {
    const { caller, use } = await legacy(t, { scope: `${REQUIRED} ${STEP}` });
    assertAllowed(await call(caller, WRITE));
    use(await token());
    assert.deepEqual(await namesOf(caller, 'tools'), []);
    assert.equal((await callRaw(caller, WRITE)).status, 403);
  });
});

const ADMIN: TokenWish = { claims: { org: { groups: ['admins'] } } };

/** Changes what a server offers, as somebody else. */
async function change(): Promise<void> {
  const { caller } = await modern(ADMIN);
  assertAllowed(await call(caller, 'work__test_trigger_tool_change'));
}

describe('streams and sessions', LIMIT, () => {
  test('a GET stream brings news, and DELETE ends the session for its subject alone', async (t) => {
    const { caller } = await legacy(t, ADMIN);
    await namesOf(caller, 'tools');
    const stream = await caller.listen();
    await change();
    await stream.nextMessage(({ method }) => method === CHANGED);
    const other = bearing(await token({ ...ADMIN, subject: 'another' }));
    const end = (headers: Record<string, string>): Promise<Got> =>
      send(port, { method: 'DELETE', headers });
    assert.equal((await end({ ...caller.headers, ...other })).status, 404);
    assert.equal((await caller.request('ping')).status, 200);
    assert.equal((await end(caller.headers)).status, 204);
    await stream.ended;
    assert.equal((await caller.post(caller.body('ping'))).status, 404);
  });

  test('HTTP+SSE works with tokens, and each message needs one of the same subject', async (t) => {
    const headers = bearing(await token({ claims: { org: { groups: ['developers'] } } }));
    const { stream, path } = await openSse(t, headers);
    const post = async (body: object, by: Record<string, string> = headers): Promise<number> =>
      (await send(port, { path, headers: by, body })).status;
    assert.equal(await post(initializeBody()), 202);
    await stream.nextMessage(({ id }) => id === 0);
    const list = { jsonrpc: '2.0', id: 7, method: 'tools/list' };
    assert.equal(await post(list, {}), 401);
    assert.equal(await post(list, bearing(await token({ subject: 'another' }))), 404);
    assert.equal(await post({ jsonrpc: '2.0', method: 'notifications/initialized' }), 202);
    assert.equal(await post(list), 202);
    const tools = partOf<{ name: string }[]>(
      await stream.nextMessage(({ id }) => id === 7),
      'tools',
    );
    assert.deepEqual(tools.map(({ name }) => name).toSorted(), LOOK);
  });

  test('over HTTP+SSE a lack of scope is told with the scopes, and a better token goes on', async (t) => {
    const headers = bearing(await token());
    const { stream, path } = await openSse(t, headers);
    const post = (body: object): Promise<Got> => send(port, { path, headers, body });
    const write = (id: number): Promise<Got> =>
      post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: WRITE } });
    await post(initializeBody());
    await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await write(8);
    const { error } = await stream.nextMessage(({ id }) => id === 8);
    assert.ok(error?.data !== undefined);
    assert.equal(error.data['refusal'], 'INSUFFICIENT_SCOPE');
    const scopes = error.data['scopes'] as string[];
    assert.deepEqual(scopes.toSorted(), [REQUIRED, STEP]);
    headers.authorization = `Bearer ${await token({ scope: scopes.join(' ') })}`;
    await write(9);
    const { result } = await stream.nextMessage(({ id }) => id === 9);
    assert.ok(result !== undefined);
  });

  test('subscriptions/listen brings news to whom the token lets see them', async (t) => {
    const { caller } = await modern(ADMIN);
    const stream = await caller.listen({ toolsListChanged: true });
    t.after(() => stream.break());
    const outsider = await modern({ subject: 'outsider' });
    const quiet = await outsider.caller.listen({ toolsListChanged: true });
    t.after(() => quiet.break());
    await Promise.all(
      [stream, quiet].map((each) =>
        each.nextMessage(({ method }) => method === 'notifications/subscriptions/acknowledged'),
      ),
    );
    await change();
    await stream.nextMessage(({ method }) => method === CHANGED);
    assert.ok(!quiet.messages.some(({ method }) => method === CHANGED));
  });
});

describe('a caller whose tokens come and go', LIMIT, () => {
  test('streams end with the token that opened them, and the session goes on with a new one', async (t) => {
    const exp = seconds() + 5;
    const brief = scene.keep(await provider.sign(claims({ exp, sub: 'brief' })));
    const headers = bearing(brief);
    const caller = await RawLegacy.open(port, { headers });
    t.after(() => caller.close());
    const { stream: sse } = await openSse(t, { ...headers });
    const listening = await new RawModern(port, { headers: { ...headers } }).listen({
      toolsListChanged: true,
    });
    await listening.nextMessage(() => true);
    const streams = { 'GET stream': await caller.listen(), '/sse': sse, listen: listening };
    await Promise.all(
      Object.entries(streams).map(async ([name, stream]) => {
        await stream.ended;
        const lateMs = Date.now() - exp * 1000;
        t.diagnostic(`${name}: ended ${lateMs} ms after its token expired`);
        assert.ok(lateMs >= 0, `${name} ended ${-lateMs} ms before its token`);
        // Five times the two seconds that are promised (R24).
        assert.ok(lateMs < 10_000, `${name} outlived its token by ${lateMs} ms`);
      }),
    );
    assert.equal((await caller.post(caller.body('ping'))).status, 401);
    headers.authorization = `Bearer ${await token({ subject: 'brief' })}`;
    assert.equal((await caller.request('ping')).status, 200);
    const again = await caller.listen();
    assert.equal(again.status, 200);
    again.break();
  });

  test('a call of many rounds goes on with a new token of the same subject, and of no other', async () => {
    const { caller, use } = await modern(ADMIN);
    const params = { name: 'new__fixture_state_only', arguments: {} };
    const { result } = await caller.request('tools/call', params);
    const again = { ...params, requestState: result?.['requestState'] };
    use(await token({ ...ADMIN, subject: 'another' }));
    assertRefusal(await caller.request('tools/call', again), 'PARAMS_INVALID');
    use(await token({ ...ADMIN, claims: { ...ADMIN.claims, round: 2 } }));
    const told = await caller.request('tools/call', again);
    assert.match(JSON.stringify(told.result), /came back/u);
  });

  test('a session outlives many tokens of its subject: an open stream of an earlier one too while that is good', async (t) => {
    const { caller, use } = await legacy(t, ADMIN);
    await namesOf(caller, 'tools');
    const stream = await caller.listen();
    t.after(() => stream.break());
    for (let turn = 0; turn < 5; turn += 1) {
      use(await token({ ...ADMIN, claims: { ...ADMIN.claims, turn } }));
      await namesOf(caller, 'tools');
    }
    assert.ok(!stream.messages.some(({ method }) => method === CHANGED), 'nothing has changed');
    await change();
    await stream.nextMessage(({ method }) => method === CHANGED);
  });
});

test(
  'keys that the provider rotates are taken over while the gateway runs',
  { timeout: 60_000 },
  async (t) => {
    const before = await token();
    const [old] = attempts(bearing(before));
    assert.equal((await send(port, old!)).status, 200);
    await provider.rotate();
    const startedAt = performance.now();
    const [renewed] = attempts(bearing(await token(), elsewhere()));
    // Keys are asked for every half minute at most; whoever comes earlier with a new token is no guesser.
    await eventually('a token of the new key was accepted', 45_000, async () => {
      const { status, text } = await send(port, renewed!);
      assert.notEqual(status, 429, text);
      return status === 200;
    });
    t.diagnostic(`accepted ${Math.round(performance.now() - startedAt)} ms after the rotation`);
    const forged = await provider.sign(claims(), { kid: 'key-1' }, stranger.key.privateKey);
    const [false_] = attempts(bearing(scene.keep(forged), elsewhere()));
    assert.equal((await send(port, false_!)).status, 401);
    t.diagnostic(`asked ${provider.counts.keys} times for keys`);
  },
);

test(
  'below a path of publicUrl the metadata stand where its clients look for them',
  LIMIT,
  async (t) => {
    t.after(() => gateway.reload(appOf(base, provider.issuer)));
    await gateway.reload(appOf(`${base}/tools`, provider.issuer));
    const place = `${METADATA}/tools/mcp`;
    const refused = await send(port, { body: initializeBody() });
    assert.equal(challengeOf(refused)['resource_metadata'], `${base}${place}`);
    const got = await send(port, { method: 'GET', path: place });
    const { resource } = JSON.parse(got.text) as JsonObject;
    assert.equal(resource, `${base}/tools/mcp`);
    for (const sent of attempts(bearing(await token({ audience: `${base}/tools/mcp` }))))
      assert.equal((await send(port, sent)).status, 200);
    for (const sent of attempts(bearing(await token(), elsewhere())))
      assert.equal((await send(port, sent)).status, 401);
  },
);

test('no token is in what servers were sent, in the log or in the audit', LIMIT, async () => {
  const { caller } = await modern({
    subject: 'the-last-one',
    claims: { org: { groups: ['admins'] } },
  });
  assertAllowed(await call(caller, 'far__fixture_echo', { text: 'something to find' }));
  await gateway.audited(2, ({ code }) => code === 'INSUFFICIENT_SCOPE');
  await gateway.audited(1, ({ caller: by }) => JSON.stringify(by ?? '').includes('the-last-one'));
  const sent = scene.received.join('\n');
  assert.ok(sent.includes('something to find'), 'the recorder sees what is sent');
  const places = { servers: sent, log: gateway.output(), audit: await gateway.auditText() };
  assert.ok(scene.issued.length > 30);
  for (const [place, text] of Object.entries(places))
    for (const each of scene.issued)
      for (const part of each.split('.').slice(1))
        assert.ok(!text.includes(part), `a part of a token is in ${place}`);
});

function claims(changes: JsonObject = {}): JsonObject {
  const now = seconds();
  const known = { iss: provider.issuer, aud: `${base}/mcp`, sub: 'somebody', scope: REQUIRED };
  return { ...known, iat: now, exp: now + 600, ...changes };
}

/** Calls a tool and returns the HTTP answer as it is. */
function callRaw(caller: RawLegacy | RawModern, name: string): Promise<Got> {
  const params = { name, arguments: {} };
  return caller instanceof RawLegacy
    ? caller.post(caller.body('tools/call', params))
    : caller.post('tools/call', params);
}

async function openSse(
  t: TestContext,
  headers: Bearing,
): Promise<{ stream: EventReader; path: string }> {
  const stream = await EventReader.open(port, { method: 'GET', path: '/sse', headers });
  t.after(() => stream.break());
  const { data: path = '' } = await stream.next(({ event }) => event === 'endpoint');
  return { stream, path };
}
