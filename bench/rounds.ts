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

/** Rounds in turn, A B A B, so that a slow moment of the machine meets all sides. */
export async function interleave(
  subjects: readonly Subject[],
  count: number,
  load: Partial<Order>,
): Promise<Series[]> {
  const series = subjects.map((subject): Series => ({ name: subject.name, rounds: [] }));
  for (let round = 0; round < count; round += 1) {
    for (const [index, subject] of subjects.entries())
      series[index]?.rounds.push(await loadOnce(subject, load));
  }
  return series;
}
