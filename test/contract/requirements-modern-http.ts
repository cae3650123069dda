import { MODERN, rulesOf, type Requirement } from './requirements-table.ts';

const BOTH = ['legacy', 'modern'] as const;

/** Streamable HTTP of the modern era, with its headers. */
export const MODERN_HTTP_REQUIREMENTS: readonly Requirement[] = [
  ...rulesOf(
    {
      page: 'basic/transports/streamable-http',
      binds: 'server',
      revisions: MODERN,
      inbound: ['http'],
    },
    [
      [
        'modern.http.notification',
        'Sending Messages',
        'A notification is answered 202 without a body.',
      ],
      [
        'modern.http.not-taken',
        'Sending Messages',
        'A body that is no single request or notification is answered with an error status.',
      ],
      [
        'modern.http.responses-refused',
        'Sending Messages',
        'A response from a client is not taken.',
      ],
      [
        'modern.http.answer-type',
        'Sending Messages',
        'A request is answered as JSON or as an event stream.',
        { servers: BOTH },
      ],
      [
        'modern.http.stream-is-related',
        'Receiving Messages',
        'What comes on a stream belongs to its request.',
        { servers: BOTH },
      ],
      [
        'modern.http.no-requests',
        'Receiving Messages',
        'No stream ever carries a request.',
        { servers: BOTH },
      ],
      [
        'modern.http.stream-ends',
        'Receiving Messages',
        'The response ends the stream.',
        { servers: BOTH },
      ],
      [
        'modern.http.no-buffering',
        'Receiving Messages',
        'A stream asks proxies not to hold it back.',
      ],
      ['modern.http.keep-alive', 'Receiving Messages', 'A quiet stream is kept open by comments.'],
      [
        'modern.http.not-resumable',
        'Receiving Messages',
        'Events have no ids, and Last-Event-ID is ignored.',
        { servers: BOTH },
      ],
      [
        'modern.http.close-cancels',
        'Cancellation',
        'A client that closes its stream has cancelled the request: the work behind it ends.',
        { servers: BOTH },
      ],
      [
        'modern.http.version-header',
        'Protocol Version Header',
        'A request without the version header, or with another version than its body, is refused with 400 and -32020.',
      ],
      [
        'modern.http.method-unknown',
        'Protocol Version Header',
        'A method that is not there is answered 404 with -32601.',
      ],
      [
        'modern.http.mcp-method',
        'Standard Request Headers',
        'Mcp-Method must be there and be the method, else 400 and -32020.',
      ],
      [
        'modern.http.mcp-name',
        'Standard Request Headers',
        'Mcp-Name must be there for calls, prompts and reads and be the name or URI, else 400 and -32020.',
        { servers: BOTH },
      ],
      [
        'modern.http.name-decoded',
        'Value Encoding',
        'A value in the base64 form is decoded before it is compared.',
      ],
      [
        'modern.http.header-names-any-case',
        'Case Sensitivity',
        'Names of headers may be written in any case, their values may not.',
      ],
      [
        'modern.http.param-checked',
        'Server Behavior for Custom Headers',
        'Mcp-Param headers must say what the arguments say, else 400 and -32020.',
        { servers: ['modern'] },
      ],
      [
        'modern.http.param-missing',
        'Server Behavior for Custom Headers',
        'A header that is missing though the argument is there is refused.',
        { servers: ['modern'] },
      ],
      [
        'modern.http.param-null',
        'Server Behavior for Custom Headers',
        'For an argument that is null or absent no header is expected.',
        { servers: ['modern'] },
      ],
      [
        'modern.http.param-unknown',
        'Server Behavior for Custom Headers',
        'A header that no schema names is ignored.',
        { servers: BOTH },
      ],
      [
        'modern.http.param-number',
        'Server Validation',
        'Whole numbers are compared as numbers.',
        { servers: ['modern'] },
      ],
      [
        'modern.http.no-sessions',
        'Earlier Streamable HTTP Revisions',
        'A session id in a modern request is ignored, and none is given.',
      ],
      [
        'modern.http.get-delete',
        'Earlier Streamable HTTP Revisions',
        'GET and DELETE open or end nothing for a modern client.',
      ],
    ],
  ),
  ...rulesOf(
    {
      page: 'basic/transports/streamable-http',
      binds: 'client',
      revisions: MODERN,
      upstream: ['http'],
      clients: BOTH,
    },
    [
      [
        'modern.http.client.post',
        'Sending Messages',
        'A server gets POSTs alone, each with one request or notification, never a response.',
      ],
      [
        'modern.http.client.accept',
        'Sending Messages',
        'Every POST accepts JSON and event streams.',
      ],
      [
        'modern.http.client.both-answers',
        'Sending Messages',
        'An answer as JSON and one as an event stream are both read.',
      ],
      [
        'modern.http.client.version',
        'Protocol Version Header',
        'Every POST has the version of its body in the header.',
      ],
      [
        'modern.http.client.method',
        'Standard Request Headers',
        'Every request has its method in Mcp-Method.',
      ],
      [
        'modern.http.client.name',
        'Standard Request Headers',
        'Calls, prompts and reads have the server’s own name or URI in Mcp-Name.',
      ],
      [
        'modern.http.client.name-encoded',
        'Value Encoding',
        'A name that HTTP cannot carry is sent in the base64 form.',
      ],
      [
        'modern.http.client.param',
        'Client Behavior',
        'Arguments that the schema of a tool marks are sent in Mcp-Param headers.',
      ],
      [
        'modern.http.client.param-encoded',
        'Value Encoding',
        'Values HTTP cannot carry, and values that look encoded, are sent in the base64 form.',
      ],
      [
        'modern.http.client.param-null',
        'Server Behavior for Custom Headers',
        'An argument that is null or absent has no header.',
      ],
      [
        'modern.http.client.tool-rejected',
        'Custom Headers from Tool Parameters',
        'A tool whose x-mcp-header breaks the rules is left out of lists, the others stay, and the log says why.',
        { clients: ['modern'] },
      ],
      [
        'modern.http.client.no-session',
        'Earlier Streamable HTTP Revisions',
        'No session id and no Last-Event-ID is ever sent.',
      ],
      [
        'modern.http.client.close-cancels',
        'Cancellation',
        'A request is given up by closing its connection.',
      ],
      [
        'modern.http.client.fallback',
        'Backward Compatibility',
        'A 400 is read before falling back: only one that is no modern error means legacy.',
        { clients: [] },
      ],
    ],
  ),
];
