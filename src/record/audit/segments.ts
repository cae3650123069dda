import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { parseSegmentFile, plainFileDate, type SegmentName } from './segment-name.ts';

/** One file of a chain. */
export interface Segment extends SegmentName {
  readonly file: string;
  readonly path: string;
}

/** One file whose lines are not chained. */
export interface PlainFile {
  readonly file: string;
  readonly path: string;
  /** UTC, `YYYY-MM-DD`; undefined where its name has none. */
  readonly date: string | undefined;
}

/** What lies in the folder of an audit. */
export interface AuditFolder {
  /** Segments by chain, each in the order of their numbers. */
  readonly chains: ReadonlyMap<string, readonly Segment[]>;
  /** Other files of lines. */
  readonly plain: readonly PlainFile[];
}

/** Lists the folder of an audit; empty where there is none. Rejects with what else the file system says. */
export async function listAudit(folder: string): Promise<AuditFolder> {
  const chains = new Map<string, Segment[]>();
  const plain: PlainFile[] = [];
  for (const file of (await filesIn(folder)).toSorted()) {
    const path = join(folder, file);
    const name = parseSegmentFile(file);
    if (name === undefined) {
      if (file.endsWith('.jsonl')) plain.push({ file, path, date: plainFileDate(file) });
      continue;
    }
    const segments = chains.get(name.chain) ?? [];
    segments.push({ ...name, file, path });
    chains.set(name.chain, segments);
  }
  for (const segments of chains.values()) segments.sort((a, b) => a.number - b.number);
  return { chains, plain };
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
