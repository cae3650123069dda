import type { Era } from './era.ts';

/** The way a method takes through the gateway (docs/rules.md R1). */
export type Road = 'call' | 'list' | 'subscription' | 'session' | 'signal';

/** The four lists of a catalog, by the key that holds them in a result. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** One inbound method: its road, and the eras in which it exists. */
export interface Method {
  readonly road: Road;
  readonly eras: readonly Era[];
  readonly list?: ListKind;
}

const BOTH: readonly Era[] = ['legacy', 'modern'];
const LEGACY: readonly Era[] = ['legacy'];
const MODERN: readonly Era[] = ['modern'];

/** Every method a client may send. A new method is one row here. */
export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['tools/call', { road: 'call', eras: BOTH }],
  ['prompts/get', { road: 'call', eras: BOTH }],
  ['resources/read', { road: 'call', eras: BOTH }],
  ['completion/complete', { road: 'call', eras: BOTH }],
  ['tasks/get', { road: 'call', eras: BOTH }],
  ['tasks/result', { road: 'call', eras: LEGACY }],
  ['tasks/cancel', { road: 'call', eras: BOTH }],
  ['tasks/update', { road: 'call', eras: MODERN }],
  ['tasks/list', { road: 'call', eras: LEGACY }],

  ['tools/list', { road: 'list', eras: BOTH, list: 'tools' }],
  ['prompts/list', { road: 'list', eras: BOTH, list: 'prompts' }],
  ['resources/list', { road: 'list', eras: BOTH, list: 'resources' }],
  ['resources/templates/list', { road: 'list', eras: BOTH, list: 'resourceTemplates' }],

  ['resources/subscribe', { road: 'subscription', eras: LEGACY }],
  ['resources/unsubscribe', { road: 'subscription', eras: LEGACY }],
  ['subscriptions/listen', { road: 'subscription', eras: MODERN }],

  ['initialize', { road: 'session', eras: LEGACY }],
  ['ping', { road: 'session', eras: LEGACY }],
  ['logging/setLevel', { road: 'session', eras: LEGACY }],
  ['server/discover', { road: 'session', eras: MODERN }],

  ['notifications/initialized', { road: 'signal', eras: LEGACY }],
  ['notifications/cancelled', { road: 'signal', eras: BOTH }],
  ['notifications/progress', { road: 'signal', eras: LEGACY }],
  ['notifications/roots/list_changed', { road: 'signal', eras: LEGACY }],
  ['notifications/tasks/status', { road: 'signal', eras: LEGACY }],
]);

/** First parts of method names that belong to the specification: no extension has any of them. */
const RESERVED: ReadonlySet<string> = new Set([
  'tools',
  'prompts',
  'resources',
  'completion',
  'logging',
  'tasks',
  'sampling',
  'elicitation',
  'roots',
  'server',
  'subscriptions',
  'notifications',
  'ping',
  'initialize',
]);

const MAX_METHOD_CHARS = 200;

/**
 * The road of a method in an era; undefined where it does not exist there. A method that only an extension of some server can
 * have is a call: whether one has it, the catalog knows (docs/rules.md R1).
 */
export function roadFor(method: string, era: Era): Exclude<Road, 'signal'> | undefined {
  const known = METHODS.get(method);
  if (known === undefined) return isForeign(method) ? 'call' : undefined;
  return known.road === 'signal' || !known.eras.includes(era) ? undefined : known.road;
}

/** Whether a method is none of the specification's, and so can only be one of an extension. */
export function isForeign(method: string): boolean {
  const slash = method.indexOf('/');
  if (slash <= 0 || method.length > MAX_METHOD_CHARS) return false;
  return !RESERVED.has(method.slice(0, slash)) && !METHODS.has(method);
}

/** What a server may ask of a client, and the client capability each needs (spec: client features). */
export const CLIENT_FEATURES: ReadonlyMap<string, string> = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);

/** What the gateway may send to an upstream on its own behalf, with no caller and no Permit (docs/rules.md R2). */
export const HOUSEKEEPING: ReadonlySet<string> = new Set([
  'initialize',
  'notifications/initialized',
  'server/discover',
  'ping',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
  'logging/setLevel',
  'notifications/cancelled',
  'notifications/roots/list_changed',
]);

/** The parameter that names what a method addresses; a modern request says it in `Mcp-Name` too (spec 2026-07-28). */
export const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);
