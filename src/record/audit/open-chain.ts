import type { JsonObject } from '../../kernel/json.ts';
import { Chain } from './chain.ts';
import { AuditSigner } from './keys.ts';
import { lifeOf, type Anchor, type Anchors, type AuditPorts } from './ports.ts';
import { segmentFile, type SegmentName } from './segment-name.ts';
import { SegmentedChain, type Seal } from './segmented-chain.ts';

/** Version of what a chain is made of. */
const FORMAT = 1;

/** What a chain is begun with. */
export interface ChainTerms {
  readonly ports: AuditPorts;
  /** How long its lines may wait in memory. */
  readonly flushMs: number;
  /** Length at which a segment ends. */
  maxBytes(): number;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The chain of this process, held as long as it lives. */
export class OpenChain {
  readonly id: string;
  readonly chain: SegmentedChain;
  readonly anchors: Anchors;
  /** What its first line says. */
  readonly begun: JsonObject;
  readonly #life: { release(): void };

  /** Begins a chain: names it, holds it, and adds it to those that are anchored. Throws, and leaves nothing, when that cannot be. */
  constructor(terms: ChainTerms) {
    const { ports, flushMs } = terms;
    this.id = ports.newChainId();
    const signer = new AuditSigner(ports.keys());
    const life = ports.lives.hold(lifeOf(this.id));
    if (life === undefined) throw new Error(`another process writes the chain ${this.id}`);
    this.#life = life;
    let anchors: Anchors | undefined;
    try {
      anchors = ports.openAnchors();
      this.begun = begunOf({ signer, flushMs, before: anchors.begin(this.id, terms.now()) });
      this.anchors = anchors;
    } catch (error) {
      life.release();
      anchors?.close();
      throw error;
    }
    this.chain = new SegmentedChain(new Chain(this.id, signer), () => terms.maxBytes());
  }

  fileOf(segment: SegmentName): string {
    return segmentFile(segment);
  }

  /** Notes outside the folder how far the chain has come. Throws when that cannot be written. */
  anchor({ event, segment, seq, hash, text, at }: Seal): void {
    const state = event === 'chain-ended' ? 'ended' : 'open';
    this.anchors.put({ chain: this.id, state, segment, seq, hash, at, proof: text });
  }

  /** Lets the chain go. */
  release(): void {
    this.anchors.close();
    this.#life.release();
  }
}

interface Beginning {
  readonly signer: AuditSigner;
  readonly flushMs: number;
  readonly before: Anchor | undefined;
}

/** Each chain names the one before it, so that none can be taken out whole. */
function begunOf({ signer, flushMs, before }: Beginning): JsonObject {
  const previous = before && { chain: before.chain, seq: before.seq, hash: before.hash };
  return { format: FORMAT, publicKey: signer.publicKey, flushMs, previous };
}
