import assert from 'node:assert/strict';
import test from 'node:test';
import { load, lines, planOf, serverOf } from './plan-from.ts';

test('a stdio entry becomes an endpoint with nothing added', () => {
  const server = serverOf({ command: 'node', args: ['a.js', '--b'], env: { A: '1' }, cwd: 'work' });
  assert.equal(server.name, 'it');
  assert.equal(server.isActive, true);
  assert.equal(server.pendingInput, undefined);
  assert.equal(server.isolation, 'auto');
  assert.deepEqual(server.endpoint, {
    kind: 'stdio',
    command: 'node',
    args: ['a.js', '--b'],
    env: { A: '1' },
    cwd: 'work',
  });
});

const TRANSPORTS: readonly [type: string | undefined, transport: string][] = [
  [undefined, 'auto'],
  ['http', 'streamable-http'],
  ['streamable-http', 'streamable-http'],
  ['sse', 'sse'],
];

for (const [type, transport] of TRANSPORTS) {
  test(`a remote entry of type ${type} is reached over ${transport}`, () => {
    const { endpoint } = serverOf({ url: 'https://a.example/mcp', ...(type && { type }) });
    assert.deepEqual(endpoint, {
      kind: 'remote',
      url: 'https://a.example/mcp',
      transport,
      headers: {},
    });
  });
}

test('an entry overrides the limits of app.yaml, and those the defaults', () => {
  const app = 'upstreams: { callTimeoutMs: 5000, maxInstances: 2 }';
  const { limits } = serverOf(
    { command: 'x', maxInstances: 3, progressResetsCallTimeout: false },
    { app },
  );
  assert.equal(limits.callTimeoutMs, 5000);
  assert.equal(limits.maxInstances, 3);
  assert.equal(limits.progressResetsCallTimeout, false);
  assert.equal(limits.connectTimeoutMs, 30_000);
});

test('servers keep the order of the file, also when their names are numbers (R17)', () => {
  const servers =
    '{"mcpServers": {"b": {"command": "x"}, "2": {"command": "x"}, "1": {"command": "x"}}}';
  assert.deepEqual(
    planOf({ servers }).servers.map(({ name }) => name),
    ['b', '2', '1'],
  );
});

test('comments, trailing commas and a byte order mark are read over', () => {
  const servers = '\uFEFF// servers\n{ "mcpServers": { /* one */ "it": { "command": "x", }, }, }';
  assert.deepEqual(lines(load({ servers })), []);
  assert.equal(planOf({ servers }).servers.length, 1);
});

test('keys of other programs are warnings, never errors', () => {
  const result = load({
    servers:
      '{\n"inputs": [],\n"mcpServers": {"it": {"command": "x",\n"autoApprove": ["a"], "disbled": true}}}',
  });
  assert.deepEqual(lines(result), [
    'warning 2:1 inputs: "inputs" has no effect here.',
    'warning 4:1 mcpServers.it.autoApprove: "autoApprove" has no effect here.',
    'warning 4:23 mcpServers.it.disbled: "disbled" has no effect here. Did you mean "disabled"?',
  ]);
  assert.equal(result.plan?.servers.length, 1);
});

test('$schema is a known key, and "servers" is read where "mcpServers" is missing', () => {
  const result = load({ servers: { $schema: 'x', servers: { it: { command: 'x' } } } });
  assert.deepEqual(lines(result), ['warning 1:16 servers: Read as "mcpServers", the usual name.']);
  assert.equal(result.plan?.servers[0]?.name, 'it');
});

test('"mcpServers" wins over "servers"', () => {
  const result = load({
    servers: { servers: { a: { command: 'x' } }, mcpServers: { b: { command: 'x' } } },
  });
  assert.match(lines(result)[0] ?? '', /^warning .*Ignored beside "mcpServers"/);
  assert.deepEqual(
    result.plan?.servers.map(({ name }) => name),
    ['b'],
  );
});

test('a server is switched off by its own entry or by app.yaml, whatever the case of its name', () => {
  const servers = {
    mcpServers: {
      A: { command: 'x', disabled: true },
      Slack: { command: 'x' },
      c: { command: 'x' },
    },
  };
  const app = 'targetServerAttributes: { slack: { inactive: true }, c: { inactive: false } }';
  assert.deepEqual(
    planOf({ servers, app }).servers.map(({ isActive }) => isActive),
    [false, false, true],
  );
});

test('attributes of an unknown server are a warning with the nearest name', () => {
  const result = load({
    servers: { mcpServers: { slack: { command: 'x' } } },
    app: 'targetServerAttributes:\n  slak: { inactive: true }\n',
  });
  assert.deepEqual(lines(result), [
    'warning 2:3 targetServerAttributes.slak: No server is named "slak". Did you mean "slack"?',
  ]);
});

test('keys that have no effect beside the others are warnings', () => {
  const servers = `{"mcpServers": {
    "a": { "url": "http://a", "args": ["x"], "env": {} },
    "b": { "command": "x", "headers": {} }
  }}`;
  assert.deepEqual(lines(load({ servers })), [
    'warning 2:31 mcpServers.a.args: "args" has no effect beside "url".',
    'warning 2:46 mcpServers.a.env: "env" has no effect beside "url".',
    'warning 3:28 mcpServers.b.headers: "headers" has no effect beside "command".',
  ]);
});

const BAD_ENTRIES: readonly [what: string, entry: string, expected: RegExp][] = [
  ['neither command nor url', '{}', /^error 2:1 mcpServers.it: Neither "command" nor "url"/],
  [
    'both',
    '{"command": "x", "url": "http://a"}',
    /^error 2:24 mcpServers.it.url: .*"command" \(line 2\) exclude/,
  ],
  [
    'an empty command',
    '{"command": ""}',
    /^error 2:19 mcpServers.it.command: This must not be empty/,
  ],
  ['a number for a text', '{"command": 5}', /Expected a text; put it in quotes/],
  ['a text for a list', '{"command": "x", "args": "-v"}', /args: Expected a list, found a text/],
  [
    'a number in env',
    '{"command": "x", "env": {"PORT": 80}}',
    /env.PORT: Give a text in quotes, or/,
  ],
  ['fromEnv without a name', '{"command": "x", "env": {"A": {"fromEnv": ""}}}', /env.A/],
  [
    'an impossible variable',
    '{"command": "x", "env": {"A=B": "c"}}',
    /No variable can have this name/,
  ],
  ['a NUL character', String.raw`{"command": "x", "args": ["a\u0000"]}`, /NUL character/],
  ['no URL', '{"url": "example.com/mcp"}', /This is no URL/],
  ['another scheme', '{"url": "ftp://a.example"}', /over http or https alone/],
  ['a password in the URL', '{"url": "http://u:p@a.example"}', /use an Authorization header/],
  [
    'an impossible header',
    '{"url": "http://a", "headers": {"A B": "c"}}',
    /No HTTP header can have this name/,
  ],
  [
    'a line break in a header',
    String.raw`{"url": "http://a", "headers": {"A": "b\nC: d"}}`,
    /headers.A: This holds a line break/,
  ],
  ['an unknown type', '{"url": "http://a", "type": "htp"}', /Give one of: .*Did you mean "http"/],
  ['type stdio with a url', '{"url": "http://a", "type": "stdio"}', /has a "command", not a "url"/],
  [
    'a remote type with a command',
    '{"command": "x", "type": "sse"}',
    /has a "url", not a "command"/,
  ],
  ['an unknown isolation', '{"command": "x", "isolation": "sesion"}', /Did you mean "session"/],
  ['a limit out of range', '{"command": "x", "maxInstances": 0}', /least value allowed is 1/],
  [
    'a time timers cannot keep',
    '{"command": "x", "callTimeoutMs": 2147483648}',
    /greatest value allowed/,
  ],
  [
    'a fraction',
    '{"command": "x", "callTimeoutMs": 1.5}',
    /Expected a whole number, found a number/,
  ],
  [
    'restart pauses in the wrong order',
    '{"command": "x", "restartMaxMs": 1}',
    /restartMinMs \(250\)/,
  ],
  ['a text for an entry', '"npx server"', /mcpServers.it: Expected a mapping/],
  ['nothing for an entry', 'null', /mcpServers.it: This is empty/],
];

for (const [what, entry, expected] of BAD_ENTRIES) {
  test(`${what} is an error in its place`, () => {
    const result = load({ servers: `{"mcpServers": {\n"it": ${entry}}}` });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

const BAD_NAMES: readonly [what: string, names: readonly string[], expected: RegExp][] = [
  ['an empty name', [''], /A server needs a name/],
  ['a name with "__"', ['a__b'], /"a__b" cannot hold it/],
  ['a name that gets "__"', ['a  b'], /"a {2}b" \(clients see "a__b"\) cannot hold it/],
  [
    'names that differ in case',
    ['Slack', 'b', 'slack'],
    /"slack" and "Slack" \(line 1\) are the same name/,
  ],
  ['names that sanitise alike', ['a b', 'a/b'], /"a\/b" and "a b" \(line 1\) are the same name/],
];

for (const [what, names, expected] of BAD_NAMES) {
  test(`${what} is an error that names every line at fault (R17)`, () => {
    const entries = names.map((name) => `${JSON.stringify(name)}: {"command": "x"}`).join(',\n');
    const result = load({ servers: `{"mcpServers": {${entries}}}` });
    assert.equal(result.plan, undefined);
    assert.equal(result.problems.length, 1);
    assert.match(lines(result)[0] ?? '', expected);
    assert.equal(result.problems[0]?.line, names.length);
  });
}

test('every error of a file is reported at once, in the order of its lines', () => {
  const result = load({
    servers: `{
  "mcpServers": {
    "a": { "command": "x", "args": 1 },
    "b": { "url": "nope", "isolation": "none" },
    "c": {}
  }
}`,
    app: 'naming: flatt\nsse: { afterMs: -1 }\nsesions: {}',
  });
  assert.deepEqual(
    result.problems.map(({ line, path }) => [line, path]),
    [
      [1, 'naming'],
      [2, 'sse.afterMs'],
      [3, 'sesions'],
      [3, 'mcpServers.a.args'],
      [4, 'mcpServers.b.isolation'],
      [5, 'mcpServers.c'],
    ],
  );
});

test('no problem quotes a value, which may be a secret', () => {
  const result = load({
    servers: {
      mcpServers: {
        a: { command: 'x', env: { TOKEN: ['hunter2'] } },
        b: { url: 'http//hunter2@a', headers: { A: 'hunter2\n' } },
        c: { command: 'hunter2', url: 'hunter2', type: 'hunter2' },
      },
    },
    env: { TOKEN: 'hunter2' },
  });
  assert.ok(result.problems.length >= 4);
  assert.doesNotMatch(lines(result).join('\n'), /hunter2/);
});
