import type { PanelTerms, RowTerms } from './panels.ts';
import { lines, listing, many } from './pieces.ts';
import { quantile, rise, series, SERVER, sum, type SeriesName } from './promql.ts';

/** A server is drawn as the number of its state in this list, from one. */
const STATES: readonly (readonly [text: string, color: string])[] = [
  ['ready', 'green'],
  ['degraded', 'yellow'],
  ['starting', 'blue'],
  ['pending-input', 'orange'],
  ['pending-auth', 'orange'],
  ['failed', 'red'],
  ['stopped', 'text'],
];

/** How the servers behind are, and how busy. */
export function serversRow(): RowTerms {
  const of = (name: SeriesName, ...matchers: string[]): string =>
    sum(series(name, SERVER, ...matchers), 'server');
  const restarts = rise(series('mcpx_upstream_restarts_total', SERVER));
  const info = series('mcpx_upstream_info', SERVER);
  return {
    title: 'Servers',
    panels: [
      statesPanel(),
      listing('How servers are spoken to', `max by (server, era, version, transport) (${info})`),
      lines('Restarts', sum(restarts, 'server')),
      many('Requests at servers', {
        '{{server}}': of('mcpx_upstream_in_flight'),
        '{{server}}, waiting for a place': of('mcpx_upstream_queued'),
      }),
      many('Calls lost or not sent', {
        '{{server}} not called for now': of('mcpx_upstream_breaker', 'breaker!="closed"'),
        '{{server}} sent again': sum(rise(series('mcpx_upstream_retries_total', SERVER)), 'server'),
        '{{server}} refused': sum(rise(series('mcpx_upstream_refused_total', SERVER)), 'server'),
      }),
      many('Instances and tools', {
        '{{server}} instances': of('mcpx_upstream_instances'),
        '{{server}} tools': of('mcpx_upstream_items', 'kind="tools"'),
      }),
    ],
  };
}

function statesPanel(): PanelTerms {
  const numbered = STATES.map(([state], index) => {
    const isIn = series('mcpx_upstream_state', SERVER, `state="${state}"`);
    return `${index + 1} * ${isIn}`;
  });
  return {
    title: 'State of servers',
    kind: 'state-timeline',
    queries: [{ expr: `max by (server) (${numbered.join(' or ')})`, legend: '{{server}}' }],
    states: STATES,
  };
}

/** What clients keep open. */
export function sessionsRow(): RowTerms {
  const half = (name: SeriesName): string => quantile(0.5, series(name));
  return {
    title: 'Sessions',
    panels: [
      many('Sessions and streams', {
        sessions: sum(series('mcpx_sessions')),
        streams: sum(series('mcpx_streams')),
      }),
      many(
        'Calls that wait for their clients',
        {
          waiting: sum(series('mcpx_parked_calls')),
          begun: sum(rise(series('mcpx_parked_rounds_total'))),
          '{{reason}}': sum(rise(series('mcpx_parked_ended_total')), 'reason'),
        },
        {
          description:
            'Servers of earlier protocol versions that ask something within a call of a client of 2026-07-28.',
        },
      ),
      lines('Kept for calls that wait', sum(series('mcpx_parked_bytes')), { unit: 'bytes' }),
      lines('Kept for broken streams', sum(series('mcpx_event_store_bytes')), { unit: 'bytes' }),
      many(
        'Length of sessions (half are longer)',
        {
          'of clients': half('mcp_server_session_duration_seconds_bucket'),
          'with servers': half('mcp_client_session_duration_seconds_bucket'),
        },
        { unit: 's' },
      ),
    ],
  };
}
