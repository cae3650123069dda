import type { Outcome } from './entry.ts';
import { mergedSketch, Sketch } from './sketch.ts';

/** What usage is told apart by. A text is empty where an exchange has no such thing, and `other` where there were too many. */
export const DIMENSIONS = ['consumer', 'client', 'server', 'tool', 'method', 'outcome'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** One combination of what usage is told apart by; no text has control characters in it. */
export type Series = Readonly<Record<Dimension, string>>;

/** What stands for names that are too many to be kept apart. */
export const OTHER = 'other';

/**
 * What is counted of the exchanges of a series. A call of several rounds is one: those with the outcome `input-required` are in all
 * that adds up, and in no number of calls.
 */
export const COUNTS = [
  'calls',
  /** Time in the gateway, in milliseconds. */
  'gatewayMs',
  /** Of the calls, those for which a server was asked, and the time it took. */
  'upstreamCalls',
  'upstreamMs',
  /** Of the calls, those whose tokens are known; exchanges of which a part is an estimate. */
  'counted',
  'estimates',
  'argumentTokens',
  'resultTokens',
  /** Of the calls, those whose model has a price, and what they cost in US dollars. */
  'priced',
  'cost',
  'requestBytes',
  'resultChars',
] as const;
export type Count = (typeof COUNTS)[number];
export type Counts = Readonly<Record<Count, number>>;

/** What was used of one series within a minute, an hour or a day, or a part of it. */
export interface UsageItem {
  /** When the minute, hour or day begins (UTC), in milliseconds since the epoch. */
  readonly start: number;
  readonly series: Series;
  readonly counts: Counts;
  /** Encoded sketches of the times in milliseconds; of the upstream only where one was asked. */
  readonly gateway: Uint8Array;
  readonly upstream: Uint8Array;
}

/** What one process adds to the usage store at once, by the minute. Adding the same batch again changes nothing. */
export interface UsageBatch {
  /** Names the process, and no other one. */
  readonly writer: string;
  /** One more than that of the batch before. */
  readonly number: number;
  readonly items: readonly UsageItem[];
}

/** Lengths of the rollups that are kept, and what a query can be divided by. */
export const ROLLUPS = ['minute', 'hour', 'day'] as const;
export type Rollup = (typeof ROLLUPS)[number];
export const STEPS = ['minute', 'hour', 'day', 'total'] as const;
export type UsageStep = (typeof STEPS)[number];

/** What rows can be ordered by, the largest first. */
export const MEASURES = [
  'calls',
  'errors',
  'tokens',
  'cost',
  'bytes',
  'gatewayMs',
  'upstreamMs',
] as const;
export type Measure = (typeof MEASURES)[number];

/** A question about usage. */
export interface UsageQuery {
  /** In milliseconds since the epoch; widened to whole steps. */
  readonly from: number;
  readonly to: number;
  readonly step: UsageStep;
  readonly by: readonly Dimension[];
  /** Values of which a series must have one; in any case for servers. */
  readonly filters: Readonly<Partial<Record<Dimension, readonly string[]>>>;
  /** Combinations to be told of, of the first by the order; undefined: all. */
  readonly top: number | undefined;
  readonly orderBy: Measure;
}

/** How long exchanges took, each round of a call for itself, in milliseconds. Quantiles are within SKETCH_ACCURACY. */
export interface Latency {
  /** How many were measured; the others are undefined where none was. */
  readonly count: number;
  readonly mean: number | undefined;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
}

/** What was used of one combination within one step. */
export interface UsageRow {
  /** When the step begins, in milliseconds since the epoch; undefined where there is but one. */
  readonly at: number | undefined;
  readonly series: Readonly<Partial<Record<Dimension, string>>>;
  readonly calls: number;
  /** Calls with any outcome but `ok`. */
  readonly errors: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Tokens of those calls whose tokens are known. */
  readonly tokens: { readonly arguments: number; readonly result: number };
  readonly counted: number;
  readonly estimates: number;
  /** In US dollars, of the calls whose model has a price. */
  readonly cost: number;
  readonly priced: number;
  readonly requestBytes: number;
  readonly resultChars: number;
  readonly gatewayMs: Latency;
  readonly upstreamMs: Latency;
}

/** The answer to a question about usage. */
export interface UsageAnswer {
  /** The time that was really looked at. */
  readonly from: number;
  readonly to: number;
  readonly rows: readonly UsageRow[];
  /** What is missing, in sentences. */
  readonly notes: readonly string[];
}

/** How many exchanges were counted in an item, those with the outcome `input-required` too. */
export function exchangesOf({ gateway }: UsageItem): number {
  const sketch = new Sketch();
  sketch.add(gateway);
  return sketch.count;
}

/** Two items of the same series and time as one. Throws where a sketch is of another format. */
export function usageSum(one: UsageItem, other: UsageItem): UsageItem {
  const counts = Object.fromEntries(
    COUNTS.map((count) => [count, one.counts[count] + other.counts[count]] as const),
  ) as Record<Count, number>;
  return {
    start: one.start,
    series: one.series,
    counts,
    gateway: mergedSketch(one.gateway, other.gateway),
    upstream: mergedSketch(one.upstream, other.upstream),
  };
}

/** Tells a series from any other: names hold no line ends. */
export function seriesKey(series: Series): string {
  const { consumer, client, server, tool, method, outcome } = series;
  return `${consumer}\n${client}\n${server}\n${tool}\n${method}\n${outcome}`;
}
