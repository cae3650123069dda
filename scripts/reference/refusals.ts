import { REFUSALS } from '../../src/kernel/refusals.ts';
import { code, page, table } from './markdown.ts';

/** The page of every way the gateway itself says no. */
export function refusalsPage(): string {
  const rows = Object.entries(REFUSALS).map(([name, row]) => [
    code(name),
    String(row.http),
    String(row.rpc),
    row.sentence,
    row.remedy,
  ]);
  return page('Refusals', [
    'Every error of the gateway itself, as opposed to those of the servers behind it. The HTTP status holds while nothing',
    'was sent; in a stream that has begun, the error comes as a JSON-RPC response alone. The error holds the code in',
    '`data.refusal` and what to do in `data.remedy`.',
    '',
    'Within a session (protocol versions up to 2025-11-25) every request is answered with 200, whatever its error, for clients',
    'of that time take any other status for a broken connection; only INSUFFICIENT_SCOPE keeps its status.',
    '',
    table(['Code', 'HTTP', 'JSON-RPC', 'What happened', 'What to do'], rows),
  ]);
}
