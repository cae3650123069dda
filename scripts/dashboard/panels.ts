/** One query of a panel, and how its series are called. */
export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

/** A panel, as far as one differs from another. */
export interface PanelTerms {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'bargauge' | 'state-timeline' | 'table';
  /** Grafana's name of the unit. */
  readonly unit?: string;
  readonly queries: readonly Query[];
  /** What to make of it. */
  readonly description?: string;
  readonly isStacked?: boolean;
  /** Whether only the end of the time shown is asked for; rankings and tables always are. */
  readonly isOfNow?: boolean;
  /** From this value on it is red. */
  readonly badFrom?: number;
  /** Names of values. */
  readonly states?: readonly (readonly [text: string, color: string])[];
  /** Of 24. */
  readonly width?: number;
  readonly height?: number;
}

/** A row of a dashboard, with its panels in order. */
export interface RowTerms {
  readonly title: string;
  readonly panels: readonly PanelTerms[];
}

type Json = Readonly<Record<string, unknown>>;

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;
const WIDTH: Readonly<Record<PanelTerms['kind'], number>> = {
  timeseries: 8,
  stat: 4,
  bargauge: 6,
  'state-timeline': 12,
  table: 12,
};
const HEIGHT: Readonly<Record<PanelTerms['kind'], number>> = {
  timeseries: 8,
  stat: 4,
  bargauge: 8,
  'state-timeline': 8,
  table: 8,
};

/** Rows one below the other, their panels side by side as long as there is room. */
export function layOut(rows: readonly RowTerms[]): Json[] {
  const panels: Json[] = [];
  let y = 0;
  for (const { title, panels: terms } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    let [x, height] = [0, 0];
    for (const each of terms) {
      const w = each.width ?? WIDTH[each.kind];
      const h = each.height ?? HEIGHT[each.kind];
      if (x + w > COLUMNS) [x, y, height] = [0, y + height, 0];
      panels.push(panel(each, panels.length + 1, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return panels;
}

function panel(terms: PanelTerms, id: number, gridPos: Json): Json {
  const isNow = terms.isOfNow ?? (terms.kind === 'bargauge' || terms.kind === 'table');
  return {
    id,
    type: terms.kind,
    title: terms.title,
    ...(terms.description === undefined ? {} : { description: terms.description }),
    datasource: DATASOURCE,
    gridPos,
    targets: terms.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend ?? '__auto',
      instant: isNow,
      range: !isNow,
      ...(terms.kind === 'table' ? { format: 'table' } : {}),
    })),
    fieldConfig: { defaults: fieldDefaults(terms), overrides: [] },
    options: options(terms),
  };
}

function fieldDefaults({ kind, unit, badFrom, states, isStacked }: PanelTerms): Json {
  const steps = [
    { color: 'green', value: null },
    ...(badFrom === undefined ? [] : [{ color: 'red', value: badFrom }]),
  ];
  return {
    unit: unit ?? 'short',
    min: kind === 'timeseries' ? 0 : undefined,
    color: { mode: kind === 'timeseries' ? 'palette-classic' : 'thresholds' },
    thresholds: { mode: 'absolute', steps },
    mappings: states === undefined ? [] : [{ type: 'value', options: mappings(states) }],
    ...(kind === 'timeseries' ? { custom: drawn(isStacked === true) } : {}),
  };
}

/** Zero is nothing in any state, so the first name is for one. */
function mappings(states: NonNullable<PanelTerms['states']>): Json {
  return Object.fromEntries(
    states.map(([text, color], index) => [String(index + 1), { text, color, index }]),
  );
}

function drawn(isStacked: boolean): Json {
  return {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: isStacked ? 30 : 5,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
  };
}

function options({ kind }: PanelTerms): Json {
  const last = { calcs: ['lastNotNull'], fields: '', values: false };
  switch (kind) {
    case 'timeseries':
      return {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
    case 'stat':
      return { reduceOptions: last, colorMode: 'value', graphMode: 'area', textMode: 'auto' };
    case 'bargauge':
      return { reduceOptions: last, orientation: 'horizontal', displayMode: 'basic' };
    case 'state-timeline':
      return { mergeValues: true, showValue: 'auto', rowHeight: 0.9 };
    case 'table':
      return { showHeader: true, cellHeight: 'sm' };
  }
}
