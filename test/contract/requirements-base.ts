import { ALL, LEGACY, MODERN, rulesOf, type Requirement } from './requirements-table.ts';

const BOTH = ['legacy', 'modern'] as const;

/** Messages, `_meta`, errors, versions, discovery and the lifecycle. */
export const BASE_REQUIREMENTS: readonly Requirement[] = [
  ...rulesOf({ page: 'basic', binds: 'server', revisions: ALL }, [
    [
      'base.message.valid-to-client',
      'Messages',
      'Whatever a client gets is a JSON-RPC 2.0 message, "jsonrpc" included.',
      { servers: BOTH },
    ],
    [
      'base.request.null-id-refused',
      'Requests',
      'A request whose id is null, or neither a text nor a number, is not served.',
    ],
    [
      'base.response.same-id',
      'Responses',
      'A response has the id of its request, with its type.',
      { servers: BOTH },
    ],
    [
      'base.response.one-outcome',
      'Responses',
      'A response has a result or an error, and never both.',
      { servers: BOTH },
    ],
    ['base.response.once', 'Responses', 'A request is answered exactly once.', { servers: BOTH }],
    [
      'base.error.shape',
      'Error Responses',
      'An error has a message, and a code that is a whole number.',
      { servers: BOTH },
    ],
    [
      'base.error.id-unreadable',
      'Error Responses',
      'An error for a message whose id could not be read has no id of a request.',
    ],
    [
      'base.error.standard-codes',
      'Error Codes',
      'General failures have the codes of JSON-RPC: -32700, -32600, -32601, -32602, -32603.',
    ],
    [
      'base.notification.unanswered',
      'Notifications',
      'A notification is never answered, not even one that nobody knows.',
    ],
    [
      'base.notification.no-id-to-client',
      'Notifications',
      'A notification to a client has no id.',
      { servers: BOTH },
    ],
    [
      'base.meta.kept-to-server',
      '_meta',
      'Keys of _meta that are not the protocol’s own pass from client to server as they are.',
      { servers: BOTH },
    ],
    [
      'base.meta.kept-to-client',
      '_meta',
      'Keys of _meta that are not the protocol’s own pass from server to client as they are.',
      { servers: BOTH },
    ],
    [
      'base.meta.key-format',
      '_meta: Key name format',
      'Keys the gateway itself adds to _meta have the form the specification gives them.',
      { servers: BOTH },
    ],
    [
      'base.schema.kept',
      'JSON Schema Usage',
      'Schemas reach the client with every keyword and with their dialect.',
      { servers: BOTH },
    ],
    [
      'base.schema.dialect-2020-12',
      'JSON Schema Usage: Implementation Requirements',
      'Where the gateway validates by a schema, one without $schema is taken as 2020-12, and a dialect it does not know is an error.',
    ],
    [
      'base.schema.ref-not-fetched',
      'JSON Schema Usage: $ref Resolution',
      'A $ref to the network is never fetched.',
    ],
    [
      'base.schema.bounded',
      'JSON Schema Usage: Composition-Keyword Resource Use',
      'A schema made to be expensive does not hold the gateway up.',
    ],
    ['base.auth.http', 'Auth', 'Over HTTP callers can be made to prove who they are.'],
  ]),
  ...rulesOf({ page: 'basic', binds: 'client', revisions: ALL }, [
    [
      'base.message.valid-to-server',
      'Messages',
      'Whatever a server gets is a JSON-RPC 2.0 message, "jsonrpc" included.',
      { clients: BOTH },
    ],
    [
      'base.request.id-to-server',
      'Requests',
      'Requests to servers have an id that is a text or a whole number, never null.',
    ],
    [
      'base.request.id-free',
      'Requests',
      'The id of a request to a server is not one that is still unanswered on that link; in the legacy era it was never used before in that session.',
      { clients: BOTH },
    ],
    ['base.notification.no-id-to-server', 'Notifications', 'A notification to a server has no id.'],
    [
      'base.response.to-server',
      'Responses',
      'A question of a server is answered once, under its own id.',
      { servers: ['legacy'] },
    ],
    [
      'base.notification.server-unanswered',
      'Notifications',
      'Notifications of a server are never answered.',
      { servers: BOTH },
    ],
  ]),
  ...rulesOf({ page: 'basic', binds: 'server', revisions: MODERN }, [
    ['modern.result.type', 'ResultType', 'Every result names its resultType.', { servers: BOTH }],
    [
      'modern.error.codes-of-earlier-revisions',
      'Error Codes',
      'The codes -32002 and -32042 are never sent.',
      { servers: BOTH },
    ],
    [
      'modern.error.reserved-codes',
      'Error Codes',
      'Of -32020 to -32099 only the three codes the specification defines are sent.',
      { servers: BOTH },
    ],
    [
      'modern.error.own-codes',
      'Error Codes',
      'The gateway’s own codes lie outside -32768 to -32000.',
    ],
    [
      'modern.stateless.requests-stand-alone',
      'Statelessness',
      'What one request said of its client is not taken for granted in the next one on the same connection.',
    ],
    [
      'modern.stateless.any-connection',
      'Statelessness',
      'What belongs together may come over different connections and processes.',
      { inbound: ['http'] },
    ],
    [
      'modern.meta.version-required',
      '_meta: Per-request protocol fields',
      'A request without its protocol version in _meta is refused with -32602, over HTTP with 400.',
    ],
    [
      'modern.meta.capabilities-required',
      '_meta: Per-request protocol fields',
      'A request without the capabilities of its client in _meta is refused with -32602, over HTTP with 400.',
    ],
    [
      'modern.meta.client-info-optional',
      '_meta: Per-request protocol fields',
      'A request that does not name its client is served.',
    ],
    [
      'modern.meta.missing-capability',
      '_meta: Per-request protocol fields',
      'What needs a capability the request did not declare is refused with -32021 that lists it, over HTTP with 400.',
      { servers: BOTH },
    ],
    [
      'modern.meta.server-info',
      '_meta: Per-response protocol fields',
      'Every result names the gateway, not the server behind it, in _meta.',
      { servers: BOTH },
    ],
    [
      'modern.meta.subscription-id',
      '_meta: Per-response protocol fields',
      'Every notification of a listen stream has the id of its request in _meta.',
      { servers: BOTH },
    ],
  ]),
  ...rulesOf({ page: 'basic', binds: 'client', revisions: MODERN }, [
    [
      'modern.result.type-absent',
      'ResultType',
      'A result of an earlier server, which has no resultType, is complete.',
      { servers: ['legacy'] },
    ],
    [
      'modern.result.type-unknown',
      'ResultType',
      'A result of a resultType that nobody agreed on is not passed off as a result.',
    ],
    [
      'modern.error.accept-resource-code',
      'Error Codes',
      'The code -32002 of an earlier server is understood as a resource that does not exist.',
      { servers: ['legacy'] },
    ],
    [
      'modern.meta.sent',
      '_meta: Per-request protocol fields',
      'Every request to a server carries the protocol version and capabilities.',
      { clients: BOTH },
    ],
    [
      'modern.meta.client-info-sent',
      '_meta: Per-request protocol fields',
      'Every request to a server names the gateway as the client.',
      { clients: BOTH },
    ],
    [
      'modern.meta.capabilities-of-client',
      '_meta: Per-request protocol fields',
      'A server is told no capability that the client in front did not declare.',
      { clients: BOTH },
    ],
    [
      'modern.meta.trace-context',
      '_meta: OpenTelemetry trace context',
      'A traceparent that is sent has the form of W3C Trace Context.',
    ],
  ]),
  ...rulesOf({ page: 'basic/versioning', binds: 'server', revisions: MODERN }, [
    [
      'modern.version.unsupported',
      'Protocol Version Negotiation',
      'A version that is not spoken is refused with -32022, the versions that are, and the one asked for; over HTTP with 400.',
    ],
    [
      'modern.version.discover',
      'Protocol Version Negotiation',
      'The request server/discover is answered.',
    ],
    [
      'modern.version.discover-optional',
      'Protocol Version Negotiation',
      'Any request may be the first one: no discovery is needed before it.',
    ],
    [
      'modern.extension.ids',
      'Extension Negotiation',
      'Extensions that are advertised have ids with a prefix.',
    ],
    [
      'modern.extension.fallback',
      'Extension Negotiation',
      'A request that uses an extension its client did not declare is refused, or answered by the core protocol.',
    ],
    [
      'modern.version.dual-era',
      'Backward Compatibility with Initialization-Based Versions',
      'Clients of both eras are served at the same endpoint at the same time, each by the rules of its own.',
      { clients: BOTH, inbound: ['http'] },
    ],
  ]),
  ...rulesOf({ page: 'basic/versioning', binds: 'client', revisions: MODERN }, [
    [
      'modern.era.probe',
      'Backward Compatibility with Initialization-Based Versions',
      'A server is first asked in the modern way: on stdio by server/discover.',
      { servers: BOTH, upstream: ['stdio', 'http'] },
    ],
    [
      'modern.era.fallback',
      'Backward Compatibility with Initialization-Based Versions',
      'Whatever a server answers that no modern server does, and silence on stdio, means legacy: no single code decides.',
      { servers: ['legacy'] },
    ],
    [
      'modern.era.modern-error',
      'Backward Compatibility with Initialization-Based Versions',
      'An error that only a modern server gives is no reason to fall back.',
    ],
    [
      'modern.era.remembered',
      'Backward Compatibility with Initialization-Based Versions',
      'What was found out about a server is remembered, and asked again when it fails.',
      { servers: BOTH },
    ],
  ]),
  ...rulesOf({ page: 'server/discover', binds: 'server', revisions: MODERN }, [
    [
      'modern.discover.result',
      'DiscoverResult',
      'Discovery names the versions that can be spoken, and the capabilities.',
    ],
    [
      'modern.discover.capabilities',
      'DiscoverResult',
      'What discovery promises is there: every capability it names has its methods.',
    ],
  ]),
  ...rulesOf({ page: 'basic/lifecycle', binds: 'server', revisions: LEGACY }, [
    ['legacy.init.first', 'Initialization', 'Nothing but ping is served before initialize.'],
    [
      'legacy.init.result',
      'Initialization',
      'The answer to initialize has a version, capabilities and who the gateway is.',
    ],
    [
      'legacy.init.same-version',
      'Version Negotiation',
      'A version that is spoken is agreed to as it is asked for.',
    ],
    [
      'legacy.init.other-version',
      'Version Negotiation',
      'To a version that nobody speaks the newest legacy one is offered.',
    ],
    [
      'legacy.init.quiet-before-initialized',
      'Initialization',
      'A client is asked nothing before it has said that it is initialized.',
    ],
    [
      'legacy.init.promises-kept',
      'Capability Negotiation',
      'What initialize promises is there: every capability it names has its methods.',
    ],
    [
      'legacy.init.client-capabilities',
      'Operation',
      'A client is asked nothing that it did not declare.',
      { servers: BOTH },
    ],
    [
      'legacy.init.version-respected',
      'Operation',
      'Fields and requests that came with a later revision are not sent where they change the meaning.',
      { inbound: ['http'] },
    ],
  ]),
  ...rulesOf({ page: 'basic/lifecycle', binds: 'client', revisions: LEGACY }, [
    [
      'legacy.init.sent',
      'Initialization',
      'The first thing a server gets is initialize, with a version, capabilities and who the client is; only the question for its era may come before.',
    ],
    [
      'legacy.init.latest-version',
      'Version Negotiation',
      'The version asked for is the newest legacy one.',
    ],
    [
      'legacy.init.initialized',
      'Initialization',
      'After the answer to initialize the server is told that its client is initialized, before anything else is asked.',
    ],
    [
      'legacy.init.no-early-requests',
      'Initialization',
      'No request follows initialize before it is answered.',
    ],
    [
      'legacy.init.server-capabilities',
      'Operation',
      'A server is not asked for what it did not declare.',
    ],
    [
      'legacy.init.older-server',
      'Version Negotiation',
      'A server that offers an older version is spoken to in that version.',
    ],
    [
      'legacy.shutdown.stdio',
      'Shutdown: stdio',
      'A server on stdio is ended by closing its input, then SIGTERM, then SIGKILL.',
      { upstream: ['stdio'] },
    ],
    [
      'legacy.timeout.requests',
      'Timeouts',
      'Every request to a server ends after a time at the latest, and progress does not put that off for ever.',
    ],
    [
      'legacy.timeout.cancelled',
      'Timeouts',
      'A server is told that a request is given up when its time is over.',
    ],
  ]),
];
