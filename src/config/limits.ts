import { z } from 'zod';
import type { LimitPlan, LimitsPlan } from '../kernel/limits-plan.ts';
import type { AppDraft } from './app-draft.ts';
import { DURATION, durationMs } from './duration.ts';
import { share } from './quantities.ts';
import { ID, NAMES, PATTERNS } from './selectors.ts';

const amount = (meaning: string) => z.int().min(1).describe(meaning);

const RATE = z.strictObject({
  calls: amount('Calls allowed within that time.'),
  per: DURATION.describe('The time, as a number and s, m, h or d: `30s`, `1m`, `1h`.'),
  burst: amount(
    'Calls that may come at once after a pause; as many as `calls` when absent.',
  ).optional(),
});

const BUDGET = z
  .strictObject({
    window: z
      .enum(['minute', 'hour', 'day', 'month'])
      .describe('The time after which it begins anew, by the calendar, in UTC.'),
    calls: amount('Calls allowed.').optional(),
    tokens: amount('Tokens allowed, of arguments and results together.').optional(),
    cost: z.number().gt(0).describe('What calls may cost, in US dollars.').optional(),
  })
  .superRefine(({ calls, tokens, cost }, check) => {
    if ((calls ?? tokens ?? cost) !== undefined) return;
    const message = 'No amount stands here; give "calls", "tokens" or "cost".';
    check.addIssue({ code: 'custom', message });
  });

const LIMIT = z
  .strictObject({
    id: ID.describe(
      'The name of the limit, of which there is one only: refusals, records and metrics know it by that.',
    ),
    mode: z
      .enum(['enforce', 'shadow'])
      .describe('`shadow` only records what the limit would have refused.')
      .default('enforce'),
    consumers: NAMES.describe(
      'The consumers it is for, by name or by the `consumerGroupKey` they belong to; `"*"` is every caller that has one.',
    ).optional(),
    groups: NAMES.describe(
      'The groups it is for: those a token names, and those consumers belong to.',
    ).optional(),
    clients: NAMES.describe(
      'The clients it is for, by the name they give themselves: a caller escapes it by another name.',
    ).optional(),
    servers: NAMES.describe(
      'The servers it is for, in any case; `*` stands for any characters.',
    ).optional(),
    tools: PATTERNS.describe(
      'The tools it is for, as `server/tool`; `*` stands for any characters.',
    ).optional(),
    per: z
      .array(z.enum(['caller', 'consumer', 'client', 'server', 'tool']))
      .describe(
        'What has a count of its own: each caller, consumer, client, server, tool, or each combination of those named. With none, all calls it is for share one count.',
      )
      .default([]),
    rate: RATE.describe('How many calls within a time.').optional(),
    concurrency: amount('Calls in flight at once.').optional(),
    budget: BUDGET.describe(
      'How much may be used before the window ends. Tokens and cost are known after a call, so calls in flight may go beyond them.',
    ).optional(),
    maxResultBytes: amount(
      'Longest result, in bytes of its JSON text; a longer one is withheld with RESULT_TOO_LARGE.',
    ).optional(),
    warnAt: share(0.8, 'Share of the budget from which a warning is logged and counted.'),
  })
  .superRefine((limit, check) => {
    if (BOUNDS.some((key) => limit[key] !== undefined)) return;
    const message =
      'This bounds nothing; give "rate", "concurrency", "budget" or "maxResultBytes".';
    check.addIssue({ code: 'custom', message });
  });

const BOUNDS = ['rate', 'concurrency', 'budget', 'maxResultBytes'] as const;

/** Limits and budgets. */
export const LIMITING = z.strictObject({
  showState: z
    .boolean()
    .describe('Whether answers tell callers in `_meta["mcpx/limits"]` what is left.')
    .default(false),
  rules: z
    .array(LIMIT)
    .describe('The limits; a call must be within all that are for it.')
    .default([]),
});

type Limit = z.output<typeof LIMIT>;

/** The limits in their order; what cannot hold is reported. */
export function compileLimits(draft: AppDraft): LimitsPlan {
  const { showState, rules } = draft.app.limits;
  checkIds(draft, rules);
  for (const [index, limit] of rules.entries()) checkCounted(draft, limit, index);
  return { showsState: showState, limits: rules.map(toPlan) };
}

function checkIds({ file }: AppDraft, limits: readonly Limit[]): void {
  const places = new Map<string, number>();
  for (const [index, { id }] of limits.entries()) {
    const earlier = places.get(id);
    places.set(id, earlier ?? index);
    if (earlier === undefined) continue;
    const line = file.line(['limits', 'rules', earlier, 'id']);
    const message = `"${id}" is the limit of line ${line} too; rename one of them.`;
    file.error(['limits', 'rules', index, 'id'], message);
  }
}

function checkCounted({ file, app }: AppDraft, { budget }: Limit, index: number): void {
  if (app.tokens.enabled || budget === undefined) return;
  for (const key of ['tokens', 'cost'] as const) {
    if (budget[key] === undefined) continue;
    const message = `No tokens are counted (tokens.enabled is false), so this would never be used up; switch counting on, or give "calls".`;
    file.error(['limits', 'rules', index, 'budget', key], message, 'key');
  }
}

function toPlan({ rate, budget, ...limit }: Limit): LimitPlan {
  return {
    id: limit.id,
    mode: limit.mode,
    consumers: limit.consumers,
    groups: limit.groups,
    clients: limit.clients,
    servers: limit.servers,
    tools: limit.tools,
    per: [...new Set(limit.per)],
    rate: rate && {
      calls: rate.calls,
      perMs: durationMs(rate.per),
      burst: rate.burst ?? rate.calls,
    },
    concurrency: limit.concurrency,
    budget: budget && {
      window: budget.window,
      calls: budget.calls,
      tokens: budget.tokens,
      cost: budget.cost,
    },
    maxResultBytes: limit.maxResultBytes,
    warnAt: limit.warnAt,
  };
}
