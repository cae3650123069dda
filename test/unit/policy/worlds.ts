import * as fc from 'fast-check';
import type { AccessPlan, ConsumerPlan, GrantPlan, RulePlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Principal, type Proven } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { child, rule, target, tool } from './plans.ts';

/** One plan, with the arguments that its conditions can tell apart. */
export interface World {
  readonly access: AccessPlan;
  readonly isAuthOn: boolean;
  /** Keys of arguments that conditions ask about: true, false or missing. */
  readonly keys: readonly string[];
}

/** Targets of every kind that the names in random plans are about. */
export const TARGETS: readonly Target[] = [
  tool('alpha/read', { readOnlyHint: true }),
  tool('alpha/write'),
  tool('Beta/read'),
  child('kid_read', 'alpha/read', { destructiveHint: false }),
  child('kid_write', 'alpha/write'),
  target('prompt', 'alpha/read'),
  target('resource', 'alpha/file:///a/x'),
  target('resource', 'alpha/file:///a/../b'),
  target('resource', 'alpha/FILE:///a/%78', { via: ['file:///a/{n}'] }),
  target('template', 'alpha/file:///a/{n}'),
  target('task', 'alpha/1'),
  target('ask', 'alpha/sampling'),
  target('ask', 'Beta/elicitation'),
];

const NAMES = [
  'read',
  'write',
  'kid_read',
  'kid_write',
  'file:///a/x',
  'file:///b',
  'file:///a/{n}',
];
const GROUPS = ['g0', 'g1', 'g2'];
const ENTRIES = ['c0', 'c1', 'team'];
const CLIENTS = ['K', 'L'];
const SCOPES = ['s0', 's1'];

function some<T>(values: readonly T[], maxLength = 2, minLength = 0): fc.Arbitrary<T[]> {
  return fc.uniqueArray(fc.constantFrom(...values), { minLength, maxLength });
}

function seldom<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined, freq: 2 });
}

function mostly<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined, freq: 4 });
}

/** A rule with many selectors selects nothing. */
function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: 7, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: value },
  );
}

const services = fc.dictionary(
  fc.constantFrom('alpha', 'beta'),
  fc.oneof(fc.constant('*' as const), some(NAMES, 4)),
  { maxKeys: 2 },
);

function grants(id: string): fc.Arbitrary<GrantPlan> {
  return fc.record({
    id: fc.constant(id),
    base: fc.constantFrom('allow' as const, 'block' as const),
    allow: some(GROUPS),
    block: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: some(GROUPS, 1) },
    ),
  });
}

function consumers(name: string): fc.Arbitrary<ConsumerPlan> {
  return fc.record({
    grant: seldom(grants(`consumers.${name}`)),
    memberOf: rarely(fc.constantFrom('team', 'c1', 'gone')),
  });
}

/** What is known of every call, also where arguments are not. */
const KNOWN = [
  'true',
  'false',
  'principal.name == "al"',
  'claims.x == 1',
  'has(claims.x)',
  'now.hour > 22',
  'tool.name == "read"',
  'tool.annotations.destructiveHint',
  '"s0" in principal.scopes',
  'client == "K"',
];

/**
 * Conditions in which each argument is asked about once, so that what some arguments could make of them is exactly what
 * evaluating them with unknown arguments says.
 */
function conditions(id: string): fc.Arbitrary<string> {
  const leaves = (key: string): fc.Arbitrary<string> =>
    fc.oneof(fc.constantFrom(...KNOWN), fc.constantFrom(`args.${key}`, `has(args.${key})`));
  const sides = fc.tuple(
    leaves(`${id}a`),
    leaves(`${id}b`),
    fc.nat(3),
    fc.constantFrom('&&', '||'),
  );
  return sides.map(([left, right, negated, operator]) => {
    const signed = [left, right].map((side, index) =>
      ((negated >> index) & 1) === 1 ? `!(${side})` : side,
    );
    return signed.join(` ${operator} `);
  });
}

const globs = (...names: string[]): fc.Arbitrary<string[]> =>
  some(
    names.flatMap((name) => [`alpha/${name}`, `*/${name}`, `Bet*/${name}`]),
    2,
    1,
  );

function rules(id: string): fc.Arbitrary<RulePlan> {
  return fc
    .record({
      effect: fc.constantFrom('allow' as const, 'deny' as const),
      mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'shadow' as const),
      consumers: rarely(some([...ENTRIES, '*'], 2, 1)),
      groups: rarely(some(ENTRIES, 2, 1)),
      clients: rarely(some(CLIENTS, 2, 1)),
      scopes: rarely(some(SCOPES, 2, 1)),
      servers: rarely(some(['ALPHA', 'b*', '*'], 2, 1)),
      annotations: rarely(
        fc.constantFrom<JsonObject>({ readOnlyHint: true }, { destructiveHint: true }),
      ),
      tools: rarely(globs('read', 'write', 'kid_*', 'kid_read', 'kid_write', '*')),
      prompts: rarely(globs('read', '*')),
      resources: rarely(globs('file:///a/*', 'file:///b', '*', 'file:///a/{n}')),
      asks: rarely(some(['sampling', '*'], 2, 1)),
      toolGroups: rarely(some(GROUPS, 2, 1)),
      when: mostly(conditions(id)),
    })
    .map((fields) => rule(id, fields as Partial<RulePlan>));
}

/** Plans with few names, so that what is in them meets. */
export const worlds: fc.Arbitrary<World> = fc
  .record({
    default: grants('permissions.default'),
    consumers: fc.record(
      { c0: consumers('c0'), c1: consumers('c1'), team: consumers('team') },
      { requiredKeys: [] },
    ),
    clientNames: fc.record({ K: grants('clients.K') }, { requiredKeys: [] }),
    groups: fc.tuple(services, services, services),
    rules: fc
      .integer({ min: 1, max: 4 })
      .chain((count) =>
        fc.tuple(...Array.from({ length: count }, (_, index) => rules(`r${index}`))),
      ),
    isAuthOn: fc.boolean(),
  })
  .map(({ groups, isAuthOn, ...given }) => ({
    isAuthOn,
    access: {
      ...given,
      groups: Object.fromEntries(
        groups.map((each, index) => [`g${index}`, { name: `g${index}`, services: each }]),
      ),
      tests: [],
    },
    keys: given.rules.flatMap(({ id, when }) =>
      [`${id}a`, `${id}b`].filter((key) => when?.includes(`args.${key}`) === true),
    ),
  }));

/** What a caller can prove; claims and what its client calls itself apart. */
export const provens: fc.Arbitrary<{ proven: Proven; client: string | undefined }> = fc
  .record({
    proof: fc.constantFrom(
      'local' as const,
      'api-key' as const,
      'token' as const,
      'token' as const,
    ),
    name: fc.constantFrom('al', 'bo'),
    consumer: seldom(fc.constantFrom('c0', 'c1', 'other')),
    groups: some(ENTRIES),
    scopes: some(SCOPES),
    claims: seldom(fc.constantFrom<JsonObject>({ x: 1 }, { x: 2 }, { y: 1 })),
    endpoint: rarely(fc.constantFrom('g0', 'gone')),
    client: seldom(fc.constantFrom(...CLIENTS)),
  })
  .map(({ client, proof, scopes, claims, groups, ...given }) => {
    const credential = `${proof}:${given.name}`;
    const base = { ...given, credential, proof } as const;
    return { client, proven: proof === 'token' ? { ...base, scopes, claims, groups } : base };
  });

/** Callers of every kind. */
export const principals: fc.Arbitrary<Principal> = provens.map(({ proven, client }) =>
  Principal.prove(proven).withClient(client),
);

/** Every combination of arguments that the conditions of a world can tell apart. */
export function argumentsOf({ keys }: World): JsonObject[] {
  let found: JsonObject[] = [{}];
  for (const key of keys)
    found = found.flatMap((args) => [args, { ...args, [key]: true }, { ...args, [key]: false }]);
  return found;
}
