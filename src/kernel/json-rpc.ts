import { isObject, type Json, type JsonObject } from './json.ts';

/** JSON-RPC 2.0 request id; MCP forbids null (spec: basic, "Requests"). */
export type RequestId = string | number;

/** A JSON-RPC request. */
export interface Request {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly method: string;
  readonly params?: JsonObject;
}

/** A JSON-RPC notification. */
export interface Notification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: JsonObject;
}

/** The error member of a JSON-RPC response. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

/** A JSON-RPC response: exactly one of result and error. The id is absent only on errors about unreadable messages. */
export interface Response {
  readonly jsonrpc: '2.0';
  readonly id?: RequestId | null;
  readonly result?: JsonObject;
  readonly error?: RpcError;
}

/** Any JSON-RPC message. */
export type Message = Request | Notification | Response;

/** The three shapes a JSON-RPC message can have. */
export type MessageKind = 'request' | 'notification' | 'response';

/** What kind of message a parsed value is; undefined when it is none (JSON-RPC 2.0, sections 4 and 5). */
export function kindOf(value: unknown): MessageKind | undefined {
  if (!isObject(value) || value['jsonrpc'] !== '2.0') return undefined;
  // What names a method is a call, or nothing: taken for a response it would be one that looks like a call.
  if ('method' in value) return kindOfCall(value);
  const id = value['id'];
  if (isObject(value['error']))
    return id === null || id === undefined || isId(id) ? 'response' : undefined;
  return isObject(value['result']) && isId(id) ? 'response' : undefined;
}

/** The error of a response as JSON-RPC has it, whatever its sender made of it; undefined where it has none, or null. */
export function errorOf({ error }: Response): RpcError | undefined {
  if (!isObject(error)) return undefined;
  const { code, message } = error as Readonly<Record<string, Json>>;
  if (Number.isSafeInteger(code) && typeof message === 'string') return error;
  return {
    ...error,
    code: Number.isSafeInteger(code) ? error.code : INTERNAL_ERROR,
    message: typeof message === 'string' ? message : 'The error came without a message.',
  };
}

/** What an error without a code of its own counts as (JSON-RPC 2.0, section 5.1). */
const INTERNAL_ERROR = -32603;

/** Whether a parsed value is a JSON-RPC message. */
export function isMessage(value: unknown): value is Message {
  return kindOf(value) !== undefined;
}

/** Whether a value can be a JSON-RPC id: a string, or a number that JSON carries without loss. */
function isId(value: unknown): value is RequestId {
  if (typeof value === 'string') return true;
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

/** A notification ready to send. */
export function notification(method: string, params?: JsonObject): Notification {
  return params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params };
}

/** A request ready to send. */
export function request(id: RequestId, method: string, params?: JsonObject): Request {
  return params === undefined
    ? { jsonrpc: '2.0', id, method }
    : { jsonrpc: '2.0', id, method, params };
}

function kindOfCall(value: JsonObject): MessageKind | undefined {
  if (typeof value['method'] !== 'string') return undefined;
  const params = value['params'];
  if (params !== undefined && !isObject(params)) return undefined;
  if (!('id' in value)) return 'notification';
  return isId(value['id']) ? 'request' : undefined;
}
