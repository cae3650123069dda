import type { MetricName, NameOf } from '../../src/record/metrics/table.ts';

/** Name of a series: a metric that is no histogram, a part of one that is, or one of the runtime. */
export type SeriesName =
  | Exclude<MetricName, NameOf<'histogram'>>
  | `${NameOf<'histogram'>}_${'bucket' | 'sum' | 'count'}`
  | `${'process' | 'nodejs'}_${string}`;

/** Matchers for what the dashboard's variables select. */
export const SERVER = 'server=~"$server"';
export const CONSUMER = 'consumer=~"$consumer"';

/** The series of one name in the chosen gateways, narrowed by further matchers. */
export function series(name: SeriesName, ...matchers: readonly string[]): string {
  return `${name}{${['instance=~"$instance"', ...matchers].join(',')}}`;
}

/** How fast a counter grows, per second. */
export function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

/** How much a counter grows from one point of a line to the next. */
export function rise(selector: string): string {
  return `increase(${selector}[$__rate_interval])`;
}

/** One sum as a share of another; zero where there is nothing of it. */
export function share(part: string, whole: string): string {
  return `(${part} or vector(0)) / ${whole}`;
}

/** How much a counter has grown within the time the dashboard shows. */
export function growth(selector: string): string {
  return `increase(${selector}[$__range])`;
}

/** The sum, apart by labels where any are named. */
export function sum(expression: string, ...by: readonly string[]): string {
  return by.length === 0 ? `sum(${expression})` : `sum by (${by.join(', ')}) (${expression})`;
}

/** The largest ones of the time shown. */
export function top(count: number, expression: string): string {
  return `topk(${count}, ${expression})`;
}

/** A quantile of the observations of a histogram, from the selector of its buckets. */
export function quantile(share: number, selector: string, ...by: readonly string[]): string {
  return `histogram_quantile(${share}, ${sum(rate(selector), 'le', ...by)})`;
}
