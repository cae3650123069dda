import type { MetricRow } from './row.ts';

const CALL_MS = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
] as const;
// The conventions begin at 0.01: most calls through a gateway would be in one bucket.
const OPERATION_S = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
] as const;
const GATEWAY_S = [
  0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5,
] as const;
const SESSION_S = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 1800, 3600, 21_600, 86_400,
] as const;

const SPENDER = ['method', 'server', 'tool', 'consumer', 'llm', 'model'] as const;

/** Metrics that every exchange is counted in when it ends. */
export const EXCHANGE_ROWS = {
  tool_call_duration_ms: {
    type: 'histogram',
    unit: 'milliseconds',
    labels: ['tool_name', 'error', 'agent', 'llm', 'model', 'server', 'consumer'],
    help: 'Duration of tool calls in milliseconds, from the arrival of the request to its answer.',
    since: '0.1.0',
    buckets: CALL_MS,
  },
  mcp_server_operation_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: [
      'mcp_method_name',
      'error_type',
      'rpc_response_status_code',
      'gen_ai_operation_name',
      'gen_ai_tool_name',
      'gen_ai_prompt_name',
      'mcp_protocol_version',
      'network_transport',
      'mcpx_server',
    ],
    help: 'Duration of requests, from their arrival to their answer (OpenTelemetry: mcp.server.operation.duration).',
    since: '0.1.0',
    buckets: OPERATION_S,
  },
  mcp_client_operation_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: [
      'mcp_method_name',
      'error_type',
      'rpc_response_status_code',
      'gen_ai_operation_name',
      'gen_ai_tool_name',
      'gen_ai_prompt_name',
      'mcpx_server',
    ],
    help: 'How long the servers behind took for requests passed on to them (OpenTelemetry: mcp.client.operation.duration).',
    since: '0.1.0',
    buckets: OPERATION_S,
  },
  mcp_server_session_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['error_type', 'mcp_protocol_version'],
    help: 'Duration of sessions of clients that have ended (OpenTelemetry: mcp.server.session.duration).',
    since: '0.1.0',
    buckets: SESSION_S,
  },
  mcp_client_session_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['error_type', 'mcp_protocol_version', 'network_transport', 'mcpx_server'],
    help: 'How long connections to servers, those that all clients share, were up (OpenTelemetry: mcp.client.session.duration).',
    since: '0.1.0',
    buckets: SESSION_S,
  },

  mcpx_exchanges_total: {
    type: 'counter',
    unit: 'exchanges',
    labels: ['method', 'outcome', 'server', 'consumer'],
    help: 'Requests that have ended, and questions of servers, by how they ended.',
    since: '0.1.0',
  },
  mcpx_gateway_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['method'],
    help: 'Duration of requests without what was waited for the server behind: the time of the gateway itself.',
    since: '0.1.0',
    buckets: GATEWAY_S,
  },
  mcpx_refusals_total: {
    type: 'counter',
    unit: 'refusals',
    labels: ['code'],
    help: 'Requests that the gateway itself said no to, by code.',
    since: '0.1.0',
  },
  mcpx_turned_away_total: {
    type: 'counter',
    unit: 'requests',
    labels: ['code'],
    help: 'Requests refused at the door, before they were anything that could be decided or recorded, by code.',
    since: '0.1.0',
  },
  mcpx_events_total: {
    type: 'counter',
    unit: 'events',
    labels: ['event'],
    help: 'What happened to the gateway itself: configurations taken over, keys made, sessions begun and ended.',
    since: '0.1.0',
  },
  mcpx_parked_ended_total: {
    type: 'counter',
    unit: 'rounds',
    labels: ['reason'],
    help: 'How often a call stopped waiting for its client, by why: it was resumed, or given up.',
    since: '0.1.0',
  },

  mcpx_tokens_total: {
    type: 'counter',
    unit: 'tokens',
    labels: [...SPENDER, 'kind', 'estimate'],
    help: 'Tokens that models wrote as arguments or read as results.',
    since: '0.1.0',
  },
  mcpx_cost_usd_total: {
    type: 'counter',
    unit: 'US dollars',
    labels: SPENDER,
    help: 'What the tokens cost at the list price of the model, where it is known.',
    since: '0.1.0',
  },
  mcpx_limit_hits_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['limit', 'mode'],
    help: 'Calls over a limit: refused where it is enforced, let through where it is in shadow mode.',
    since: '0.1.0',
  },
  mcpx_limit_warnings_total: {
    type: 'counter',
    unit: 'calls',
    labels: ['limit'],
    help: 'Calls admitted while a budget was near its end.',
    since: '0.1.0',
  },
} as const satisfies Record<string, MetricRow>;
