import type { GroupPlan } from '../kernel/access.ts';
import { normalUri } from '../kernel/uri-forms.ts';
import type { Sense, Subject } from './subject.ts';

interface Named {
  readonly names: ReadonlySet<string>;
  /** The names, and what they are as normalised URIs. */
  readonly uris: ReadonlySet<string>;
}

/** A named set of tools, prompts, resources and templates. */
export class ToolGroup {
  readonly name: string;
  readonly #services = new Map<string, '*' | Named>();

  constructor({ name, services }: GroupPlan) {
    this.name = name;
    for (const [server, names] of Object.entries(services))
      this.#services.set(server.toLowerCase(), names === '*' ? names : namedOf(names));
  }

  /** Whether it has everything of a server, given in lower case. */
  hasAll(server: string): boolean {
    return this.#services.get(server) === '*';
  }

  /** Whether it has anything of a server, given in lower case. */
  hasAny(server: string): boolean {
    const names = this.#services.get(server);
    return names === '*' || (names !== undefined && names.names.size > 0);
  }

  /** How a target is in it: with everything of its server, or by its own name. */
  holds(subject: Subject, sense: Sense): 'all' | 'name' | undefined {
    const named = this.#services.get(subject.server);
    if (named === undefined) return undefined;
    if (named === '*') return 'all';
    // What an extension does to its server nobody knows: whoever may not have all of the server is kept from it.
    if (subject.kind === 'extension')
      return sense === 'deny' && named.names.size > 0 ? 'name' : undefined;
    return isNamed(subject, sense, named) ? 'name' : undefined;
  }
}

/** The groups of a plan by name. */
export type ToolGroups = ReadonlyMap<string, ToolGroup>;

function namedOf(names: readonly string[]): Named {
  return { names: new Set(names), uris: new Set(names.flatMap((name) => [name, normalUri(name)])) };
}

function isNamed(subject: Subject, sense: Sense, { names, uris }: Named): boolean {
  const { kind, via, isPlain } = subject;
  if (kind === 'task' || kind === 'ask') return false;
  if (kind !== 'resource') return names.has(subject.name);
  if (sense === 'deny')
    return via.some((each) => names.has(each)) || subject.denyForms.some((form) => uris.has(form));
  // What a template allows ends where the server would read another path than the one that was matched.
  if (isPlain && via.some((each) => names.has(each))) return true;
  return subject.allowForms.every((form) => uris.has(form));
}
