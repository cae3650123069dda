import type { Audited } from './ledger-audit.ts';
import type { Series } from './ledger-metrics.ts';
import type { Row } from './ledger.ts';

/** What a limit is told to have counted. */
export interface LimitTold {
  readonly id: string;
  readonly hits: number;
  readonly top: readonly {
    readonly for: { readonly consumer?: string };
    readonly budget?: Readonly<Record<Amount, { readonly used: number }>>;
  }[];
}

type Amount = 'calls' | 'tokens' | 'cost';
type Counts = Readonly<Record<Amount, Series>>;

/** What a budget of each consumer has counted, as the gateway tells it. */
export function countedBy({ top }: LimitTold): Counts {
  const of = (amount: Amount): Series =>
    Object.fromEntries(
      top.map(({ for: whose, budget }) => [whose.consumer ?? '', budget?.[amount].used ?? 0]),
    );
  return { calls: of('calls'), tokens: of('tokens'), cost: of('cost') };
}

/** What it must have counted: each call that was let through once, however many rounds it took, and all that was used. */
export function expectedCounts(audited: readonly Audited[]): Counts {
  const limited = audited.filter(({ row }) => isLimited(row));
  const of = (amountOf: (audited: Audited) => number): Series => {
    const sums: Record<string, number> = {};
    for (const each of limited) {
      const consumer = each.row.actor.caller.consumer ?? '';
      sums[consumer] = (sums[consumer] ?? 0) + amountOf(each);
    }
    return sums;
  };
  return {
    calls: of(({ row }) => (row.params['inputResponses'] === undefined ? 1 : 0)),
    tokens: of(({ spent }) => (spent?.arguments ?? 0) + (spent?.result ?? 0)),
    cost: of(({ spent }) => spent?.cost ?? 0),
  };
}

/** Completions are not limited. */
function isLimited({ method, expected }: Row): boolean {
  const isLimitable = /^(?:tools\/call|prompts\/get|resources\/read)$/u.test(method);
  return isLimitable && expected.isSent === true;
}
