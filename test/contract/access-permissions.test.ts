import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { opened, WAYS, type CallerTerms } from '../support/access-callers.ts';
import { AccessGateway, keyed, SHARED_KEY, tagged } from '../support/access-gateway.ts';
import { POST_MESSAGE, serverWith, TEMPLATE, templateOf } from '../support/access-servers.ts';
import {
  assertAccess,
  prompts,
  resources,
  templates,
  tools,
  type Thing,
} from '../support/access-things.ts';

/** What the servers of these tests offer. */
const SERVERS = {
  slack: serverWith({
    tools: ['list_channels', POST_MESSAGE],
    prompts: ['digest'],
    resources: ['slack://channels', 'slack://admin'],
  }),
  calendar: serverWith({
    tools: ['list_events'],
    prompts: ['agenda'],
    resources: ['calendar://today'],
  }),
  GitHub: serverWith({
    tools: ['create_issue'],
    prompts: ['review'],
    resources: ['github://issues'],
  }),
};

/** Things by the names the table below uses. */
const THINGS: Readonly<Record<string, readonly Thing[]>> = {
  'slack to read': tools('slack__list_channels'),
  'slack to write': tools('slack__post_message'),
  'slack to administer': resources('slack://admin'),
  'slack, all else': [
    ...prompts('slack__digest'),
    ...resources('slack://channels'),
    ...templates(TEMPLATE),
  ],
  'the custom tool': tools('slack__post_to_general'),
  calendar: [
    ...tools('calendar__list_events'),
    ...prompts('calendar__agenda'),
    ...resources('calendar://today'),
    ...templates(templateOf('calendar')),
  ],
  github: [
    ...tools('GitHub__create_issue'),
    ...prompts('GitHub__review'),
    ...resources('github://issues'),
    ...templates(templateOf('GitHub')),
  ],
};

type Part = keyof typeof THINGS;
const ALL: readonly Part[] = Object.keys(THINGS);
const READ_ONLY: readonly Part[] = ['slack to read', 'calendar'];

function allBut(...parts: readonly Part[]): readonly Part[] {
  return ALL.filter((part) => !parts.includes(part));
}

/** A configuration as a user has it, and what each caller may reach under it: no less, no more. */
interface Generation {
  readonly title: string;
  readonly app: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly callers: Readonly<
    Record<string, { readonly terms: CallerTerms; readonly reaches: readonly Part[] }>
  >;
}

const CUSTOM = `
toolExtensions:
  services:
    slack:
      post_message:
        childTools:
          - { name: post_to_general, description: { action: rewrite, text: ... }, overrideParams: { channel: { value: general } } }
`;
const CUSTOM_AT_FIRST =
  'toolExtensions: { services: { slack: { post_message: { childTools: [ { name: post_to_general, overrideParams: { channel: general } } ] } } } }\n';
const READING = '  - { name: read-only, services: { slack: [list_channels], calendar: "*" } }';
const WRITING = '  - { name: writes, services: { slack: [post_message], github: "*" } }';
const ADMINISTERING =
  '  - { name: admin, services: { slack: [post_message, "slack://admin"], github: "*" } }';

const NEWEST = `
permissions:
  default: { block: [] }            # or { allow: [groups] }; block: [] = allow all, allow: [] = block all
  consumers: { developers: { consumerGroupKey: dev-team, allow: [read-only] } }
  clientNames: { Cursor: { block: [admin] } }
toolGroups:
${READING}
${ADMINISTERING}
auth: { enabled: true, header: x-lunar-api-key }
${CUSTOM}
targetServerAttributes: { slack: { inactive: false } }
`;

const FIRST = (base: 'allow' | 'block'): string => `
permissions:
  base: ${base}
  consumers:
    admin: { base: allow, profiles: { block: [writes] } }
    dev:   { base: block, profiles: { allow: [read-only] } }
    both:  { profiles: { allow: [read-only], block: [writes] } }
toolGroups:
${READING}
${WRITING}
${CUSTOM_AT_FIRST}
`;

const SECOND = `
permissions:
  default: { allow: [read-only] }
  consumers:
    staff: { block: [admin] }
    ops: { block: [] }
    guests: { allow: [] }
  clientNames: { Cursor: { block: [] } }
toolGroups:
${READING}
${ADMINISTERING}
${CUSTOM}
`;

const BLOCKED_BY_WRITES = ['slack to write', 'the custom tool', 'github'];
const BLOCKED_BY_ADMIN = [...BLOCKED_BY_WRITES, 'slack to administer'];

const GENERATIONS: readonly Generation[] = [
  {
    title: 'the newest form, with authentication',
    app: NEWEST,
    env: { API_KEY: SHARED_KEY },
    callers: {
      'nobody in particular': { terms: { headers: keyed() }, reaches: ALL },
      'consumer developers': { terms: { headers: keyed('developers') }, reaches: READ_ONLY },
      'a consumer without an entry': { terms: { headers: keyed('strangers') }, reaches: ALL },
      'client Cursor': {
        terms: { headers: keyed(), client: 'Cursor' },
        reaches: allBut(...BLOCKED_BY_ADMIN),
      },
      'consumer developers with client Cursor': {
        terms: { headers: keyed('developers'), client: 'Cursor' },
        reaches: READ_ONLY,
      },
    },
  },
  {
    title: 'the newest form, with a closed default',
    app: SECOND,
    callers: {
      'nobody in particular': { terms: {}, reaches: READ_ONLY },
      'consumer staff': {
        terms: { headers: tagged('staff') },
        reaches: allBut(...BLOCKED_BY_ADMIN),
      },
      'consumer ops': { terms: { headers: tagged('ops') }, reaches: ALL },
      'consumer guests': { terms: { headers: tagged('guests') }, reaches: [] },
      'client Cursor, whose entry stands in for the default': {
        terms: { client: 'Cursor' },
        reaches: ALL,
      },
    },
  },
  {
    title: 'the first form, open',
    app: FIRST('allow'),
    callers: {
      'nobody in particular': { terms: {}, reaches: ALL },
      'consumer admin': {
        terms: { headers: tagged('admin') },
        reaches: allBut(...BLOCKED_BY_WRITES),
      },
      'consumer dev': { terms: { headers: tagged('dev') }, reaches: READ_ONLY },
      'consumer both, whose base is the global one': {
        terms: { headers: tagged('both') },
        reaches: allBut(...BLOCKED_BY_WRITES),
      },
    },
  },
  {
    title: 'the first form, closed',
    app: FIRST('block'),
    callers: {
      'nobody in particular': { terms: {}, reaches: [] },
      'consumer admin': {
        terms: { headers: tagged('admin') },
        reaches: allBut(...BLOCKED_BY_WRITES),
      },
      'consumer dev': { terms: { headers: tagged('dev') }, reaches: READ_ONLY },
      'consumer both, whose base is the global one': {
        terms: { headers: tagged('both') },
        reaches: READ_ONLY,
      },
    },
  },
  {
    title: 'authentication alone, the least there is',
    app: `auth: { enabled: true }\n${CUSTOM}`,
    env: { API_KEY: SHARED_KEY },
    callers: {
      'nobody in particular': { terms: { headers: keyed() }, reaches: ALL },
      'any consumer': { terms: { headers: keyed('anyone') }, reaches: ALL },
    },
  },
];

for (const { title, app, env = {}, callers } of GENERATIONS) {
  describe(`permissions in ${title}`, () => {
    let gateway: AccessGateway | undefined;
    before(async () => {
      gateway = await AccessGateway.start({ servers: SERVERS, app, env });
    });
    after(() => gateway?.close());
    for (const [who, { terms, reaches }] of Object.entries(callers)) {
      for (const [way, open] of Object.entries(WAYS)) {
        test(`${who} over ${way} sees and may use ${textOf(reaches)}; all else is unknown to it, in calls as in lists (R5)`, async (t) => {
          assert.ok(gateway);
          const caller = await opened(t, open, gateway.port, terms);
          for (const [part, things] of Object.entries(THINGS))
            for (const thing of things) await assertAccess(caller, thing, reaches.includes(part));
        });
      }
    }
  });
}

function textOf(parts: readonly Part[]): string {
  if (parts.length === ALL.length) return 'everything';
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
