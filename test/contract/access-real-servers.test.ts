import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  assertAllowed,
  assertRefusal,
  call,
  itemsOf,
  namesOf,
  opened,
  WAYS,
} from '../support/access-callers.ts';
import { accessGateway, tagged } from '../support/access-gateway.ts';
import { realServer } from '../support/access-servers.ts';
import { assertAccess, prompts, resources, tools } from '../support/access-things.ts';
import { objectOf } from '../fixture/json-rpc.ts';

const root = await realpath(await mkdtemp(join(tmpdir(), 'mcpx-real-')));
after(() => rm(root, { recursive: true, force: true }));
await writeFile(join(root, 'open.txt'), 'for all');

const gateway = await accessGateway({
  servers: {
    files: realServer('filesystem', root),
    memory: {
      ...realServer('memory'),
      env: { MEMORY_FILE_PATH: join(root, 'memory.jsonl') },
    },
    everything: realServer('everything', 'stdio'),
  },
  app: `
permissions:
  default: { allow: [] }
  consumers:
    admins: { block: [] }
    developers: { allow: [reading] }
    ci: { allow: [two-tools] }
toolGroups:
  - name: reading
    services:
      memory: [read_graph, search_nodes, open_nodes]
      files: [read_text_file, list_directory, read_only_root]
      everything: [simple-prompt, "demo://resource/static/document/features.md"]
  - { name: two-tools, services: { everything: [get-sum], files: [list_directory] } }
rules:
  - { id: no-secrets, effect: deny, tools: ["files/*"], when: "has(args.path) && args.path.endsWith('.env')" }
toolExtensions:
  services:
    files:
      list_directory:
        childTools: [{ name: read_only_root, overrideParams: { path: "${root}" } }]
    everything:
      get-sum:
        replace: true
        childTools: [{ name: plus_one, description: Adds one., overrideParams: { b: { value: 1 } } }]
`,
});

for (const [way, open] of Object.entries(WAYS)) {
  describe(`in front of real servers, over ${way}`, () => {
    test('developers read only', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('developers') });
      assert.deepEqual((await namesOf(caller, 'tools')).toSorted(), [
        'files__list_directory',
        'files__read_only_root',
        'files__read_text_file',
        'memory__open_nodes',
        'memory__read_graph',
        'memory__search_nodes',
      ]);
      assertAllowed(await call(caller, 'memory__read_graph'));
      const text = await call(caller, 'files__read_text_file', { path: join(root, 'open.txt') });
      assert.match(JSON.stringify(text.result), /for all/u);
      for (const thing of [
        ...tools('memory__create_entities', 'files__write_file', 'everything__echo'),
        ...prompts('everything__args-prompt'),
        ...resources('demo://resource/static/document/architecture.md'),
      ])
        await assertAccess(caller, thing, false);
      const allowed = resources('demo://resource/static/document/features.md');
      for (const thing of [...allowed, ...prompts('everything__simple-prompt')])
        await assertAccess(caller, thing, true);
    });

    test('admins all, but what a rule denies everybody', async (t) => {
      const caller = await opened(t, open, gateway.port, { headers: tagged('admins') });
      const entities = [{ name: `of ${way}`, entityType: 'note', observations: [] }];
      assertAllowed(await call(caller, 'memory__create_entities', { entities }));
      const path = join(root, 'secret.env');
      assertRefusal(await call(caller, 'files__write_file', { path, content: 'x' }), 'FORBIDDEN');
    });

    test('custom tools call what they were made from', async (t) => {
      const admin = await opened(t, open, gateway.port, { headers: tagged('admins') });
      const sum = await call(admin, 'everything__plus_one', { a: 41 });
      assert.match(JSON.stringify(sum.result), /42/u);
      assertRefusal(await call(admin, 'everything__get-sum', { a: 1, b: 2 }), 'TARGET_UNKNOWN');
      const developer = await opened(t, open, gateway.port, { headers: tagged('developers') });
      const listing = await call(developer, 'files__read_only_root');
      assert.match(JSON.stringify(listing.result), /open\.txt/u);
      const item = (await itemsOf(developer, 'tools')).find(
        ({ name }) => name === 'files__read_only_root',
      );
      assert.deepEqual(objectOf(objectOf(item?.['inputSchema'])['properties']), {});
    });

    test('a tool that is replaced is not in a group by its own name any more, and its custom tool is not either', async (t) => {
      const ci = await opened(t, open, gateway.port, { headers: tagged('ci') });
      assert.deepEqual(await namesOf(ci, 'tools'), ['files__list_directory']);
    });

    test('callers of no consumer see nothing', async (t) => {
      const caller = await opened(t, open, gateway.port);
      for (const kind of ['tools', 'prompts', 'resources', 'resourceTemplates'] as const)
        assert.deepEqual(await namesOf(caller, kind), []);
      for (const thing of tools('memory__read_graph', 'files__list_directory'))
        await assertAccess(caller, thing, false);
    });
  });
}
