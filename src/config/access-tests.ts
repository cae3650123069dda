import { z } from 'zod';
import type { AccessCheck, AccessTest } from '../kernel/access.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { ConfigFile } from './config-file.ts';
import { SCOPE } from './scope.ts';
import { targetFault } from './target-text.ts';

const name = z.string().min(1);
const TARGET = z.string().superRefine((text, check) => {
  const fault = targetFault(text);
  if (fault !== undefined) check.addIssue({ code: 'custom', message: `${fault}.` });
});
const NAMED = TARGET.refine(
  (text) => !text.includes('*'),
  'A test asks about one thing, so there are no patterns here; write its whole name.',
);
const MAP = z.record(name, z.unknown());

const ITEM = z.union(
  [
    NAMED,
    z
      .strictObject({
        tool: NAMED.describe('A tool, as `server/tool`.').optional(),
        prompt: NAMED.describe('A prompt, as `server/prompt`.').optional(),
        resource: TARGET.describe('A resource, as `server/uri`.').optional(),
        args: MAP.describe('The arguments of the call.').optional(),
        annotations: MAP.describe(
          'The annotations of the tool, for where its server has not been seen yet.',
        ).optional(),
      })
      .refine(
        ({ tool, prompt, resource }) => [tool, prompt, resource].filter(Boolean).length === 1,
        'Give exactly one of "tool", "prompt" and "resource".',
      ),
  ],
  'Give "server/tool", or a mapping with the key "tool", "prompt" or "resource".',
);

type Item = z.output<typeof ITEM>;

const TEST = z
  .strictObject({
    name: name.describe('What the test is called when it fails; its place when absent.').optional(),
    consumer: name.describe('The consumer the caller is.').optional(),
    groups: z.array(name).describe('The groups the token of the caller names.').default([]),
    scopes: z.array(SCOPE).describe('The scopes the token of the caller has.').default([]),
    client: name.describe('What the client of the caller calls itself.').optional(),
    claims: MAP.describe('The claims of the token of the caller.').optional(),
    at: z.iso
      .datetime({
        offset: true,
        local: true,
        error: 'Give a date and a time, such as 2026-01-31T22:30 or 2026-01-31T22:30:00+01:00.',
      })
      .describe(
        'The moment at which it is judged (ISO 8601; local time without an offset); now when absent.',
      )
      .optional(),
    may: z.array(ITEM).describe('What the caller may use: `server/tool`, or mappings.').default([]),
    mayNot: z
      .array(ITEM)
      .describe('What the caller may not use: `server/tool`, or mappings.')
      .default([]),
  })
  .refine(
    ({ may, mayNot }) => may.length + mayNot.length > 0,
    'Nothing is asserted here; list something under "may" or "mayNot".',
  );

/** Assertions about this configuration, run by `mcpx check`. */
export const TESTS = z.array(TEST);

/** The assertions of app.yaml in their order. */
export function compileTests(file: ConfigFile, tests: z.output<typeof TESTS>): AccessTest[] {
  return tests.map(({ name, at, may, mayNot, ...caller }, index) => ({
    name: name ?? `tests[${index}]`,
    line: file.line(['tests', index]),
    caller: {
      consumer: caller.consumer,
      groups: caller.groups,
      scopes: caller.scopes,
      client: caller.client,
      claims: caller.claims as JsonObject | undefined,
    },
    at: at === undefined ? undefined : Date.parse(at),
    checks: [
      ...may.map((item) => toCheck(item, true)),
      ...mayNot.map((item) => toCheck(item, false)),
    ],
  }));
}

function toCheck(item: Item, isAllowed: boolean): AccessCheck {
  const { tool, prompt, resource, args, annotations } =
    typeof item === 'string' ? { tool: item } : item;
  const given = {
    isAllowed,
    args: args as JsonObject | undefined,
    annotations: annotations as JsonObject | undefined,
  };
  if (prompt !== undefined) return { ...given, kind: 'prompt', target: prompt };
  if (resource !== undefined) return { ...given, kind: 'resource', target: resource };
  return { ...given, kind: 'tool', target: tool ?? '' };
}
