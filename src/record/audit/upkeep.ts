import type { AuditPlan } from '../../kernel/record-plan.ts';
import type { AuditWriter } from './audit-writer.ts';
import { AuditVerifier } from './keys.ts';
import { settleLostChains } from './lost-chains.ts';
import type { OpenChain } from './open-chain.ts';
import type { AuditPorts } from './ports.ts';
import { retire } from './retention.ts';

/** What keeping an audit in order needs. */
export interface UpkeepTerms {
  readonly folder: string;
  readonly ports: AuditPorts;
  plan(): AuditPlan;
  now(): number;
  /** Told of chains whose process ended without a word. */
  onLost(chains: readonly string[]): void;
  onError(error: unknown): void;
}

const EVERY_MS = 60 * 60 * 1000;
const RETRY_MS = 5000;

/** What is done beside writing: settles chains that were lost, and removes what is not to be kept longer. One at a time. */
export class Upkeep {
  readonly #terms: UpkeepTerms;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isDue = false;
  #isSettled = false;
  #isStopped = false;

  constructor(terms: UpkeepTerms) {
    this.#terms = terms;
  }

  /** Sees to everything; once more where that is being done. */
  run(writer: AuditWriter, open: OpenChain): void {
    if (this.#isStopped) return;
    this.#timer ??= setInterval(() => this.run(writer, open), EVERY_MS).unref();
    this.#isDue = true;
    this.#running ??= this.#runWhileDue(writer, open).finally(() => {
      this.#running = undefined;
    });
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
  }

  /** Resolves when nothing is being done. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #runWhileDue(writer: AuditWriter, open: OpenChain): Promise<void> {
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false;
      try {
        await this.#run(writer, open);
      } catch (error) {
        this.#terms.onError(error);
        this.#retry ??= setTimeout(() => {
          this.#retry = undefined;
          this.run(writer, open);
        }, RETRY_MS).unref();
      }
    }
  }

  async #run(writer: AuditWriter, { id, anchors }: OpenChain): Promise<void> {
    const { folder, ports } = this.#terms;
    const verifier = new AuditVerifier(ports.keys().map(({ publicKey }) => publicKey));
    const shared = { folder, anchors, lives: ports.lives, verifier, own: id };
    if (!this.#isSettled) {
      const state = (lost: object) => writer.state('chain-lost', { lost: { ...lost } });
      const lost = await settleLostChains({ ...shared, state });
      this.#isSettled = true;
      if (lost.length > 0) this.#terms.onLost(lost);
    }
    await retire({
      ...shared,
      retention: this.#terms.plan().retention,
      now: () => this.#terms.now(),
      state: (retired) => writer.state('retired', { retired }),
      onError: (error) => this.#terms.onError(error),
    });
  }
}
