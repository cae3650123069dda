import type { Supplier } from './snapshot.ts';

const SEPARATOR = '\n\n';
const CUT = '…';
const encoder = new TextEncoder();

/** The instructions of all servers, each under its server's name, within a number of UTF-8 bytes; undefined when there are none. */
export function joinedInstructions(
  suppliers: readonly Supplier[],
  maxBytes: number,
): string | undefined {
  const sections = suppliers.flatMap(({ name, inventory }) => {
    const text = inventory.facts.instructions?.trim() ?? '';
    return text === '' ? [] : [`# ${name}${SEPARATOR}${text}`];
  });
  const whole = sections.join(SEPARATOR);
  if (whole === '') return undefined;
  if (encoder.encode(whole).length <= maxBytes) return whole;
  const room = new Uint8Array(Math.max(0, maxBytes - encoder.encode(CUT).length));
  // Only whole characters are written, so a pair of surrogates is not cut in two.
  const { read } = encoder.encodeInto(whole, room);
  return read === 0 ? undefined : `${whole.slice(0, read)}${CUT}`;
}
