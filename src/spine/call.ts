import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { Cancellation } from '../kernel/exchange.ts';
import { objectAt, objectsAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { Denial, type Permit } from '../kernel/permit.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { fromUpstream } from './from-upstream.ts';
import type { Passage } from './passage.ts';
import { checkParamHeaders } from './param-check.ts';
import type { SpinePorts, View } from './ports.ts';
import { resolve, unknownTarget } from './resolve.ts';
import { settleRounds } from './rounds.ts';
import type { Trail } from './trail.ts';
import { toUpstream } from './to-upstream.ts';

/** The road of a call: resolve, decide, send, bring the answer back in the names clients know. */
export async function serveCall(
  arrival: Arrival,
  trail: Trail,
  ports: SpinePorts,
): Promise<Answer> {
  const { request, exchange } = arrival;
  requireTasks(arrival);
  if (request.method === 'tasks/list') return listTasks(arrival, trail, ports);
  const { view, target } = await find(arrival, trail, ports);
  checkParamHeaders(arrival, target);
  const permit = permitFor(target, arrival, trail, ports);
  const passage = { arrival, target, principal: trail.principal, view, ports };
  const call = toUpstream(passage);
  const first = await ports.send(permit, call, exchange);
  if (arrival.era === 'modern') return fromUpstream(first, passage);
  const answer = await settleRounds(first, exchange, (more) =>
    ports.send(permit, { method: call.method, params: { ...call.params, ...more } }, exchange),
  );
  return fromUpstream(answer, passage);
}

const TASKS = 'io.modelcontextprotocol/tasks';

/** In the modern protocol tasks are an extension, which a client must declare to use (docs/rules.md R12). */
function requireTasks({ request, era, exchange }: Arrival): void {
  if (era === 'legacy' || !request.method.startsWith('tasks/')) return;
  if (objectAt(objectAt(exchange.owner.capabilities, 'extensions'), TASKS) !== undefined) return;
  const requiredCapabilities = { extensions: { [TASKS]: {} } };
  throw new Refusal('CAPABILITY_MISSING', undefined, { requiredCapabilities });
}

/** What the call addresses; a name that nobody offers yet waits for servers that are just starting (docs/rules.md R14). */
async function find(
  { request, exchange }: Arrival,
  { principal }: Trail,
  ports: SpinePorts,
): Promise<{ view: View; target: Target }> {
  const names = ports.bareNames(principal, exchange.owner);
  const view = ports.view(principal, exchange.owner);
  try {
    return { view, target: resolve(request, { principal, view, names, ports }) };
  } catch (error) {
    const isUnknown = error instanceof Refusal && error.code !== 'PARAMS_INVALID';
    const starting = isUnknown ? ports.whenListed() : undefined;
    if (starting === undefined) throw error;
    await starting;
    const later = ports.view(principal, exchange.owner);
    return { view: later, target: resolve(request, { principal, view: later, names, ports }) };
  }
}

/** The decision about a target; a hidden one is answered exactly as an unknown one (docs/rules.md R5). */
function permitFor(target: Target, arrival: Arrival, trail: Trail, ports: SpinePorts): Permit {
  trail.target = target;
  const decision = ports.decide(trail.principal, target);
  trail.rule = decision.rule;
  if (!(decision instanceof Denial)) return decision;
  throw decision.hidden ? unknownTarget(arrival.request) : new Refusal('FORBIDDEN');
}

/** The tasks of all servers that keep any; what one of them cannot list is left out (spec 2025-11-25, tasks). */
async function listTasks(arrival: Arrival, trail: Trail, ports: SpinePorts): Promise<Answer> {
  const { exchange } = arrival;
  const view = ports.view(trail.principal, exchange.owner);
  const parts = view.withCapability('tasks').map((upstream) => ({
    target: { kind: 'task', upstream, name: '', publicName: '' } as const,
    // A cancellation has room for one listener, and each server is one.
    exchange: { ...exchange, cancellation: new Cancellation() },
  }));
  exchange.cancellation.listen((reason) => {
    for (const part of parts) part.exchange.cancellation.cancel(reason);
  });
  const lists = await Promise.all(
    parts.map((part) => {
      const permit = permitFor(part.target, arrival, trail, ports);
      const passage = { arrival, target: part.target, principal: trail.principal, view, ports };
      return tasksOf(passage, (params) =>
        ports.send(permit, { method: 'tasks/list', params }, part.exchange),
      );
    }),
  );
  exchange.cancellation.listen(undefined);
  return { result: { tasks: lists.flat() } };
}

const MAX_TASK_PAGES = 100;

/** Every page of one server's tasks; none where it cannot list them. */
async function tasksOf(
  passage: Passage,
  send: (params: JsonObject) => Promise<Answer>,
): Promise<JsonObject[]> {
  const tasks: JsonObject[] = [];
  let params: JsonObject = {};
  for (let page = 0; page < MAX_TASK_PAGES; page += 1) {
    const answer = await send(params).catch(() => undefined);
    if (answer === undefined || !('result' in answer)) break;
    const cursor = stringAt(answer.result, 'nextCursor');
    const named = fromUpstream(answer, passage);
    if ('result' in named) tasks.push(...objectsAt(named.result, 'tasks'));
    if (cursor === undefined) break;
    params = { cursor };
  }
  return tasks;
}
