import { OTHER } from './label-values.ts';
import { OPEN_LABELS } from './labels.ts';
import { METRICS, type LabelsOf, type MetricName, type NameOf } from './table.ts';

/** One number under its labels. */
export class Sample {
  value = 0;
}

/** How many observations were at most as large as each bound; allocates nothing once it is made. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** Of each bucket alone, the last without a bound; added up when written. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}

/** All series of one metric: what is counted, by the text of its labels. */
interface Family<Series> {
  readonly name: MetricName;
  readonly series: Map<string, Series>;
  readonly make: () => Series;
  readonly write: (series: Series, labels: string, lines: string[]) => void;
}

type Labels = Readonly<Record<string, string>>;

/**
 * Every metric of the table and its series. A metric that has as many series as it may have counts further ones together,
 * under `other` for every label whose values are not known beforehand.
 */
export class Families {
  readonly #maxSeries: () => number;
  readonly #histograms = new Map<MetricName, Family<Histogram>>();
  readonly #samples = new Map<MetricName, Family<Sample>>();

  constructor(maxSeries: () => number) {
    this.#maxSeries = maxSeries;
    for (const name of METRIC_NAMES) {
      const row = METRICS[name];
      if (row.type === 'histogram') this.#histograms.set(name, histograms(name, row.buckets));
      else this.#samples.set(name, samples(name));
    }
  }

  /** The histogram under these labels, made when it is not there. */
  histogram<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>): Histogram {
    return this.#at(this.#histograms.get(name), labels);
  }

  /** The counter or gauge under these labels, made when it is not there. */
  sample<Name extends NameOf<'counter' | 'gauge'>>(name: Name, labels: LabelsOf<Name>): Sample {
    return this.#at(this.#samples.get(name), labels);
  }

  /** Drops all series of a metric that is read anew for every scrape. */
  clear(name: NameOf<'counter' | 'gauge'>): void {
    this.#samples.get(name)?.series.clear();
  }

  /** How many series each metric has that has any. */
  *sizes(): Generator<readonly [name: MetricName, size: number]> {
    for (const { name, series } of this.#all()) if (series.size > 0) yield [name, series.size];
  }

  /** The text of one metric after the other in the Prometheus format; one without series says at least that it is. */
  *texts(): Generator<string> {
    for (const name of METRIC_NAMES) {
      const histogramFamily = this.#histograms.get(name);
      if (histogramFamily !== undefined) yield textOf(histogramFamily);
      const sampleFamily = this.#samples.get(name);
      if (sampleFamily !== undefined) yield textOf(sampleFamily);
    }
  }

  *#all(): Generator<Family<unknown>> {
    yield* this.#histograms.values() as Iterable<Family<unknown>>;
    yield* this.#samples.values() as Iterable<Family<unknown>>;
  }

  #at<Series>(family: Family<Series> | undefined, labels: Labels): Series {
    if (family === undefined) throw new TypeError('This metric is not in the table.');
    const key = labelText(family.name, labels);
    const present = family.series.get(key);
    if (present !== undefined) return present;
    if (family.series.size >= this.#maxSeries()) {
      const rest = labelText(family.name, withoutOpen(labels));
      return atOrMade(family, rest);
    }
    return atOrMade(family, key);
  }
}

const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

function histograms(name: MetricName, bounds: readonly number[]): Family<Histogram> {
  const heads = [...bounds, '+Inf'].map((bound) => `${name}_bucket{le="${bound}"`);
  const write = ({ counts, sum }: Histogram, labels: string, lines: string[]): void => {
    const rest = labels === '' ? '} ' : `,${labels}} `;
    let count = 0;
    for (const [index, head] of heads.entries()) {
      count += counts[index] ?? 0;
      lines.push(head + rest + count);
    }
    const own = labels === '' ? ' ' : `{${labels}} `;
    lines.push(`${name}_sum${own}${sum}`, `${name}_count${own}${count}`);
  };
  return { name, series: new Map(), make: () => new Histogram(bounds), write };
}

function samples(name: MetricName): Family<Sample> {
  const write = ({ value }: Sample, labels: string, lines: string[]): void => {
    lines.push(labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`);
  };
  return { name, series: new Map(), make: () => new Sample(), write };
}

function atOrMade<Series>({ series, make }: Family<Series>, key: string): Series {
  const present = series.get(key);
  if (present !== undefined) return present;
  const made = make();
  series.set(key, made);
  return made;
}

function textOf<Series>({ name, series, write }: Family<Series>): string {
  const { help, type } = METRICS[name];
  const lines = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
  for (const [labels, one] of series) write(one, labels, lines);
  return `${lines.join('\n')}\n`;
}

function labelText(name: MetricName, labels: Labels): string {
  const { labels: names } = METRICS[name];
  return names
    .map((label: string) => `${label}="${escaped(labels[label] ?? '').replaceAll('"', '\\"')}"`)
    .join(',');
}

function withoutOpen(labels: Labels): Labels {
  const pairs = Object.entries(labels).map(([label, value]) => [
    label,
    OPEN_LABELS.has(label) && value !== '' ? OTHER : value,
  ]);
  return Object.fromEntries(pairs) as Labels;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
