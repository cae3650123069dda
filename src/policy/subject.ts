import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Target, TargetKind } from '../kernel/target.ts';
import { decodedUri, hasDotSegments, normalUri, plainUri } from '../kernel/uri-forms.ts';

/** Which way a match counts: to allow, every form of a URI has to match; to deny, any one is enough. */
export type Sense = 'allow' | 'deny';

/** A target as rules and groups know it. */
export interface Subject {
  readonly kind: TargetKind;
  readonly upstream: string;
  /** Name of its server in lower case. */
  readonly server: string;
  readonly name: string;
  /** Forms of the name that all have to match before something is allowed by it. */
  readonly allowForms: readonly string[];
  /** Forms of the name of which any is enough to deny. */
  readonly denyForms: readonly string[];
  /** The templates a resource is of. */
  readonly via: readonly string[];
  /** Whether what its template says of it holds however a server reads its dots. */
  readonly isPlain: boolean;
  readonly title: string;
  /** With the defaults of the specification filled in. */
  readonly annotations: JsonObject;
}

const NO_TEMPLATES: readonly string[] = [];

/** Defaults of tool annotations (spec, ToolAnnotations). */
const HINTS: Readonly<Record<string, boolean>> = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** A target as itself: a custom tool under its own name. */
export function subjectOf(target: Target): Subject {
  const item = target.shape === undefined ? target.item : (target.shown ?? target.item);
  return describe(target, target.shape?.name ?? target.name, item);
}

/** The tool a custom tool was made from; undefined for everything else. */
export function parentOf(target: Target): Subject | undefined {
  return target.shape === undefined ? undefined : describe(target, target.name, target.item);
}

/** How people read it: `server/name`. */
export function labelOf({ kind, upstream, name }: Subject): string {
  if (kind === 'task') return `tasks of ${upstream}`;
  return `${upstream}/${name}`;
}

function describe(target: Target, name: string, item: JsonObject | undefined): Subject {
  const { kind, upstream, via = NO_TEMPLATES } = target;
  const annotations = annotationsOf(item);
  const own = { kind, upstream, server: upstream.toLowerCase(), name, via, annotations };
  const title = stringAt(item, 'title') ?? stringAt(annotations, 'title') ?? '';
  if (kind !== 'resource') {
    const forms = [name];
    return { ...own, title, allowForms: forms, denyForms: forms, isPlain: true };
  }
  const normal = normalUri(name);
  const decoded = decodedUri(name);
  const forms = [name, normal, decoded, normalUri(decoded)];
  const denyForms = [...new Set([...forms, ...forms.map((form) => plainUri(form))])];
  const isPlain = !hasDotSegments(name);
  // A server may read dots that are written as escapes: then the URI has to be allowed there too.
  const read = isPlain ? [] : [normalUri(decoded), plainUri(decoded)];
  const allowForms = [...new Set([name, normal, ...read])];
  return { ...own, title, allowForms, denyForms, isPlain };
}

function annotationsOf(item: JsonObject | undefined): JsonObject {
  const given = objectAt(item, 'annotations');
  if (given === undefined) return HINTS;
  const annotations: JsonObject = { ...given };
  for (const [hint, value] of Object.entries(HINTS)) {
    // A hint of another type says nothing: it must not slip past a rule about true and false.
    if (typeof annotations[hint] !== 'boolean') annotations[hint] = value;
  }
  // A tool that only reads destroys nothing, unless it says so itself (spec, ToolAnnotations).
  if (annotations['readOnlyHint'] === true && typeof given['destructiveHint'] !== 'boolean')
    annotations['destructiveHint'] = false;
  return annotations;
}
