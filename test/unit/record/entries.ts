import type { Entry } from '../../../src/kernel/entry.ts';

/** An entry of a call that a rule allowed, with what a test wants to be otherwise. */
export function entryOf(changes: Partial<Entry> = {}): Entry {
  return {
    id: 'run-1',
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
    warnings: [],
    startedAt: 1_795_348_800_000.25,
    durationMs: 12.34567,
    stages: { arrived: 0.1, resolved: 0.2, decided: 0.3, guarded: 0.4, answered: 12.1 },
    upstreamMs: 11.7,
    requestBytes: 120,
    resultChars: 64,
    result: { content: [{ type: 'text', text: 'done' }] },
    model: undefined,
    trace: undefined,
    failure: undefined,
    ...changes,
  };
}
