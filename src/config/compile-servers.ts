import { isObject } from '../kernel/json.ts';
import type { ServerPlan, UpstreamLimits } from '../kernel/plan.ts';
import type { ConfigFile } from './config-file.ts';
import { checkKind, compileEndpoint } from './endpoint.ts';
import type { LookUp } from './environment.ts';
import { fingerprint } from './fingerprint.ts';
import { reportIssues, warnOfForeignKeys, type Spot } from './issues.ts';
import { Resolution } from './resolution.ts';
import { checkRestartOrder } from './restart-order.ts';
import { SERVER_ENTRY, SERVERS, type ServerEntry } from './server-entry.ts';
import { checkServerNames } from './server-names.ts';
import { LIMITS } from './settings.ts';
import { toJson, type Pair } from './tree.ts';

/** What app.yaml and the environment say about every server. */
export interface Terms {
  readonly lookUp: LookUp;
  readonly limits: UpstreamLimits;
  /** Names of servers switched off in app.yaml, in lower case. */
  readonly inactive: ReadonlySet<string>;
}

/** The servers of mcp.json in their order; an entry with an error is reported and left out. */
export function compileServers(file: ConfigFile, terms: Terms): ServerPlan[] {
  const { mcpServers, servers } = file.value;
  const top = mcpServers === undefined && servers !== undefined ? 'servers' : 'mcpServers';
  checkTop(file, top);
  const pairs = serverPairs(file, top);
  checkServerNames(file, [top], pairs);
  // Of a repeated name only the last entry is looked at: it is the one positions lead to.
  const entries = new Map(pairs.map((pair) => [pair.key, pair])).values();
  return [...entries].flatMap(({ key, value }) => {
    const plan = compileServer({ file, path: [top, key], value: toJson(value) }, key, terms);
    return plan === undefined ? [] : [plan];
  });
}

// Read from the tree, since an object would put names that are numbers first.
function serverPairs(file: ConfigFile, top: string): readonly Pair[] {
  const pairs = file.tree.kind === 'map' ? file.tree.pairs : [];
  const branch = pairs.findLast(({ key }) => key === top)?.value;
  if (branch?.kind === 'map') return branch.pairs;
  if (branch !== undefined) file.error([top], 'Expected a mapping of server names to servers.');
  return [];
}

function checkTop(file: ConfigFile, top: string): void {
  warnOfForeignKeys({ file, path: [], value: file.value }, SERVERS);
  if (file.value['servers'] === undefined) return;
  const message =
    top === 'servers' ? 'Read as "mcpServers", the usual name.' : 'Ignored beside "mcpServers".';
  file.warn(['servers'], message);
}

function compileServer(spot: Spot, name: string, terms: Terms): ServerPlan | undefined {
  const { file, path, value } = spot;
  if (isObject(value)) {
    warnOfForeignKeys(spot, SERVER_ENTRY);
    checkKind(file, path, value);
  }
  const parsed = SERVER_ENTRY.safeParse(value, { jitless: true });
  if (!parsed.success) {
    reportIssues(spot, SERVER_ENTRY, parsed.error.issues);
    return undefined;
  }
  const entry = parsed.data;
  const resolution = new Resolution(file, terms.lookUp);
  const endpoint = compileEndpoint({ file, path, entry, resolution });
  const limits = limitsOf(spot, entry, terms.limits);
  if (endpoint === undefined) return undefined;
  const identity = { endpoint, isolation: entry.isolation ?? 'auto', limits };
  const isActive = entry.disabled !== true && !terms.inactive.has(name.toLowerCase());
  const { pendingInput } = resolution;
  if (pendingInput !== undefined) file.warn(path, `Not started: ${pendingInput}`);
  return { name, fingerprint: fingerprint(identity), isActive, pendingInput, ...identity };
}

function limitsOf(spot: Spot, entry: ServerEntry, defaults: UpstreamLimits): UpstreamLimits {
  const own = Object.entries(entry).filter(([key]) => Object.hasOwn(LIMITS.shape, key));
  const limits = LIMITS.parse({ ...defaults, ...Object.fromEntries(own) }, { jitless: true });
  const isPauseSet = own.some(([key]) => key.startsWith('restart'));
  if (isPauseSet) checkRestartOrder(spot.file, spot.path, limits);
  return limits;
}
