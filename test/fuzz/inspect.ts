import { kindOf } from '../../src/kernel/json-rpc.ts';
import type { HttpAnswer } from './answer-reader.ts';

/** Planted where only the gateway knows it: in its environment, in headers to a server and in a server's environment. */
export const SECRET = 'qZ81-planted-and-never-told-4410';

/** The key that callers need. */
export const KEY = 'fuzz-key-0123456789abcdef';

const STATUSES = new Set([
  200, 202, 204, 400, 401, 403, 404, 405, 406, 408, 413, 415, 417, 429, 431, 503,
]);
const TRACE =
  /(?:\n|\\n)\s{2,}at (?:async )?[\w.<#[]|node:internal|dist\/[\w/-]+\.js:\d|Unhandled|uncaught/iu;
const INTERNAL = /"refusal":"INTERNAL"/u;

/** What is wrong with a text that the gateway has written; undefined where nothing is. */
export function faultOfText(text: string): string | undefined {
  if (text.includes(SECRET)) return 'a planted secret is told';
  if (INTERNAL.test(text)) return 'an INTERNAL refusal';
  const trace = TRACE.exec(text);
  if (trace !== null) return `a stack trace: ${text.slice(trace.index, trace.index + 300)}`;
  return undefined;
}

/** What is wrong with a line of the log; what servers write to their standard error is theirs. */
export function faultOfLog(line: string): string | undefined {
  if (line.includes('a request crashed') || line.includes('"outcome":"crashed"')) return line;
  if (!line.includes('"layer":"upstream"')) return faultOfText(line);
  return line.includes(SECRET) ? 'a planted secret is told' : undefined;
}

/** What is wrong with an answer over HTTP, besides what is wrong with its text. */
export function faultOfAnswer(answer: HttpAnswer, isPage: boolean): string | undefined {
  const { status, headers, body } = answer;
  if (!STATUSES.has(status)) return `status ${status}`;
  const type = headers.get('content-type') ?? '';
  const text = Buffer.from(body, 'latin1').toString('utf8');
  const fault = faultOfText(text) ?? faultOfText([...headers].flat().join('\n'));
  if (fault !== undefined) return fault;
  if (body === '' || body === '{"status":"OK"}') return undefined;
  if (type.startsWith('text/event-stream')) return faultOfEvents(text);
  if (isPage && status === 200) return undefined;
  if (!type.startsWith('application/json')) return `content type "${type}"`;
  return answer.isWhole ? faultOfJson(text) : undefined;
}

/** What is wrong with a line or a body that must be JSON-RPC. */
export function faultOfJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `no JSON: ${text.slice(0, 200)}`;
  }
  const messages: unknown[] = Array.isArray(value) ? value : [value];
  const odd = messages.find((message) => kindOf(message) === undefined);
  return odd === undefined ? undefined : `no JSON-RPC: ${JSON.stringify(odd).slice(0, 200)}`;
}

function faultOfEvents(text: string): string | undefined {
  // A block that is not finished is not judged.
  for (const block of text.split('\n\n').slice(0, -1)) {
    const lines = block.split('\n');
    const odd = lines.find((line) => !/^(?::|data: |id: |event: |retry: \d)/u.test(line));
    if (odd !== undefined) return `no event: ${odd.slice(0, 200)}`;
    const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length) ?? '';
    const fault = data === '' || data.startsWith('/') ? undefined : faultOfJson(data);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
