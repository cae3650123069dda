import type { Plan, Surroundings } from '../kernel/plan.ts';
import type { AppDraft } from './app-draft.ts';
import { AppValues } from './app-values.ts';
import { compileAudit } from './audit.ts';
import { checkConsumerReferences } from './consumer-references.ts';
import type { LookUp } from './environment.ts';
import { compileLimits } from './limits.ts';
import { compileLogging } from './logging.ts';
import { compileMetrics } from './metrics.ts';
import { compileTokens } from './tokens.ts';
import { compileTracing } from './tracing.ts';
import { compileUsage } from './usage.ts';
import type { Variables } from './variables.ts';

/** What records are compiled with. */
export interface RecordTerms {
  readonly surroundings: Surroundings;
  readonly variables: Variables;
  /** Finds the variables that values of app.yaml refer to. */
  readonly lookUp: LookUp;
  readonly isAuthOn: boolean;
}

/** The parts of a plan that say what is recorded, and how much may be used. */
export type RecordPlans = Pick<
  Plan,
  'limits' | 'audit' | 'logging' | 'metrics' | 'tracing' | 'tokens' | 'usage'
>;

/** What is recorded where, and how much may be used; what cannot hold is reported. */
export function compileRecords(draft: AppDraft, terms: RecordTerms): RecordPlans {
  const { file, app } = draft;
  const { surroundings, variables, isAuthOn } = terms;
  const values = new AppValues(file, terms.lookUp);
  checkConsumerReferences(draft);
  return {
    limits: compileLimits(draft),
    audit: compileAudit(app.audit, values, isAuthOn),
    logging: compileLogging(app.logging, surroundings.logLevel),
    metrics: compileMetrics(app.metrics),
    tracing: compileTracing(app.tracing, values, variables),
    tokens: compileTokens(app.tokens, file),
    usage: compileUsage(app.usage, values),
  };
}
