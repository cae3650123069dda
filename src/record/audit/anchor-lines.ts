import type { Anchor } from './ports.ts';
import { recordOf } from './parsed-line.ts';
import type { Proof } from './verify.ts';

/** An anchor as a line to be kept elsewhere: what it says for people, and the signed lines that prove it. */
export function anchorLine({
  chain,
  state,
  segment,
  seq,
  hash,
  at,
  proof,
  retirements,
}: Anchor): string {
  const proofs = [proof, ...retirements].filter((text) => text !== undefined);
  return JSON.stringify({
    chain,
    state,
    segment,
    seq,
    hash,
    at: new Date(at).toISOString(),
    proofs,
  });
}

/** The signed lines among anchors that were kept as lines. Throws, naming the line, where one is none. */
export function proofsIn(text: string, source: string): Proof[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const proofs = recordOf(line)?.['proofs'];
    if (!Array.isArray(proofs))
      throw new Error(`line ${index + 1} is no anchor; "mcpx audit anchors" prints some`);
    return proofsOf(
      proofs.filter((proof) => typeof proof === 'string'),
      `${source}:${index + 1}`,
    );
  });
}

/** The signed lines of anchors. */
export function proofsOf(texts: readonly string[], source: string): Proof[] {
  return texts.map((text) => ({ text, source }));
}
