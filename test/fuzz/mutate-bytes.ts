import type { Random } from './random.ts';

/** Bytes as a text of which each character is one byte. */
export type Latin = string;

type Mutation = (bytes: Latin, random: Random, others: readonly Latin[]) => Latin;

/** What parsers of lines, HTTP, JSON and event streams give a meaning to, or stumble over. */
const TOKENS = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\u00ff',
  '\u00c0\u00af',
  '\u00ed\u00a0\u0080',
  '\u00ef\u00bb\u00bf',
  '\u00e2\u0080\u00a8',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  ',',
  ':',
  'null',
  'true',
  '-0',
  '1e999',
  '9007199254740993',
  '__proto__',
  'data: ',
  'id: ',
  'event: ',
  'retry: ',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 5\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  'Expect: 100-continue\r\n',
  '0\r\n\r\n',
  'ffffffffffffffff\r\n',
  'GET /mcp HTTP/1.1\r\n',
  '%00',
  '%2e%2e/',
  '../',
];

function cut(bytes: Latin, random: Random): [number, number] {
  const from = random.below(bytes.length + 1);
  return [from, from + random.below(Math.min(64, bytes.length - from) + 1)];
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = random.below(bytes.length);
    const flipped = (bytes.charCodeAt(at) || 0) ^ (1 << random.below(8));
    return bytes.slice(0, at) + String.fromCharCode(flipped & 0xff) + bytes.slice(at + 1);
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    return bytes.slice(0, at) + String.fromCharCode(random.below(256)) + bytes.slice(at + 1);
  },
  (bytes, random) => {
    const [from, to] = cut(bytes, random);
    return bytes.slice(0, from) + bytes.slice(to);
  },
  (bytes, random) => {
    const [from, to] = cut(bytes, random);
    const times = random.chance(0.05) ? 2000 : 1 + random.below(3);
    return bytes.slice(0, to) + bytes.slice(from, to).repeat(times) + bytes.slice(to);
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return bytes.slice(0, at) + random.pick(TOKENS) + bytes.slice(at);
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random, others) => {
    const other = others.length === 0 ? bytes : random.pick(others);
    return bytes.slice(0, random.below(bytes.length)) + other.slice(random.below(other.length));
  },
  (bytes, random) => {
    const [from, to] = cut(bytes, random);
    const at = random.below(bytes.length);
    return bytes.slice(0, at) + bytes.slice(from, to) + bytes.slice(at + to - from);
  },
];

/** Bytes with one to four faults in them; others may lend a part. */
export function mutateBytes(bytes: Latin, random: Random, others: readonly Latin[] = []): Latin {
  let mutated = bytes;
  for (let count = 1 + random.below(4); count > 0; count -= 1)
    mutated = random.pick(MUTATIONS)(mutated, random, others);
  return mutated;
}
