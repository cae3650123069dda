import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import { objectsAt } from '../kernel/json.ts';
import { Denial, type Permit } from '../kernel/permit.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';
import { fromUpstream } from './from-upstream.ts';
import type { SpinePorts } from './ports.ts';
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
  const view = ports.view(trail.principal, arrival.exchange.owner);
  if (request.method === 'tasks/list') return listTasks(arrival, trail, ports);
  const target = resolve(request, trail.principal, view, ports);
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

/** The decision about a target; a hidden one is answered exactly as an unknown one (docs/rules.md R5). */
function permitFor(target: Target, arrival: Arrival, trail: Trail, ports: SpinePorts): Permit {
  trail.target = target;
  const decision = ports.decide(trail.principal, target);
  trail.rule = decision.rule;
  if (!(decision instanceof Denial)) return decision;
  throw decision.hidden ? unknownTarget(arrival.request) : new Refusal('FORBIDDEN');
}

/** The tasks of all servers that keep any, one page (spec 2025-11-25, tasks). */
async function listTasks(arrival: Arrival, trail: Trail, ports: SpinePorts): Promise<Answer> {
  const view = ports.view(trail.principal, arrival.exchange.owner);
  const lists = await Promise.all(
    view.withCapability('tasks').map(async (upstream) => {
      const target: Target = { kind: 'task', upstream, name: '', publicName: '' };
      const permit = permitFor(target, arrival, trail, ports);
      const passage = { arrival, target, principal: trail.principal, view, ports };
      const answer = await ports
        .send(permit, { method: 'tasks/list', params: {} }, arrival.exchange)
        .catch(() => ({ result: {} }));
      const named = fromUpstream(answer, passage);
      return 'result' in named ? objectsAt(named.result, 'tasks') : [];
    }),
  );
  return { result: { tasks: lists.flat() } };
}
