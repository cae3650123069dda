import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isObject, type JsonObject } from '../kernel/json.ts';

/** One line of an audit log; `record` is undefined where it cannot be read. */
export interface AuditLine {
  readonly file: string;
  /** 1-based. */
  readonly number: number;
  readonly record: JsonObject | undefined;
}

/** No line that the audit log writes is longer. */
const MAX_LINE_CHARS = 4 * 1024 * 1024;

/**
 * The lines of one file, or of every `*.jsonl` of a folder by the order of their names, one at a time. Empty lines are left
 * out. Rejects with what the file system says.
 */
export async function* readAudit(path: string): AsyncGenerator<AuditLine> {
  const isFolder = (await stat(path)).isDirectory();
  const names = isFolder ? (await readdir(path)).filter((name) => name.endsWith('.jsonl')) : [];
  const files = isFolder ? names.sort().map((name) => join(path, name)) : [path];
  for (const file of files) {
    let number = 0;
    for await (const text of linesOf(file)) {
      number += 1;
      if (text !== '') yield { file, number, record: recordOf(text) };
    }
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  const chunks: AsyncIterable<string> = createReadStream(file, { encoding: 'utf8' });
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    // What is this long is no record; its end is all that is needed to count it.
    if (rest.length > MAX_LINE_CHARS) rest = '…';
  }
  yield rest;
}

function recordOf(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
