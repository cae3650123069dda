import { join } from 'node:path';
import { after } from 'node:test';
import { ROOT } from './conformance-processes.ts';
import { modernSent, RawSession, allOf, type SessionTerms } from './raw-clients.ts';
import { startRaw, type RawGateway, type RawTerms } from './raw-gateway.ts';
import { send, type JsonObject, type Rpc } from './raw-http.ts';

export type Era = 'legacy' | 'modern';
export const ERAS: readonly Era[] = ['legacy', 'modern'];

const META = 'io.modelcontextprotocol';

/** An entry of mcp.json for a server that answers what is written here (test/support/shapes-server.ts). */
export function scripted(era: Era, script: JsonObject): object {
  const path = join(ROOT, 'test/support/shapes-server.ts');
  return { command: process.execPath, args: [path, JSON.stringify({ era, ...script })] };
}

/** A gateway before such servers, ended with the file. */
export async function sceneOf(terms: RawTerms): Promise<RawGateway> {
  const gateway = await startRaw(terms);
  after(() => gateway.stop());
  return gateway;
}

/** A client of either era that sends requests and returns their answers. */
export interface Client {
  request(method: string, params?: JsonObject): Promise<Rpc>;
  /** HTTP status of the last answer to a modern client; undefined for a legacy one. */
  status(): number | undefined;
}

/** A client with these capabilities; a legacy one may have another protocol version, a modern one more of `_meta`. */
export async function clientOf(era: Era, port: number, terms: SessionTerms = {}): Promise<Client> {
  if (era === 'legacy') {
    const session = await RawSession.open(port, terms);
    return { request: (...args) => session.request(...args), status: () => undefined };
  }
  const meta = { [`${META}/clientCapabilities`]: terms.capabilities ?? {} };
  let status: number | undefined;
  return {
    request: async (method, params) => {
      const got = await send(port, modernSent(method, params, { meta }));
      ({ status } = got);
      const found = allOf(got).find(({ id }) => id === 1);
      if (found === undefined) throw new Error(`no answer to ${method}: ${got.text}`);
      return found;
    },
    status: () => status,
  };
}

/** What a client is told of the gateway: the result of initialize or discovery. */
export async function welcomeOf(era: Era, port: number): Promise<JsonObject> {
  if (era === 'legacy') return (await RawSession.open(port)).initialized.result ?? {};
  return (await (await clientOf('modern', port)).request('server/discover')).result ?? {};
}
