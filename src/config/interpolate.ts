import type { LookUp } from './environment.ts';

/** A text with its references replaced. */
export interface Interpolation {
  readonly text: string;
  /** Names of variables that are not set and have no default. */
  readonly missing: readonly string[];
  /** Whether something that begins like a reference is none, and was left as it is. */
  readonly hasOddity: boolean;
}

// `$${` stands for a literal `${`; a `${` that closes nowhere, or only after another one, is odd.
const REFERENCE = /\$\$\{|\$\{([^{}]*)\}|\$\{/g;
const VARIABLE = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s;

/** Replaces ${NAME}, ${NAME:-default} and ${env:NAME} by variables; the default holds for unset and empty ones. */
export function interpolate(text: string, lookUp: LookUp): Interpolation {
  const missing: string[] = [];
  let hasOddity = false;
  const replaced = text.replaceAll(REFERENCE, (reference: string, captured?: string) => {
    const inside = captured ?? '';
    if (reference === '$${') return '${';
    const [, name, fallback] = VARIABLE.exec(inside) ?? [];
    if (name !== undefined) {
      const value = lookUp(name);
      if (fallback !== undefined) return value || fallback;
      if (value === undefined) missing.push(name);
      return value ?? '';
    }
    // Editors put ${input:...} to their user as a question; the text itself is never meant.
    if (inside.startsWith('input:')) missing.push(inside);
    else hasOddity = true;
    return reference;
  });
  return { text: replaced, missing, hasOddity };
}
