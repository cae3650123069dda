import { existsSync, readFileSync } from 'node:fs';
import type { JournalLine, Stage } from '../fixture/journal.ts';
import { eventually, processOf } from './processes.ts';

const WITHIN_MS = 10_000;

/** What became of the calls that reached servers behind the gateway, told by the servers themselves. */
export class Journal {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  lines(): JournalLine[] {
    if (!existsSync(this.file)) return [];
    return (
      readFileSync(this.file, 'utf8')
        .split('\n')
        // The last line may still be on its way.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as JournalLine)
    );
  }

  /** What became of the calls with one tag, in order. */
  stagesOf(tag: string): Stage[] {
    return this.lines()
      .filter((line) => line.tag === tag)
      .map(({ stage }) => stage);
  }

  /** How many calls with one tag a server has begun. */
  begun(tag: string): number {
    return this.stagesOf(tag).filter((stage) => stage === 'began').length;
  }

  /** The tags of calls that still run, of one tag or of all: a call of a process that is gone runs no more. */
  running(tag?: string): string[] {
    const open = new Map<string, number>();
    for (const { pid, tag: name, stage } of this.lines()) {
      if (tag !== undefined && name !== tag) continue;
      const key = JSON.stringify([pid, name]);
      open.set(key, (open.get(key) ?? 0) + (stage === 'began' ? 1 : -1));
    }
    return [...open].flatMap(([key, count]) => {
      const [pid, name] = JSON.parse(key) as [number, string];
      return count > 0 && isAlive(pid) ? [name] : [];
    });
  }

  /** Waits until a server has begun a call. */
  async untilBegun(tag: string, count = 1): Promise<void> {
    await eventually(
      `${tag} was begun`,
      WITHIN_MS,
      () => this.begun(tag) >= count,
      () => this.stagesOf(tag),
    );
  }

  /** Waits until no call with that tag runs; with `how`, until the last one came to that, or its process is gone. */
  async untilOver(tag: string, how?: Stage): Promise<void> {
    await eventually(
      `no call of ${tag} runs upstream`,
      WITHIN_MS,
      () => this.begun(tag) > 0 && this.running(tag).length === 0,
      () => this.stagesOf(tag),
    );
    const last = this.stagesOf(tag).at(-1);
    if (how !== undefined && last !== how && last !== 'began')
      throw new Error(`${tag} came to "${String(last)}", not to "${how}"`);
  }

  /** Fails if any call still runs after a while: an orphan. */
  async assertNoOrphan(): Promise<void> {
    await eventually(
      'no call runs upstream',
      WITHIN_MS,
      () => this.running().length === 0,
      () => this.running(),
    );
  }
}

function isAlive(pid: number): boolean {
  const found = processOf(pid);
  return found !== undefined && found.state !== 'Z';
}
