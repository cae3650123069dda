import type { TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';

import type { Entry } from '../../../../src/kernel/entry.ts';
import type { TokensPlan } from '../../../../src/kernel/record-plan.ts';
import type { Spending } from '../../../../src/kernel/spending.ts';
import { startTokenWorker } from '../../../../src/record/tokens/counting-worker.ts';
import { TokenDesk } from '../../../../src/record/tokens/token-desk.ts';
import { entryOf } from '../entries.ts';
import { tokensPlan } from './plans.ts';

/** A desk with its real thread at hand, closed with the test. */
export interface DeskScene {
  readonly desk: TokenDesk;
  /** Threads started so far. */
  readonly workers: readonly Worker[];
  readonly faults: readonly string[];
  plan: TokensPlan;
}

/** Opens a desk. */
export function deskScene(
  t: TestContext,
  changes: Partial<TokensPlan> = {},
  idleMs?: number,
): DeskScene {
  const workers: Worker[] = [];
  const faults: string[] = [];
  const scene: DeskScene = {
    workers,
    faults,
    plan: tokensPlan({ model: { provider: 'openai', id: 'gpt-5' }, ...changes }),
    desk: new TokenDesk({
      plan: () => scene.plan,
      onFault: (why) => faults.push(why),
      ...(idleMs === undefined ? {} : { idleMs }),
      startWorker: () => {
        const worker = startTokenWorker();
        workers.push(worker);
        return worker;
      },
    }),
  };
  // The desk keeps no process alive, and nothing else does while a test waits for it.
  const alive = setInterval(() => undefined, 1000);
  t.after(async () => {
    await scene.desk.close();
    clearInterval(alive);
  });
  return scene;
}

/** An entry whose result is one text, and which has no arguments but those given. */
export function answering(text: string, changes: Partial<Entry> = {}): Entry {
  const result = { content: [{ type: 'text', text }] };
  return entryOf({ args: undefined, resultChars: text.length, result, ...changes });
}

/** Settles an entry; resolves with what `done` was called with. */
export function settled(desk: TokenDesk, entry: Entry): Promise<Spending | undefined> {
  return new Promise((resolve) => {
    desk.settle(entry, resolve);
  });
}

/** Settles entries together; resolves when each was told of at least once, with how often each was told. */
export function settledAll(
  desk: TokenDesk,
  entries: readonly Entry[],
): Promise<{
  readonly calls: readonly number[];
  readonly spent: readonly (Spending | undefined)[];
}> {
  const calls = entries.map(() => 0);
  const spent: (Spending | undefined)[] = [];
  return new Promise((resolve) => {
    let left = entries.length;
    for (const [place, entry] of entries.entries())
      desk.settle(entry, (spending) => {
        calls[place] = (calls[place] ?? 0) + 1;
        spent[place] = spending;
        left -= 1;
        if (left === 0) setImmediate(() => resolve({ calls, spent }));
      });
  });
}
