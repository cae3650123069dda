import { Worker } from 'node:worker_threads';

import { Refusal } from '../../kernel/refusals.ts';
import type { UsageAnswer } from '../../kernel/usage.ts';
import type { FileQuery } from './sqlite-answer.ts';

/** What the thread found. */
export type Found =
  | { readonly answer: UsageAnswer }
  | { readonly refused: string | undefined }
  | { readonly failed: string };

const MOST_MS = 30_000;
/** Who asks once soon asks again. */
const IDLE_MS = 30_000;
const MAX_HEAP_MB = 512;
const YOUNG_HEAP_MB = 12;

/**
 * Answers queries from files in a thread of its own, one after the other: what runs here meanwhile is not held up. The thread is
 * started by a query, and ended when there was none for half a minute. It keeps no process alive.
 */
export class SqliteThread {
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** Rejects as `answerFromFile` throws, and where it takes longer than half a minute. */
  ask(query: FileQuery): Promise<UsageAnswer> {
    const answer = this.#last.then(() => this.#ask(query));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the thread; what is asked and not answered is answered that it failed. */
  async close(): Promise<void> {
    await this.#end();
    await this.#last;
    await this.#end();
  }

  async #ask(query: FileQuery): Promise<UsageAnswer> {
    clearTimeout(this.#idle);
    this.#worker ??= start();
    const found = await foundBy(this.#worker, query);
    this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
    if ('answer' in found) return found.answer;
    if ('refused' in found) throw new Refusal('PARAMS_INVALID', found.refused);
    // Nobody knows what it does now.
    await this.#end();
    throw new Error(found.failed);
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function start(): Worker {
  // Tests run the sources, the product what was made of them.
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./sqlite-worker.${ending}`, import.meta.url), {
    name: 'usage',
    env: {},
    resourceLimits: {
      maxOldGenerationSizeMb: MAX_HEAP_MB,
      maxYoungGenerationSizeMb: YOUNG_HEAP_MB,
    },
  });
  worker.unref();
  return worker;
}

async function foundBy(worker: Worker, query: FileQuery): Promise<Found> {
  const { promise, resolve } = Promise.withResolvers<Found>();
  const fail = (failed: string): void => resolve({ failed });
  const onError = (error: unknown): void =>
    fail(error instanceof Error ? error.message : String(error));
  const onExit = (): void => fail('its thread ended');
  const timer = setTimeout(() => fail(`it took longer than ${MOST_MS} ms`), MOST_MS).unref();
  worker.once('message', resolve).once('error', onError).once('exit', onExit);
  worker.postMessage(query, []);
  const found = await promise;
  clearTimeout(timer);
  worker.off('message', resolve).off('error', onError).off('exit', onExit);
  return found;
}
