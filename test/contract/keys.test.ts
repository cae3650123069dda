import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Workplace } from '../support/command.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { allOf, modernSent } from '../support/raw-clients.ts';
import { send, type Got } from '../support/raw-http.ts';

const KEY = /^mcpx_([\w-]{16})_([\w-]{43})\n$/u;
const APP = `
auth: { enabled: true }
toolGroups:
  - { name: plain, services: { it: [test_simple_text] } }
permissions:
  default: { allow: [] }
  consumers:
    agents: { allow: [plain] }
`;

test('a key is printed alone and once, and nothing of its secret is kept or shown again', async (t) => {
  const place = await Workplace.make(t, APP);
  const made = await place.run('keys', 'create', '--name', 'ci', '--consumer', 'agents');
  assert.equal(made.code, 0, made.err);
  const [, id = '', secret = ''] = KEY.exec(made.out) ?? [];
  assert.notEqual(secret, '', made.out);
  assert.equal(
    made.err,
    `Key "ci" (id ${id}) proves consumer agents until it is revoked.
It is shown this once: only its hash is kept. Send it with every request, in one of two headers:
  x-lunar-api-key: <key>
  Authorization: Bearer <key>
A running gateway knows it within a second.
To end it: mcpx keys revoke ${id}
`,
  );
  const listed = await place.run('keys', 'list');
  const json = await place.run('keys', 'list', '--json');
  for (const { out, err } of [listed, json]) assert.ok(!`${out}${err}`.includes(secret));
  const folder = place.env['MCPX_DATA_DIR'] ?? '';
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((each) => each.isFile()))
    assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(secret), file.name);
});

test('keys are listed with consumer, times and state, for people and for programs', async (t) => {
  const place = await Workplace.make(t, APP);
  assert.match((await place.run('keys', 'list')).out, /^No keys\. To make one: mcpx keys create/u);
  await place.run('keys', 'create', '--name', 'old', '--consumer', 'agents');
  await place.run('keys', 'revoke', 'old');
  const expires = ['--expires', '2099-01-31T12:00Z'];
  await place.run('keys', 'create', '--name', 'ci', '--consumer', 'agents', ...expires);
  const { out } = await place.run('keys', 'list');
  const [head, old, ci, ...more] = out.split('\n');
  assert.match(head ?? '', /^ID +NAME +CONSUMER +STATE +CREATED \(UTC\) +EXPIRES +LAST USED$/u);
  assert.match(
    old ?? '',
    /^[\w-]{16} +old +agents +revoked +\d{4}-\d\d-\d\d \d\d:\d\d +never +never$/u,
  );
  assert.match(ci ?? '', / ci +agents +active +\S+ \S+ +2099-01-31 12:00 +never$/u);
  assert.deepEqual(more, ['']);
  const keys = JSON.parse((await place.run('keys', 'list', '--json')).out) as Record<
    string,
    unknown
  >[];
  assert.deepEqual(
    keys.map(({ name, consumer, state, expiresAt, lastUsedAt }) => [
      name,
      consumer,
      state,
      expiresAt,
      lastUsedAt,
    ]),
    [
      ['old', 'agents', 'revoked', null, null],
      ['ci', 'agents', 'active', '2099-01-31T12:00:00.000Z', null],
    ],
  );
});

test('what is asked wrongly is one line with a remedy, and changes nothing', async (t) => {
  const place = await Workplace.make(t, APP);
  await place.run('keys', 'create', '--name', 'ci', '--consumer', 'agents');
  const create = ['keys', 'create', '--consumer', 'agents', '--name'];
  const rows: [readonly string[], number, RegExp][] = [
    [
      [...create, 'ci'],
      1,
      /^mcpx: A key named "ci" exists and still holds\. Choose another name, .*\n$/u,
    ],
    [
      [...create, 'x', '--expires', '2020-01-01'],
      2,
      /^mcpx: --expires: this moment has passed; .*\n$/u,
    ],
    [
      [...create, 'x', '--expires', 'soon'],
      2,
      /^error: option '--expires <when>' argument 'soon' is invalid\. Give a time such as 90d/u,
    ],
    [
      [...create, ''],
      2,
      /^error: option '--name <name>' argument '' is invalid\. Give 1 to 100 characters/u,
    ],
    [
      ['keys', 'create', '--name', 'x'],
      2,
      /^error: required option '--consumer <consumer>' not specified/u,
    ],
    [['keys', 'revoke', 'cii'], 2, /^mcpx: There is no key "cii"\. Did you mean "ci"\?\n$/u],
    [
      ['keys', 'revoke', 'nobody'],
      2,
      /^mcpx: There is no key "nobody"\. "mcpx keys list" shows all\.\n$/u,
    ],
  ];
  for (const [args, code, err] of rows) {
    const ran = await place.run(...args);
    assert.match(ran.err, err);
    assert.deepEqual([ran.code, ran.out], [code, ''], args.join(' '));
  }
  assert.equal((await place.run('keys', 'list')).out.trimEnd().split('\n').length, 2);
});

test('a key for a consumer that no entry is for, or for a gateway that asks nobody, says so', async (t) => {
  const typo = await Workplace.make(t, APP);
  const one = await typo.run('keys', 'create', '--name', 'x', '--consumer', 'agent');
  assert.match(
    one.err,
    /no entry of permissions\.consumers is for "agent".* Did you mean "agents"\?/u,
  );
  const open = await Workplace.make(t, '');
  const other = await open.run('keys', 'create', '--name', 'x', '--consumer', 'agents');
  assert.match(
    other.err,
    /nobody is asked for a key while auth\.enabled in app\.yaml is not true/u,
  );
  assert.doesNotMatch(other.err, /no entry/u);
});

test('a data folder that cannot be used is one line', async (t) => {
  const place = await Workplace.make(t, APP);
  await place.write('data', 'a file, no folder');
  const { code, out, err } = await place.run('keys', 'list');
  assert.deepEqual([code, out, err.split('\n').length], [1, '', 2], err);
  assert.match(err, /^mcpx: The API keys in .*access\.db cannot be used/u);
});

test('a running gateway takes a new key and refuses one that ended, each within a second or so', async (t) => {
  const place = await Workplace.make(t, APP, { it: fixtureEntry('legacy') });
  const { port } = await place.serve(APP);
  const call = (key: string, name = 'it__test_simple_text'): Promise<Got> =>
    send(
      port,
      modernSent('tools/call', { name, arguments: {} }, { headers: { 'x-lunar-api-key': key } }),
    );
  const create = async (...args: readonly string[]): Promise<string> => {
    const made = await place.run('keys', 'create', '--consumer', 'agents', ...args);
    assert.equal(made.code, 0, made.err);
    return made.out.trim();
  };
  const revoked = await create('--name', 'one');

  await t.test('each call is decided for the consumer of the key', async () => {
    await until(async () => (await call(revoked)).status === 200);
    assert.match((await call(revoked)).text, /"text":/u);
    const [refused] = allOf(await call(revoked, 'it__test_image_content'));
    assert.equal(refused?.error?.code, -32602, 'its entry allows one tool only');
    assert.equal((await call(`${revoked.slice(0, -1)}A`)).status, 401);
  });

  await t.test('its last use is listed', async () => {
    const used = async (): Promise<unknown[]> => {
      const { out } = await place.run('keys', 'list', '--json');
      return (JSON.parse(out) as { lastUsedAt: unknown }[]).map((key) => key.lastUsedAt);
    };
    await until(async () => (await used()).every((at) => typeof at === 'string'));
  });

  await t.test('a revoked one and an expired one are refused', async () => {
    const soon = new Date(Date.now() + 4000).toISOString();
    const expiring = await create('--name', 'two', '--expires', soon);
    await until(async () => (await call(expiring)).status === 200);
    const { out } = await place.run('keys', 'revoke', 'one');
    assert.match(
      out,
      /^Key "one" \(id [\w-]{16}\) of consumer agents is revoked; that takes effect within a second\.\n$/u,
    );
    await until(async () => (await call(revoked)).status === 401);
    await until(async () => (await call(expiring)).status === 401);
    const again = await place.run('keys', 'revoke', 'one');
    assert.match(again.out, /was revoked before/u);
    const { out: list } = await place.run('keys', 'list');
    assert.match(list, / one +agents +revoked /u);
    assert.match(list, / two +agents +expired /u);
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, 'waited for twenty seconds');
    // Each wrong key counts: too many, and this address would be slowed.
    await sleep(400);
  }
}
