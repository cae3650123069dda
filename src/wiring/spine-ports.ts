import type { Catalog } from '../catalog/catalog.ts';
import type { ArgumentsGuard } from '../guard/arguments.ts';
import { instanceKey } from '../kernel/capabilities.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Plan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import { newId } from '../seal/seal.ts';
import type { Parking } from '../session/parking.ts';
import type { SessionTable } from '../session/sessions.ts';
import type { SpinePorts } from '../spine/ports.ts';
import { mostVerbose, type UpstreamPool } from '../upstream/upstream-pool.ts';
import type { Access } from './access.ts';
import type { Asks } from './asks.ts';
import type { BareNameMemory } from './bare-names.ts';
import type { ExchangeIds } from './exchange-ids.ts';
import type { Lapses } from './lapses.ts';
import type { News } from './news.ts';
import type { Readiness } from './readiness.ts';
import type { Records } from './records.ts';
import type { Sealed } from './sealed.ts';
import type { TaskMakers } from './task-makers.ts';

/** The layers, as far as the spine uses them. */
export interface SpineParts {
  plan(): Plan;
  readonly serverInfo: JsonObject;
  readonly ids: ExchangeIds;
  readonly access: Access;
  readonly arguments: ArgumentsGuard;
  readonly asks: Asks;
  readonly catalog: Catalog;
  readonly lapses: Lapses;
  readonly names: BareNameMemory;
  readonly news: News;
  readonly parking: Parking;
  readonly pool: UpstreamPool;
  readonly readiness: Readiness;
  readonly records: Records;
  readonly sealed: Sealed;
  readonly sessions: SessionTable;
  readonly tasks: TaskMakers;
}

const MAX_SUBSCRIPTIONS = 1000;

/** What the spine needs of each layer. */
export function spinePorts(parts: SpineParts): SpinePorts {
  const { access, asks, catalog, lapses, news, pool, records, sealed, sessions, tasks } = parts;
  return {
    plan: () => parts.plan(),
    serverInfo: parts.serverInfo,
    identify: (credentials) => access.identify(credentials),
    whenLapsed: (principal, end) => lapses.watch(principal, end),
    sessions,
    view: (principal, owner) =>
      owner === undefined
        ? catalog.view(principal)
        : catalog.viewFor(owner.version, principal, instanceKey(owner)),
    bareNames: (principal, owner) =>
      parts.names.of(sessions.withKey(owner.key) === undefined ? principal.key : owner.key),
    whenListed: () => parts.readiness.wait(),
    decide: (...args) => access.decide(...args),
    checkArguments: (target, args) => checkArguments(parts, target, args),
    admitQuestion: (...args) => asks.admit(...args),
    admit: (call) => records.admit(call),
    send: (permit, call, exchange) => pool.send(permit, call, exchange),
    subscribe: (...args) => subscribe(parts, ...args),
    setLevel: (...args) => setLevel(parts, ...args),
    rootsChanged: (owner) => pool.rootsChanged(owner.key),
    roomToWatch: (principal) => news.room(principal),
    listen: (principal, wish, deliver) => news.listen(principal, wish, deliver),
    sealTask: (upstream, principal, taskId) => sealed.sealTask(upstream, principal, taskId),
    openTask: (id, principal) => sealed.openTask(id, principal),
    parking: parts.parking,
    sealState: (...args) => sealed.sealState(...args),
    openState: (...args) => sealed.openState(...args),
    record: (entry) => records.take(entry),
    exchangeId: () => parts.ids.next(),
    beginTrace: (circumstances, meta) => records.beginTrace(circumstances, meta),
    turnedAway: (...args) => records.turnedAway(...args),
    noteTask: (...args) => tasks.note(...args),
    madeTask: (...args) => tasks.isMadeBy(...args),
    newToken: newId,
  };
}

/** The log level that links which clients share should have; undefined when nobody asked for one. */
export function sharedLevel(sessions: SessionTable): string | undefined {
  return mostVerbose([...sessions.all()].map((session) => session.logLevel));
}

/** Only what the gateway itself has made narrower is its to check, unless it was told to check all (docs/rules.md R21). */
function checkArguments(
  parts: SpineParts,
  ...[target, args]: Parameters<SpinePorts['checkArguments']>
): ReturnType<SpinePorts['checkArguments']> {
  if (target.shape === undefined && !parts.plan().validatesArguments) return undefined;
  return parts.arguments.check(target, args);
}

async function subscribe(
  { sessions, news }: SpineParts,
  ...[permit, owner, isOn]: Parameters<SpinePorts['subscribe']>
): Promise<void> {
  const session = sessions.withKey(owner.key);
  const isFull = news.countOf(owner.key) >= MAX_SUBSCRIPTIONS;
  if (isOn && (isFull || news.room(owner.principal) === 0))
    throw new Refusal('LIMITED', 'Too many resources are subscribed to already.');
  await news.subscribe(permit, owner, isOn);
  session?.setSubscribed(permit.target.publicName, isOn);
}

async function setLevel(
  { sessions, pool }: SpineParts,
  ...[owner, level]: Parameters<SpinePorts['setLevel']>
): Promise<void> {
  sessions.withKey(owner.key)?.setLogLevel(level);
  await pool.setLevel(sharedLevel(sessions) ?? level, owner);
}
