import { getEncoding, type TiktokenEncoding } from 'js-tiktoken';

const encodings = new Map<TiktokenEncoding, ReturnType<typeof getEncoding>>();

/** How many tokens the reference tokeniser finds, special tokens being text. */
export function referenceCount(text: string, encoding: TiktokenEncoding = 'o200k_base'): number {
  const present = encodings.get(encoding) ?? getEncoding(encoding);
  encodings.set(encoding, present);
  return present.encode(text, [], []).length;
}
