import type { Expected, Row, TraceWay } from './ledger.ts';
import type { Outcome } from '../../src/kernel/entry.ts';
import type { JsonObject } from './raw-http.ts';

/** A request the script wants to be made, with what must be recorded of it. */
export interface Wish {
  readonly method: string;
  readonly params: JsonObject;
  readonly expected: Expected;
  /** How it says of which trace it is; by chance when absent. */
  readonly way?: TraceWay;
  /** The request that began the call, where this one goes on with it. */
  readonly first?: Row | undefined;
}

/** What of a wish is not as usual. */
type Changes = Partial<Expected>;

/** The call of a tool by its public name, which goes well. */
export function call(name: string, args: JsonObject | undefined, changes: Changes = {}): Wish {
  const [server = '', target = ''] = name.split('__');
  const expected = {
    outcome: 'ok',
    server,
    kind: 'tool',
    target,
    isSent: true,
    ...changes,
  } as const;
  const params = args === undefined ? { name } : { name, arguments: args };
  return { method: 'tools/call', params, expected };
}

/** A call that asks its client for something before it goes on. */
export function asking(name: string, args: JsonObject): Wish {
  return call(name, args, { outcome: 'input-required' });
}

/** The same call with what its client was asked, all of it answered alike; its state says which call that is. */
export function goingOn(row: Row, answer: JsonObject, outcome: Outcome = 'ok'): Wish {
  const { inputRequests, requestState } = row.answer?.result ?? {};
  const { inputResponses: _old, requestState: _before, ...asked } = row.params;
  const keys = Object.keys(inputRequests as JsonObject);
  const inputResponses = Object.fromEntries(keys.map((key) => [key, answer]));
  const state = requestState === undefined ? {} : { requestState };
  return {
    method: row.method,
    params: { ...asked, inputResponses, ...state },
    expected: { ...row.expected, outcome },
    first: requestState === undefined ? undefined : (row.first ?? row),
  };
}

/** A call whose tool fails. */
export function failing(name: string, args?: JsonObject): Wish {
  return call(name, args, { outcome: 'tool-error' });
}

/** A call that its server answers with a JSON-RPC error. */
export function erring(name: string, args: JsonObject, code: number): Wish {
  return call(name, args, { outcome: 'error', code: String(code) });
}

/** A call that the gateway itself refuses, before any server is asked. */
export function refused(name: string, args: JsonObject, code: string, changes: Changes = {}): Wish {
  return call(name, args, { outcome: 'refused', code, isSent: false, ...changes });
}

/** A call of something that nobody offers. */
export function unknown(method: 'tools/call' | 'prompts/get', name: string): Wish {
  const expected = { outcome: 'refused', code: 'TARGET_UNKNOWN' } as const;
  return { method, params: { name, arguments: { why: 'nobody knows' } }, expected };
}

/** A call that works until it is given up, and tells as much by progress. */
export function endless(name: string, changes: Changes = {}): Wish {
  return call(name, { ms: 20_000, progressEveryMs: 40 }, { outcome: 'cancelled', ...changes });
}

/** A list, which is answered by the gateway alone. */
export function list(method: string): Wish {
  return { method, params: {}, expected: { outcome: 'ok' } };
}

/** A prompt by its public name. */
export function prompt(name: string, args?: JsonObject, changes: Changes = {}): Wish {
  const [server = '', target = ''] = name.split('__');
  const params = args === undefined ? { name } : { name, arguments: args };
  const expected = {
    outcome: 'ok',
    server,
    kind: 'prompt',
    target,
    isSent: true,
    ...changes,
  } as const;
  return { method: 'prompts/get', params, expected };
}

/** A resource by the URI that clients know, and that of its server where it differs. */
export function read(server: string, uri: string, own = uri, changes: Changes = {}): Wish {
  const expected = {
    outcome: 'ok',
    server,
    kind: 'resource',
    target: own,
    isSent: true,
    ...changes,
  } as const;
  return { method: 'resources/read', params: { uri }, expected };
}

/** Completion of an argument of a prompt. */
export function completion(name: string, argument: string, value: string): Wish {
  const [server = '', target = ''] = name.split('__');
  const params = { ref: { type: 'ref/prompt', name }, argument: { name: argument, value } };
  const expected = { outcome: 'ok', server, kind: 'prompt', target, isSent: true } as const;
  return { method: 'completion/complete', params, expected };
}

/** A request that concerns the gateway alone. */
export function own(method: string, params: JsonObject = {}): Wish {
  return { method, params, expected: { outcome: 'ok' } };
}
