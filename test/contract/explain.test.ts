import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Workplace } from '../support/command.ts';
import { allOf, modernSent } from '../support/raw-clients.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { send, type JsonObject, type Rpc } from '../support/raw-http.ts';

const APP = `
toolGroups:
  - name: plain
    services:
      IT: [test_simple_text, fixture_echo, nap, test_simple_prompt, "test://template/{id}/data"]
permissions:
  default: { block: [] }
  consumers:
    agents: { allow: [plain] }
    helpers: { consumerGroupKey: agents }
rules:
  - { id: no-secrets, effect: deny, tools: ["it/fixture_echo"], when: "has(args.path) && args.path.contains('secret')" }
  - { id: own-name, effect: allow, consumers: [agents], tools: ["it/fixture_stderr"], when: "args.text == principal.name" }
  - { id: not-at-night, effect: deny, consumers: [agents], prompts: ["it/*"], when: "now.hour >= 22" }
  - { id: no-pictures, effect: deny, mode: shadow, tools: ["it/test_image*"] }
toolExtensions:
  services:
    it:
      fixture_slow:
        childTools:
          - { name: nap, overrideParams: { ms: { maximum: 5 } } }
      fixture_big:
        replace: true
        childTools:
          - { name: small, overrideParams: { bytes: 10 } }
`;

/** A place whose one server a gateway has seen; \`unseen\` it has not. */
async function seen(t: TestContext): Promise<Workplace> {
  const place = await Workplace.make(t, APP, {
    it: fixtureEntry('legacy'),
    unseen: { command: 'no-such-command' },
  });
  const gateway = await place.serve(APP);
  await gateway.stop();
  return place;
}

test('a decision is printed with every entry and rule considered, in order, and why', async (t) => {
  const place = await seen(t);
  const { code, out, err } = await place.run(
    ...['explain', '--tool', 'it__fixture_echo', '--consumer', 'helpers', '--client', 'cursor'],
    ...['--args', '{"path": "/secret/plan"}', '--at', '2026-11-22T22:30'],
  );
  assert.equal(
    out,
    `it/fixture_echo (tool, offered as it__fixture_echo) for consumer helpers, client cursor, at 2026-11-22 22:30

DENIED by no-secrets; the answer is FORBIDDEN

Considered, in this order:
  1. permissions.consumers.agents (allow): holds
     It holds because the consumer helpers is a member of agents; it allows the group plain, which has it/fixture_echo.
  2. rule no-secrets (deny): decides
     Its selectors hold and its condition is true.
  3. rule own-name (allow): does not select the target
     None of its tools it/fixture_stderr is it/fixture_echo.
  4. rule not-at-night (deny): does not select the target
     None of its prompts it/* is it/fixture_echo.
  5. rule no-pictures (deny, shadow): does not select the target
     None of its tools it/test_image* is it/fixture_echo.
`,
  );
  assert.deepEqual([code, err], [0, '']);
});

interface Row {
  readonly consumer?: string;
  readonly tool: string;
  readonly args?: JsonObject;
}

const ROWS: readonly Row[] = [
  { tool: 'it__test_image_content' },
  { tool: 'it__fixture_echo', args: { path: 'secret' } },
  { tool: 'it__fixture_big' },
  { tool: 'it__small' },
  { consumer: 'agents', tool: 'it__test_simple_text' },
  { consumer: 'agents', tool: 'it__test_image_content' },
  { consumer: 'agents', tool: 'it__small' },
  { consumer: 'agents', tool: 'it__nap', args: { ms: 3 } },
  { consumer: 'agents', tool: 'it__nap', args: { ms: 300 } },
  { consumer: 'agents', tool: 'it__fixture_stderr', args: { text: 'agents' } },
  { consumer: 'agents', tool: 'it__fixture_stderr', args: { text: 'admin' } },
  { consumer: 'helpers', tool: 'it__fixture_echo', args: { path: 'a' } },
  { consumer: 'nobody', tool: 'it__test_simple_text' },
];

test('what is explained while a gateway runs is what that gateway answers (R5)', async (t) => {
  const place = await Workplace.make(t, APP, { it: fixtureEntry('legacy') });
  const { port } = await place.serve(APP);
  for (const { consumer, tool, args = {} } of ROWS) {
    const tag: Record<string, string> =
      consumer === undefined ? {} : { 'x-lunar-consumer-tag': consumer };
    const got = await send(
      port,
      modernSent('tools/call', { name: tool, arguments: args }, { headers: tag }),
    );
    const { out } = await place.run(
      ...['explain', '--json', '--tool', tool, '--args', JSON.stringify(args)],
      ...(consumer === undefined ? [] : ['--consumer', consumer]),
    );
    const [answer] = allOf(got);
    assert.equal(
      toldBy(JSON.parse(out) as JsonObject),
      answeredBy(answer),
      `${consumer} ${tool} ${JSON.stringify(args)}`,
    );
  }
});

/** What the gateway answers, by its code. */
function answeredBy(answer: Rpc | undefined): string {
  const { error } = answer ?? {};
  if (error === undefined) return 'allowed';
  return String(error.data?.['refusal']);
}

function toldBy(told: JsonObject): string {
  if (told['allowed'] === true) return 'allowed';
  if (told['argumentFault'] !== undefined) return 'PARAMS_INVALID';
  return told['hidden'] === true || told['absence'] !== undefined ? 'TARGET_UNKNOWN' : 'FORBIDDEN';
}

test('names are found as people write them, and what is no name says what would be', async (t) => {
  const place = await seen(t);
  const labelOf = async (...args: readonly string[]): Promise<unknown> => {
    const { out, err } = await place.run('explain', '--json', ...args);
    if (out === '') return err;
    const { server, kind, name, custom, isSeen } = JSON.parse(out) as JsonObject;
    return [server, kind, custom ?? name, isSeen];
  };
  assert.deepEqual(await labelOf('--tool', 'IT/nap'), ['it', 'tool', 'nap', true]);
  assert.deepEqual(await labelOf('--tool', 'nap'), ['it', 'tool', 'nap', true]);
  assert.deepEqual(await labelOf('--tool', 'unseen__x'), ['unseen', 'tool', 'x', false]);
  assert.deepEqual(await labelOf('--prompt', 'test_simple_prompt'), [
    'it',
    'prompt',
    'test_simple_prompt',
    true,
  ]);
  const uri = 'test://template/1/data';
  assert.deepEqual(await labelOf('--resource', uri), ['it', 'resource', uri, true]);
  assert.deepEqual(await labelOf('--resource', `it/${uri}`), ['it', 'resource', uri, true]);
  assert.deepEqual(await labelOf('--resource', 'unseen/file:///a'), [
    'unseen',
    'resource',
    'file:///a',
    false,
  ]);
  assert.equal(
    await labelOf('--tool', 'it/nap', '--prompt', 'x'),
    'mcpx: Name one thing: give exactly one of --tool, --prompt and --resource.\n',
  );
  assert.equal(
    await labelOf('--tool', 'fixture_ecko'),
    'mcpx: No server is known to have a tool "fixture_ecko"; write "server/tool". Did you mean "it/fixture_echo"?\n',
  );
});

test('a resource is decided by its template, a prompt by the clock', async (t) => {
  const place = await seen(t);
  const allowed = async (...args: readonly string[]): Promise<unknown> =>
    (
      JSON.parse(
        (await place.run('explain', '--json', '--consumer', 'agents', ...args)).out,
      ) as JsonObject
    )['allowed'];
  assert.equal(await allowed('--resource', 'test://template/1/data'), true);
  assert.equal(await allowed('--resource', 'test://static-text'), false);
  assert.equal(await allowed('--prompt', 'test_simple_prompt', '--at', '2026-11-22T21:59'), true);
  assert.equal(await allowed('--prompt', 'test_simple_prompt', '--at', '2026-11-22T22:00'), false);
});

test('what was never seen, what is replaced and what a custom tool sends is said', async (t) => {
  const place = await seen(t);
  const explained = async (...args: readonly string[]): Promise<string> =>
    (await place.run('explain', ...args)).out;
  assert.match(
    await explained('--tool', 'unseen/x'),
    /\n\nNote: server unseen was not seen with this configuration, so this is judged by its name alone/u,
  );
  assert.match(
    await explained('--tool', 'it/fixture_big'),
    /\nNOT ON OFFER: the custom tools made from it replace it; allowed by permissions\.default\n/u,
  );
  assert.match(
    await explained('--tool', 'it/missing'),
    /\nNOT ON OFFER: its server did not list it when it was last seen; /u,
  );
  assert.match(
    await explained('--tool', 'it/small', '--args', '{}'),
    /made from it\/fixture_big, whose server gets \{"bytes":10\}/u,
  );
  assert.match(
    await explained('--tool', 'it/nap', '--args', '{"ms": 9}'),
    /\nREFUSED for its arguments, though allowed by permissions\.default: /u,
  );
  assert.match(
    await explained('--tool', 'it/test_image_content'),
    /\nRules in shadow mode that would have decided otherwise: no-pictures\n/u,
  );
  assert.match(
    await explained('--tool', 'it/fixture_stderr', '--consumer', 'agents'),
    /Note: some arguments could be allowed; give those of the call with --args\./u,
  );
});

test('a server is not started and a gateway is not needed: all is read', async (t) => {
  const place = await Workplace.make(t, APP, { it: { command: 'no-such-command' } });
  const { code, out } = await place.run('explain', '--tool', 'it/fixture_echo');
  assert.equal(code, 0);
  assert.match(out, /ALLOWED by permissions\.default[^]*Note: server it was not seen/u);
});

test('a configuration with errors decides nothing', async (t) => {
  const place = await Workplace.make(t, 'permissions: { default: { allow: [none] } }');
  const { code, out, err } = await place.run('explain', '--tool', 'it/x');
  assert.deepEqual([code, out], [1, '']);
  assert.match(
    err,
    /^\S+app\.yaml:1:\d+: error: [^]*\nmcpx: The configuration has errors; correct them first\.\n$/u,
  );
});
