import type { Principal } from '../kernel/principal.ts';

const MAX_TASKS = 10_000;

/** Who made which task, the oldest forgotten: a server knows one gateway, and tells it of the tasks of all its callers (docs/rules.md R12). */
export class TaskMakers {
  readonly #makers = new Map<string, string>();

  /** A principal's call became a task. */
  note(upstream: string, principal: Principal, taskId: string): void {
    const key = keyOf(upstream, taskId);
    this.#makers.delete(key);
    this.#makers.set(key, principal.key);
    if (this.#makers.size <= MAX_TASKS) return;
    const [oldest] = this.#makers.keys();
    if (oldest !== undefined) this.#makers.delete(oldest);
  }

  /** Whether a principal made a task. One whose maker is forgotten is shown to whoever is at this machine, where nobody need prove anything. */
  isMadeBy(upstream: string, principal: Principal, taskId: string): boolean {
    const maker = this.#makers.get(keyOf(upstream, taskId));
    if (maker !== undefined) return maker === principal.key;
    return principal.proof === 'local' && principal.key === principal.credential;
  }
}

function keyOf(upstream: string, taskId: string): string {
  return `${upstream}\0${taskId}`;
}
