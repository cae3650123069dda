/** One line of an exposition. */
export interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric of an exposition: what its two comment lines say, and its lines. */
export interface Shown {
  readonly type: string;
  readonly help: string;
  readonly lines: readonly Line[];
}

const LABEL = /([a-z_]\w*)="((?:[^"\\]|\\.)*)"/giu;

/** Reads a text in the Prometheus format; fails for a line that is none. */
export function readExposition(text: string): ReadonlyMap<string, Shown> {
  const metrics = new Map<string, { type: string; help: string; lines: Line[] }>();
  let current: { type: string; help: string; lines: Line[] } | undefined;
  for (const line of text.split('\n')) {
    const help = /^# HELP (\S+) (.*)$/u.exec(line);
    const type = /^# TYPE (\S+) (\S+)$/u.exec(line);
    if (help !== null) {
      current = { type: '', help: help[2] ?? '', lines: [] };
      metrics.set(help[1] ?? '', current);
    } else if (type !== null && current !== undefined) current.type = type[2] ?? '';
    else if (line !== '') current?.lines.push(readLine(line));
  }
  return metrics;
}

/** The value of one series: all labels that are asked for agree, and no other series does. Undefined when there is none. */
export function valueIn(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = linesIn(text, name, labels);
  if (found.length > 1) throw new Error(`${found.length} series: ${JSON.stringify(found)}`);
  return found[0]?.value;
}

/** The lines of one name whose labels agree. */
export function linesIn(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Line[] {
  const all = [...readExposition(text).values()].flatMap(({ lines }) => lines);
  return all.filter(
    (line) =>
      line.name === name &&
      Object.entries(labels).every(([label, value]) => line.labels[label] === value),
  );
}

function readLine(line: string): Line {
  const [, name, inner = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/iu.exec(line) ?? [];
  if (name === undefined) throw new Error(`This is no line of an exposition: ${line}`);
  const labels = [...inner.matchAll(LABEL)].map(([, label = '', text = '']) => [
    label,
    text.replaceAll(/\\(.)/gu, (_, sign: string) => (sign === 'n' ? '\n' : sign)),
  ]);
  return {
    name,
    labels: Object.fromEntries(labels) as Record<string, string>,
    value: numberOf(value),
  };
}

function numberOf(text = ''): number {
  return text === '+Inf' ? Infinity : Number(text);
}
