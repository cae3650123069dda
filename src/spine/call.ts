import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { Cancellation } from '../kernel/exchange.ts';
import type { Request } from '../kernel/json-rpc.ts';
import { isObject, objectAt, objectsAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { Denial, type Permit } from '../kernel/permit.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { TASKS_EXTENSION } from '../kernel/tasks.ts';
import { concealed, isUnknown } from './concealed.ts';
import { echoOf, endDenied } from './echo.ts';
import { fromUpstream } from './from-upstream.ts';
import type { Passage } from './passage.ts';
import { checkParamHeaders } from './param-check.ts';
import type { Echo, SpinePorts, View } from './ports.ts';
import { resolve, unknownTarget } from './resolve.ts';
import { serveRound } from './round.ts';
import { asksForInput, settleRounds } from './rounds.ts';
import type { Trail } from './trail.ts';
import { shapedArguments } from './shaping.ts';
import { argumentsOf, toUpstream, traced, type Call } from './to-upstream.ts';

/** The road of a call: resolve, decide, send, bring the answer back in the names clients know. */
export function serveCall(arrival: Arrival, trail: Trail, ports: SpinePorts): Promise<Answer> {
  requireTasks(arrival);
  if (arrival.request.method === 'tasks/list') return listTasks(arrival, trail, ports);
  const echo = echoOf(arrival, trail, ports);
  // Most calls are no retry, and cost no more than their own wait.
  return echo === undefined
    ? serveOne(arrival, undefined, trail, ports)
    : serveRetry(arrival, echo, trail, ports);
}

async function serveRetry(
  arrival: Arrival,
  echo: Echo,
  trail: Trail,
  ports: SpinePorts,
): Promise<Answer> {
  trail.callId = echo.callId;
  try {
    return await serveOne(arrival, echo, trail, ports);
  } catch (error) {
    endDenied(echo, trail, ports);
    throw error;
  }
}

async function serveOne(
  arrival: Arrival,
  echo: Echo | undefined,
  trail: Trail,
  ports: SpinePorts,
): Promise<Answer> {
  requireArguments(arrival.request);
  const found = find(arrival, trail, ports);
  const { view, target } = found instanceof Promise ? await found : found;
  const { stopwatch, principal } = trail;
  trail.target = target;
  stopwatch.resolved();
  checkParamHeaders(arrival, target);
  const permit = permitFor(target, arrival, trail, ports);
  stopwatch.decided();
  const fault = argumentFault(target, arrival, ports);
  if (fault !== undefined) await refuseFault(fault);
  const callId = trail.callId ?? trail.id;
  const args = trail.judgedArgs;
  const passage = { arrival, target, principal, args, view, ports, callId, echo };
  const call = traced(toUpstream(passage), trail.trace);
  admit(permit, arrival, trail, ports);
  stopwatch.guarded();
  try {
    return await sendAndSettle(permit, call, passage, trail);
  } finally {
    trail.admission?.release();
  }
}

/** Where a client can be asked within its call, it is; else its call goes on with its next request. */
async function sendAndSettle(
  permit: Permit,
  call: Call,
  passage: Passage,
  trail: Trail,
): Promise<Answer> {
  const { arrival, ports } = passage;
  const { exchange } = arrival;
  if (arrival.era === 'modern') return serveRound(permit, call, passage, trail);
  const { stopwatch } = trail;
  // Most calls go no further than this: no more waits on the way than there must be.
  stopwatch.asked();
  let first: Answer;
  try {
    first = await ports.send(permit, call, exchange);
  } finally {
    stopwatch.answered();
  }
  if (!asksForInput(first)) return fromUpstream(first, passage);
  const answer = await settleRounds(first, passage, (more) =>
    stopwatch.waiting(
      ports.send(permit, { ...call, params: { ...call.params, ...more } }, exchange),
    ),
  );
  return fromUpstream(answer, passage);
}

/** What a retry carries of the round before (spec 2026-07-28, MRTR); a server need not send a state. */
const RETRY_KEYS = ['requestState', 'inputResponses'];

function admit(permit: Permit, { request }: Arrival, trail: Trail, ports: SpinePorts): void {
  trail.admission = ports.admit({
    id: trail.id,
    callId: trail.callId,
    principal: permit.principal,
    target: permit.target,
    method: request.method,
    isRetry: RETRY_KEYS.some((key) => request.params?.[key] !== undefined),
  });
}

/** Waits only where the check has to be loaded first: most calls have none. */
async function refuseFault(found: string | Promise<string | undefined>): Promise<void> {
  const fault = await found;
  if (fault !== undefined) throw new Refusal('PARAMS_INVALID', fault);
}

/** In the modern protocol tasks are an extension, which a client must declare to use (docs/rules.md R12). */
function requireTasks({ request, era, exchange }: Arrival): void {
  if (era === 'legacy' || !request.method.startsWith('tasks/')) return;
  if (objectAt(objectAt(exchange.owner.capabilities, 'extensions'), TASKS_EXTENSION) !== undefined)
    return;
  const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
  throw new Refusal('CAPABILITY_MISSING', undefined, { requiredCapabilities });
}

/** What the call addresses; a name that nobody offers yet waits for servers that are just starting (docs/rules.md R14). */
function find(arrival: Arrival, trail: Trail, ports: SpinePorts): Found | Promise<Found> {
  try {
    return findNow(arrival, trail, ports);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    const starting = ports.whenListed();
    if (starting === undefined) throw concealed(error, arrival, trail, ports);
    return findLater(starting, arrival, trail, ports);
  }
}

async function findLater(
  starting: Promise<void>,
  ...[arrival, trail, ports]: Parameters<typeof findNow>
): Promise<Found> {
  await starting;
  try {
    return findNow(arrival, trail, ports);
  } catch (error) {
    throw isUnknown(error) ? concealed(error, arrival, trail, ports) : error;
  }
}

interface Found {
  readonly view: View;
  readonly target: Target;
}

function findNow({ request, exchange }: Arrival, trail: Trail, ports: SpinePorts): Found {
  const { principal } = trail;
  const names = ports.bareNames(principal, exchange.owner);
  const view = ports.view(principal, exchange.owner);
  return { view, target: resolve(request, { principal, view, names, ports }) };
}

/** What policy judges must be what the server gets: anything but an object it could not judge. */
function requireArguments({ method, params }: Request): void {
  const holder = method === 'completion/complete' ? objectAt(params, 'context') : params;
  const args = holder?.['arguments'];
  if (args === undefined || isObject(args)) return;
  if (method !== 'tools/call' && method !== 'prompts/get' && method !== 'completion/complete')
    return;
  const path = method === 'completion/complete' ? 'params.context.arguments' : 'params.arguments';
  throw new Refusal('PARAMS_INVALID', `${path} must be an object.`);
}

/** The decision about a target, by the arguments its server will get. */
function permitFor(target: Target, arrival: Arrival, trail: Trail, ports: SpinePorts): Permit {
  const { request } = arrival;
  const args = argumentsOf(request, target);
  const { shape } = target;
  if (shape !== undefined) trail.judgedArgs = shapedArguments(args, shape, trail.principal);
  const judged = trail.judgedArgs ?? args;
  const decision = ports.decide(trail.principal, target, judged, request.method);
  return trail.decided(decision, () => unknownTarget(request));
}

/** Checked after the decision: what is wrong with arguments tells of the tool. */
function argumentFault(
  target: Target,
  { request }: Arrival,
  ports: SpinePorts,
): string | undefined | Promise<string | undefined> {
  if (request.method !== 'tools/call') return undefined;
  return ports.checkArguments(target, objectAt(request.params, 'arguments'));
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
    parts.map(async (part) => {
      const permit = ports.decide(trail.principal, part.target, undefined, arrival.request.method);
      if (permit instanceof Denial) return [];
      const { id: callId, principal } = trail;
      const passage = { arrival, target: part.target, principal, view, ports, callId };
      return tasksOf(passage, (params) =>
        ports.send(permit, { method: 'tasks/list', params }, part.exchange),
      );
    }),
  );
  exchange.cancellation.listen(undefined);
  return { result: { tasks: lists.flat() } };
}

/** Of the tasks a server lists, those this caller made. */
function withOwnTasks(result: JsonObject, { ports, principal, target }: Passage): Answer {
  const tasks = objectsAt(result, 'tasks').filter((task) =>
    ports.madeTask(target.upstream, principal, stringAt(task, 'taskId') ?? ''),
  );
  return { result: { ...result, tasks } };
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
    const named = fromUpstream(withOwnTasks(answer.result, passage), passage);
    if ('result' in named) tasks.push(...objectsAt(named.result, 'tasks'));
    if (cursor === undefined) break;
    params = { cursor };
  }
  return tasks;
}
