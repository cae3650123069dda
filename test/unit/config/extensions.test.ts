import assert from 'node:assert/strict';
import test from 'node:test';
import type { ChildToolPlan, ParamPlan } from '../../../src/kernel/access.ts';
import { lines, load, planOf, serversNamed } from './plan-from.ts';

const SERVERS = serversNamed('slack', 'files');

const PLAIN: ParamPlan = {
  fixed: undefined,
  default: undefined,
  isHidden: false,
  rename: undefined,
  description: undefined,
  constraints: undefined,
};

test('the newest generation is understood: a rewritten description, a parameter fixed by `value`', () => {
  const app = `
toolExtensions:
  services:
    slack:
      post_message:
        childTools:
          - name: post_to_general
            description: { action: rewrite, text: Posts to general. }
            overrideParams: { channel: { value: general } }
`;
  const { plan, problems } = load({ app, servers: SERVERS });
  assert.deepEqual(lines({ problems }), []);
  assert.deepEqual(plan?.extensions, {
    slack: {
      post_message: {
        isReplaced: false,
        children: [
          child('post_to_general', {
            description: { action: 'rewrite', text: 'Posts to general.' },
            params: { channel: { ...PLAIN, fixed: { value: 'general' } } },
          }),
        ],
      },
    },
  });
});

test('the first generation is understood: a bare value fixes the parameter', () => {
  const app =
    'toolExtensions: { services: { slack: { post_message: { childTools: [ { name: x, overrideParams: { channel: general } } ] } } } }';
  assert.deepEqual(planOf({ app, servers: SERVERS }).extensions, {
    slack: {
      post_message: {
        isReplaced: false,
        children: [child('x', { params: { channel: { ...PLAIN, fixed: { value: 'general' } } } })],
      },
    },
  });
});

const REWORDINGS: readonly [written: string, description: ChildToolPlan['description']][] = [
  ['Plain words.', { action: 'rewrite', text: 'Plain words.' }],
  ['{ rewrite: New. }', { action: 'rewrite', text: 'New.' }],
  ['{ append: More. }', { action: 'append', text: 'More.' }],
  ['{ action: append, text: More. }', { action: 'append', text: 'More.' }],
];

for (const [written, description] of REWORDINGS) {
  test(`a description ${written} means ${description?.action}`, () => {
    const app = childApp(`{ name: x, description: ${written} }`);
    assert.deepEqual(childOf(app), child('x', { description }));
  });
}

test('a child can have a title and annotations, and take the place of its parent', () => {
  const app = `
toolExtensions:
  services:
    Slack:
      post_message:
        replace: true
        childTools:
          - { name: post_message, title: Post, annotations: { destructiveHint: true, x: [1] } }
`;
  assert.deepEqual(planOf({ app, servers: SERVERS }).extensions, {
    slack: {
      post_message: {
        isReplaced: true,
        children: [
          child('post_message', {
            title: 'Post',
            annotations: { destructiveHint: true, x: [1] },
          }),
        ],
      },
    },
  });
});

const PARAMS: readonly [written: string, expected: Partial<ParamPlan>][] = [
  ['general', { fixed: { value: 'general' } }],
  ['7', { fixed: { value: 7 } }],
  ['false', { fixed: { value: false } }],
  ['[a, { b: c }]', { fixed: { value: ['a', { b: 'c' }] } }],
  ['{ id: 7 }', { fixed: { value: { id: 7 } } }],
  ['{ value: null }', { fixed: { value: null } }],
  ['{ value: {} }', { fixed: { value: {} } }],
  ['{ value: { value: 1 } }', { fixed: { value: { value: 1 } } }],
  ['{ default: null }', { default: { value: null } }],
  ['{ default: a, hidden: true }', { default: { value: 'a' }, isHidden: true }],
  ['{ hidden: false, description: "" }', { description: '' }],
  ['{ rename: to, description: Where. }', { rename: 'to', description: 'Where.' }],
  [
    '{ enum: [a, 1, null], pattern: "^[a-z]+$", minLength: 1, maxLength: 1 }',
    { constraints: { enum: ['a', 1, null], pattern: '^[a-z]+$', minLength: 1, maxLength: 1 } },
  ],
  [
    '{ minimum: 0, maximum: 9.5, exclusiveMinimum: -1, exclusiveMaximum: 10, multipleOf: 0.5 }',
    {
      constraints: {
        minimum: 0,
        maximum: 9.5,
        exclusiveMinimum: -1,
        exclusiveMaximum: 10,
        multipleOf: 0.5,
      },
    },
  ],
  [
    '{ minItems: 0, maxItems: 3, default: [] }',
    { default: { value: [] }, constraints: { minItems: 0, maxItems: 3 } },
  ],
  [
    '{ value: ["${principal.name}", { a: "x/${claims.team.id}/${principal.consumer}" }] }',
    { fixed: { value: ['${principal.name}', { a: 'x/${claims.team.id}/${principal.consumer}' }] } },
  ],
  ['"${claims.https://a.example/team}"', { fixed: { value: '${claims.https://a.example/team}' } }],
  ['"$5 and {a} and ${"', { fixed: { value: '$5 and {a} and ${' } }],
];

for (const [written, expected] of PARAMS) {
  test(`a parameter ${written} is understood`, () => {
    const { plan, problems } = load({ app: paramApp(written), servers: SERVERS });
    assert.deepEqual(lines({ problems }), []);
    assert.deepEqual(plan?.extensions['files']?.['read']?.children[0]?.params, {
      path: { ...PLAIN, ...expected },
    });
  });
}

const BAD_PARAMS: readonly [written: string, expected: RegExp][] = [
  ['', /overrideParams.path: This is empty; .*\{ value: null \}/],
  ['{}', /^error 9:15 .*overrideParams.path: Nothing is said here; .*\{ value: \{\} \}/m],
  ['{ value: a, default: b }', /^error 9:33 .*path.default: "value" fixes the parameter/m],
  ['{ value: a, hidden: true }', /path.hidden: "value" fixes the parameter/],
  ['{ value: a, rename: b }', /path.rename: "value" fixes the parameter/],
  ['{ value: a, minLength: 1 }', /path.minLength: "value" fixes the parameter/],
  ['{ hidden: "yes" }', /path.hidden: Write true or false, without quotes/],
  ['{ rename: "" }', /path.rename: This must not be empty/],
  ['{ enum: [] }', /path.enum: This list is empty/],
  ['{ enum: a }', /path.enum: Expected a list, found a text/],
  ['{ multipleOf: 0 }', /path.multipleOf: The value must be greater than 0/],
  ['{ minLength: -1 }', /path.minLength: The least value allowed is 0/],
  ['{ minimum: 2, maximum: 1 }', /path.minimum: minimum \(2\) must not be greater than maximum/],
  ['{ minItems: 2, maxItems: 1 }', /path.minItems: minItems \(2\) must not be greater/],
  ['{ pattern: "(" }', /^error 9:32 .*overrideParams.path.pattern: \S/m],
  ['{ pattern: "a(?=b)" }', /overrideParams.path.pattern: \S/],
  [
    '"${HOME}/x"',
    /^error 9:21 .*path: "\$\{HOME\}" stands for nothing; use \$\{principal.name\}, /m,
  ],
  ['{ default: "${claims}" }', /path.default: "\$\{claims\}" stands for nothing/],
  ['"${claims.}"', /path: "\$\{claims.\}" stands for nothing/],
  ['"${claims.a.}"', /path: "\$\{claims.a.\}" stands for nothing/],
  ['{ value: [{ a: "${principal.key}" }] }', /path.value\[0\].a: "\$\{principal.key\}" stands/],
];

for (const [written, expected] of BAD_PARAMS) {
  test(`a parameter ${JSON.stringify(written)} is an error in its place`, () => {
    const result = load({ app: paramApp(written), servers: SERVERS });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

const NOTED_PARAMS: readonly [written: string, expected: RegExp][] = [
  [
    '{ defalt: a }',
    /^warning 9:15 .*path: .*fixed value .*"defalt" is no setting. Did you mean "default"\? Write \{ value/,
  ],
  ['{ id: 7, description: x }', /path: .*fixed value of the parameter, for "id" is no setting/],
  ['{ value: a, description: x }', /path.description: Nobody reads this/],
];

for (const [written, expected] of NOTED_PARAMS) {
  test(`a parameter ${written} is a warning in its place`, () => {
    const { plan, problems } = load({ app: paramApp(written), servers: SERVERS });
    assert.ok(plan);
    assert.equal(problems.length, 1);
    assert.match(lines({ problems })[0] ?? '', expected);
  });
}

const BAD: readonly [child: string, expected: RegExp][] = [
  ['{ nam: x }', /childTools\[0\].name: This is missing/],
  ['{ name: "" }', /childTools\[0\].name: This must not be empty/],
  ['{ name: x, description: { action: drop, text: a } }', /description: Give a text, or an action/],
  [
    '{ name: x, overrideParam: {} }',
    /childTools\[0\].overrideParam: .*Did you mean "overrideParams"/,
  ],
  ['{ name: x }\n          - { name: x }', /^error 8:21 .*childTools\[1\].name: .*line 7 too/m],
  ['{ name: read }', /^error 7:21 .*childTools\[0\].name: .*still offered; .*"replace: true"/m],
  ['{ name: write }', /childTools\[0\].name: "write" is the name of a tool that is still offered/],
  [
    '{ name: x, overrideParams: { a: { rename: c }, b: { rename: c } } }',
    /overrideParams.b.rename: Callers would know both "a" and "b" as "c"/,
  ],
  [
    '{ name: x, overrideParams: { a: { rename: b }, b: { minimum: 1 } } }',
    /overrideParams.a.rename: Callers would know both "b" and "a" as "b"/,
  ],
];

for (const [written, expected] of BAD) {
  test(`a child ${JSON.stringify(written)} is an error in its place`, () => {
    const result = load({ app: childApp(written), servers: SERVERS });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), expected);
  });
}

test('a name may be given to one parameter that another gave up, or that no caller sees', () => {
  const params = '{ a: { rename: b }, b: { rename: c }, d: { rename: e }, e: { value: 1 } }';
  const app = childApp(`{ name: x, overrideParams: ${params} }`);
  assert.equal(childOf(app)?.params['a']?.rename, 'b');
});

test('custom tools of two servers may have the same name', () => {
  const tool = (name: string): string => `{ read: { childTools: [{ name: ${name} }] } }`;
  const app = `toolExtensions: { services: { slack: ${tool('x')}, files: ${tool('x')} } }`;
  assert.ok(planOf({ app, servers: SERVERS }));
});

test('a tool replaced by nothing is an error, and so is a server written in two cases', () => {
  const nothing =
    'toolExtensions:\n  services:\n    files:\n      read: { replace: true, childTools: [] }';
  assert.match(
    lines(load({ app: nothing, servers: SERVERS })).join('\n'),
    /^error 4:24 .*files.read.replace: Nothing is offered in place/m,
  );
  const twice = 'toolExtensions:\n  services:\n    Files: {}\n    files: {}';
  assert.match(
    lines(load({ app: twice, servers: SERVERS })).join('\n'),
    /^error 4:5 toolExtensions.services.files: .*"Files" \(line 3\) are the same server/m,
  );
});

test('custom tools of a server nobody configured are a warning', () => {
  const app = 'toolExtensions:\n  services:\n    fil: {}';
  const { plan, problems } = load({ app, servers: SERVERS });
  assert.ok(plan);
  assert.deepEqual(lines({ problems }), [
    'warning 3:5 toolExtensions.services.fil: No server is named "fil". Did you mean "files"?',
  ]);
});

/** One child of files/read, whose name stands in line 7. */
function childApp(written: string): string {
  return `toolExtensions:
  services:
    files:
      write: { childTools: [] }
      read:
        childTools:
          - ${written}
`;
}

/** One child of files/read with one parameter, which stands in line 9. */
function paramApp(written: string): string {
  return childApp(`name: x\n            overrideParams:\n              path: ${written}`);
}

function childOf(app: string): ChildToolPlan | undefined {
  return planOf({ app, servers: SERVERS }).extensions['files']?.['read']?.children[0];
}

function child(name: string, more: Partial<ChildToolPlan>): ChildToolPlan {
  return {
    name,
    title: undefined,
    description: undefined,
    annotations: undefined,
    params: {},
    ...more,
  };
}
