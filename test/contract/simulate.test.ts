import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { AuditPlan } from '../../src/kernel/record-plan.ts';
import type { Entry } from '../../src/kernel/entry.ts';
import { entryLine, turnedAwayLine } from '../../src/record/audit/audit-line.ts';
import { Workplace, type Ran } from '../support/command.ts';
import { modernSent, RawSession } from '../support/raw-clients.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { send, type JsonObject } from '../support/raw-http.ts';
import { entryOf } from '../unit/record/entries.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const SERVERS = { github: { command: 'no-such-command' }, files: { command: 'no-such-command' } };
const OPEN = 'permissions: { default: { block: [] } }';

function line(
  changes: Partial<Entry>,
  at = NOON,
  mode: AuditPlan['arguments'] = 'redacted',
): string {
  const { durationMs } = entryOf(changes);
  const entry = entryOf({ ...changes, startedAt: at - durationMs });
  return `${entryLine({ entry, spending: undefined }, mode)}\n`;
}

const CI = {
  proof: 'api-key',
  name: 'ci',
  consumer: 'ci',
  groups: [],
  scopes: undefined,
  endpoint: undefined,
} as const;
const TOKEN = { ...CI, proof: 'token', scopes: ['repo'], groups: ['team'] } as const;

interface Told {
  readonly counts: Readonly<Record<string, number>>;
  readonly changes: readonly JsonObject[];
  readonly skipped: number;
  readonly unreadable: { readonly count: number; readonly lines: readonly string[] };
}

async function told(place: Workplace, app: string, log: string): Promise<Told> {
  const config = await place.write('new.yaml', app);
  const from = await place.write('audit.jsonl', log);
  const { code, out, err } = await place.run(
    'simulate',
    '--config',
    config,
    '--from',
    from,
    '--json',
  );
  assert.deepEqual([code, err], [0, ''], out);
  return JSON.parse(out) as Told;
}

test('what would change is printed in groups, with rule, reason and first place, then the counts', async (t) => {
  const place = await Workplace.make(t, OPEN, SERVERS);
  const config = await place.write(
    'new.yaml',
    `
toolGroups: [{ name: issues, services: { github: [create_issue] } }]
permissions: { default: { allow: [issues] }, consumers: { admins: { block: [] } } }
rules: [{ id: no-stars, effect: deny, tools: ["github/star"], when: "args.repo != 'ours'" }]
`,
  );
  const denied = { outcome: 'refused', code: 'TARGET_UNKNOWN', rule: 'no-merge' } as const;
  const from = await place.write(
    'audit.jsonl',
    line({ caller: CI }) +
      line({ caller: CI, target: 'delete_repo' }).repeat(3) +
      line({ caller: { ...CI, consumer: 'admins' }, target: 'merge', ...denied }) +
      line({ caller: { ...CI, consumer: 'admins' }, target: 'star' }, NOON, 'none') +
      line({
        method: 'tools/list',
        kind: undefined,
        target: undefined,
        rule: undefined,
        upstream: undefined,
        args: undefined,
      }) +
      '{"at": "2026-11-22T12:00:0\n' +
      `${turnedAwayLine({ code: 'GUESSING', address: '::1', count: 1, firstAt: 0, lastAt: 0 }, NOON)}\n`,
  );
  const { code, out, err } = await place.run('simulate', '--config', config, '--from', from);
  const first = (number: number): string => `${from}:${number}`;
  assert.equal(
    out,
    `Newly denied:
  CALLS  CALLER  TARGET              BECAUSE OF           FIRST
  3      ci      github/delete_repo  permissions.default  ${first(2)}

Newly allowed:
  CALLS  CALLER  TARGET        BECAUSE OF                    FIRST
  1      admins  github/merge  permissions.consumers.admins  ${first(5)}

Undecidable:
  CALLS  CALLER  TARGET       BECAUSE OF                        FIRST
  1      admins  github/star  no-stars: arguments not recorded  ${first(6)}

6 calls: 1 unchanged, 3 newly denied, 1 newly allowed, 1 undecidable
2 other lines: policy decided nothing there
1 lines cannot be read: ${first(8)}
`,
  );
  assert.deepEqual([code, err], [0, '']);
  const strict = await place.run(
    'simulate',
    '--config',
    config,
    '--from',
    from,
    '--fail-on-change',
  );
  assert.equal(strict.code, 1);
});

test('a recorded call is judged by its own time, arguments, groups, scopes, client and endpoint', async (t) => {
  const place = await Workplace.make(t, OPEN, SERVERS);
  const app = `
toolGroups: [{ name: issues, services: { github: [create_issue] } }]
permissions: { default: { block: [] }, clientNames: { cursor: { allow: [issues] } } }
rules:
  - { id: night, effect: deny, tools: ["github/*"], when: "now.hour >= 22" }
  - { id: titled, effect: deny, tools: ["github/create_issue"], when: "args.title == 'spam'" }
  - { id: team, effect: deny, groups: [team], tools: ["files/*"], when: "principal.scopes.exists(s, s == 'repo')" }
`;
  const night = Date.UTC(2026, 10, 22, 22, 0, 1);
  const found = await told(
    place,
    app,
    line({ client: 'a', caller: CI }, night) +
      line({ client: 'b', caller: CI, durationMs: 2000 }, night) +
      line({ client: 'c', caller: CI, args: { title: 'spam' } }) +
      line({ client: 'cursor', caller: CI, target: 'star' }) +
      line({ client: 'd', caller: TOKEN, upstream: 'files', target: 'read' }) +
      line({ client: 'e', caller: { ...CI, endpoint: 'issues' }, target: 'star' }),
  );
  const changes = found.changes.map(
    ({ rule, first }) => `${String(rule)} ${String(first).split(':').at(-1)}`,
  );
  assert.deepEqual(changes.toSorted(), [
    'endpoint issues 6',
    'night 1',
    'permissions.clientNames.cursor 4',
    'team 5',
    'titled 3',
  ]);
  assert.equal(found.counts['unchanged'], 1);
});

test('what a decision would need and the record does not have makes it undecidable, and only then', async (t) => {
  const place = await Workplace.make(t, OPEN, SERVERS);
  const app = `
rules:
  - { id: by-args, effect: deny, tools: ["github/create_issue"], when: "args.title == 'spam'" }
  - { id: by-claims, effect: deny, tools: ["github/star"], when: "claims.level == 1" }
`;
  const secret = { title: 'x', password: 'hunter2' };
  const found = await told(
    place,
    app,
    line({ caller: CI }, NOON, 'hash') +
      line({ caller: CI, args: secret }, NOON, 'redacted') +
      line({ caller: CI, args: secret }, NOON, 'full') +
      line({ caller: CI, target: 'other' }, NOON, 'none') +
      line({ caller: TOKEN, target: 'star' }) +
      line({ caller: CI, kind: 'resource', target: 'https://a:hunter2@b/' }),
  );
  const reasons = found.changes.map(({ effect, rule, why }) => [effect, rule, why]);
  assert.deepEqual(reasons, [
    ['undecidable', 'by-args', 'arguments not recorded'],
    ['undecidable', 'by-args', 'arguments redacted'],
    ['undecidable', 'by-claims', 'claims not recorded'],
    ['undecidable', undefined, 'target redacted'],
  ]);
  assert.equal(found.counts['unchanged'], 2);
});

test('a server that goes, one that is switched off and one that asks for proof deny what they served', async (t) => {
  const place = await Workplace.make(t, OPEN, SERVERS);
  const servers = await place.write(
    'servers.json',
    JSON.stringify({ mcpServers: { GitHub: { command: 'x' } } }),
  );
  const config = await place.write('new.yaml', 'auth: { enabled: true }');
  const local = { ...CI, proof: 'local', name: 'local', consumer: undefined } as const;
  const from = await place.write(
    'audit.jsonl',
    line({ caller: CI }) +
      line({ caller: CI, upstream: 'files', target: 'read' }) +
      line({ caller: local }) +
      line({ caller: local, transport: 'stdio' }),
  );
  const { out } = await place.run(
    'simulate',
    '--json',
    '--config',
    config,
    '--servers',
    servers,
    '--from',
    from,
  );
  const { counts, changes } = JSON.parse(out) as Told;
  assert.deepEqual(counts, { unchanged: 2, newlyDenied: 2, newlyAllowed: 0, undecidable: 0 });
  assert.deepEqual(
    changes.map(({ target, why }) => [target, why]),
    [
      ['files/read', 'There is no server "files".'],
      ['github/create_issue', 'callers must prove themselves, and this one did not.'],
    ],
  );
  const off = 'targetServerAttributes: { github: { inactive: true } }';
  const inactive = await told(place, off, line({ caller: CI }));
  assert.deepEqual(
    inactive.changes.map(({ why }) => why),
    ['its server is switched off.'],
  );
});

test('a custom tool is judged as the new configuration makes it', async (t) => {
  const place = await Workplace.make(t, OPEN, SERVERS);
  const call = {
    caller: CI,
    custom: 'file_bug',
    args: { title: 'A bug' },
    judgedArgs: { title: 'A bug', repo: 'old' },
  };
  const rules =
    'rules: [{ id: only-ours, effect: deny, tools: ["github/file_bug"], when: "args.repo != \'ours\'" }]';
  const extension = (repo: string): string =>
    `toolExtensions: { services: { github: { create_issue: { childTools: [{ name: file_bug, overrideParams: { repo: ${repo} } }] } } } }`;
  const log = line(call);
  const [same, other, gone] = [
    await told(place, `${rules}\n${extension('ours')}`, log),
    await told(place, `${rules}\n${extension('theirs')}`, log),
    await told(place, rules, log),
  ];
  assert.equal(same.counts['unchanged'], 1);
  assert.deepEqual(
    other.changes.map(({ effect, rule }) => [effect, rule]),
    [['newly denied', 'only-ours']],
  );
  assert.deepEqual(
    gone.changes.map(({ effect, why }) => [effect, why]),
    [['newly denied', 'there is no such custom tool any more.']],
  );
});

test('a log that a gateway wrote is replayed as a folder, and unchanged rules change nothing', async (t) => {
  const before = `
toolGroups: [{ name: plain, services: { it: [test_simple_text, test_simple_prompt, "test://static-text"] } }]
permissions: { default: { block: [] }, consumers: { agents: { allow: [plain] } } }
`;
  const place = await Workplace.make(t, before, { it: fixtureEntry('legacy') });
  const gateway = await place.serve(before);
  const headers = { 'x-lunar-consumer-tag': 'agents' };
  const requests: [string, JsonObject][] = [
    ['tools/call', { name: 'it__test_simple_text', arguments: {} }],
    ['tools/call', { name: 'it__fixture_echo', arguments: { a: 1 } }],
    ['prompts/get', { name: 'it__test_simple_prompt' }],
    ['resources/read', { uri: 'test://static-text' }],
    ['resources/read', { uri: 'test://static-binary' }],
    ['tools/list', {}],
  ];
  for (const [method, params] of requests)
    await send(gateway.port, modernSent(method, params, { headers }));
  const session = await RawSession.open(gateway.port);
  await session.call('it__fixture_echo', { a: 1 });
  await gateway.stop();
  const folder = join(place.folder, 'data', 'audit');
  assert.match(readdirSync(folder).join(), /^\d{4}-\d\d-\d\d-[0-9a-f]{16}-0000\.jsonl$/u);
  const same = await place.run(
    'simulate',
    '--config',
    join(place.folder, 'app.yaml'),
    '--from',
    folder,
    '--fail-on-change',
  );
  assert.equal(same.code, 0, same.out + same.err);
  assert.match(
    same.out,
    /^6 calls: 6 unchanged, 0 newly denied, 0 newly allowed, 0 undecidable\n/u,
  );
  const config = await place.write(
    'new.yaml',
    before.replace('agents: { allow: [plain] }', 'agents: { block: [plain] }'),
  );
  const { out } = await place.run('simulate', '--json', '--config', config, '--from', folder);
  const { counts } = JSON.parse(out) as Told;
  assert.deepEqual(counts, { unchanged: 1, newlyDenied: 3, newlyAllowed: 2, undecidable: 0 });
});

test('what is asked wrongly is one line and exit code 2, so that 1 means a change', async (t) => {
  const place = await Workplace.make(t, OPEN, SERVERS);
  const good = await place.write('new.yaml', OPEN);
  const bad = await place.write('bad.yaml', 'permissions: { default: { allow: [none] } }');
  const log = await place.write('audit.jsonl', line({}));
  const simulate = (config: string, from: string): Promise<Ran> =>
    place.run('simulate', '--fail-on-change', '--config', config, '--from', from);
  const rows: [Ran, RegExp][] = [
    [
      await simulate(good, `${log}x`),
      /^mcpx: --from \S+x: it does not exist; give a file of the audit log or its folder/u,
    ],
    [
      await simulate(bad, log),
      /bad\.yaml:1:\d+: error: [^]*\nmcpx: The new configuration has errors; correct them first\.\n$/u,
    ],
    [
      await simulate(`${good}x`, log),
      /new\.yamlx: error: [^]*\nmcpx: The new configuration has errors/u,
    ],
    [
      await place.run('simulate', '--from', log),
      /^error: required option '--config <app\.yaml>' not specified/u,
    ],
  ];
  for (const [{ code, out, err }, expected] of rows) {
    assert.match(err, expected);
    assert.deepEqual([code, out], [2, '']);
  }
});
