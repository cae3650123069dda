import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A line of the audit about an exchange, as far as eras are concerned. */
export interface AuditedExchange {
  readonly id: string;
  readonly callId?: string;
  readonly method: string;
  readonly era: string;
  readonly client?: string;
  readonly server?: string;
  readonly target?: string;
  readonly outcome: string;
}

/** What the audit under this data folder says by now about the exchanges of one client, the oldest first. */
export async function auditedOf(dataDir: string, client: string): Promise<AuditedExchange[]> {
  const folder = join(dataDir, 'audit');
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith('.jsonl')).toSorted();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts
    .join('')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Partial<AuditedExchange>)
    .filter((line): line is AuditedExchange => line.method !== undefined)
    .filter((line) => line.client?.startsWith(client) === true);
}
