import { z } from 'zod';
import type { AccessPlan, ConsumerPlan, GrantPlan } from '../kernel/access.ts';
import type { ConfigFile } from './config-file.ts';
import { mapValues } from './map-values.ts';
import { didYouMean } from './nearest.ts';
import { pathText, type Path } from './tree.ts';

const name = z.string().min(1);
const groups = z.array(name);
const BASE = z.enum(['allow', 'block']);
const ALLOW = groups.describe(
  'The tool groups that are allowed; everything else is blocked, so `[]` blocks all.',
);
const BLOCK = groups.describe(
  'The tool groups that are blocked; everything else is allowed, so `[]` allows all.',
);

const PROFILES = z.strictObject({
  allow: groups.describe('The tool groups that are allowed whatever `base` says.').optional(),
  block: groups.describe('The tool groups that are blocked whatever `base` says.').optional(),
});

const CONSUMER = z
  .strictObject({
    consumerGroupKey: name
      .describe('The name of another entry, which then holds for this consumer too.')
      .optional(),
    allow: ALLOW.optional(),
    block: BLOCK.optional(),
    base: BASE.describe(
      'Older form: what holds for all that no profile names; the global base when absent.',
    ).optional(),
    profiles: PROFILES.describe('Older form: the tool groups allowed and blocked.').optional(),
  })
  .superRefine(checkEntry);

const RULE = z
  .strictObject({ allow: ALLOW.optional(), block: BLOCK.optional() })
  .superRefine(checkEntry);

/** Who may reach what, in the newest form and in that of the first generation. */
export const PERMISSIONS = z
  .strictObject({
    default: RULE.describe(
      'What holds for callers that no other entry is for; everything is allowed when absent.',
    ).optional(),
    base: BASE.describe('Older form of `default`: whether all is allowed or blocked.').optional(),
    consumers: z
      .record(name.meta({ title: 'consumer' }), CONSUMER)
      .describe('What holds for one consumer, or for the members of one group of consumers.')
      .optional(),
    clientNames: z
      .record(name.meta({ title: 'client' }), RULE)
      .describe(
        'What holds for callers without a consumer by the name their client gives itself. With authentication on it can only take away, since such a name proves nothing.',
      )
      .optional(),
  })
  .superRefine((permissions, check) => {
    if (permissions.default === undefined || permissions.base === undefined) return;
    const message = '"base" and "default" answer the same question; keep one of the two.';
    check.addIssue({ code: 'custom', path: ['base'], message });
  });

/** The section `permissions` as checked. */
export type Permissions = z.output<typeof PERMISSIONS>;

/** The entries of `permissions`, whichever of the three forms they were written in. */
export function compilePermissions(
  permissions: Permissions,
): Pick<AccessPlan, 'default' | 'consumers' | 'clientNames'> {
  const fallback = defaultGrant(permissions);
  return {
    default: fallback,
    consumers: mapValues(permissions.consumers ?? {}, (entry, name) =>
      consumerPlan(entry, ['permissions', 'consumers', name], fallback.base),
    ),
    clientNames: mapValues(permissions.clientNames ?? {}, (entry, name) =>
      grantOf(entry, ['permissions', 'clientNames', name], 'allow'),
    ),
  };
}

/** Warns of members of a group of consumers that has no entry. */
export function checkMembership(file: ConfigFile, permissions: Permissions): void {
  const consumers = permissions.consumers ?? {};
  for (const [name, { consumerGroupKey }] of Object.entries(consumers)) {
    if (consumerGroupKey === undefined || Object.hasOwn(consumers, consumerGroupKey)) continue;
    const guess = didYouMean(consumerGroupKey, Object.keys(consumers));
    const message = `No entry of permissions.consumers is named "${consumerGroupKey}", so belonging to it gives and takes nothing.${guess}`;
    file.warn(['permissions', 'consumers', name, 'consumerGroupKey'], message);
  }
}

interface Entry {
  readonly allow?: readonly string[] | undefined;
  readonly block?: readonly string[] | undefined;
  readonly base?: GrantPlan['base'] | undefined;
  readonly profiles?: Entry | undefined;
}

function defaultGrant({ default: entry, base }: Permissions): GrantPlan {
  if (entry !== undefined) return grantOf(entry, ['permissions', 'default'], 'allow');
  const key = base === undefined ? 'default' : 'base';
  return grantOf({}, ['permissions', key], base ?? 'allow');
}

function consumerPlan(
  { consumerGroupKey, ...entry }: Entry & { readonly consumerGroupKey?: string | undefined },
  path: Path,
  base: GrantPlan['base'],
): ConsumerPlan {
  const isSaying = Object.values(entry).some((value) => value !== undefined);
  return { grant: isSaying ? grantOf(entry, path, base) : undefined, memberOf: consumerGroupKey };
}

function grantOf(entry: Entry, path: Path, base: GrantPlan['base']): GrantPlan {
  const { allow, block, profiles } = entry;
  return {
    id: pathText(path),
    base: impliedBase(entry) ?? entry.base ?? base,
    allow: allow ?? profiles?.allow ?? [],
    block: block ?? profiles?.block ?? [],
  };
}

/** Each of the newer keys also says what holds for everything else. */
function impliedBase({ allow, block }: Entry): GrantPlan['base'] | undefined {
  if (allow !== undefined) return 'block';
  return block === undefined ? undefined : 'allow';
}

function checkEntry(entry: object, check: z.RefinementCtx): void {
  const { allow, block, base, profiles }: Entry = entry;
  const complain = (message: string): void => check.addIssue({ code: 'custom', message });
  const isNew = allow !== undefined || block !== undefined;
  const isOld = base !== undefined || profiles !== undefined;
  if (allow !== undefined && block !== undefined) {
    complain(
      'Both "allow" and "block" stand here, and each decides about everything else; keep one.',
    );
  }
  if (isNew && isOld)
    complain('"allow" and "block" replace "base" and "profiles"; keep one of the two forms.');
  if (Object.keys(entry).length === 0) complain('Nothing is said here; give "allow" or "block".');
}
