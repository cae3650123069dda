import assert from 'node:assert/strict';
import test from 'node:test';
import { Fuel } from '../../../src/policy/cel/fuel.ts';
import type { Root } from '../../../src/policy/cel/environment.ts';
import { FAILED, FALSE, TRUE, Unknown, type Result } from '../../../src/policy/cel/value.ts';
import { Condition, conditionFault } from '../../../src/policy/condition.ts';

const NAMES = new Map([
  [TRUE, 'true'],
  [FALSE, 'false'],
  [FAILED, 'failed'],
  [TRUE | FALSE, 'true or false'],
  [TRUE | FAILED, 'true or failed'],
  [FALSE | FAILED, 'false or failed'],
  [TRUE | FALSE | FAILED, 'anything'],
]);

const ARGS: Result = JSON.parse(`{
  "amount": 12.5, "count": 12, "path": "/srv/al/notes.txt", "flag": true, "nothing": null,
  "list": [1, 2, 3], "tags": ["a", "b"], "nested": { "deep": { "x": 1 } }, "empty": [],
  "__proto__": { "polluted": true }, "none": {}
}`) as Result;

function judged(text: string, args: Result = ARGS): string {
  const values: Readonly<Record<Root, Result>> = {
    principal: {
      name: 'al',
      consumer: '',
      groups: ['dev'],
      scopes: [],
      proof: 'token',
      endpoint: '',
    },
    claims: { team: 'x' },
    client: '',
    tool: { name: 'read', annotations: { readOnlyHint: true } },
    args,
    request: { method: 'tools/call' },
    now: { hour: 23n },
  };
  const outcomes = Condition.compile(text).outcomes({
    roots: { root: (name) => values[name] },
    fuel: new Fuel(),
    locals: [],
  });
  return NAMES.get(outcomes) ?? String(outcomes);
}

const CASES: readonly [text: string, outcome: string][] = [
  // Numbers of JSON and whole numbers of CEL.
  ['args.amount > 10', 'true'],
  ['args.count > 10 && args.count == 12 && args.count != 13', 'true'],
  ['args.amount == 12.5 && 12 == args.count && args.count <= 12.0', 'true'],
  ['now.hour >= 22 && now.hour < 24', 'true'],
  ['args.count + 1 == 13 && args.count * 2 > now.hour', 'true'],
  ['args.count % 5 == 2 && 7 / 2 == 3 && args.count / 8 > 1.4', 'true'],
  ['-args.count == -12 && 9223372036854775807 + 1 > 0', 'failed'],
  ['args.amount % 2 == 0', 'failed'],
  ['1 / 0 == 1', 'failed'],
  ['int(args.amount) == 12 && double("1.5") == 1.5 && string(args.count) == "12"', 'true'],
  ['int("x") == 1', 'failed'],
  ['bool("true") && !bool("false")', 'true'],
  ['dyn(args.count) == 12', 'true'],
  // Keys.
  ['args.path == "x"', 'false'],
  ['args.nope == "x"', 'failed'],
  ['has(args.path) && !has(args.nope) && has(args.nothing)', 'true'],
  ['has(args.nested.deep.x) && !has(args.nested.nope)', 'true'],
  ['has(args.nope.x)', 'failed'],
  ['has(args.path.x)', 'failed'],
  ['"path" in args && !("nope" in args)', 'true'],
  ['1 in args', 'false'],
  ['args["path"] == args.path', 'true'],
  ['args.nothing == null && args.list[0] == 1', 'true'],
  ['args.list[3] == 1', 'failed'],
  ['args.list[-1] == 1', 'failed'],
  ['args.list["length"] == 3', 'failed'],
  ['args.path["length"] == 3', 'failed'],
  // Nothing of JavaScript is a key; what came as one is.
  ['has(args.constructor) || "toString" in args || has(args.none.__proto__)', 'false'],
  ['args.constructor == 1', 'failed'],
  ['args.none["__proto__"] == null', 'failed'],
  ['args.list.constructor == 1', 'failed'],
  ['args.__proto__.polluted', 'true'],
  ['claims.hasOwnProperty == null', 'failed'],
  ['size(args.none) == 0', 'true'],
  // Text.
  ['args.path.startsWith("/srv/" + principal.name + "/")', 'true'],
  ['args.path.endsWith(".txt") && args.path.contains("notes")', 'true'],
  ['args.path.matches("^/srv/[a-z]+/") && !args.path.matches("^etc")', 'true'],
  ['args.path.matches("^/" + "srv")', 'true'],
  ['args.path.matches(args.path + "(")', 'failed'],
  ['args.path.within("/srv/al") && !args.path.within("/srv/bo")', 'true'],
  ['size("añ😀") == 3 && "x".size() == 1', 'true'],
  ['"aB".lowerAscii() == "ab" && "aB".upperAscii() == "AB" && " x ".trim() == "x"', 'true'],
  ['args.path.split("/")[1] == "srv"', 'true'],
  ['"b" > "a" && "a" <= "a"', 'true'],
  ['args.list.startsWith("a")', 'failed'],
  ['"a" < args.count', 'failed'],
  // Lists and maps.
  ['args.list == [1, 2, 3] && args.list != [1, 2] && args.nested == {"deep": {"x": 1}}', 'true'],
  ['args.path in ["/srv/al/notes.txt", "x"] && !(4 in args.list)', 'true'],
  ['size(args.list) == 3 && args.tags.size() == 2', 'true'],
  ['args.list + [4] == [1, 2, 3, 4]', 'true'],
  ['args.list.all(i, i > 0) && args.list.exists(i, i == 2) && args.empty.all(i, false)', 'true'],
  ['args.list.exists_one(i, i > 2) && !args.list.exists_one(i, i > 1)', 'true'],
  ['args.list.map(i, i * 2) == [2, 4, 6] && args.list.filter(i, i > 1) == [2, 3]', 'true'],
  ['args.list.map(i, i > 1, i * 2) == [4, 6]', 'true'],
  ['args.list.exists(i, args.list.exists(j, i * j == 6))', 'true'],
  ['args.nested.all(key, key == "deep")', 'true'],
  ['args.path.all(c, true)', 'failed'],
  ['args.list.map(i, i.x) == []', 'failed'],
  // A side that decides, decides, also when the other one fails (CEL, logical operators).
  ['args.nope == 1 && false', 'false'],
  ['false && args.nope == 1', 'false'],
  ['args.nope == 1 || true', 'true'],
  ['args.nope == 1 || false', 'failed'],
  ['args.nope == 1 && true', 'failed'],
  ['!(args.nope == 1)', 'failed'],
  ['[1, "x"].exists(i, i > 0) && !["x", -1].all(i, i > 0)', 'true'],
  ['["x", 1].exists_one(i, i > 0)', 'failed'],
  ['args.flag ? args.count == 12 : args.nope', 'true'],
  ['args.nope ? true : true', 'failed'],
  ['args.path', 'failed'],
  ['args.path && true', 'failed'],
];

test('conditions mean what CEL says, over JSON as it came', () => {
  for (const [text, outcome] of CASES) assert.equal(judged(text), outcome, text);
});

const PARTIAL: readonly [text: string, outcome: string][] = [
  ['args.x == 1', 'anything'],
  ['args.x == 1 && false', 'false'],
  ['args.x == 1 || true', 'true'],
  ['args.x == 1 && true', 'anything'],
  ['now.hour > 24 || args.x == 1', 'anything'],
  ['now.hour > 24 && args.x == 1', 'false'],
  ['claims.nope == args.x', 'failed'],
  ['claims.nope == 1 && args.x == 1', 'false or failed'],
  ['claims.nope == 1 || args.x == 1', 'true or failed'],
  ['has(args.x)', 'true or false'],
  ['!has(args.x)', 'true or false'],
  ['has(args.x.y)', 'anything'],
  ['has(args.x) && has(args.y)', 'true or false'],
  ['has(args.x) ? true : claims.nope == 1', 'true or failed'],
  ['has(args.x) ? false : false', 'false'],
  ['args.x ? true : true', 'true or failed'],
  ['principal.groups.exists(g, g == args.team)', 'anything'],
  ['principal.scopes.exists(s, s == args.scope)', 'false'],
  ['principal.groups.all(g, g != "dev" && args.x)', 'false'],
  ['args.list.all(i, i > 0)', 'anything'],
  ['[1, 2].map(i, args.x) == [1, 2]', 'anything'],
  ['["a"].filter(i, args.x).size() == 1', 'anything'],
  ['{"a": args.x}.a == 1', 'anything'],
  ['1 in [args.x, 2]', 'anything'],
  ['args.path.matches("x") && claims.team == "y"', 'false'],
  ['principal.name == "al" ? args.x : false', 'anything'],
];

test('where arguments are not known, a condition has the outcomes that some of them could give it (R5)', () => {
  for (const [text, outcome] of PARTIAL) assert.equal(judged(text, Unknown.any), outcome, text);
});

test('a condition knows what it depends on', () => {
  const mentions = (text: string): string => [...Condition.compile(text).mentions].sort().join(' ');
  assert.equal(mentions('args.x == claims.team && now.hour > 1'), 'args.x claims.team now.hour');
  assert.equal(
    mentions('claims["team"] == claims[principal.name]'),
    'claims claims.team principal.name',
  );
  assert.equal(
    mentions('has(claims.a.b) && args.list.exists(i, i == client)'),
    'args.list claims.a client',
  );
  assert.equal(mentions('["now"].exists(i, i == "args")'), '');
  assert.ok(Condition.compile('claims.team == "x"').uses('claims'));
  assert.ok(!Condition.compile('args.claims == "x"').uses('claims'));
});

const DENY = { effect: 'deny', isAuthOn: true } as const;

test('a fine condition has no fault', () => {
  for (const [text] of CASES.filter(([, outcome]) => outcome === 'true'))
    assert.equal(conditionFault(text, DENY), undefined, text);
  assert.equal(conditionFault('client == "x"', DENY), undefined);
  assert.equal(conditionFault('client == "x"', { effect: 'allow', isAuthOn: false }), undefined);
});

const FAULTS: readonly [text: string, fault: RegExp][] = [
  [
    'args.x ==',
    /^The condition is not CEL: .* at character 10\. Correct it; the variables are principal,/,
  ],
  ['', /^The condition is not CEL: /],
  ['args.x = 1', /^The condition is not CEL: /],
  ['user.name == "x"', /^There is no variable "user"; conditions have principal, .* and now\.$/],
  ['__proto__ == 1', /Reserved identifier: __proto__/],
  ['cel.bind(x, 1, x == 1)', /^There is no variable "cel"/],
  [
    'args.x.replace("a", "b") == "c"',
    /^There is no function replace\(\) here; conditions have size,/,
  ],
  ['duration("1h") == duration("1h")', /^There is no function duration\(\)/],
  ['constructor() == 1', /^There is no function constructor\(\)/],
  ['args.x.startsWith()', /^startsWith\(\) takes another number of arguments/],
  [
    'principal.nam == "x"',
    /^The condition does not fit together: No such key: nam at character 11\. Correct that part\.$/,
  ],
  ['now.hour == "x"', /^The condition does not fit together: no such overload: int == string/],
  ['principal.name', /^The condition gives string instead of true or false; compare it/],
  ['1 + 1', /^The condition gives int instead/],
  ['args.x.matches("(")', /"\(" is no pattern of RE2/],
  ['args.x.matches("(?=a)")', /is no pattern of RE2/],
  [
    '[1].exists(now, true)',
    /^"now" is a variable already; call that of the macro something else\.$/,
  ],
  ['[1].exists(1, true)', /identifier|variable/],
  ['has(args)', /^has\(\) asks for a field/],
  ['{1: 2} == {}', /^The keys of a map written in a condition have to be text\.$/],
  ['1u == 1u', /^Bytes and unsigned numbers are not available/],
  [
    `args.x == "${'x'.repeat(4000)}"`,
    /more than 4000 characters, which is more than a condition may have; make two rules/,
  ],
  [`args.x == 1${' + 1'.repeat(600)}`, /^Exceeded maxAstNodes \(500\), which is more than/],
  [`${'('.repeat(100)}true${')'.repeat(100)}`, /^Exceeded maxDepth/],
  [`args.x in [${'1,'.repeat(300)}]`, /^Exceeded maxListElements/],
];

for (const [text, fault] of FAULTS) {
  test(`what is wrong with ${text.slice(0, 40)} is said, with what to do`, () => {
    assert.match(conditionFault(text, DENY) ?? 'no fault', fault);
  });
}

test('with authentication on an allow rule may not depend on the client (R20)', () => {
  const terms = { effect: 'allow', isAuthOn: true } as const;
  assert.match(
    conditionFault('args.x == 1 || client == "x"', terms) ?? '',
    /may not depend on "client"/,
  );
});

test('what is wrong with any text at all is said and not thrown', () => {
  const texts = [
    '!'.repeat(3_999),
    '-'.repeat(3_999),
    '['.repeat(3_999),
    'a.'.repeat(1_999),
    '"\\',
    "b'\\u0041'",
    '\0',
  ];
  for (const text of texts)
    assert.equal(typeof conditionFault(text, DENY), 'string', text.slice(0, 20));
});
