/** How one refusal looks on the wire, and what the caller can do about it. */
export interface RefusalRow {
  /** HTTP status, where the transport has one and no byte was sent yet. */
  readonly http: number;
  /** JSON-RPC code. Codes of our own lie outside -32768..-32000 (docs/rules.md R8). */
  readonly rpc: number;
  /** What happened, one sentence. */
  readonly sentence: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Every way the gateway itself says no. docs/reference/refusals.md is generated from this table. */
export const REFUSALS = {
  MALFORMED_JSON: {
    http: 400,
    rpc: -32700,
    sentence: 'The body is not valid JSON.',
    remedy: 'Send one JSON-RPC 2.0 message encoded as UTF-8 JSON.',
  },
  MALFORMED_HTTP: {
    http: 400,
    rpc: -32600,
    sentence: 'The request is not valid HTTP.',
    remedy: 'Send HTTP/1.1.',
  },
  MALFORMED_MESSAGE: {
    http: 400,
    rpc: -32600,
    sentence: 'The body is not a JSON-RPC 2.0 message.',
    remedy: 'Send an object with "jsonrpc": "2.0" and a method, or a response with an id.',
  },
  BATCH_UNSUPPORTED: {
    http: 400,
    rpc: -32600,
    sentence: 'Batches exist only in protocol version 2025-03-26.',
    remedy: 'Send each message in a request of its own.',
  },
  BATCH_TOO_LONG: {
    http: 400,
    rpc: -32600,
    sentence: 'The batch has too many messages.',
    remedy: 'Send at most 100 messages in one batch.',
  },
  BODY_TOO_LARGE: {
    http: 413,
    rpc: -32600,
    sentence: 'The body is larger than this gateway accepts.',
    remedy: 'Send less, or raise server.maxBodyBytes in app.yaml.',
  },
  RECEIVE_TIMEOUT: {
    http: 408,
    rpc: -32600,
    sentence: 'The request did not arrive whole in time.',
    remedy: 'Send faster, or raise server.receiveTimeoutMs in app.yaml.',
  },
  HEADERS_TOO_LARGE: {
    http: 431,
    rpc: -32600,
    sentence: 'The request headers are larger than this gateway accepts.',
    remedy: 'Send fewer or shorter headers, or raise server.maxHeaderBytes in app.yaml.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    http: 415,
    rpc: -32600,
    sentence: 'The body is not declared as JSON.',
    remedy: 'Send the header "Content-Type: application/json".',
  },
  NOT_ACCEPTABLE: {
    http: 406,
    rpc: -32600,
    sentence: 'The Accept header excludes every content type this endpoint can answer with.',
    remedy: 'Send "Accept: application/json, text/event-stream".',
  },
  PATH_UNKNOWN: {
    http: 404,
    rpc: -32600,
    sentence: 'Nothing is served under this path.',
    remedy: 'Use /mcp (streamable HTTP) or /sse (HTTP+SSE).',
  },
  HTTP_METHOD_UNSUPPORTED: {
    http: 405,
    rpc: -32600,
    sentence: 'This HTTP method is not served under this path.',
    remedy: 'Use one of the methods named in the Allow header.',
  },
  HOST_REFUSED: {
    http: 403,
    rpc: -32600,
    sentence: 'The Host header does not name this gateway.',
    remedy:
      'Use the address the gateway is bound to, or add the name to server.allowedHosts in app.yaml.',
  },
  ORIGIN_REFUSED: {
    http: 403,
    rpc: -32600,
    sentence: 'Pages of this origin may not call this gateway.',
    remedy: 'Add the origin to server.allowedOrigins in app.yaml.',
  },
  ADDRESS_REFUSED: {
    http: 403,
    rpc: -32600,
    sentence: 'Callers from this address are not served.',
    remedy: 'Ask the operator to add the address to ALLOWED_IP_RANGES.',
  },
  UNAUTHENTICATED: {
    http: 401,
    rpc: 1401,
    sentence: 'The caller is not proven.',
    remedy: 'Send a valid API key, or a token as "Authorization: Bearer".',
  },
  CONSUMER_REFUSED: {
    http: 403,
    rpc: 1402,
    sentence: 'The consumer tag does not go with the credential.',
    remedy: 'Leave the x-lunar-consumer-tag header out, or use the credential of that consumer.',
  },
  INSUFFICIENT_SCOPE: {
    http: 403,
    rpc: 1407,
    sentence: 'The token lacks a scope this call needs.',
    remedy: 'Ask for a token with the scopes in data.scopes.',
  },
  ADMIN_REFUSED: {
    http: 403,
    rpc: 1405,
    sentence: 'This caller may not use the admin API.',
    remedy: 'Use the shared key, or name the consumer or group under auth.admins in app.yaml.',
  },
  FORBIDDEN: {
    // Told in the body alone: SDK clients take any status but 2xx for a broken transport.
    http: 200,
    rpc: 1403,
    sentence: 'This call is not allowed.',
    remedy: 'Ask the operator of this gateway for access.',
  },
  ASK_FORBIDDEN: {
    http: 200,
    rpc: 1406,
    sentence: 'The server asked something of the client that it may not ask.',
    remedy: 'Allow the server to ask it by a rule with asks, or use another tool.',
  },
  GUESSING: {
    http: 429,
    rpc: 1428,
    sentence: 'Too many credentials from this address were wrong.',
    remedy: 'Wait as many seconds as the Retry-After header says, and send a valid credential.',
  },
  LIMITED: {
    http: 429,
    rpc: 1429,
    sentence: 'A limit is reached.',
    remedy: 'Try again later, or ask the operator to raise the limit.',
  },
  RESULT_TOO_LARGE: {
    http: 200,
    rpc: 1430,
    sentence: 'The result is larger than a limit allows.',
    remedy: 'Ask for less at once, or ask the operator to raise the limit.',
  },
  RECORD_UNAVAILABLE: {
    http: 200,
    rpc: 1530,
    sentence: 'Calls cannot be recorded now, and none is made without a record.',
    remedy: 'Tell the operator of this gateway; try again later.',
  },
  SESSION_REQUIRED: {
    http: 400,
    rpc: -32600,
    sentence: 'The Mcp-Session-Id header is missing.',
    remedy: 'Send initialize first, then the Mcp-Session-Id it answered with on every request.',
  },
  SESSION_UNKNOWN: {
    http: 404,
    rpc: 1404,
    sentence: 'This session does not exist or has ended.',
    remedy: 'Start a new session with initialize.',
  },
  SESSION_UNINITIALIZED: {
    http: 400,
    rpc: -32600,
    sentence: 'No session was initialized on this connection.',
    remedy: 'Send initialize first.',
  },
  DUPLICATE_INITIALIZE: {
    http: 400,
    rpc: -32600,
    sentence: 'This session is already initialized.',
    remedy: 'Send initialize once, without an Mcp-Session-Id.',
  },
  DUPLICATE_ID: {
    http: 400,
    rpc: -32600,
    sentence: 'A request with this id is still being answered.',
    remedy: 'Give every request of a session an id of its own.',
  },
  VERSION_HEADER_UNSUPPORTED: {
    http: 400,
    rpc: -32600,
    sentence:
      'The MCP-Protocol-Version header names a version this gateway does not speak in this session.',
    remedy: 'Send the version that initialize negotiated.',
  },
  VERSION_UNSUPPORTED: {
    http: 400,
    rpc: -32022,
    sentence: 'This protocol version is not supported.',
    remedy: 'Use one of the versions in data.supported.',
  },
  HEADER_MISMATCH: {
    http: 400,
    rpc: -32020,
    sentence: 'A request header is missing or differs from the body.',
    remedy: 'Send MCP-Protocol-Version, Mcp-Method, Mcp-Name and Mcp-Param-* as the body says.',
  },
  CAPABILITY_MISSING: {
    http: 400,
    rpc: -32021,
    sentence: 'The call needs a client capability that was not declared.',
    remedy: 'Declare the capabilities named in data.requiredCapabilities, or use another tool.',
  },
  METHOD_UNKNOWN: {
    http: 404,
    rpc: -32601,
    sentence: 'This method does not exist.',
    remedy: 'Use a method of the protocol version in use.',
  },
  PARAMS_INVALID: {
    http: 400,
    rpc: -32602,
    sentence: 'The parameters of the request are not valid.',
    remedy: 'See the message for the parameter at fault.',
  },
  TARGET_UNKNOWN: {
    http: 200,
    rpc: -32602,
    sentence: 'No such tool, prompt, resource or task.',
    remedy: 'List again and use a name from the list.',
  },
  RESOURCE_UNKNOWN: {
    http: 200,
    rpc: -32602,
    sentence: 'No such resource. (Up to protocol version 2025-11-25 the code is -32002.)',
    remedy: 'List again and use a URI from the list or of a listed template.',
  },
  UPSTREAM_UNAVAILABLE: {
    http: 200,
    rpc: 1503,
    sentence: 'The server behind this call is not available.',
    remedy: 'Try again later; the message gives the state of the server.',
  },
  UPSTREAM_LOST: {
    http: 200,
    rpc: 1502,
    sentence: 'The server behind this call went away before it answered; it may have run.',
    remedy: 'Check what the call has done before you repeat it.',
  },
  UPSTREAM_TIMEOUT: {
    http: 200,
    rpc: 1504,
    sentence: 'The server behind this call did not answer in time; the call was cancelled.',
    remedy: 'Raise callTimeoutMs of this server, or let the tool report progress.',
  },
  UPSTREAM_BUSY: {
    http: 200,
    rpc: 1505,
    sentence: 'The server behind this call has as many calls, or instances, as it may have.',
    remedy: 'Try again later, or raise maxInFlight, maxQueued or maxInstances of this server.',
  },
  UPSTREAM_PROTOCOL: {
    http: 200,
    rpc: 1506,
    sentence: 'The server behind this call broke the protocol.',
    remedy: 'See the log of this server.',
  },
  CLIENT_UNREACHABLE: {
    http: 200,
    rpc: 1510,
    sentence: 'The server asked something that no client can be asked now.',
    remedy:
      'Declare the capability, keep a stream open, or set isolation: session for this server.',
  },
  INPUT_DECLINED: {
    http: 200,
    rpc: 1511,
    sentence: 'The call needs something that its user did not agree to.',
    remedy: 'Call again, and agree to what the server needs first.',
  },
  OVERLOADED: {
    http: 503,
    rpc: 1521,
    sentence: 'The gateway has more to do than it may have at once; nothing was done.',
    remedy: 'Try again after as many seconds as the Retry-After header says.',
  },
  SHUTTING_DOWN: {
    http: 503,
    rpc: 1520,
    sentence: 'The gateway is shutting down.',
    remedy: 'Connect again.',
  },
  INTERNAL: {
    http: 500,
    rpc: -32603,
    sentence: 'Something went wrong inside the gateway.',
    remedy: 'Give the operator the id in the message; it is also in the log.',
  },
} as const satisfies Record<string, RefusalRow>;

/** A refusal's stable name. */
export type RefusalCode = keyof typeof REFUSALS;

/** The gateway's own no. The detail is for the caller: it must hold no secret and no internals. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly detail: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(code: RefusalCode, detail?: string, data?: Readonly<Record<string, unknown>>) {
    super(detail === undefined ? REFUSALS[code].sentence : detail);
    this.name = 'Refusal';
    this.code = code;
    this.detail = detail;
    this.data = data;
  }
}
