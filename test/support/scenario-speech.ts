import { isObject, objectOf, type Id, type JsonObject, type Message } from '../fixture/json-rpc.ts';
import { modernSent } from './raw-clients.ts';
import type { Era } from './scenario-fleet.ts';
import type { Talk } from './scenario-talk.ts';

type Headers = Record<string, string>;
type Asking = JsonObject & { id: Id };

let lastId = 0;

/** An id no other request of these tests has. */
export function freshId(): Id {
  lastId += 1;
  return `scenario-${lastId}`;
}

/** A number no other request of these tests has as its id. */
export function freshNumber(): number {
  lastId += 1;
  return 7_000_000 + lastId;
}

/** What a request of a scenario may differ in. */
export interface More {
  readonly id?: Id;
  readonly meta?: JsonObject;
}

/** A request as a client of an era sends it, with the headers that go with it. */
export function requestIn(
  era: Era,
  method: string,
  params: JsonObject = {},
  more: More = {},
): [message: Asking, headers: Headers] {
  const id = more.id ?? freshId();
  if (era === 'modern') {
    const { body, headers } = modernSent(method, params, { id, meta: more.meta ?? {} });
    return [body as Asking, headers as Headers];
  }
  const _meta = { ...objectOf(params['_meta']), ...more.meta };
  const whole = Object.keys(_meta).length === 0 ? params : { ...params, _meta };
  return [{ jsonrpc: '2.0', id, method, params: whole }, {}];
}

/** The body of initialize. */
export function initializing(version = '2025-11-25', capabilities: JsonObject = {}): Asking {
  const clientInfo = { name: 'scenario', version: '1.0.0' };
  const params = { protocolVersion: version, capabilities, clientInfo };
  return { jsonrpc: '2.0', id: freshId(), method: 'initialize', params };
}

/** Begins a session as a legacy client does, and returns what it was answered. */
export async function hello(
  talk: Talk,
  version?: string,
  capabilities?: JsonObject,
): Promise<JsonObject> {
  const { result } = await talk.ask(initializing(version, capabilities));
  await talk.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return objectOf(result);
}

/** An error's code; fails when the message is no error. */
export function codeOf({ error, ...rest }: Message): number {
  if (!isObject(error)) throw new Error(`Not an error: ${JSON.stringify(rest).slice(0, 500)}`);
  return error.code;
}
