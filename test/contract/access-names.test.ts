import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { objectOf } from '../fixture/json-rpc.ts';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  opened,
  RawLegacy,
  RawModern,
  WAYS,
  type Caller,
} from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { POST_MESSAGE, serverWith } from '../support/access-servers.ts';
import { assertAccess, prompts, resources, tools } from '../support/access-things.ts';

const SERVERS = {
  vault: serverWith({ tools: ['shared_name', 'open_vault'], prompts: ['secrets'] }),
  desk: serverWith({
    tools: ['shared_name', POST_MESSAGE, 'write', 'read'],
    prompts: ['letters'],
    resources: ['desk://paper'],
  }),
};

function appOf(outsider: string, more = ''): string {
  return `
permissions:
  consumers:
    outsider: { block: [${outsider}] }
    writer: { allow: [writing] }
toolGroups:
  - { name: the-vault, services: { vault: "*" } }
  - { name: the-desk, services: { desk: "*" } }
  - { name: writing, services: { DESK: [write, letters, post_to_all] } }
toolExtensions:
  services: { desk: { post_message: { childTools: [{ name: post_to_all, overrideParams: { channel: all } }] } } }
${more}
`;
}

const flat = await accessGateway({ servers: SERVERS, app: appOf('the-vault', 'naming: flat') });

for (const [way, open] of Object.entries(WAYS)) {
  describe(`with flat names, over ${way}`, () => {
    test('permissions hold as with prefixes', async (t) => {
      const writer = await opened(t, open, flat.port, { headers: tagged('writer') });
      assert.deepEqual(await namesOf(writer, 'tools'), ['post_to_all', 'write']);
      assert.deepEqual(await namesOf(writer, 'prompts'), ['letters']);
      for (const thing of tools('post_to_all', 'write')) await assertAccess(writer, thing, true);
      for (const thing of [
        ...tools('read', 'post_message', 'open_vault', 'shared_name'),
        ...prompts('secrets'),
        ...resources('desk://paper'),
      ])
        await assertAccess(writer, thing, false);
    });
  });
}

function serverOf(told: { result?: Record<string, unknown> }): unknown {
  return objectOf(told.result?.['structuredContent'])['tool'];
}

test('a name without its server stays with the server it once meant, also when rights change (R6)', async (t) => {
  const gateway = await accessGateway({ servers: SERVERS, app: appOf('the-vault') }, t);
  const session = await RawLegacy.open(gateway.port, { headers: tagged('outsider') });
  assert.equal(serverOf(await call(session, 'shared_name')), 'shared_name');
  const [first] = await gateway.audited(1, (line) => line['target'] === 'shared_name');
  assert.equal(first?.['server'], 'desk');

  // Now both servers are seen: the name is ambiguous to whoever comes new, and what it was to this session.
  await gateway.reload(appOf(''));
  assertAllowed(await call(session, 'shared_name'));
  const servers = (await gateway.audited(2, (line) => line['target'] === 'shared_name')).map(
    ({ server }) => server,
  );
  assert.deepEqual(servers, ['desk', 'desk']);
  const fresh = await RawLegacy.open(gateway.port, { headers: tagged('outsider') });
  assertRefusal(await call(fresh, 'shared_name'), 'TARGET_UNKNOWN');

  // And when its server is taken away, it does not come to mean another one.
  await gateway.reload(appOf('the-desk'));
  assertRefusal(await call(session, 'shared_name'), 'TARGET_UNKNOWN');
  assertAllowed(await call(session, 'vault__shared_name'));
});

/** All pages of the list of tools, and the cursors between them. */
async function pagesOf(caller: Caller): Promise<{ names: string[]; cursors: string[] }> {
  const names: string[] = [];
  const cursors: string[] = [];
  for (let cursor: unknown; ;) {
    const params = cursor === undefined ? {} : { cursor };
    const { result, error } = await caller.request('tools/list', params);
    assert.ok(result, JSON.stringify(error));
    const page = (result['tools'] as { name: string }[]).map(({ name }) => name);
    assert.equal(page.length, 1);
    names.push(...page);
    cursor = result['nextCursor'];
    if (cursor === undefined) return { names, cursors };
    cursors.push(String(cursor));
  }
}

test('pages of a list hold what the caller sees and have no gaps where something is hidden; a cursor tells nothing', async (t) => {
  const app = appOf('the-vault', 'list: { pageSize: 1 }');
  const gateway = await accessGateway({ servers: SERVERS, app }, t);
  const terms = { headers: tagged('outsider') };
  const visible = ['shared_name', 'post_message', 'post_to_all', 'write', 'read'].map(
    (name) => `desk__${name}`,
  );
  for (const open of Object.values(WAYS)) {
    const { names, cursors } = await pagesOf(await opened(t, open, gateway.port, terms));
    assert.deepEqual(names.toSorted(), visible.toSorted());
    for (const cursor of cursors)
      assert.doesNotMatch(
        `${cursor}${Buffer.from(cursor, 'base64').toString('latin1')}`,
        /desk|vault/u,
      );
  }
  // A cursor of somebody who sees more leads to nothing that is hidden.
  const insider = new RawModern(gateway.port, { headers: tagged('insider') });
  const { cursors } = await pagesOf(insider);
  const outsider = new RawModern(gateway.port, terms);
  for (const cursor of cursors) {
    const told = await outsider.request('tools/list', { cursor });
    assert.doesNotMatch(JSON.stringify(told), /vault/u);
  }
});
