import { usageQuery } from '../admin/usage-query.ts';
import { usageJson } from '../admin/usage.ts';
import type { Plan } from '../kernel/plan.ts';
import type { UsageAnswer, UsageQuery } from '../kernel/usage.ts';
import { answerFromFile } from '../store/usage/sqlite-answer.ts';
import { clock } from './clock.ts';
import { usageFile, usageStore } from './usage-store.ts';

/** What was asked, and the answer. */
export interface UsageTold {
  readonly query: UsageQuery;
  readonly answer: UsageAnswer;
}

/** Tells of usage beside a running gateway, or without one. */
export class UsageDesk {
  readonly #plan: Plan;
  readonly #dataDir: string;

  constructor(plan: Plan, dataDir: string) {
    this.#plan = plan;
    this.#dataDir = dataDir;
  }

  /** Whether usage is counted at all under this plan. */
  get isOn(): boolean {
    return this.#plan.usage.isOn;
  }

  /**
   * The answer to the question in some parameters, those of `GET /admin/usage`. Rejects with PARAMS_INVALID, naming the option, for
   * what cannot be answered, and with Error where usage cannot be read.
   */
  async ask(params: URLSearchParams): Promise<UsageTold> {
    const now = clock();
    const query = usageQuery(params, now, optionOf);
    return { query, answer: await this.#answer(query, now) };
  }

  async #answer(query: UsageQuery, now: number): Promise<UsageAnswer> {
    const { usage } = this.#plan;
    // Nothing else is to be done meanwhile: no thread is needed.
    if (usage.database === undefined)
      return answerFromFile({
        file: usageFile(this.#dataDir),
        query,
        now,
        retention: usage.retention,
      });
    const store = usageStore({ dataDir: this.#dataDir, plan: () => usage, now: () => now });
    try {
      return await store.query(query);
    } finally {
      await store.close();
    }
  }
}

/** What was told, as the JSON of `GET /admin/usage`. */
export function usageToldJson({ query, answer }: UsageTold): object {
  return usageJson(query, answer);
}

function optionOf(parameter: string): string {
  return `--${parameter.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
