import { LATEST_LEGACY_VERSION } from '../kernel/era.ts';
import { isObject, objectAt, objectsAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { RpcError } from '../kernel/json-rpc.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Passage } from './passage.ts';
import { unknownTarget } from './resolve.ts';

const LEGACY_RESOURCE_UNKNOWN = -32002;
const INVALID_PARAMS = -32602;
const NOT_FOUND: ReadonlySet<number> = new Set([LEGACY_RESOURCE_UNKNOWN, INVALID_PARAMS]);
const URL_ELICITATION_REQUIRED = -32042;
const CAPABILITY_MISSING = -32021;
const INTERNAL_ERROR = -32603;
const FIRST_RESERVED = -32020;
const LAST_RESERVED = -32099;
/** Headers and versions are of one hop, and the gateway made those of the hop to the server. */
const OF_THE_HOP: ReadonlyMap<number, string> = new Map([
  [-32020, 'found that the headers of the request differ from its body'],
  [-32022, 'does not speak the protocol version it said it speaks'],
]);

/**
 * An upstream's error as its client knows errors (docs/decisions/0028). Throws a Refusal where it speaks of what lies between
 * the gateway and the server, or of what the client could not do anyway.
 */
export function errorFor(error: RpcError, passage: Passage): RpcError {
  const { arrival, target, view } = passage;
  if (error.code === URL_ELICITATION_REQUIRED) return urlsRequired(error, passage);
  if (view.isModern(target.upstream)) {
    const fault = OF_THE_HOP.get(error.code);
    if (fault !== undefined) throw brokeProtocol(target.upstream, fault, error);
    if (error.code === CAPABILITY_MISSING && arrival.era === 'legacy')
      throw lacking(target.upstream, error);
  }
  const named = target.kind === 'resource' ? resourceError(error, passage) : error;
  return arrival.era === 'legacy' || target.kind === 'extension'
    ? named
    : inModernCode(named, view.isModern(target.upstream));
}

/** Codes of earlier versions, and those that the specification keeps for itself, are not sent to modern clients (spec 2026-07-28, basic, "Error Codes"). */
function inModernCode(error: RpcError, isModernServer: boolean): RpcError {
  const { code, data } = error;
  if (code === LEGACY_RESOURCE_UNKNOWN) return { ...error, code: INVALID_PARAMS };
  if (code > FIRST_RESERVED || code < LAST_RESERVED) return error;
  if (code === CAPABILITY_MISSING && isModernServer) return error;
  const details = isObject(data) || data === undefined ? data : { data };
  return { ...error, code: INTERNAL_ERROR, data: { ...details, code } };
}

function brokeProtocol(upstream: string, fault: string, { message }: RpcError): Refusal {
  const detail = `Server "${upstream}" ${fault} (${message.slice(0, MAX_MESSAGE_CHARS)}). Report it to its operator.`;
  return new Refusal('UPSTREAM_PROTOCOL', detail);
}

/** "Not found" has a code of its own in the legacy protocol alone, and names what was asked for. */
function resourceError(error: RpcError, { arrival, target, view }: Passage): RpcError {
  // Where something may be hidden, what no list names is unknown in our own words, or the two could be told apart (docs/rules.md R5).
  if (!view.isOpen && target.item === undefined && NOT_FOUND.has(error.code))
    throw unknownTarget(arrival.request);
  const data = isObject(error.data) ? error.data : {};
  const isNamed = stringAt(data, 'uri') === target.name;
  const isUnknown =
    error.code === LEGACY_RESOURCE_UNKNOWN || (error.code === INVALID_PARAMS && isNamed);
  if (!isUnknown) return error;
  if (arrival.era === 'modern')
    return { ...error, code: INVALID_PARAMS, data: { ...data, uri: target.publicName } };
  // Of a legacy server the code is what its clients know it by.
  const code = view.isModern(target.upstream) ? LEGACY_RESOURCE_UNKNOWN : error.code;
  return isNamed || code !== error.code
    ? { ...error, code, data: { ...data, uri: target.publicName } }
    : error;
}

/** A legacy client declares what it can do once, for all its calls: it cannot come back with more. */
function lacking(upstream: string, { data }: RpcError): Refusal {
  const required = (isObject(data) ? objectAt(data, 'requiredCapabilities') : undefined) ?? {};
  const named = namesOf(required).join(', ') || 'that it does not name';
  return new Refusal(
    'CLIENT_UNREACHABLE',
    `Server "${upstream}" needs the client capability ${named}, which this client did not declare: use a client that has it.`,
    { requiredCapabilities: required },
  );
}

/** Capabilities in words: `elicitation.url`. */
function namesOf(capabilities: JsonObject, path = ''): string[] {
  return Object.entries(capabilities).flatMap(([key, value]) => {
    const name = path === '' ? key : `${path}.${key}`;
    const parts = isObject(value) ? namesOf(value, name) : [];
    return parts.length === 0 ? [name] : parts;
  });
}

/** An error may send the client to URLs: each of them is a question too (spec 2025-11-25, elicitation; docs/rules.md R7). */
function urlsRequired(error: RpcError, { arrival, target, ports }: Passage): RpcError {
  // What names no URL could not be asked.
  if (arrival.era === 'modern') return inModernCode(error, false);
  const { data } = error;
  if (arrival.version < LATEST_LEGACY_VERSION) {
    throw new Refusal(
      'CLIENT_UNREACHABLE',
      `Server "${target.upstream}" wants a URL opened first, which clients can be asked since protocol version ${LATEST_LEGACY_VERSION}: use a newer client.`,
    );
  }
  if (!isObject(data) || !Array.isArray(data['elicitations'])) return error;
  const elicitations = objectsAt(data, 'elicitations').map((params) => {
    const question = { method: 'elicitation/create', params };
    return ports.admitQuestion(target.upstream, arrival.exchange.owner, question).params ?? params;
  });
  return { ...error, data: { ...data, elicitations } };
}

const MAX_MESSAGE_CHARS = 200;
