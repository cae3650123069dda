import assert from 'node:assert/strict';
import test from 'node:test';
import { load, lines, serverOf } from './plan-from.ts';

const env = { NAME: 'value', EMPTY: '', HOST: 'a.example' };

const REFERENCES: readonly [text: string, expected: string][] = [
  ['plain $NAME', 'plain $NAME'],
  ['${NAME}', 'value'],
  ['a${NAME}b${NAME}c', 'avaluebvaluec'],
  ['${env:NAME}', 'value'],
  ['${EMPTY}', ''],
  ['${EMPTY:-default}', 'default'],
  ['${ABSENT:-a default: with "signs"}', 'a default: with "signs"'],
  ['${ABSENT:-}', ''],
  ['${NAME:-default}', 'value'],
  ['$${NAME}', '${NAME}'],
];

for (const [text, expected] of REFERENCES) {
  test(`${JSON.stringify(text)} stands for ${JSON.stringify(expected)}`, () => {
    const { endpoint, pendingInput } = serverOf({ command: 'x', args: [text] }, { env });
    assert.equal(pendingInput, undefined);
    assert.deepEqual('args' in endpoint && endpoint.args, [expected]);
  });
}

test('references are replaced in command, cwd, env, url and headers', () => {
  const stdio = serverOf(
    { command: '${NAME}', cwd: '/${NAME}', env: { A: '${NAME}', B: { fromEnv: 'NAME' } } },
    { env },
  );
  assert.deepEqual(stdio.endpoint, {
    kind: 'stdio',
    command: 'value',
    args: [],
    env: { A: 'value', B: 'value' },
    cwd: '/value',
  });
  const remote = serverOf(
    { url: 'http://${HOST}/', headers: { Authorization: 'Bearer ${NAME}' } },
    { env },
  );
  assert.deepEqual(remote.endpoint, {
    kind: 'remote',
    url: 'http://a.example/',
    transport: 'auto',
    headers: { Authorization: 'Bearer value' },
  });
});

test('a missing variable leaves its server pending, named with its place, and the others run', () => {
  const { plan, problems } = load({
    servers: {
      mcpServers: {
        a: { command: 'x', env: { TOKEN: { fromEnv: 'A_TOKEN' } }, args: ['${A_ARG}'] },
        b: { url: '${B_URL}' },
        c: { command: 'x' },
      },
    },
  });
  assert.deepEqual(
    problems.map(({ severity, path }) => `${severity} ${path}`),
    ['warning mcpServers.a', 'warning mcpServers.b'],
  );
  const [a, b, c] = plan?.servers ?? [];
  assert.match(
    a?.pendingInput ?? '',
    /mcpServers\.a\.env\.TOKEN needs the environment variable A_TOKEN/,
  );
  assert.match(
    a?.pendingInput ?? '',
    /mcpServers\.a\.args\[0\] needs the environment variable A_ARG/,
  );
  assert.match(b?.pendingInput ?? '', /B_URL/);
  assert.equal(c?.pendingInput, undefined);
});

test('a question an editor would put to its user leaves the server pending', () => {
  const { pendingInput } = serverOf({ command: 'x', env: { KEY: '${input:api-key}' } });
  assert.match(pendingInput ?? '', /env\.KEY wants "input:api-key"/);
});

for (const text of ['${A%B}', '${}', '${1A}', '${NAME', '${A:-${NAME}}']) {
  test(`${JSON.stringify(text)} is no reference: what is not understood stays, with a warning`, () => {
    const result = load({ servers: { mcpServers: { it: { command: 'x', args: [text] } } }, env });
    assert.match(
      lines(result).join('\n'),
      /^warning 1:\d+ mcpServers\.it\.args\[0\]: .* and stays/,
    );
    assert.ok(result.plan);
  });
}

test('what a variable holds is not interpolated again', () => {
  const { endpoint } = serverOf({ command: 'x', args: ['${A}'] }, { env: { A: '${B}', B: 'b' } });
  assert.deepEqual('args' in endpoint && endpoint.args, ['${B}']);
});

test('a variable that cannot be used leaves its server pending, without being shown', () => {
  const bad: [entry: object, expected: RegExp][] = [
    [{ url: 'http://a', headers: { A: 'Bearer ${BAD}' } }, /headers\.A: This holds a line break/],
    [{ url: '${BAD}' }, /it\.url: This is no URL.*Correct the variable/],
    [{ command: '${EMPTY}' }, /it\.command: The command is empty/],
  ];
  for (const [entry, expected] of bad) {
    const { pendingInput } = serverOf(entry, { env: { BAD: 'hunter2\n', EMPTY: '' } });
    assert.match(pendingInput ?? '', expected);
    assert.doesNotMatch(pendingInput ?? '', /hunter2/);
  }
});
