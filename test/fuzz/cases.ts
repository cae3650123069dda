import { mutateBytes, type Latin } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';

/** A recorded or mutated HTTP request; texts in double braces stand for what is only known when it is sent. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** UTF-8 as one character a byte. */
  readonly body: Latin;
}

/** How a client leaves its connection. */
export type Ending = 'read' | 'half-close' | 'reset';

/** What one connection of a client sends. */
export interface HttpCase {
  readonly kind: 'http';
  /** All bytes, apart from what stands for something known later. */
  readonly bytes: Latin;
  /** How many answers must come, since so many requests are whole HTTP. */
  readonly due: number;
  readonly ending: Ending;
  /** Where the bytes are cut into writes, as shares of the whole. */
  readonly cuts: readonly number[];
}

/** Lines for the gateway as a client's own process. */
export interface StdioCase {
  readonly kind: 'stdio';
  readonly bytes: Latin;
}

/** A file of configuration that takes the place of the good one for a moment. */
export interface ConfigCase {
  readonly kind: 'config';
  readonly file: 'mcp.json' | 'app.yaml';
  readonly text: string;
}

/** Anything the fuzzer does to a gateway. */
export type Case = HttpCase | StdioCase | ConfigCase;

/** What can be sent that real clients have sent. */
export interface Corpus {
  readonly requests: readonly HttpRequest[];
  /** Bodies alone, as lines. */
  readonly bodies: readonly Latin[];
}

const PATHS = ['/mcp', '/sse', '/messages?sessionId={{sse}}', '/mcp/', '/mcp/tools', '//mcp', '/'];
const MORE_PATHS = [
  '/admin/servers',
  '/admin/audit',
  '/admin/usage',
  '/admin/limits',
  '/metrics',
  '/healthcheck',
  '/.well-known/oauth-protected-resource/mcp',
  '/mcp/%00',
  '/mcp/__proto__',
  '/%2e%2e/mcp',
  '/mcp?x=\u00ff',
  'http://127.0.0.1/mcp',
  '*',
];
const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'HEAD', 'PATCH', 'TRACE', 'M-SEARCH'];

const NAMES = [
  'Accept',
  'Content-Type',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Param-region',
  'Mcp-Param-__proto__',
  'Last-Event-ID',
  'Authorization',
  'x-lunar-api-key',
  'x-lunar-consumer-tag',
  'X-Forwarded-For',
  'Forwarded',
  'Origin',
  'Host',
  'traceparent',
  'tracestate',
  'baggage',
  'Content-Encoding',
  'Expect',
  'Connection',
  'Transfer-Encoding',
];

const VALUES = [
  '',
  ' ',
  '*/*',
  'text/event-stream',
  'application/json; charset=utf-16',
  'application/json;;;=',
  'gzip',
  '100-continue',
  'close',
  'Upgrade',
  'chunked',
  '{{session}}',
  '{{event}}',
  '{{session}}{{session}}',
  'Bearer ',
  'Bearer a.b.c',
  'Bearer eyJhbGciOiJub25lIn0.e30.',
  '127.0.0.1, unknown, [::1]:80, for="_x"',
  '1_0',
  '-1_-1',
  '99999999999999999999_1',
  '2026-07-28',
  '2025-11-25',
  '2025-03-26',
  '=?base64?AAAA?=',
  '=?base64?////?=',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'a=b,'.repeat(60),
  'x'.repeat(9000),
  '\u00ff\u00fe',
];

/** A case made of what was recorded. */
export function nextCase(random: Random, corpus: Corpus): HttpCase | StdioCase {
  return random.chance(0.12) ? stdioCase(random, corpus) : httpCase(random, corpus);
}

function stdioCase(random: Random, { bodies }: Corpus): StdioCase {
  const lines = Array.from({ length: 1 + random.below(4) }, () => random.pick(bodies));
  const mutated = lines.map((line) =>
    random.chance(0.7) ? mutateJson(line, random, bodies) : mutateBytes(line, random, bodies),
  );
  const text = mutated.map((line) => line.replaceAll(/[\r\n]+/gu, ' ')).join('\n');
  return { kind: 'stdio', bytes: random.chance(0.2) ? mutateBytes(text, random) : text };
}

function httpCase(random: Random, corpus: Corpus): HttpCase {
  const count = random.chance(0.85) ? 1 : 2 + random.below(4);
  const requests = Array.from({ length: count }, () => changed(random, corpus));
  const isWhole = random.chance(0.75);
  const text = requests.map((request) => written(request)).join('');
  const bytes = isWhole ? text : mutateBytes(text, random, corpus.bodies);
  const cuts = random.chance(0.7) ? [] : [random.next(), random.next()].map((n) => n / 2 ** 32);
  // A request that asks for another protocol or another framing leaves what follows to be read in other ways.
  const due = isWhole && requests.every((request) => isPlain(request)) ? requests.length : 0;
  return {
    kind: 'http',
    bytes,
    due,
    ending: endingOf(random, due > 0),
    cuts: cuts.toSorted((a, b) => a - b),
  };
}

function endingOf(random: Random, isDue: boolean): Ending {
  if (random.chance(0.15)) return 'reset';
  return isDue ? 'read' : 'half-close';
}

function changed(random: Random, corpus: Corpus): HttpRequest {
  let request = random.pick(corpus.requests);
  if (random.chance(0.6)) {
    request = { ...request, body: mutateJson(request.body, random, corpus.bodies) };
  } else if (random.chance(0.15)) {
    request = { ...request, body: mutateBytes(request.body, random, corpus.bodies) };
  }
  if (random.chance(0.1)) request = { ...request, body: random.pick(corpus.bodies) };
  if (random.chance(0.05)) request = { ...request, body: batch(random, corpus) };
  if (random.chance(0.2)) request = withHeader(request, random);
  if (random.chance(0.06)) request = { ...request, path: random.pick([...PATHS, ...MORE_PATHS]) };
  if (random.chance(0.04)) request = { ...request, method: random.pick(METHODS) };
  return request;
}

function batch(random: Random, { bodies }: Corpus): Latin {
  const parts = Array.from({ length: random.below(130) }, () => random.pick(bodies));
  return `[${parts.join(',')}]`;
}

function withHeader(request: HttpRequest, random: Random): HttpRequest {
  const { headers } = request;
  const at = random.below(headers.length);
  const [name = '', value = ''] = headers[at] ?? [];
  const other = random.chance(0.5) ? random.pick(VALUES) : lineOf(mutateBytes(value, random));
  switch (random.below(4)) {
    case 0:
      return { ...request, headers: headers.filter((_header, index) => index !== at) };
    case 1:
      return { ...request, headers: [...headers, [name, other]] };
    case 2:
      return { ...request, headers: [...headers, [random.pick(NAMES), random.pick(VALUES)]] };
    default:
      return { ...request, headers: headers.with(at, [name, other]) };
  }
}

/** A header's value has no line breaks, or it is several headers. */
function lineOf(value: string): string {
  return value.replaceAll(/[\r\n\0]/gu, '');
}

const FRAMING = new Set(['transfer-encoding', 'connection', 'content-length', 'expect', 'upgrade']);

/** Whether any HTTP server must see one request there. */
function isPlain({ method, path, headers }: HttpRequest): boolean {
  if (!['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH'].includes(method)) return false;
  if (!/^\/[!-~]*$/u.test(path)) return false;
  const names = headers.map(([name]) => name.toLowerCase());
  if (names.some((name) => FRAMING.has(name))) return false;
  return headers.every(([, value]) => /^[\t -~]*$/u.test(value));
}

/** The bytes of a request; its length is put in when it is sent. */
export function written({ method, path, headers, body }: HttpRequest): Latin {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${method} ${path} HTTP/1.1\r\n${lines}{{length:}}\r\n\r\n${body}{{:end}}`;
}
