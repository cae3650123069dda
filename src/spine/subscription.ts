import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { instanceKey } from '../kernel/capabilities.ts';
import { META } from '../kernel/era.ts';
import { objectAt, type JsonObject } from '../kernel/json.ts';
import { notification, type Notification } from '../kernel/json-rpc.ts';
import { Denial, type Decision, type Permit } from '../kernel/permit.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { concealed, isUnknown } from './concealed.ts';
import type { SpinePorts } from './ports.ts';
import { resolve, unknownTarget } from './resolve.ts';
import { argumentsOf } from './to-upstream.ts';
import type { Trail } from './trail.ts';

const FLAGS = [
  ['toolsListChanged', 'tools'],
  ['promptsListChanged', 'prompts'],
  ['resourcesListChanged', 'resources'],
] as const;

/** The road of a legacy subscription to one resource. */
export async function serveSubscription(
  arrival: Arrival,
  trail: Trail,
  ports: SpinePorts,
): Promise<Answer> {
  const { request, exchange } = arrival;
  const { principal } = trail;
  const view = ports.view(principal, exchange.owner);
  const names = ports.bareNames(principal, exchange.owner);
  const target = recorded(arrival, trail, ports, () =>
    resolve(request, { principal, view, names, ports }),
  );
  const { stopwatch } = trail;
  trail.target = target;
  stopwatch.resolved();
  const decision = ports.decide(principal, target, argumentsOf(request, target), request.method);
  const permit = trail.decided(decision, () => unknownTarget(request));
  stopwatch.decided();
  stopwatch.guarded();
  const isOn = request.method === 'resources/subscribe';
  await stopwatch.waiting(ports.subscribe(permit, exchange.owner, isOn));
  return { result: {} };
}

/** What is hidden is answered as unknown, and leaves its record all the same. */
function recorded(arrival: Arrival, trail: Trail, ports: SpinePorts, find: () => Target): Target {
  try {
    return find();
  } catch (error) {
    throw isUnknown(error) ? concealed(error, arrival, trail, ports) : error;
  }
}

/** Opens a modern listen stream: first its acknowledgement with what is granted, then what happens (spec 2026-07-28, subscriptions). */
export function openListen(
  arrival: Arrival,
  principal: Principal,
  ports: SpinePorts,
  deliver: (message: Notification) => void,
): () => void {
  const filter = objectAt(arrival.request.params, 'notifications');
  if (filter === undefined)
    throw new Refusal('PARAMS_INVALID', 'params.notifications must be an object.');
  const granted: JsonObject = {};
  const lists = new Set<'tools' | 'prompts' | 'resources'>();
  for (const [flag, kind] of FLAGS) {
    if (filter[flag] !== true) continue;
    granted[flag] = true;
    lists.add(kind);
  }
  const resources = permittedResources(filter['resourceSubscriptions'], principal, ports);
  if (resources.size > 0) granted['resourceSubscriptions'] = [...resources.keys()];
  const tasks = permittedTasks(filter['taskIds'], principal, ports);
  if (tasks.size > 0) granted['taskIds'] = [...tasks.keys()];
  const acknowledgement = notification('notifications/subscriptions/acknowledged', {
    notifications: granted,
  });
  const outbox = new Outbox((message) => deliver(tagged(message, arrival)));
  const instance = instanceKey(arrival.exchange.owner);
  const wish = { lists, instance, resources, tasks };
  const listening = ports.listen(principal, wish, (message) => outbox.put(message));
  if (listening.standing === undefined) outbox.open(acknowledgement);
  else void listening.standing.then(() => outbox.open(acknowledgement));
  return () => {
    outbox.close();
    listening.end();
  };
}

/** Holds messages back until the first one has been sent. */
class Outbox {
  readonly #deliver: (message: Notification) => void;
  #waiting: Notification[] | undefined = [];
  #isClosed = false;

  constructor(deliver: (message: Notification) => void) {
    this.#deliver = deliver;
  }

  put(message: Notification): void {
    if (this.#waiting !== undefined) this.#waiting.push(message);
    else if (!this.#isClosed) this.#deliver(message);
  }

  open(first: Notification): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const message of [first, ...waiting]) this.put(message);
  }

  close(): void {
    this.#isClosed = true;
  }
}

function permittedResources(
  wanted: unknown,
  principal: Principal,
  ports: SpinePorts,
): Map<string, Permit> {
  const view = ports.view(principal);
  return permitted(wanted, ports.roomToWatch(principal), (uri) => {
    const target = view.resource(uri);
    return target === undefined
      ? undefined
      : ports.decide(principal, target, { uri: target.name }, 'resources/subscribe');
  });
}

function permittedTasks(
  wanted: unknown,
  principal: Principal,
  ports: SpinePorts,
): Map<string, Permit> {
  return permitted(wanted, ports.roomToWatch(principal), (sealed) => {
    const opened = ports.openTask(sealed, principal);
    if (opened === undefined) return undefined;
    const { upstream, taskId } = opened;
    return ports.decide(principal, { kind: 'task', upstream, name: taskId, publicName: sealed });
  });
}

/** Of more than this nothing is granted, which the acknowledgement says: each one costs the server a subscription. */
const MAX_WANTED = 1000;

/** Permits for those of the ids wanted that stand for something and may be had; the others are left out. */
function permitted(
  wanted: unknown,
  room: number,
  decide: (id: string) => Decision | undefined,
): Map<string, Permit> {
  const permits = new Map<string, Permit>();
  for (const id of Array.isArray(wanted) ? wanted.slice(0, Math.min(room, MAX_WANTED)) : []) {
    const decision = typeof id === 'string' ? decide(id) : undefined;
    if (decision !== undefined && !(decision instanceof Denial)) permits.set(String(id), decision);
  }
  return permits;
}

function tagged(message: Notification, arrival: Arrival): Notification {
  const meta = { ...objectAt(message.params, '_meta'), [META.subscriptionId]: arrival.request.id };
  return notification(message.method, { ...message.params, _meta: meta });
}
