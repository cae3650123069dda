import { Cancelled, type Answer } from '../kernel/answer.ts';
import { missingFor } from '../kernel/capabilities.ts';
import { META } from '../kernel/era.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { isObject, objectAt, objectsAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { RequestId, RpcError } from '../kernel/json-rpc.ts';
import type { Permit } from '../kernel/permit.ts';
import { Refusal } from '../kernel/refusals.ts';
import { callIsOver, MULTI_ROUND } from './echo.ts';
import { fromUpstream } from './from-upstream.ts';
import { bindingOf, type Passage } from './passage.ts';
import type { RoundTrip, Subject } from './ports.ts';
import type { Call } from './to-upstream.ts';
import type { Trail } from './trail.ts';

/** One round of a modern client's call: sends it, or goes on with it, until it is answered or its client must be asked (docs/rules.md R3). */
export async function serveRound(
  permit: Permit,
  call: Call,
  passage: Passage,
  trail: Trail,
): Promise<Answer> {
  const { arrival, ports } = passage;
  const { exchange } = arrival;
  const send = (as: Exchange): Promise<Answer> => ports.send(permit, call, as);
  if (!MULTI_ROUND.has(arrival.request.method))
    return fromUpstream(await trail.stopwatch.waiting(send(exchange)), passage);
  const trip = tripOf(passage);
  try {
    const { reason } = exchange.cancellation;
    if (reason !== undefined) throw new Cancelled(reason);
    return await roundOf(trip, passage, trail, send);
  } catch (error) {
    // Whatever it was: nobody else could end the call.
    ports.parking.drop(trip, 'its client was not told how to go on');
    throw error;
  }
}

/** The call that this request begins, or goes on with. */
function tripOf({ arrival, ports, target, args, callId, echo }: Passage): RoundTrip {
  if (echo?.kind !== 'parked')
    return ports.parking.begin(arrival.exchange, { callId, target, args });
  const trip = ports.parking.take(echo.id);
  if (trip === undefined) throw callIsOver();
  if (isSame(trip.subject, { target, args })) return trip;
  ports.parking.drop(trip, 'its name stands for something else now');
  throw callIsOver();
}

/** What goes on must be what was decided about now: names and custom tools may have been configured anew. */
function isSame(one: Omit<Subject, 'callId'>, other: Omit<Subject, 'callId'>): boolean {
  const [first, second] = [one.target, other.target];
  return (
    first.kind === second.kind &&
    first.upstream === second.upstream &&
    first.name === second.name &&
    first.shape?.name === second.shape?.name &&
    JSON.stringify(one.args) === JSON.stringify(other.args)
  );
}

async function roundOf(
  trip: RoundTrip,
  passage: Passage,
  trail: Trail,
  send: (as: Exchange) => Promise<Answer>,
): Promise<Answer> {
  const { request, exchange } = passage.arrival;
  const responses = objectAt(request.params, 'inputResponses') ?? {};
  if (trip.consents !== undefined) {
    const left = notAgreed(trip.consents, responses);
    if (Object.keys(left).length > 0) return parked(trip, left, passage, trail);
    trip.follow(send(trip));
  } else if (passage.echo?.kind === 'parked') trip.answer(responses);
  else trip.follow(send(trip));
  const progressToken = objectAt(request.params, '_meta')?.['progressToken'] as RequestId;
  const answer = await trail.stopwatch.waiting(trip.next({ exchange, progressToken }));
  if ('asked' in answer) return parked(trip, answer.asked, passage, trail);
  const urls = 'error' in answer ? urlsOf(answer.error) : undefined;
  if (urls === undefined) return fromUpstream(answer, passage);
  trip.consents = requestsFor(urls, trip, passage);
  return parked(trip, trip.consents, passage, trail);
}

/** Lets the call wait for its client, who is told what to answer. */
function parked(
  trip: RoundTrip,
  inputRequests: JsonObject,
  { arrival, ports, principal, callId }: Passage,
  trail: Trail,
): Answer {
  const { id, expiresAt } = ports.parking.park(trip);
  // An answer that cannot be written, or is larger than a limit allows, tells nobody how to go on.
  trail.onFailed = () => ports.parking.deny(id);
  const binding = bindingOf(arrival.request, principal);
  return {
    result: {
      resultType: 'input_required',
      inputRequests,
      requestState: ports.sealState(binding, { kind: 'parked', id, callId }, expiresAt),
      _meta: { [META.serverInfo]: ports.serverInfo },
    },
  };
}

const URL_ELICITATION_REQUIRED = -32042;

/** The URLs that a server of 2025-11-25 wants opened before it is called again; undefined where it wants none. */
function urlsOf({ code, data }: RpcError): readonly JsonObject[] | undefined {
  if (code !== URL_ELICITATION_REQUIRED || !isObject(data)) return undefined;
  const elicitations = objectsAt(data, 'elicitations');
  return elicitations.length === 0 ? undefined : elicitations;
}

/** The call did not run: its client is asked to open the URLs, and then it is sent anew (spec 2025-11-25, elicitation). */
function requestsFor(
  urls: readonly JsonObject[],
  { owner }: RoundTrip,
  { ports, target }: Passage,
): JsonObject {
  const asked = urls.map((params, index) => {
    const question = { method: 'elicitation/create', params: { mode: 'url', ...params } };
    const requiredCapabilities = missingFor(question, owner.capabilities);
    if (requiredCapabilities !== undefined)
      throw new Refusal('CAPABILITY_MISSING', undefined, { requiredCapabilities });
    const shown = ports.admitQuestion(target.upstream, owner, question);
    return [`url_${index + 1}`, { method: shown.method, params: shown.params ?? params }] as const;
  });
  return Object.fromEntries(asked);
}

/** What its user has still to agree to; nothing is sent anew without that. Throws INPUT_DECLINED. */
function notAgreed(consents: JsonObject, responses: JsonObject): JsonObject {
  const left = Object.entries(consents).filter(([key]) => {
    const response = objectAt(responses, key);
    if (response !== undefined && stringAt(response, 'action') !== 'accept')
      throw new Refusal('INPUT_DECLINED');
    return response === undefined;
  });
  return Object.fromEntries(left);
}
