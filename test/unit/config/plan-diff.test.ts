import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { diffPlans, type PlanChange } from '../../../src/config/plan-diff.ts';
import { secretsOf } from '../../../src/config/secrets-of.ts';
import { planOf, type Given } from './plan-from.ts';

function diff(before: Given, after: Given): readonly PlanChange[] {
  return diffPlans(planOf(before), planOf(after));
}

function servers(mcpServers: object): Given {
  return { servers: { mcpServers } };
}

test('plans that are the same have no differences, and neither have files that only moved', () => {
  const app = 'tests: [{ name: t, may: [a/b] }]\nlist: { pageSize: 5 }';
  const moved = '# a comment\n\nlist: { pageSize: 5 }\ntests: [{ name: t, may: [a/b] }]';
  assert.deepEqual(diff({ app }, { app }), []);
  assert.deepEqual(diff({ app }, { app: moved }), []);
});

test('a changed value is told by its path, as it was and as it is', () => {
  assert.deepEqual(diff({}, { app: 'list: { pageSize: 5 }\naudit: { arguments: full }' }), [
    { path: 'list.pageSize', before: 1000, after: 5 },
    { path: 'audit.arguments', before: 'redacted', after: 'full' },
  ]);
});

test('servers and rules are told by name: one taken out changes no other', () => {
  const [a, b, c] = [{ command: 'a' }, { command: 'b' }, { command: 'c' }];
  const rules = (...ids: string[]): string =>
    `rules: [${ids.map((id) => `{ id: ${id}, effect: deny }`).join(', ')}]`;
  const changes = diff(
    { ...servers({ a, b, c }), app: rules('one', 'two') },
    { ...servers({ a, c: { command: 'd' } }), app: rules('two', 'three') },
  );
  const told = changes.map(({ path, before, after }) => [path, typeof before, typeof after]);
  assert.deepEqual(told, [
    ['access.rules.one', 'object', 'undefined'],
    ['access.rules.three', 'undefined', 'object'],
    ['servers.b', 'string', 'undefined'],
    ['servers.c.endpoint.command', 'string', 'string'],
  ]);
});

test('the order of servers decides who has a name (R17), so a new one is told', () => {
  const [a, b] = [{ command: 'a' }, { command: 'b' }];
  assert.deepEqual(diff(servers({ a, b }), servers({ b, a })), [
    { path: 'servers', before: ['a', 'b'], after: ['b', 'a'] },
  ]);
});

test('a first rule is told by its id too', () => {
  const [change] = diff({}, { app: 'limits: { rules: [{ id: x, concurrency: 1 }] }' });
  assert.equal(change?.path, 'limits.limits.x');
});

test('names of things that every object has are names like others', () => {
  const changes = diff(servers({}), servers({ constructor: { command: 'x' } }));
  assert.deepEqual(
    changes.map(({ path, before }) => [path, before]),
    [['servers.constructor', undefined]],
  );
});

test('of a secret it is told only that it changed, came or went', () => {
  const server = (env: object): object => ({ mcpServers: { 'a.b': { command: 'x', env } } });
  const changes = diff(
    { servers: server({ ONE: 'aaaa', TWO: 'bbbb' }), env: { API_KEY: 'k'.repeat(16) } },
    { servers: server({ ONE: 'cccc', NEW: 'd' }), env: { API_KEY: 'l'.repeat(16) } },
  );
  assert.deepEqual(changes, [
    { path: 'auth.sharedKey', before: '[secret]', after: '[secret]' },
    { path: 'servers["a.b"].endpoint.env.ONE', before: '[secret]', after: '[secret]' },
    { path: 'servers["a.b"].endpoint.env.TWO', before: '[secret]', after: undefined },
    { path: 'servers["a.b"].endpoint.env.NEW', before: undefined, after: '[secret]' },
  ]);
});

test('a secret inside another text leaves the rest of it readable', () => {
  const args = ['--url', 'https://a.example/${KEY}', '--token=${KEY}', 'plain'];
  const given = { servers: { mcpServers: { it: { command: 'x', args } } } };
  const [change] = diff(
    { ...given, env: { KEY: 'first-key' } },
    { ...given, env: { KEY: 'second-key' } },
  );
  const expected = ['--url', 'https://a.example/[secret]', '--token=[secret]', 'plain'];
  assert.deepEqual(change, { path: 'servers.it.endpoint.args', before: expected, after: expected });
});

test('a parameter that is fixed to a secret is one, as number too', () => {
  const app = (pin: number): string =>
    `toolExtensions: { services: { it: { call: { childTools: [{ name: c, overrideParams: { pin: ${pin}, page: ${pin} } }] } } } }`;
  const given = servers({ it: { command: 'x' } });
  assert.deepEqual(diff({ ...given, app: app(1234) }, { ...given, app: app(5678) }), [
    {
      path: 'extensions.it.call.children.c.params.pin.fixed.value',
      before: '[secret]',
      after: '[secret]',
    },
    { path: 'extensions.it.call.children.c.params.page.fixed.value', before: 1234, after: 5678 },
  ]);
});

test('differences are bounded in number and length', () => {
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [
      `s${index}`,
      { command: 'x'.repeat(10_000), args: Array.from({ length: 100 }, () => 'y'.repeat(100)) },
    ]),
  );
  const changes = diff(servers({}), servers(many));
  assert.equal(changes.length, 101);
  assert.deepEqual(changes.at(-1), {
    path: '…',
    before: undefined,
    after: 'and 400 further changes',
  });
  assert.ok(JSON.stringify(changes).length < 101 * 1000);
});

const secret = fc
  .string({ unit: fc.constantFrom(...'abcXYZ0189-_.~+/=%'.split('')), minLength: 8, maxLength: 30 })
  .map((text) => `s3${text}`);

const SECRETS = fc.record({
  shared: secret.map((text) => `${text}0123456789abcdef`),
  env: secret,
  header: secret,
  argument: secret,
  flag: secret,
  url: secret,
  trace: secret,
  siem: secret,
  database: secret,
  param: secret,
});
type Secrets = typeof SECRETS extends fc.Arbitrary<infer T> ? T : never;

/** A configuration with a secret in every place that can hold one. */
function planted(all: Secrets, name: string): Given {
  const app = {
    tracing: { headers: { 'x-key': all.trace }, endpoint: 'https://o.example/${TRACE}' },
    audit: { http: { url: 'https://siem.example', headers: { a: all.siem } } },
    usage: { database: `postgres://u:${encodeURIComponent(all.database)}@db/x` },
    toolExtensions: {
      services: {
        [name]: { t: { childTools: [{ name: 'c', overrideParams: { token: all.param } }] } },
      },
    },
  };
  const mcpServers = {
    [name]: {
      command: 'x',
      args: ['${ARG}', `--x=\${ARG}`, '--token', all.flag],
      env: { ANY: all.env },
    },
    remote: { url: 'https://a.example/${URL}?q=1', headers: { 'x-any': all.header } },
  };
  const env = {
    API_KEY: all.shared,
    ARG: all.argument,
    URL: encodeURIComponent(all.url),
    TRACE: encodeURIComponent(all.trace),
  };
  return { app: JSON.stringify(app), servers: { mcpServers }, env };
}

test('no configured secret appears in a difference, whatever changed', () => {
  const names = fc.constantFrom('one', 'two', 'a.b');
  fc.assert(
    fc.property(SECRETS, SECRETS, names, names, (before, after, was, is) => {
      const [one, other] = [planOf(planted(before, was)), planOf(planted(after, is))];
      const told = textsIn(diffPlans(one, other)).join('\n');
      assert.match(told, /\[secret\]/);
      for (const text of [...Object.values(before), ...Object.values(after)]) {
        assert.ok(!told.includes(text), `${text} in ${told}`);
        assert.ok(!told.includes(encodeURIComponent(text)), `${text}, encoded, in ${told}`);
      }
      for (const text of [...secretsOf(one), ...secretsOf(other)]) assert.ok(!told.includes(text));
    }),
    { numRuns: 200 },
  );
});

/** Every text in a value, as it is before JSON escapes it. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]);
}
