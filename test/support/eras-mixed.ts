import { packagedServer, startServing, type RunningGateway } from './clients-gateway.ts';
import { startFixture, type RemoteServer } from './eras-servers.ts';
import { Peer, type Answers } from './fidelity-peer.ts';
import { fixture } from './gateway.ts';

type JsonObject = Record<string, unknown>;

/** A gateway in front of three servers of the legacy era and two of the modern one. */
export interface MixedHouse {
  readonly gateway: RunningGateway;
  /** A client of an era that speaks bare JSON-RPC over streamable HTTP. */
  open(era: 'legacy' | 'modern', wish?: { answers?: Answers; name?: string }): Promise<Peer>;
  stop(): Promise<void>;
}

/** The five servers by their names, with their eras. */
export const MIXED = {
  oldlocal: 'legacy',
  newlocal: 'modern',
  everything: 'legacy',
  newremote: 'modern',
  oldremote: 'legacy',
} as const;

/** The servers among them that are our fixture. */
export const FIXTURES = ['oldlocal', 'newlocal', 'newremote', 'oldremote'] as const;

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

/** Starts the five servers and the gateway, and waits until all are ready. */
export async function openMixedHouse(): Promise<MixedHouse> {
  const remote: RemoteServer[] = [];
  const serve = async (era: 'legacy' | 'modern'): Promise<RemoteServer['entry']> => {
    const server = await startFixture(era);
    remote.push(server);
    return server.entry;
  };
  const stopRemote = () => Promise.all(remote.map((server) => server.stop()));
  try {
    const [newremote, oldremote] = await Promise.all([serve('modern'), serve('legacy')]);
    const gateway = await startServing({
      servers: {
        oldlocal: { ...fixture('legacy') },
        newlocal: { ...fixture('modern') },
        everything: packagedServer('server-everything', 'stdio'),
        newremote,
        oldremote,
      },
      app: 'asks: { maxPerMinute: 1000 }\nupstreams: { shutdownGraceMs: 100 }\n',
    });
    return {
      gateway,
      open: (era, { answers = {}, name = `${era} client` } = {}) =>
        Peer.open(
          { kind: 'http', url: gateway.url },
          {
            era,
            name,
            version: era === 'legacy' ? '2025-11-25' : '2026-07-28',
            capabilities: CAPABILITIES,
            answers,
          },
        ),
      stop: async () => {
        await gateway.stop();
        await stopRemote();
      },
    };
  } catch (failure) {
    await stopRemote();
    throw failure;
  }
}

/** All pages of a list, as one result. */
export async function listAll(client: Peer, method: string, key: string): Promise<JsonObject> {
  const items: unknown[] = [];
  let page: JsonObject = {};
  let cursor: unknown;
  do {
    page = await client.result(method, cursor === undefined ? {} : { cursor });
    items.push(...(page[key] as unknown[]));
    cursor = page['nextCursor'];
  } while (cursor !== undefined);
  return { ...page, [key]: items };
}

/** Answers what is asked while a call runs: by `input_required` and a retry, or, in the legacy era, by answers to requests. */
export async function settle(
  client: Peer,
  method: string,
  params: JsonObject,
  answers: Answers,
): Promise<JsonObject> {
  let result = await client.result(method, params);
  for (let round = 0; result['resultType'] === 'input_required'; round += 1) {
    if (round === 10) throw new Error('Still asked after 10 rounds');
    const { inputRequests = {}, requestState } = result;
    const inputResponses: JsonObject = {};
    for (const [key, question] of Object.entries(inputRequests as Record<string, Question>))
      inputResponses[key] = await answers[question.method]?.(question.params ?? {}, nobody);
    const state = requestState === undefined ? {} : { requestState };
    result = await client.result(method, { ...params, inputResponses, ...state });
  }
  return result;
}

interface Question {
  readonly method: string;
  readonly params?: JsonObject;
}

function nobody(): Promise<void> {
  return Promise.resolve();
}
