import type { Variables } from './variables.ts';

const NAMES = ['API_KEY', 'AUTH_KEY'] as const;
const SHORTEST = 16;

/** A key many may share, and the variable it stands in. */
export interface SharedKey {
  readonly variable: (typeof NAMES)[number];
  readonly key: string;
}

/** The key in API_KEY or AUTH_KEY, undefined when neither is set. One set to nothing counts: somebody wanted a key there. */
export function readSharedKey(variables: Variables): SharedKey | undefined {
  const keys = NAMES.flatMap((variable) => {
    const key = variables.lookUp(variable)?.trim();
    return key === undefined ? [] : [{ variable, key }];
  });
  const [first, second] = keys;
  if (first !== undefined && second !== undefined && first.key !== second.key) {
    const message = 'This differs from API_KEY, which is the same setting; unset one of the two.';
    variables.error(second.variable, message);
  }
  for (const key of keys) checkKey(key, variables);
  return first;
}

function checkKey({ variable, key }: SharedKey, variables: Variables): void {
  if (key === '') {
    const message =
      'This is set to nothing, which cannot be a key; give it a long random text, or unset it.';
    variables.error(variable, message);
  } else if (!/^[\u0021-\u007E]+$/.test(key)) {
    const message =
      'This holds a character that no HTTP header can carry; use letters, digits and signs of ASCII alone.';
    variables.error(variable, message);
  } else if (key.length < SHORTEST) {
    const message = `This key has ${key.length} characters and could be guessed; use at least ${SHORTEST} random ones.`;
    variables.warn(variable, message);
  }
}
