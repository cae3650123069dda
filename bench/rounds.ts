import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import type { LoadFigures } from './load/main.ts';
import type { Order } from './load/order.ts';
import { benchFile, type Subject } from './sides/subject.ts';

/** All rounds of one subject, in the order they ran. */
export interface Series {
  readonly name: string;
  readonly rounds: LoadFigures[];
}

const run = promisify(execFile);

/** Puts load on a subject once, from a process of its own. */
export async function loadOnce(subject: Subject, load: Partial<Order>): Promise<LoadFigures> {
  const { port, path, key, pid, prefix, client, command } = subject;
  const tool = `${prefix}${load.operation === 'steps' ? 'steps' : 'echo'}`;
  const reach = { port, path, key, pid, tool, command, ...(client !== undefined && { client }) };
  const order: Partial<Order> = { ...load, ...reach };
  const { stdout } = await run(
    process.execPath,
    [benchFile('load/main.ts'), JSON.stringify(order)],
    { timeout: (load.seconds ?? 3) * 1000 + 90_000 },
  );
  return JSON.parse(stdout) as LoadFigures;
}

/**
 * Rounds in turn, A B A B, so that a slow moment of the machine meets all sides. With `onBroken` a side that breaks under
 * the load is left out from then on, and told there.
 */
export async function interleave(
  subjects: readonly Subject[],
  { count, load }: { count: number; load: Partial<Order> },
  onBroken?: (subject: Subject, reason: string) => void,
): Promise<Series[]> {
  const series = subjects.map((subject) => ({ subject, rounds: [] as LoadFigures[] }));
  const broken = new Set<Subject>();
  const oneRound = async ({ subject, rounds }: (typeof series)[number]): Promise<void> => {
    try {
      rounds.push(await loadOnce(subject, load));
    } catch (error) {
      if (onBroken === undefined) throw error;
      broken.add(subject);
      onBroken(subject, reasonOf(error));
    }
  };
  for (let round = 0; round < count; round += 1) {
    for (const each of series) if (!broken.has(each.subject)) await oneRound(each);
  }
  return series.flatMap(({ subject: { name }, rounds }) =>
    rounds.length === 0 ? [] : [{ name, rounds }],
  );
}

/** Why something failed, in one line and without the paths of this machine. */
export function reasonOf(error: unknown): string {
  const { stderr = '', message = '' } = error as { stderr?: string; message?: string };
  const text = stderr === '' ? message : stderr;
  return (/^\w*Error: .*/m.exec(text)?.[0] ?? text.split('\n')[0] ?? '').slice(0, 300);
}
