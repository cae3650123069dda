// A scripted legacy server on stdio that gets lost in calls. Every call adds a line to the file named by --journal, across all
// its processes; the first `times` calls of each name end the process. What a call does before that is in its name.
import { appendFileSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

type Json = Record<string, unknown>;

const { values } = parseArgs({
  options: { journal: { type: 'string', default: '' }, times: { type: 'string', default: '1' } },
});

/** Every server of a test has one of its own. */
const RESOURCE = `test://${basename(values.journal)}`;
const READ_ONLY = { annotations: { readOnlyHint: true } };
const TOOLS = [
  { name: 'plain' },
  { name: 'read', ...READ_ONLY },
  { name: 'put', annotations: { idempotentHint: true } },
  { name: 'cautious', annotations: { readOnlyHint: false, idempotentHint: false } },
  { name: 'progress', ...READ_ONLY },
  { name: 'log', ...READ_ONLY },
  { name: 'ask', ...READ_ONLY },
  { name: 'task', ...READ_ONLY, execution: { taskSupport: 'optional' } },
];

const RESULTS: Readonly<Record<string, Json>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: {
      tools: {},
      prompts: {},
      resources: {},
      completions: {},
      logging: {},
      tasks: { requests: { tools: { call: {} } } },
    },
    serverInfo: { name: 'lossy', version: '1.0.0' },
  },
  ping: {},
  'logging/setLevel': {},
  'tools/list': { tools: TOOLS.map((tool) => ({ ...tool, inputSchema: { type: 'object' } })) },
  'prompts/list': { prompts: [{ name: 'prompt' }] },
  'resources/list': { resources: [{ uri: RESOURCE, name: 'resource' }] },
  'resources/templates/list': { resourceTemplates: [] },
};

function write(message: Json): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function ranBefore(name: string): number {
  try {
    const lines = readFileSync(values.journal, 'utf8').split('\n');
    return lines.filter((line) => line === name).length;
  } catch {
    return 0;
  }
}

const BEFORE: Readonly<Record<string, (params: Json) => void>> = {
  progress: ({ _meta }) => {
    const { progressToken } = (_meta ?? {}) as Json;
    write({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
  },
  log: () => {
    write({ method: 'notifications/message', params: { level: 'error', data: 'about to end' } });
  },
  ask: () => {
    const requestedSchema = { type: 'object', properties: {} };
    const params = { message: 'Well?', requestedSchema };
    write({ id: 'question', method: 'elicitation/create', params });
  },
};

const ANSWERS: Readonly<Record<string, (text: string) => Json>> = {
  'tools/call': (text) => ({ content: [{ type: 'text', text }] }),
  'prompts/get': (text) => ({ messages: [{ role: 'user', content: { type: 'text', text } }] }),
  'resources/read': (text) => ({ contents: [{ uri: RESOURCE, text }] }),
  'completion/complete': (text) => ({ completion: { values: [text] } }),
};

function run(id: unknown, method: string, params: Json): void {
  const name = method === 'tools/call' ? String(params['name']) : method;
  const ran = ranBefore(name) + 1;
  appendFileSync(values.journal, `${name}\n`);
  if (ran > Number(values.times)) {
    write({ id, result: ANSWERS[method]?.(`ran ${ran} times`) });
    return;
  }
  BEFORE[name]?.(params);
  // What it has said is to be heard first.
  if (BEFORE[name] === undefined) process.exit(1);
  setTimeout(() => process.exit(1), 400);
}

let rest = '';
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const { id, method, params = {} } = JSON.parse(line) as Json & { method?: string };
    if (id === undefined || method === undefined) continue;
    if (ANSWERS[method] !== undefined) run(id, method, params as Json);
    else if (RESULTS[method] !== undefined) write({ id, result: RESULTS[method] });
    else write({ id, error: { code: -32601, message: 'Method not found' } });
  }
});
