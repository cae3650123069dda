import { stat } from 'node:fs/promises';

import type { JsonObject } from '../../kernel/json.ts';
import { recordOf } from './parsed-line.ts';
import { ForwardLines, MAX_LINE_BYTES } from './read-lines.ts';
import { listAudit } from './segments.ts';

/** One line of an audit; `record` is undefined where it cannot be read. */
export interface AuditLine {
  readonly file: string;
  /** 1-based. */
  readonly number: number;
  readonly record: JsonObject | undefined;
}

/**
 * The lines of one file, or of all files of an audit's folder, those of earlier versions too, by date; one at a time. Empty lines
 * are left out. Rejects with what the file system says.
 */
export async function* readAudit(path: string): AsyncGenerator<AuditLine> {
  const isFolder = (await stat(path)).isDirectory();
  for (const file of isFolder ? await filesOf(path) : [path]) {
    const lines = new ForwardLines(file);
    let number = 0;
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      number += 1;
      const { bytes } = line;
      if (bytes.length === 0) continue;
      yield { file, number, record: bytes.length > MAX_LINE_BYTES ? undefined : recordOf(bytes) };
    }
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const { chains, plain } = await listAudit(folder);
  const files = [...plain, ...[...chains.values()].flat()];
  const keyOf = ({ date, file }: (typeof files)[number]): string => `${date ?? ''} ${file}`;
  return files.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map(({ path }) => path);
}
