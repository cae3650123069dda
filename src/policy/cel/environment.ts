import { Environment, type ParseResult } from '@marcbachmann/cel-js';

/** What conditions may be about. `tool` is the target whatever its kind. */
export const ROOTS = ['principal', 'claims', 'client', 'tool', 'args', 'request', 'now'] as const;

/** A variable of conditions. */
export type Root = (typeof ROOTS)[number];

/** Nobody writes a condition by hand that comes near these. */
const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 40,
  maxListElements: 200,
  maxMapEntries: 50,
  maxCallArguments: 8,
};

const MAX_CHARS = 4_000;

const MAP = 'map<string, dyn>';

let environment: Environment | undefined;

/** The syntax tree of a condition. Throws the library's ParseError, also for what is beyond the limits. */
export function parseCondition(text: string): ParseResult {
  if (text.length > MAX_CHARS) throw new TooLong();
  environment ??= createEnvironment();
  return environment.parse(text);
}

/** A condition longer than the parser is given. */
export class TooLong extends Error {
  constructor() {
    super(`It has more than ${MAX_CHARS} characters`);
    this.name = 'TooLong';
  }
}

/** The types are for checking alone: the library parses conditions and does not evaluate them (see compile.ts). */
function createEnvironment(): Environment {
  const texts = (...names: string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, 'string']));
  const ints = (...names: string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, 'int']));
  const lists = { groups: 'list<string>', scopes: 'list<string>' };
  const now = { ...ints('hour', 'minute', 'day', 'month', 'year', 'weekday') };
  return new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS })
    .registerVariable('principal', {
      schema: { ...texts('name', 'consumer', 'proof', 'endpoint'), ...lists },
    })
    .registerVariable('claims', MAP)
    .registerVariable('client', 'string')
    .registerVariable('tool', {
      schema: { ...texts('name', 'server', 'kind', 'title'), annotations: MAP },
    })
    .registerVariable('args', MAP)
    .registerVariable('request', { schema: texts('method') })
    .registerVariable('now', { schema: { ...now, ...texts('date', 'time') } })
    .registerFunction('string.within(string): bool', () => false);
}
