import type { Entry } from '../../../src/kernel/entry.ts';

/** An entry of a call that a rule allowed, with what a test wants to be otherwise. */
export function entryOf(changes: Partial<Entry> = {}): Entry {
  return {
    method: 'tools/call',
    era: 'legacy',
    transport: 'http',
    principal: '["key:k1","dev",null]',
    caller: {
      proof: 'api-key',
      name: 'dev',
      consumer: 'dev',
      groups: [],
      scopes: undefined,
      endpoint: undefined,
    },
    client: 'cursor',
    session: 's1',
    upstream: 'github',
    kind: 'tool',
    target: 'create_issue',
    custom: undefined,
    args: { title: 'A bug' },
    judgedArgs: undefined,
    outcome: 'ok',
    code: undefined,
    rule: 'permissions.default',
    shadows: [],
    durationMs: 12.34567,
    failure: undefined,
    ...changes,
  };
}
