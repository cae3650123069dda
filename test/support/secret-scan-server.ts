// A scripted stdio server of either era that tells all it knows, wherever it can: what stands in its environment, on its
// command line and in a file of texts. On its standard error from the start, and as each of its tools says.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

type Json = Record<string, unknown>;

interface Request {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Json };
  readonly result?: unknown;
}

const { values } = parseArgs({
  strict: false,
  options: {
    era: { type: 'string', default: 'legacy' },
    says: { type: 'string' },
    exits: { type: 'boolean', default: false },
  },
});
const isModern = values.era === 'modern';
const COMMON = new Set(['PATH', 'HOME', '__CF_USER_TEXT_ENCODING']);

/** What the entry of this server entrusts to it, in the forms in which programs print such things. */
function given(): string[] {
  const own = Object.entries(process.env).filter(([name]) => !COMMON.has(name));
  const lines = own.flatMap(([name, value = '']) => [
    `${name}=${value}`,
    `connected as ${value}.`,
    `GET /path?q=${encodeURIComponent(value)}`,
    `config ${JSON.stringify({ name, value })} ${JSON.stringify(JSON.stringify({ value }))}`,
    `Authorization: Basic ${Buffer.from(`user:${value}`).toString('base64')}`,
  ]);
  return [...lines, `run as: ${process.argv.slice(2).join(' ')}`];
}

/** What it says of its own accord: texts from a file, one of which may be longer than what is kept of it. */
function said(): string[] {
  return saying().server;
}

function saying(): { readonly server: string[]; readonly results: string[] } {
  const empty = '{"server":[],"results":[]}';
  const text = typeof values.says === 'string' ? readFileSync(values.says, 'utf8') : empty;
  return JSON.parse(text) as ReturnType<typeof saying>;
}

const all = (): string[] => [...given(), ...said()];

function write(message: Json): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function complain(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
}

function answer(id: Request['id'], result: Json): void {
  write({ id, result: isModern ? { resultType: 'complete', ...result } : result });
}

function text(value: string): Json {
  return { content: [{ type: 'text', text: value }] };
}

const DISCOVERED = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, logging: {} },
  serverInfo: { name: 'loud', version: '1' },
};

let asked: Request['id'];

const TOOLS: Readonly<Record<string, (id: Request['id'], args: Json) => void>> = {
  stderr: (id, args) => {
    complain([...all(), `tools/call ${JSON.stringify({ arguments: args })}`]);
    answer(id, text('complained'));
  },
  noise: (id) => {
    for (const line of all()) process.stdout.write(`${line}\n${JSON.stringify({ line })}\n`);
    answer(id, text('made noise'));
  },
  log: (id) => {
    answer(id, text('will log'));
    for (const line of all()) {
      const params = { level: 'info', data: line };
      setTimeout(() => write({ method: 'notifications/message', params }), 20);
    }
  },
  late: (id) => {
    for (const line of said()) {
      write({ id: line, result: {} });
      write({ method: `notifications/${line}`, params: { line } });
    }
    answer(id, text('answered others'));
  },
  rpc_error: (id, args) => {
    const error = {
      code: -32_000,
      message: `no: ${given().join('\n')}`,
      data: { given: given(), args },
    };
    write({ id, error });
  },
  is_error: (id) => answer(id, { ...text(`no: ${given().join('\n')}`), isError: true }),
  is_structured_error: (id) =>
    answer(id, { content: [], structuredContent: { why: given() }, isError: true }),
  own_error: (id) => write({ id, error: { code: -32_001, message: 'no', data: null } }),
  echo: (id, args) => answer(id, { ...text(JSON.stringify(args)), structuredContent: args }),
  tell: (id) => answer(id, text(saying().results.join(' '))),
  tell_error: (id) => answer(id, { ...text(saying().results.join(' ')), isError: true }),
  tell_rpc_error: (id) =>
    write({
      id,
      error: { code: -32_002, message: saying().results.join(' '), data: saying().results },
    }),
  tell_structured: (id) =>
    answer(id, { content: [], structuredContent: { ...saying(), server: [] } }),
  slow: (id) => void setTimeout(() => answer(id, text('late')), 60_000),
  exit: () => {
    complain(all());
    process.exit(3);
  },
  ask: (id) => {
    asked = id;
    const requestedSchema = { type: 'object', properties: { password: { type: 'string' } } };
    write({
      id: 'ask',
      method: 'elicitation/create',
      params: { message: 'Password?', requestedSchema },
    });
  },
};

const METHODS: Readonly<Record<string, (request: Request) => void>> = {
  ...(isModern ? { 'server/discover': ({ id }) => answer(id, DISCOVERED) } : {}),
  ...(isModern ? {} : { initialize: ({ id }) => answer(id, INITIALIZED) }),
  'tools/list': ({ id }) =>
    answer(id, {
      tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema: { type: 'object' } })),
    }),
  'tools/call': ({ id, params }) => TOOLS[params?.name ?? '']?.(id, params?.arguments ?? {}),
  'logging/setLevel': ({ id }) => answer(id, {}),
  ping: ({ id }) => answer(id, {}),
};

function receive(request: Request): void {
  const { id, method, result } = request;
  if (id === 'ask') {
    answer(asked, text(`was told ${JSON.stringify(result)}`));
    return;
  }
  if (id === undefined) return;
  const known = METHODS[method ?? ''];
  if (known !== undefined) known(request);
  else write({ id, error: { code: -32_601, message: 'Method not found' } });
}

complain(all());
if (values.exits === true) process.exit(5);
let rest = '';
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) receive(JSON.parse(line) as Request);
});
