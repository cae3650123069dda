import { EXCHANGE_ROWS } from './exchange-rows.ts';
import type { MetricRow } from './row.ts';
import { STATE_ROWS } from './state-rows.ts';

/** Every metric of the gateway's own. A new one is one row; `process_*` and `nodejs_*` come from the runtime. */
export const METRICS = { ...EXCHANGE_ROWS, ...STATE_ROWS };

/** Name of a metric. */
export type MetricName = keyof typeof METRICS;

/** Names of the metrics of one type. */
export type NameOf<Type extends MetricRow['type']> = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends Type ? Name : never;
}[MetricName];

/** The labels of one metric, each with its value; empty where it does not apply. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;
