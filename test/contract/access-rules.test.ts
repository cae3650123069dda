import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  assertAllowed,
  assertRefusal,
  call,
  namesOf,
  opened,
  RawModern,
  WAYS,
  type Caller,
  type Told,
} from '../support/access-callers.ts';
import { accessGateway, refusedStart, tagged } from '../support/access-gateway.ts';
import { realServer, serverWith, TEMPLATE } from '../support/access-servers.ts';
import {
  assertAccess,
  assertAsUnknown,
  prompts,
  resources,
  templates,
  tools,
} from '../support/access-things.ts';
import { REFUSALS } from '../../src/kernel/refusals.ts';

const root = await realpath(await mkdtemp(join(tmpdir(), 'mcpx-rules-')));
after(() => rm(root, { recursive: true, force: true }));
for (const owner of ['folder-owner', 'somebody-else']) {
  await mkdir(join(root, owner));
  await writeFile(join(root, owner, 'note.txt'), `written by ${owner}`);
}

const gateway = await accessGateway({
  servers: {
    work: serverWith({
      tools: [
        { name: 'delete_repo', annotations: { destructiveHint: true } },
        { name: 'list_repos', annotations: { readOnlyHint: true, destructiveHint: false } },
        'search',
      ],
      prompts: ['review', 'greet'],
      resources: ['repo://a', 'repo://b'],
    }),
    files: realServer('filesystem', root),
  },
  app: `
list: { ttlMs: 3600000 }
permissions:
  consumers:
    closed: { allow: [] }
    closed-but-ruled: { allow: [] }
    folder-owner: { allow: [] }
    member: { consumerGroupKey: squad }
    squad: { block: [] }
toolGroups:
  - { name: handpicked, services: { WORK: [search, review, "repo://b"] } }
rules:
  - { id: by-group, effect: deny, consumers: [grouped], toolGroups: [handpicked] }
  - { id: by-membership, effect: deny, groups: [squad], tools: ["work/search"] }
  - { id: by-membership-too, effect: deny, consumers: [squad], tools: ["work/list_*"] }
  - { id: all-that-are-somebody, effect: deny, consumers: ["*"], prompts: ["*/greet"] }
  - { id: before, effect: allow, consumers: [denied, closed-but-ruled], tools: ["work/*"] }
  - { id: denial, effect: deny, consumers: [denied, closed-but-ruled], tools: ["work/delete_*"] }
  - { id: afterwards, effect: allow, consumers: [denied, closed-but-ruled], tools: ["work/delete_repo"] }
  - id: own-folder
    effect: allow
    consumers: [folder-owner]
    tools: ["FILES/read_text_*"]
    when: "args.path.within('${root}/' + principal.name)"
  - { id: not-that-repo, effect: deny, consumers: [careful], tools: ["work/search"], when: "args.repo == 'secret'" }
  - { id: not-for-eve, effect: deny, consumers: [careful], prompts: ["work/review"], when: "args.who == 'eve'" }
  - { id: not-b, effect: deny, consumers: [careful], resources: ["work/repo://b"] }
  - { id: not-forty-two, effect: deny, consumers: [careful, template-careful], resources: ["work/test://template/42/*"] }
  - { id: gently, effect: deny, consumers: [gentle], annotations: { destructiveHint: true } }
  - { id: gently-too, effect: deny, consumers: [gentle-by-condition], when: "tool.kind == 'tool' && tool.annotations.destructiveHint" }
  - { id: no-crawlers, effect: deny, when: "client == 'Crawler'" }
  - { id: no-scrapers, effect: deny, clients: [Scraper], tools: ["work/search"] }
  - { id: by-name, effect: deny, consumers: [named], tools: ["work/search"], when: "principal.name == 'named' && principal.proof == 'local' && request.method == 'tools/call'" }
  - { id: shadow-deny, mode: shadow, effect: deny, consumers: [watched], tools: ["work/search"] }
  - { id: shadow-allow, mode: shadow, effect: allow, consumers: [closed], tools: ["work/search"] }
  - { id: shadow-idle, mode: shadow, effect: allow, consumers: [watched], tools: ["work/search"] }
  - { id: by-minute, effect: deny, consumers: [timed], tools: ["work/search"], when: "now.minute > 59" }
  - { id: too-late, effect: deny, consumers: [late], tools: ["work/search"], when: "now.year > 2000 && now.hour >= 0" }
  - { id: broken-deny, effect: deny, consumers: [unlucky], tools: ["work/search"], when: "args.deep.er == 1" }
  - { id: broken-allow, effect: allow, consumers: [closed-but-ruled], tools: ["files/list_directory"], when: "args.deep.er == 1" }
`,
});

/** A listed thing, refused for its arguments: nothing more is told than that. */
function assertForbidden(told: Told, caller: Caller): void {
  assertRefusal(told, 'FORBIDDEN');
  const { sentence, remedy } = REFUSALS.FORBIDDEN;
  assert.match(told.error?.message ?? '', new RegExp(`(?:^|: )${sentence}$`, 'u'));
  assert.deepEqual(told.error?.data, { refusal: 'FORBIDDEN', remedy });
  assert.equal(told.error?.code, REFUSALS.FORBIDDEN.rpc);
  // For clients of the SDKs a status other than 2xx is a broken transport.
  if (told.status !== undefined) assert.equal(told.status, 200, caller.era);
}

for (const [way, open] of Object.entries(WAYS)) {
  describe(`by effect and condition, over ${way}`, () => {
    test('a deny wins over permissions and over every allow rule, before it or after it', async (t) => {
      for (const consumer of ['denied', 'closed-but-ruled']) {
        const caller = await opened(t, open, gateway.port, { headers: tagged(consumer) });
        for (const thing of tools('work__delete_repo')) await assertAccess(caller, thing, false);
        for (const thing of tools('work__list_repos', 'work__search'))
          await assertAccess(caller, thing, true);
      }
    });

    test('an allow rule opens what it selects alone, where permissions say nothing', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('closed-but-ruled') });
      for (const thing of [
        ...prompts('work__review'),
        ...resources('repo://a'),
        ...templates(TEMPLATE),
      ])
        await assertAccess(caller, thing, false);
    });

    test('a tool allowed for some arguments is listed; others are FORBIDDEN without the name of the rule (R5)', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('folder-owner') });
      assert.deepEqual(await namesOf(caller, 'tools'), ['files__read_text_file']);
      const read = (path: string): Promise<Told> => call(caller, 'files__read_text_file', { path });
      const own = await read(join(root, 'folder-owner/note.txt'));
      assertAllowed(own);
      assert.match(JSON.stringify(own.result), /written by folder-owner/u);
      for (const path of [
        join(root, 'somebody-else/note.txt'),
        `${root}/folder-owner/../somebody-else/note.txt`,
        `${root}/folder-owner-2/note.txt`,
        'folder-owner/note.txt',
      ])
        assertForbidden(await read(path), caller);
      // What cannot be evaluated does not allow.
      assertForbidden(await call(caller, 'files__read_text_file', {}), caller);
    });

    test('a deny on arguments leaves the tool listed and all other arguments allowed', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('careful') });
      assert.ok((await namesOf(caller, 'tools')).includes('work__search'));
      assertAllowed(await call(caller, 'work__search', { repo: 'public' }));
      assertForbidden(await call(caller, 'work__search', { repo: 'secret' }), caller);
    });

    test('a condition that cannot be evaluated denies: a deny rule holds, an allow rule does not', async (t) => {
      const unlucky = await opened(t, open, gateway.port, { headers: tagged('unlucky') });
      assert.ok((await namesOf(unlucky, 'tools')).includes('work__search'));
      assertForbidden(await call(unlucky, 'work__search', {}), unlucky);
      assertForbidden(await call(unlucky, 'work__search', { deep: 'text' }), unlucky);
      assertAllowed(await call(unlucky, 'work__search', { deep: { er: 2 } }));
      const ruled = await opened(t, open, gateway.port, { headers: tagged('closed-but-ruled') });
      assert.ok((await namesOf(ruled, 'tools')).includes('files__list_directory'));
      assertForbidden(await call(ruled, 'files__list_directory', { path: root }), ruled);
      assertAllowed(await call(ruled, 'files__list_directory', { path: root, deep: { er: 1 } }));
    });

    test('prompts are judged by their arguments, completions of them too', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('careful') });
      assert.ok((await namesOf(caller, 'prompts')).includes('work__review'));
      const get = (who: string): Promise<Told> =>
        caller.request('prompts/get', { name: 'work__review', arguments: { who } });
      assertAllowed(await get('bob'));
      assertForbidden(await get('eve'), caller);
      const complete = (value: string): Promise<Told> =>
        caller.request('completion/complete', {
          ref: { type: 'ref/prompt', name: 'work__review' },
          argument: { name: 'who', value },
        });
      assertAllowed(await complete('bob'));
      assertForbidden(await complete('eve'), caller);
    });
  });

  describe(`by what rules select, over ${way}`, () => {
    test('a denied resource is gone, and so is a denied URI that a template leads to, with its template still listed', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('careful') });
      for (const thing of resources('repo://b')) await assertAccess(caller, thing, false);
      for (const thing of [...resources('repo://a'), ...templates(TEMPLATE)])
        await assertAccess(caller, thing, true);
      for (const uri of ['test://template/42/data', 'TEST://template/%342/data'])
        await assertAsUnknown(caller, 'resources/read', { kind: 'resources', name: uri });
    });

    test('a URI that is denied below a template is unknown also where every listed resource is seen', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('template-careful') });
      for (const thing of resources('repo://a', 'repo://b'))
        await assertAccess(caller, thing, true);
      const denied = { kind: 'resources', name: 'test://template/42/data' } as const;
      await assertAsUnknown(caller, 'resources/read', denied);
    });

    test('annotations select tools, and those a tool does not give have the defaults of the protocol', async (t) => {
      for (const consumer of ['gentle', 'gentle-by-condition']) {
        const caller = await opened(t, open, gateway.port, { headers: tagged(consumer) });
        for (const thing of tools('work__delete_repo', 'work__search'))
          await assertAccess(caller, thing, false);
        for (const thing of [...tools('work__list_repos'), ...prompts('work__review')])
          await assertAccess(caller, thing, true);
      }
    });

    test('rules select what is in a tool group, of every kind', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('grouped') });
      for (const thing of [
        ...tools('work__search'),
        ...prompts('work__review'),
        ...resources('repo://b'),
      ])
        await assertAccess(caller, thing, false);
      for (const thing of [...tools('work__list_repos'), ...resources('repo://a')])
        await assertAccess(caller, thing, true);
    });

    test('rules select consumers by the group they belong to, and "*" every caller that is one', async (t) => {
      const member = await opened(t, open, gateway.port, { headers: tagged('member') });
      for (const thing of [...tools('work__search', 'work__list_repos'), ...prompts('work__greet')])
        await assertAccess(member, thing, false);
      for (const thing of tools('work__delete_repo')) await assertAccess(member, thing, true);
      const nobody = await opened(t, open, gateway.port);
      for (const thing of [...tools('work__search', 'work__list_repos'), ...prompts('work__greet')])
        await assertAccess(nobody, thing, true);
    });

    test('rules select callers by what their client calls itself, and by what is known of them', async (t) => {
      const crawler = await opened(t, open, gateway.port, { client: 'Crawler' });
      for (const thing of [
        ...tools('work__search'),
        ...prompts('work__review'),
        ...resources('repo://a'),
      ])
        await assertAccess(crawler, thing, false);
      const scraper = await opened(t, open, gateway.port, { client: 'Scraper' });
      for (const thing of tools('work__search')) await assertAccess(scraper, thing, false);
      for (const thing of tools('work__list_repos')) await assertAccess(scraper, thing, true);
      const named = await opened(t, open, gateway.port, { headers: tagged('named') });
      assertForbidden(await call(named, 'work__search'), named);
    });

    test('a rule in shadow mode changes nothing, and the record says what it would have done', async (t) => {
      const client = `shadowed over ${way}`;
      const watched = await opened(t, open, gateway.port, { headers: tagged('watched'), client });
      for (const thing of tools('work__search')) await assertAccess(watched, thing, true);
      const closed = await opened(t, open, gateway.port, { headers: tagged('closed'), client });
      for (const thing of tools('work__search')) await assertAccess(closed, thing, false);
      const recorded = async (consumer: string): Promise<unknown[]> => {
        const lines = await gateway.audited(1, (line) => {
          const caller = line['caller'] as { consumer?: string } | undefined;
          const isCall = line['method'] === 'tools/call' && line['target'] === 'search';
          return isCall && line['client'] === client && caller?.consumer === consumer;
        });
        return lines.map(({ shadows, outcome, rule }) => [outcome, rule, shadows]);
      };
      assert.deepEqual(await recorded('watched'), [['ok', 'permissions.default', ['shadow-deny']]]);
      assert.deepEqual(await recorded('closed'), [
        ['refused', 'permissions.consumers.closed', ['shadow-allow']],
      ]);
    });

    test('a condition on the clock is evaluated when a list is made and when a call is', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('late') });
      for (const thing of tools('work__search')) await assertAccess(caller, thing, false);
      for (const thing of tools('work__list_repos')) await assertAccess(caller, thing, true);
    });
  });
}

test('a condition on the clock bounds how long a modern client may keep what it was shown, for itself alone (R5)', async () => {
  const timed = new RawModern(gateway.port, { headers: tagged('timed') });
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'server/discover']) {
    const { result } = await timed.request(method);
    const ttlMs = Number(result?.['ttlMs']);
    assert.ok(ttlMs >= 0 && ttlMs <= 60_000, `${method}: ${ttlMs}`);
    assert.equal(result?.['cacheScope'], 'private');
  }
  const { result } = await new RawModern(gateway.port).request('tools/list');
  assert.deepEqual([result?.['ttlMs'], result?.['cacheScope']], [3_600_000, 'private']);
});

test('the record of a call refused for its arguments names the rule', async () => {
  const client = 'forbidden for the record';
  const caller = new RawModern(gateway.port, { headers: tagged('careful'), client });
  await call(caller, 'work__search', { repo: 'secret' });
  const [line, ...more] = await gateway.audited(1, (each) => each['client'] === client);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [line?.['outcome'], line?.['code'], line?.['rule'], line?.['target'], line?.['arguments']],
    ['refused', 'FORBIDDEN', 'not-that-repo', 'search', { repo: 'secret' }],
  );
});

test('a condition that is no CEL is an error at the start that names the line', async () => {
  const app = 'rules:\n  - id: odd\n    effect: deny\n    when: "args.path ==="\n';
  const { code, output } = await refusedStart({ servers: {}, app });
  assert.match(output, /app\.yaml:4:\d+: error: rules\[?.?0\]?\.when: /u);
  assert.equal(code, 1);
});
