import assert from 'node:assert/strict';
import test from 'node:test';
import { Workplace, type Ran } from '../support/command.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';

const RECORDS = `limits:
  rules:
    - { id: day, budget: { window: day, tokens: 1000 } }
    - { id: day, rate: { calls: 10, per: 1m } }
tokens: { enabled: false }
tracing:
  enabled: true
  headers: { Authorization: "Bearer \${NO_SUCH_TOKEN}" }
usage: { database: "mysql://root:hunter2@db/usage" }
`;
const SERVERS = { github: { command: 'no-such-command' } };
const RULES = `server: { publicUrl: "https://mcp.example" }
auth: { enabled: true, jwt: [{ issuer: "https://id.example", audience: "https://mcp.example", algorithms: [RS256], consumerClaim: azp, consumers: [agents] }] }
toolGroups: [{ name: issues, services: { github: [create_issue, list_issues] } }]
permissions: { default: { allow: [] }, consumers: { agents: { allow: [issues] } } }
rules:
  - { id: read-only, effect: deny, consumers: [agents], annotations: { readOnlyHint: false }, tools: ["github/*"], when: "now.hour >= 22" }
  - { id: maintainers, effect: allow, groups: [core], scopes: [repo], tools: ["github/merge"], when: "args.branch != 'main' || claims.level >= 3" }
`;

async function checked(place: Workplace): Promise<Ran & { readonly lines: readonly string[] }> {
  const ran = await place.run('check');
  return { ...ran, lines: ran.out.trimEnd().split('\n') };
}

test('tests that hold are counted, and nothing else is printed', async (t) => {
  const place = await Workplace.make(
    t,
    `${RULES}tests:
  - name: agents work on issues by day
    consumer: agents
    at: 2026-11-22T21:59
    may: [github/create_issue, GitHub/list_issues]
    mayNot: [github/merge, { prompt: github/plan }, { resource: "github/repo://x" }]
  - name: and read at night
    consumer: agents
    at: 2026-11-22T22:00
    may: [{ tool: github/list_issues, annotations: { readOnlyHint: true } }]
    mayNot: [github/create_issue]
  - name: the core team merges
    groups: [core]
    scopes: [repo]
    claims: { level: 2 }
    may: [{ tool: github/merge, args: { branch: next } }]
    mayNot: [{ tool: github/merge, args: { branch: main } }]
  - { name: without scope, groups: [core], mayNot: [{ tool: github/merge, args: { branch: next } }] }
`,
    SERVERS,
  );
  const { code, lines } = await checked(place);
  assert.deepEqual(lines, [
    `${place.env['SERVERS_CONFIG_PATH']}, ${place.env['APP_CONFIG_PATH']}: 1 servers, 4 of 4 tests passed, 0 errors, 0 warnings`,
  ]);
  assert.equal(code, 0);
});

test('a test that fails is an error with file and line, what was expected, and which rule decided', async (t) => {
  const place = await Workplace.make(
    t,
    `${RULES}tests:
  - name: night shift
    consumer: agents
    at: 2026-11-22T23:00
    may: [github/create_issue]
  - { consumer: agents, at: 2026-11-22T12:00, mayNot: [github/create_issue], may: [github/list_issues] }
  - { name: fine, may: [], mayNot: [github/merge] }
`,
    SERVERS,
  );
  const { code, lines } = await checked(place);
  const app = place.env['APP_CONFIG_PATH'];
  assert.deepEqual(lines.slice(0, -1), [
    `${app}:9: error: tests: "night shift": consumer agents should be allowed to use github/create_issue, but read-only denies it. Its selectors hold and its condition is true.`,
    `${app}:13: error: tests: "tests[1]": consumer agents should not be allowed to use github/create_issue, but permissions.consumers.agents allows it. It holds because the caller is the consumer agents; it allows the group issues, which has github/create_issue.`,
  ]);
  assert.match(lines.at(-1) ?? '', /1 servers, 1 of 3 tests passed, 2 errors, 0 warnings$/u);
  assert.equal(code, 1);
});

test('a test of what its server does not have, or of what is replaced, is told', async (t) => {
  const app = `toolExtensions: { services: { it: { fixture_big: { replace: true, childTools: [{ name: small, overrideParams: { bytes: 1 } }] } } } }
tests:
  - { name: typo, may: [it/fixture_ecko] }
  - { name: replaced, may: [it/fixture_big] }
  - { name: child, may: [it/small] }
  - { name: closed, mayNot: [it/fixture_big] }
`;
  const place = await Workplace.make(t, app, { it: fixtureEntry('legacy') });
  const gateway = await place.serve(app);
  await gateway.stop();
  const { code, lines } = await checked(place);
  assert.match(
    lines[0] ?? '',
    /app\.yaml:3: warning: tests: "typo": it\/fixture_ecko is judged by its name alone: server it listed no such tool/u,
  );
  assert.match(
    lines[1] ?? '',
    /app\.yaml:4: error: tests: "replaced": the caller should be allowed to use it\/fixture_big, but it is not on offer\.$/u,
  );
  assert.match(lines[2] ?? '', /3 of 4 tests passed, 1 errors, 1 warnings$/u);
  assert.equal(code, 1);
});

test('claims that no token of the issuer could have fail the test', async (t) => {
  const place = await Workplace.make(
    t,
    `${RULES}tests:
  - { name: mapped, claims: { iss: "https://id.example", azp: agents }, at: 2026-11-22T12:00, may: [github/create_issue] }
  - { name: forged, claims: { iss: "https://id.example", azp: admin }, may: [github/create_issue] }
`,
    SERVERS,
  );
  const { code, out } = await checked(place);
  assert.match(
    out,
    /app\.yaml:10: error: tests: "forged": its caller is refused before anything is decided \(CONSUMER_REFUSED\): /u,
  );
  assert.match(out, /1 of 2 tests passed, 1 errors/u);
  assert.equal(code, 1);
});

test('without tests the summary is silent about them; with an error elsewhere none is run', async (t) => {
  const without = await checked(await Workplace.make(t, RULES, SERVERS));
  assert.match(without.lines.at(-1) ?? '', /: 1 servers, 0 errors, 0 warnings$/u);
  const broken = `${RULES}tests: [{ name: x, may: [github/merge] }]\nnonsense: 1\n`;
  const { code, lines } = await checked(await Workplace.make(t, broken, SERVERS));
  assert.match(lines.at(-1) ?? '', /yaml: 1 errors, 0 warnings$/u);
  assert.equal(code, 1);
});

test('faults of limits and records are told with line, column and what to do, and no value is quoted', async (t) => {
  const { code, lines } = await checked(await Workplace.make(t, RECORDS, SERVERS));
  const told = lines.map((line) => /app\.yaml:(\d+:\d+: error: .*)$/u.exec(line)?.[1]);
  assert.deepEqual(told.slice(0, -1), [
    '3:41: error: limits.rules[0].budget.tokens: No tokens are counted (tokens.enabled is false), so this would never be used up; switch counting on, or give "calls".',
    '4:13: error: limits.rules[1].id: "day" is the limit of line 3 too; rename one of them.',
    '8:29: error: tracing.headers.Authorization: This needs the environment variable NO_SUCH_TOKEN, which is not set; set it, or remove this key.',
    '9:20: error: usage.database: This is no address of a PostgreSQL database; give one such as postgres://mcpx:password@db.example.com/mcpx, or remove the key to keep a file in the data folder.',
  ]);
  assert.equal(code, 1);
  assert.doesNotMatch(lines.join('\n'), /hunter2/u);
});
