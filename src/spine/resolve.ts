import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Request } from '../kernel/json-rpc.ts';
import { isForeign } from '../kernel/methods.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import type { BareNames, SpinePorts, View } from './ports.ts';

/** Within what a name is looked up. */
export interface Scope {
  readonly principal: Principal;
  readonly view: View;
  readonly names: BareNames;
  readonly ports: SpinePorts;
}

/** What a call addresses. Throws PARAMS_INVALID when it names nothing, TARGET_UNKNOWN when what it names is not there. */
export function resolve(request: Request, scope: Scope): Target {
  const target = targetOf(request, scope);
  if (target === undefined) throw unknownTarget(request);
  return target;
}

function targetOf(
  { method, params }: Request,
  { principal, view, names, ports }: Scope,
): Target | undefined {
  switch (method) {
    case 'tools/call':
      return named('tools', textOf(params, 'name'), view, names);
    case 'prompts/get':
      return named('prompts', textOf(params, 'name'), view, names);
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return view.resource(uriOf(params));
    case 'completion/complete':
      return resolveReference(objectAt(params, 'ref'), view, names);
    default:
      if (isForeign(method)) return view.extension(method);
      return resolveTask(textOf(params, 'taskId'), principal, ports);
  }
}

/** What a request would address if nothing were hidden; undefined where there is no such thing, or it is a task. */
export function resolveConcealed({ method, params }: Request, view: View): Target | undefined {
  const { concealed } = view;
  const textAt = (key: string, of = params): string => stringAt(of, key) ?? '';
  if (method === 'tools/call') return concealed.listed('tools', textAt('name'));
  if (method === 'prompts/get') return concealed.listed('prompts', textAt('name'));
  if (method.startsWith('resources/')) return concealed.resource(textAt('uri'));
  if (isForeign(method)) return concealed.extension(method);
  if (method !== 'completion/complete') return undefined;
  const ref = objectAt(params, 'ref');
  return ref?.['type'] === 'ref/prompt'
    ? concealed.listed('prompts', textAt('name', ref))
    : concealed.template(textAt('uri', ref));
}

/** The refusal for a name that stands for nothing this caller can see. */
export function unknownTarget({ method, params }: Request): Refusal {
  if (method === 'tools/call')
    return new Refusal('TARGET_UNKNOWN', `Unknown tool: ${shown(params, 'name')}`);
  if (method === 'prompts/get')
    return new Refusal('TARGET_UNKNOWN', `Unknown prompt: ${shown(params, 'name')}`);
  if (method.startsWith('resources/')) {
    return new Refusal('RESOURCE_UNKNOWN', `Resource not found: ${shown(params, 'uri')}`, {
      uri: stringAt(params, 'uri') ?? '',
    });
  }
  if (method === 'completion/complete')
    return new Refusal('TARGET_UNKNOWN', 'The ref of the completion stands for nothing.');
  return isForeign(method) ? unknownMethod(method) : new Refusal('TARGET_UNKNOWN', 'Unknown task.');
}

/** The refusal for a method that no server this caller can see has. */
export function unknownMethod(method: string): Refusal {
  return new Refusal('METHOD_UNKNOWN', `Method not found: ${method.slice(0, 100)}`);
}

/** A name as listed; or without its prefix, which once resolved stays with its server (docs/rules.md R6). */
function named(
  kind: 'tools' | 'prompts',
  name: string,
  view: View,
  names: BareNames,
): Target | undefined {
  const listed = view.listed(kind, name);
  if (listed !== undefined) return listed;
  const target = view.bare(kind, name, names.get(kind, name));
  if (target !== undefined) names.keep(kind, name, target.upstream);
  return target;
}

function textOf(params: JsonObject | undefined, key: string): string {
  const text = stringAt(params, key);
  if (text === undefined) throw new Refusal('PARAMS_INVALID', `params.${key} must be a string.`);
  return text;
}

/** Longer than any URI that is meant: matching one costs its length, many times over. */
const MAX_URI_CHARS = 8192;

function uriOf(params: JsonObject | undefined): string {
  const uri = textOf(params, 'uri');
  if (uri.length <= MAX_URI_CHARS) return uri;
  throw new Refusal('PARAMS_INVALID', `The URI is longer than ${MAX_URI_CHARS} characters.`);
}

function shown(params: JsonObject | undefined, key: string): string {
  return (stringAt(params, key) ?? '').slice(0, 200);
}

function resolveReference(
  ref: JsonObject | undefined,
  view: View,
  names: BareNames,
): Target | undefined {
  if (ref?.['type'] === 'ref/prompt') return named('prompts', textOf(ref, 'name'), view, names);
  if (ref?.['type'] === 'ref/resource') return resolveTemplate(uriOf(ref), view);
  throw new Refusal('PARAMS_INVALID', 'params.ref.type must be "ref/prompt" or "ref/resource".');
}

/** A template's text would match itself as a URI: one that is hidden must not be found that way. */
function resolveTemplate(text: string, view: View): Target | undefined {
  return view.template(text) ?? (text.includes('{') ? undefined : view.resource(text));
}

function resolveTask(sealed: string, principal: Principal, ports: SpinePorts): Target | undefined {
  const opened = ports.openTask(sealed, principal);
  return opened === undefined
    ? undefined
    : { kind: 'task', upstream: opened.upstream, name: opened.taskId, publicName: sealed };
}
