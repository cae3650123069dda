import { processRow, recordsRow } from './own-rows.ts';
import { layOut } from './panels.ts';
import { serversRow, sessionsRow } from './server-rows.ts';
import { spendingRow } from './spending-row.ts';
import { callsRow, latencyRow, limitsRow, overviewRow } from './traffic-rows.ts';

/** The text of deploy/grafana/mcpx.json: a dashboard for Grafana 10 and later. */
export function dashboardText(): string {
  const rows = [
    overviewRow(),
    callsRow(),
    latencyRow(),
    serversRow(),
    sessionsRow(),
    spendingRow(),
    limitsRow(),
    recordsRow(),
    processRow(),
  ];
  const dashboard = {
    uid: 'mcpx',
    title: 'MCPX',
    description: 'The gateway, the servers behind it, who uses them, and what it costs.',
    tags: ['mcp', 'mcpx'],
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    schemaVersion: 39,
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    templating: { list: variables() },
    panels: layOut(rows),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function variables(): object[] {
  return [
    { name: 'datasource', type: 'datasource', label: 'data source', query: 'prometheus' },
    variable('instance', 'mcpx_build_info'),
    variable('server', 'mcpx_upstream_info'),
    variable('consumer', 'mcpx_exchanges_total'),
  ];
}

function variable(name: string, metric: string): object {
  return {
    name,
    type: 'query',
    label: name,
    datasource: { type: 'prometheus', uid: '${datasource}' },
    query: { query: `label_values(${metric}, ${name})`, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    // Callers without a consumer, and lists, which are of no single server, have an empty value.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  };
}
