import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './conformance-processes.ts';

/** One query of the dashboard, and the panel it is in. */
export interface PanelQuery {
  readonly panel: string;
  readonly expr: string;
}

/** One alert of deploy/prometheus/alerts.yml. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string };
}

interface Dashboard {
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string | { readonly query: string };
    }[];
  };
}

const dashboard = JSON.parse(
  readFileSync(join(ROOT, 'deploy/grafana/mcpx.json'), 'utf8'),
) as Dashboard;

/** Every query of every panel of the dashboard. */
export const panelQueries: readonly PanelQuery[] = dashboard.panels.flatMap((panel) =>
  (panel.targets ?? []).map(({ expr }) => ({ panel: panel.title, expr })),
);

/** Panels that ask for something; rows do not. */
export const panelCount = dashboard.panels.filter(({ type }) => type !== 'row').length;

/** Metric and label of every variable of the dashboard. */
export const variables: readonly { readonly metric: string; readonly label: string }[] =
  dashboard.templating.list.flatMap(({ query }) => {
    const text = typeof query === 'string' ? query : query.query;
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/u.exec(text) ?? [];
    return metric === undefined || label === undefined ? [] : [{ metric, label }];
  });

/** An expression as Grafana sends it while every variable selects everything. */
export function filledIn(expression: string, interval: string): string {
  return expression
    .replaceAll(/\$__(?:rate_interval|range)/gu, interval)
    .replaceAll(/\$[a-z]+/gu, '.*');
}

/** Every alert, in the order of the file. */
export const alerts: readonly Alert[] = (
  parse(readFileSync(join(ROOT, 'deploy/prometheus/alerts.yml'), 'utf8')) as {
    groups: { rules: Alert[] }[];
  }
).groups.flatMap(({ rules }) => rules);

/** What an alert measures, without its threshold. */
export function measured({ expr, alert }: Alert): string {
  const [, measure] = /^([\s\S]+) (?:>=?|<=?|==|!=) [\d.e]+$/u.exec(expr) ?? [];
  if (measure === undefined) throw new Error(`${alert} does not end with a threshold: ${expr}`);
  return measure;
}
