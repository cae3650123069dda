import type { PanelTerms, RowTerms } from './panels.ts';
import { lines, many, stat } from './pieces.ts';
import { CONSUMER, growth, quantile, rate, series, SERVER, share, sum, top } from './promql.ts';

const CALLS = 'method="tools/call"';
/** A call of several rounds ends with one of them: the others only ask the client. */
const ENDED = 'outcome!="input-required"';
const BROKEN = 'outcome=~"error|timed-out|crashed"';
const PER_SECOND = { unit: 'reqps' };

const rounds = series('mcpx_exchanges_total', SERVER, CONSUMER, CALLS);
const toolCalls = series('mcpx_exchanges_total', SERVER, CONSUMER, CALLS, ENDED);
const counted = series('tool_call_duration_ms_count', SERVER, CONSUMER);
const durations = series('tool_call_duration_ms_bucket', SERVER, CONSUMER);
const ofGateway = series('mcpx_gateway_duration_seconds_bucket', CALLS);
const ofServers = series(
  'mcp_client_operation_duration_seconds_bucket',
  'mcpx_server=~"$server"',
  'mcp_method_name="tools/call"',
);

/** What an operator looks at first. */
export function overviewRow(): RowTerms {
  const broken = series('mcpx_exchanges_total', SERVER, CONSUMER, CALLS, BROKEN);
  const down = series('mcpx_upstream_state', SERVER, 'state=~"failed|pending-input|pending-auth"');
  const cost = growth(series('mcpx_cost_usd_total', SERVER, CONSUMER));
  return {
    title: 'Overview',
    panels: [
      stat('Tool calls', sum(rate(toolCalls)), PER_SECOND),
      stat('Failed calls', share(sum(rate(broken)), sum(rate(toolCalls))), {
        unit: 'percentunit',
        badFrom: 0.05,
        description:
          'Errors of servers, time-outs and failures of the gateway. A tool that says no is not among them.',
      }),
      stat('Slowest 5 % take', quantile(0.95, durations), { unit: 'ms' }),
      stat('Servers not working', sum(down), { badFrom: 1 }),
      stat('Cost', sum(cost), { unit: 'currencyUSD', isOfNow: true }),
      stat('Audit failing', `max(${series('mcpx_audit_failing')})`, {
        badFrom: 1,
        description:
          'One while the audit log cannot be written. With audit.onFailure refuse, no call is made then.',
      }),
    ],
  };
}

/** Who calls what, and how it ends. */
export function callsRow(): RowTerms {
  const errors = series(
    'mcp_client_operation_duration_seconds_count',
    'mcpx_server=~"$server"',
    'error_type!=""',
  );
  const all = series('mcpx_exchanges_total', SERVER, CONSUMER);
  return {
    title: 'Calls',
    panels: [
      lines('Tool calls by outcome', sum(rate(rounds), 'outcome'), {
        ...PER_SECOND,
        isStacked: true,
      }),
      lines('Tool calls by server', sum(rate(toolCalls), 'server'), PER_SECOND),
      lines('Tool calls by consumer', sum(rate(toolCalls), 'consumer'), PER_SECOND),
      lines('Errors of servers', sum(rate(errors), 'mcpx_server', 'error_type'), {
        ...PER_SECOND,
        description: 'What servers answered, and what became of requests they did not answer.',
      }),
      lines('Refusals', `${sum(rate(series('mcpx_refusals_total')), 'code')} > 0`, PER_SECOND),
      lines(
        'Turned away at the door',
        `${sum(rate(series('mcpx_turned_away_total')), 'code')} > 0`,
        { ...PER_SECOND, description: 'Without a valid credential, host, origin or body.' },
      ),
      lines('Requests by method', sum(rate(all), 'method'), PER_SECOND),
      lines('Tool calls by client', sum(rate(counted), 'agent'), PER_SECOND),
      lines('Busiest tools', top(10, sum(rate(counted), 'server', 'tool_name')), PER_SECOND),
    ],
  };
}

/** How long each part takes. */
export function latencyRow(): RowTerms {
  const others = series(
    'mcp_server_operation_duration_seconds_bucket',
    'mcp_method_name!~"tools/call|subscriptions/listen"',
  );
  const inGateway = sum(rate(series('mcpx_gateway_duration_seconds_sum', CALLS)));
  const calls = sum(rate(series('mcpx_gateway_duration_seconds_count', CALLS)));
  const seconds = { unit: 's' };
  return {
    title: 'Latency',
    panels: [
      many('Tool calls', quantiles('', durations), { unit: 'ms' }),
      many(
        'The gateway, and the servers behind it',
        { ...quantiles('gateway ', ofGateway), ...quantiles('servers ', ofServers) },
        { ...seconds, description: 'The time of tool calls in the gateway, and at servers.' },
      ),
      lines('Mean time in the gateway', `${inGateway} / ${calls}`, seconds),
      lines('Slowest 5 % by server', quantile(0.95, ofServers, 'mcpx_server'), seconds),
      lines(
        'Slowest 5 % by tool',
        top(10, quantile(0.95, ofServers, 'mcpx_server', 'gen_ai_tool_name')),
        seconds,
      ),
      lines('Slowest 5 % of other requests', quantile(0.95, others, 'mcp_method_name'), seconds),
    ],
  };
}

function quantiles(of: string, buckets: string): Record<string, string> {
  const pairs = [50, 95, 99].map((percent) => [
    `${of}p${percent}`,
    quantile(percent / 100, buckets),
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** Who reached a limit, or nearly. */
export function limitsRow(): RowTerms {
  const panel = (title: string, name: Parameters<typeof series>[0], mode?: string): PanelTerms => {
    const matchers = mode === undefined ? [] : [`mode="${mode}"`];
    return lines(title, sum(rate(series(name, ...matchers)), 'limit'), PER_SECOND);
  };
  return {
    title: 'Limits',
    panels: [
      panel('Refused by limits', 'mcpx_limit_hits_total', 'enforce'),
      panel('Limits in shadow mode would refuse', 'mcpx_limit_hits_total', 'shadow'),
      panel('Calls near the end of a budget', 'mcpx_limit_warnings_total'),
    ],
  };
}
