import { z } from 'zod';

const name = z.string().min(1);
const groups = z.array(name);
const BASE = z.enum(['allow', 'block']);

const PROFILES = z.strictObject({
  allow: groups.describe('Tool groups allowed.').optional(),
  block: groups.describe('Tool groups blocked.').optional(),
});

/** What one consumer may reach: `allow` or `block`, or the older `base` with `profiles`. */
const CONSUMER = z
  .strictObject({
    consumerGroupKey: name
      .describe('Name of an entry whose rules hold for this consumer.')
      .optional(),
    allow: groups.describe('Tool groups allowed; everything else is blocked.').optional(),
    block: groups.describe('Tool groups blocked; everything else is allowed.').optional(),
    base: BASE.describe('Older form: what holds for tools in no profile.').optional(),
    profiles: PROFILES.describe('Older form: tool groups allowed and blocked.').optional(),
  })
  .superRefine(checkRule);

const RULE = z
  .strictObject({
    allow: groups.describe('Tool groups allowed; everything else is blocked.').optional(),
    block: groups.describe('Tool groups blocked; everything else is allowed.').optional(),
  })
  .superRefine(checkRule);

/** Who may reach what. */
export const PERMISSIONS = z
  .strictObject({
    default: RULE.describe(
      'What holds for callers no other entry names; `block: []` allows all.',
    ).optional(),
    base: BASE.describe('Older form of default.').optional(),
    consumers: z.record(name, CONSUMER).describe('Rules by consumer tag.').optional(),
    clientNames: z
      .record(name, RULE)
      .describe('Rules by the name a client gives itself.')
      .optional(),
  })
  .superRefine((permissions, check) => {
    if (permissions.default === undefined || permissions.base === undefined) return;
    const message = '"base" and "default" answer the same question; keep one of the two.';
    check.addIssue({ code: 'custom', path: ['base'], message });
  });

/** Named sets of tools, prompts and resources. */
export const TOOL_GROUPS = z.array(
  z.strictObject({
    name: name.describe('Name used in permissions.'),
    services: z
      .record(name, z.union([z.literal('*'), z.array(name)], 'Give "*" or a list of names.'))
      .describe('By server: `"*"` for all of it, or a list of tools, prompts and resource URIs.'),
  }),
);

/** How callers prove themselves. */
export const AUTH = z.strictObject({
  enabled: z.boolean().describe('Whether callers must prove themselves.').optional(),
  header: z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'Give the name of an HTTP header.')
    .describe('Header that carries the key; x-lunar-api-key when absent.')
    .optional(),
});

const REWORDING = z.union(
  [
    z.strictObject({ action: z.enum(['rewrite', 'append']), text: z.string() }),
    z.strictObject({ rewrite: z.string() }),
    z.strictObject({ append: z.string() }),
  ],
  'Give an action (rewrite or append) and a text.',
);

const CHILD_TOOL = z.strictObject({
  name: name.describe('Name of the new tool.'),
  description: REWORDING.describe('Replaces or extends the description.').optional(),
  overrideParams: z
    .record(name, z.unknown())
    .describe('Arguments fixed by name: a value, or a mapping with the key `value`.')
    .optional(),
});

/** Tools made from other tools. */
export const TOOL_EXTENSIONS = z.strictObject({
  services: z
    .record(name, z.record(name, z.strictObject({ childTools: z.array(CHILD_TOOL) })))
    .describe('By server and tool: the tools made from it.')
    .optional(),
});

/** Switches by server. */
export const SERVER_ATTRIBUTES = z.record(
  name,
  z.strictObject({
    inactive: z.boolean().describe('Whether the server is switched off.').optional(),
  }),
);

interface Rule {
  readonly allow?: unknown;
  readonly block?: unknown;
  readonly base?: unknown;
  readonly profiles?: unknown;
}

function checkRule(rule: Rule, check: z.RefinementCtx): void {
  const complain = (message: string): void => check.addIssue({ code: 'custom', message });
  const isNew = rule.allow !== undefined || rule.block !== undefined;
  const isOld = rule.base !== undefined || rule.profiles !== undefined;
  if (rule.allow !== undefined && rule.block !== undefined) {
    complain(
      'Both "allow" and "block" stand here, and each decides about everything else; keep one.',
    );
  }
  if (isNew && isOld)
    complain('"allow" and "block" replace "base" and "profiles"; keep one of the two forms.');
  if (Object.keys(rule).length === 0) complain('Nothing is said here; give "allow" or "block".');
}
