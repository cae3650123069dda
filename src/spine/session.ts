import type { Answer } from '../kernel/answer.ts';
import type { Arrival } from '../kernel/arrival.ts';
import {
  LATEST_LEGACY_VERSION,
  LEGACY_VERSIONS,
  LOG_LEVELS,
  MODERN_VERSION,
} from '../kernel/era.ts';
import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import type { Request } from '../kernel/json-rpc.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Session, SpinePorts } from './ports.ts';
import type { Trail } from './trail.ts';

/** The road of what concerns the client and the gateway alone. */
export async function serveSession(
  arrival: Arrival,
  trail: Trail,
  ports: SpinePorts,
): Promise<Answer> {
  switch (arrival.request.method) {
    case 'server/discover':
      return discover(trail.principal, ports);
    case 'logging/setLevel':
      return setLevel(arrival, ports);
    case 'ping':
      return { result: {} };
    default:
      throw new Refusal('DUPLICATE_INITIALIZE');
  }
}

/** Agrees on a session with a legacy client (spec 2025-11-25, lifecycle). */
export function initialize(
  principal: Principal,
  request: Request,
  ports: SpinePorts,
): { session: Session; result: JsonObject } {
  const { params } = request;
  const asked = stringAt(params, 'protocolVersion');
  if (asked === undefined)
    throw new Refusal('PARAMS_INVALID', 'params.protocolVersion must be a string.');
  const version = LEGACY_VERSIONS.includes(asked) ? asked : LATEST_LEGACY_VERSION;
  const client = {
    capabilities: objectAt(params, 'capabilities') ?? {},
    info: objectAt(params, 'clientInfo'),
  };
  const session = ports.sessions.create(principal, version, client);
  const view = ports.view(principal);
  const { instructions } = view;
  return {
    session,
    result: {
      protocolVersion: version,
      capabilities: legacyCapabilities(view.capabilities('legacy'), version),
      serverInfo: ports.serverInfo,
      ...(instructions === undefined ? {} : { instructions }),
    },
  };
}

/** Who this gateway is to a modern client (spec 2026-07-28, discovery). */
async function discover(principal: Principal, ports: SpinePorts): Promise<Answer> {
  await ports.whenListed();
  const view = ports.view(principal);
  return {
    result: {
      supportedVersions: [MODERN_VERSION],
      capabilities: view.capabilities('modern'),
      ...(view.instructions === undefined ? {} : { instructions: view.instructions }),
      ...view.modernFields(),
    },
  };
}

async function setLevel({ request, exchange }: Arrival, ports: SpinePorts): Promise<Answer> {
  const level = stringAt(request.params, 'level');
  if (level === undefined || !LOG_LEVELS.includes(level)) {
    throw new Refusal('PARAMS_INVALID', `params.level must be one of ${LOG_LEVELS.join(', ')}.`);
  }
  await ports.setLevel(exchange.owner, level);
  return { result: {} };
}

/** Tasks came with 2025-11-25. */
function legacyCapabilities(capabilities: JsonObject, version: string): JsonObject {
  if (version === LATEST_LEGACY_VERSION) return capabilities;
  const { tasks: _tooNew, ...rest } = capabilities;
  return rest;
}
