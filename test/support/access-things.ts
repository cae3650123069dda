import assert from 'node:assert/strict';
import { objectOf } from '../fixture/json-rpc.ts';
import { namesOf, RawModern, type Caller, type ListKind, type Told } from './access-callers.ts';
import type { JsonObject } from './raw-http.ts';

/** One use of a thing: a method that addresses it. */
interface Use {
  readonly method: string;
  readonly era?: 'legacy';
  /** What answers a use of something else of its kind that does not exist. */
  params(name: string): JsonObject;
}

/** Something a server offers, as clients know it. */
export interface Thing {
  readonly kind: ListKind;
  readonly name: string;
}

/** Things by their names in lists. */
export function tools(...names: readonly string[]): Thing[] {
  return names.map((name) => ({ kind: 'tools', name }));
}

export function prompts(...names: readonly string[]): Thing[] {
  return names.map((name) => ({ kind: 'prompts', name }));
}

export function resources(...names: readonly string[]): Thing[] {
  return names.map((name) => ({ kind: 'resources', name }));
}

export function templates(...names: readonly string[]): Thing[] {
  return names.map((name) => ({ kind: 'resourceTemplates', name }));
}

const ARGUMENT = { name: 'id', value: '1' };

const USES: Readonly<Record<ListKind, readonly Use[]>> = {
  tools: [{ method: 'tools/call', params: (name) => ({ name, arguments: { text: 'a' } }) }],
  prompts: [
    { method: 'prompts/get', params: (name) => ({ name }) },
    {
      method: 'completion/complete',
      params: (name) => ({ ref: { type: 'ref/prompt', name }, argument: ARGUMENT }),
    },
  ],
  resources: [
    { method: 'resources/read', params: (uri) => ({ uri }) },
    { method: 'resources/subscribe', era: 'legacy', params: (uri) => ({ uri }) },
  ],
  resourceTemplates: [
    { method: 'resources/read', params: (uri) => ({ uri: expanded(uri) }) },
    { method: 'resources/subscribe', era: 'legacy', params: (uri) => ({ uri: expanded(uri) }) },
    {
      method: 'completion/complete',
      params: (uri) => ({ ref: { type: 'ref/resource', uri }, argument: ARGUMENT }),
    },
  ],
};

/** Names of things that no server has, as like the others as can be. */
const NOBODYS: Readonly<Record<ListKind, string>> = {
  tools: 'slack__nobodys_tool',
  prompts: 'slack__nobodys_prompt',
  resources: 'nobody://resource',
  resourceTemplates: 'nobody://template/{id}/data',
};

function expanded(template: string): string {
  return template.replace('{id}', '7');
}

/** Fails unless a caller sees a thing in its list exactly where it may use it, and every use of it agrees with that. */
export async function assertAccess(
  caller: Caller,
  thing: Thing,
  isAllowed: boolean,
): Promise<void> {
  const { kind, name } = thing;
  const listed = await namesOf(caller, kind);
  assert.equal(listed.includes(name), isAllowed, `${name} in ${kind}: ${listed.join(', ')}`);
  if (caller instanceof RawModern) await assertHeardOf(caller, thing, isAllowed);
  for (const use of USES[kind]) {
    if (use.era !== undefined && use.era !== caller.era) continue;
    const told = await caller.request(use.method, use.params(name));
    if (isAllowed) assertUsed(told, `${use.method} of ${name}`);
    else await assertLikeNobodys(caller, use, thing, told);
  }
}

/** A modern client subscribes by a stream: it is granted what it may read, and else no more than what nobody has. */
async function assertHeardOf(
  caller: RawModern,
  { kind, name }: Thing,
  isAllowed: boolean,
): Promise<void> {
  if (kind !== 'resources' && kind !== 'resourceTemplates') return;
  const [uri, other] = [expanded(name), expanded(NOBODYS[kind])];
  const stream = await caller.listen({ resourceSubscriptions: [uri, other] });
  const { params } = await stream.nextMessage(
    ({ method }) => method === 'notifications/subscriptions/acknowledged',
  );
  stream.break();
  const granted = objectOf(params?.['notifications'])['resourceSubscriptions'] ?? [];
  const list = granted as readonly string[];
  assert.equal(list.includes(uri), isAllowed || list.includes(other), `granted: ${list.join()}`);
}

/** Fails unless a request about a name is answered exactly as one about a name that nobody has. */
export async function assertAsUnknown(caller: Caller, method: string, thing: Thing): Promise<void> {
  const use = USES[thing.kind].find((each) => each.method === method);
  assert.ok(use, `${method} is no use of ${thing.kind}`);
  const told = await caller.request(method, use.params(thing.name));
  await assertLikeNobodys(caller, use, thing, told);
}

async function assertLikeNobodys(
  caller: Caller,
  use: Use,
  { kind, name }: Thing,
  told: Told,
): Promise<void> {
  const other = NOBODYS[kind];
  const expected = await caller.request(use.method, use.params(other));
  assert.deepEqual(
    anonymous(told, name),
    anonymous(expected, other),
    `${use.method} of ${name} is not answered as one of a name that nobody has`,
  );
  // One server alone with resources may take a subscription to whatever URI; all else of nobody's is an error.
  if (use.method !== 'resources/subscribe') assert.ok(told.error, JSON.stringify(told));
}

function assertUsed({ result, error }: Told, what: string): void {
  assert.ok(result !== undefined, `${what}: ${JSON.stringify(error)}`);
  assert.notEqual(result['isError'], true, `${what}: ${JSON.stringify(result)}`);
}

/** An answer with the name it is about taken out. */
function anonymous(told: Told, name: string): unknown {
  const named = JSON.stringify(told).replaceAll(name, '<name>');
  return JSON.parse(named.replaceAll(expanded(name), '<name>'));
}
