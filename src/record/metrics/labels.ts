/** Labels whose values are not known beforehand: these are cut and bounded. */
export const OPEN_LABELS: ReadonlySet<string> = new Set([
  'agent',
  'consumer',
  'error_type',
  'event',
  'gen_ai_prompt_name',
  'gen_ai_tool_name',
  'limit',
  'llm',
  'mcp_protocol_version',
  'mcpx_server',
  'model',
  'rpc_response_status_code',
  'server',
  'tool',
  'tool_name',
]);

/** What the labels say. */
export const LABELS: Readonly<Record<string, string>> = {
  agent: 'What the client calls itself.',
  breaker: '`closed`, `open` or `half-open`.',
  by: '`count` (exactly, by a tokeniser) or `estimate`.',
  code: 'Code of the refusal, as in [Refusals](refusals.md).',
  consumer: 'Consumer of the caller; empty where it has none.',
  era: '`legacy` or `modern`.',
  error: '`true` for every outcome but `ok` and `input-required`.',
  error_type:
    'Empty for success; else the JSON-RPC error code, `tool_error`, `cancelled`, or, of the servers behind, `timeout` or the code of the refusal.',
  estimate: '`true` where the tokens are estimated.',
  event: 'Name of the event, as in the audit log.',
  gen_ai_operation_name: '`execute_tool` for tool calls.',
  gen_ai_prompt_name: 'Name of the prompt.',
  gen_ai_tool_name:
    'Name of the tool: as policy knows it where the gateway is the server, as its server knows it where the gateway is the client.',
  kind: '`arguments` or `result`; of items `tools`, `prompts`, `resources` or `resourceTemplates`.',
  label: 'Name of a label.',
  limit: 'Id of the limit in `app.yaml`.',
  llm: 'Provider of the model.',
  mcp_method_name: 'Method of the request.',
  mcp_protocol_version: 'Protocol version spoken.',
  mcpx_server: 'Name of the server behind, as configured.',
  method: 'Method of the request; `other` for those that do not exist.',
  metric: 'Name of a metric.',
  mode: '`enforce` or `shadow`.',
  model: 'Model that the agent runs, as far as it or the configuration says.',
  network_transport: '`tcp` or `pipe`.',
  node: 'Version of Node.js.',
  outcome:
    '`ok`, `input-required` (a call that goes on with a retry), `tool-error`, `error`, `refused`, `timed-out`, `cancelled` or `crashed`.',
  reason:
    'Of calls that waited for their clients: `resumed`; given up: `expired`, `evicted` (too many wait), `denied` (no longer allowed) or `shutdown`. Of calls a server was not given: `full` (no room to wait), `late` (waited too long) or `open` (not called for now).',
  rpc_response_status_code: 'JSON-RPC error code of the answer; empty where it has none.',
  server: 'Name of the server behind, as configured.',
  state: '`starting`, `ready`, `degraded`, `pending-input`, `pending-auth`, `failed` or `stopped`.',
  to: '`syslog` or `http`.',
  tool: 'Name of the tool, as policy knows it.',
  tool_name: 'Name of the tool, as policy knows it.',
  transport: 'Transport to the server.',
  version:
    'Protocol version spoken with the server; of `mcpx_build_info` the version of the gateway.',
};
