/** One metric: the code registers it, docs/reference/metrics.md describes it and a test pins it by this row. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What one unit of its value is. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** One sentence, as Prometheus shows it. */
  readonly help: string;
  /** The version that brought it. */
  readonly since: string;
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
}
