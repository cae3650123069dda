import type { PanelTerms } from './panels.ts';
import { top } from './promql.ts';

/** One number, and where it has been. */
export function stat(title: string, expr: string, more: Partial<PanelTerms> = {}): PanelTerms {
  return { title, kind: 'stat', queries: [{ expr }], ...more };
}

/** One query over time. */
export function lines(title: string, expr: string, more: Partial<PanelTerms> = {}): PanelTerms {
  return { title, kind: 'timeseries', queries: [{ expr }], ...more };
}

/** Several queries over time, by what they are called. */
export function many(
  title: string,
  queries: Readonly<Record<string, string>>,
  more: Partial<PanelTerms> = {},
): PanelTerms {
  const listed = Object.entries(queries).map(([legend, expr]) => ({ expr, legend }));
  return { title, kind: 'timeseries', queries: listed, ...more };
}

/** The ten largest of the time shown. */
export function ranking(title: string, unit: string, expr: string): PanelTerms {
  return { title, kind: 'bargauge', unit, queries: [{ expr: top(10, expr) }] };
}

/** What is so now. */
export function listing(title: string, expr: string, more: Partial<PanelTerms> = {}): PanelTerms {
  return { title, kind: 'table', queries: [{ expr }], ...more };
}
