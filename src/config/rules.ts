import { z } from 'zod';
import type { RulePlan } from '../kernel/access.ts';
import type { AppDraft } from './app-draft.ts';
import type { ConfigFile } from './config-file.ts';
import type { ConfigChecks } from './ports.ts';
import { SCOPE } from './scope.ts';
import { ID, NAMES, PATTERNS } from './selectors.ts';

const RULE = z
  .strictObject({
    id: ID.refine(
      (id) => !id.startsWith('permissions.'),
      'Entries of permissions are known by such ids; give another one.',
    ).describe(
      'The name of the rule, of which there is one only: records and `mcpx explain` know it by that.',
    ),
    effect: z
      .enum(['allow', 'deny'])
      .describe(
        'What the rule does where it applies. A deny wins over everything; an allow opens what permissions do not allow, but nothing they block by a group.',
      ),
    mode: z
      .enum(['enforce', 'shadow'])
      .describe('`shadow` only records what the rule would have changed.')
      .default('enforce'),
    consumers: NAMES.describe(
      'The consumers it is for, by name or by the `consumerGroupKey` they belong to; `"*"` is every caller that has one.',
    ).optional(),
    groups: NAMES.describe(
      'The groups it is for: those a token names, and those consumers belong to.',
    ).optional(),
    clients: NAMES.describe(
      'The clients it is for, by the name they give themselves. With authentication on, no allow rule may rest on it.',
    ).optional(),
    scopes: z
      .array(SCOPE)
      .min(1)
      .describe('The OAuth scopes that the token of the caller must have, all of them.')
      .optional(),
    servers: NAMES.describe(
      'The servers it is for, in any case; `*` stands for any characters.',
    ).optional(),
    annotations: z
      .record(
        z.string().min(1),
        z.union([z.boolean(), z.string(), z.number()], 'Give true, false, a text or a number.'),
      )
      .refine(
        (map) => Object.keys(map).length > 0,
        'Nothing stands here; name an annotation or remove the key.',
      )
      .describe(
        'The annotations a tool must have, by value, such as `{ destructiveHint: true }`. One that a tool does not give has the default of the protocol.',
      )
      .optional(),
    tools: PATTERNS.describe(
      'The tools it is for, as `server/tool`; `*` stands for any characters.',
    ).optional(),
    prompts: PATTERNS.describe(
      'The prompts it is for, as `server/prompt`; `*` stands for any characters.',
    ).optional(),
    resources: PATTERNS.describe(
      'The resources it is for, as `server/uri`; `*` stands for any characters.',
    ).optional(),
    asks: z
      .array(z.enum(['elicitation', 'sampling', 'roots', '*']))
      .min(1)
      .describe('The questions of servers to clients it is for.')
      .optional(),
    toolGroups: NAMES.describe('The tool groups whose members it is for.').optional(),
    when: z
      .string()
      .min(1)
      .describe(
        'A condition in CEL; the rule applies where it is true. One that cannot be evaluated denies in a deny rule, and does not allow in an allow rule. It knows `principal` (name, consumer, groups, scopes, proof, endpoint), `claims`, `client`, `tool` (name, server, kind, title, annotations), `args`, `request` (method) and `now` (hour, minute, day, month, year, weekday, date, time).',
      )
      .optional(),
  })
  .superRefine((rule, check) => {
    if (rule.annotations === undefined) return;
    for (const key of ['prompts', 'resources', 'asks'] as const) {
      if (rule[key] === undefined) continue;
      const message =
        'Only tools have annotations, so beside "annotations" this selects nothing; make it a rule of its own.';
      check.addIssue({ code: 'custom', path: [key], message });
    }
  });

/** Rules for what permissions cannot say. */
export const RULES = z.array(RULE);

type Rule = z.output<typeof RULE>;

/** What rules are compiled with. */
export interface RuleTerms {
  readonly checks: ConfigChecks;
  readonly isAuthOn: boolean;
}

/** The rules in their order; what cannot hold is reported. */
export function compileRules({ file, app }: AppDraft, terms: RuleTerms): RulePlan[] {
  const rules = app.rules ?? [];
  checkIds(file, rules);
  for (const [index, rule] of rules.entries()) checkRule(file, rule, index, terms);
  const hasIssuer = (app.auth?.jwt ?? []).length > 0;
  for (const [index, { scopes }] of rules.entries()) {
    if (scopes === undefined || hasIssuer) continue;
    const message =
      'No caller has scopes while auth.jwt lists no issuer of tokens, so this rule never applies.';
    file.warn(['rules', index, 'scopes'], message);
  }
  return rules.map(toPlan);
}

function checkIds(file: ConfigFile, rules: readonly Rule[]): void {
  const places = new Map<string, number>();
  for (const [index, { id }] of rules.entries()) {
    const earlier = places.get(id);
    places.set(id, earlier ?? index);
    if (earlier === undefined) continue;
    const line = file.line(['rules', earlier, 'id']);
    file.error(
      ['rules', index, 'id'],
      `"${id}" is the rule of line ${line} too; rename one of them.`,
    );
  }
}

function checkRule(file: ConfigFile, rule: Rule, index: number, terms: RuleTerms): void {
  const { effect, clients, when } = rule;
  const { checks, isAuthOn } = terms;
  if (effect === 'allow' && clients !== undefined && isAuthOn) {
    const message =
      'A client gives itself its name, which proves nothing, so with authentication on it cannot allow anything; select consumers or groups, or make it a deny rule.';
    file.error(['rules', index, 'clients'], message, 'key');
  }
  if (when === undefined) return;
  const fault = checks.condition(when, { effect, isAuthOn });
  if (fault !== undefined) file.error(['rules', index, 'when'], fault);
}

function toPlan(rule: Rule): RulePlan {
  return {
    id: rule.id,
    effect: rule.effect,
    mode: rule.mode,
    consumers: rule.consumers,
    groups: rule.groups,
    clients: rule.clients,
    scopes: rule.scopes,
    servers: rule.servers,
    annotations: rule.annotations,
    tools: rule.tools,
    prompts: rule.prompts,
    resources: rule.resources,
    asks: rule.asks,
    toolGroups: rule.toolGroups,
    when: rule.when,
  };
}
