import { ALL, LEGACY, MODERN, rulesOf, type Requirement } from './requirements-table.ts';

const STREAMABLE = LEGACY.slice(1);
const BOTH = ['legacy', 'modern'] as const;

/** stdio, HTTP+SSE, and streamable HTTP of the legacy era. */
export const TRANSPORT_REQUIREMENTS: readonly Requirement[] = [
  ...rulesOf(
    { page: 'basic/transports: stdio', binds: 'server', revisions: ALL, inbound: ['stdio'] },
    [
      [
        'stdio.line-per-message',
        'stdio',
        'Every message to a client is one line, without a line break in it.',
        { servers: BOTH },
      ],
      [
        'stdio.output-is-messages',
        'stdio',
        'Standard output carries messages and nothing else.',
        { servers: BOTH },
      ],
      ['stdio.utf8', 'stdio', 'Messages are UTF-8, in and out.', { servers: BOTH }],
      ['stdio.ends-with-input', 'Shutdown', 'The gateway ends when its input ends.'],
    ],
  ),
  ...rulesOf(
    { page: 'basic/transports: stdio', binds: 'client', revisions: ALL, upstream: ['stdio'] },
    [
      [
        'stdio.input-is-messages',
        'stdio',
        'A server’s input gets messages and nothing else, one line each.',
        { clients: BOTH },
      ],
      [
        'stdio.errors-are-no-failure',
        'stdio',
        'What a server writes to standard error is no failure.',
      ],
      [
        'stdio.server-chatter',
        'stdio',
        'Lines of a server that are no messages do no harm to those that are.',
      ],
    ],
  ),
  ...rulesOf(
    { page: 'basic/transports/stdio', binds: 'server', revisions: MODERN, inbound: ['stdio'] },
    [
      [
        'modern.stdio.no-requests',
        'Receiving Messages',
        'A client is never sent a request.',
        { servers: BOTH },
      ],
      [
        'modern.stdio.cancelled',
        'Cancellation',
        'notifications/cancelled ends a request: work stops, and nothing more is sent for it.',
        { servers: BOTH },
      ],
      [
        'modern.stdio.multiplexed',
        'Receiving Messages',
        'Several requests and streams go on at once over the one channel.',
        { servers: BOTH },
      ],
    ],
  ),
  ...rulesOf(
    { page: 'basic/transports/stdio', binds: 'client', revisions: MODERN, upstream: ['stdio'] },
    [
      [
        'modern.stdio.no-responses',
        'Sending Messages',
        'A server is never sent a response.',
        { clients: BOTH },
      ],
      [
        'modern.stdio.cancels',
        'Cancellation',
        'A request is given up by notifications/cancelled.',
        { clients: BOTH },
      ],
      [
        'modern.stdio.restart',
        'Unexpected Termination',
        'A server that ended unasked is started again.',
      ],
      [
        'modern.stdio.listen-again',
        'Unexpected Termination',
        'A server that was started again is listened to again.',
      ],
      [
        'modern.stdio.demultiplexed',
        'Receiving Messages',
        'Notifications are told apart by their subscription id.',
      ],
    ],
  ),
  ...rulesOf(
    {
      page: 'basic/transports: Streamable HTTP',
      binds: 'server',
      revisions: STREAMABLE,
      inbound: ['http'],
    },
    [
      ['legacy.http.one-endpoint', 'Streamable HTTP', 'One path takes POST and GET.'],
      [
        'legacy.http.post-taken',
        'Sending Messages to the Server',
        'A notification or a response that is taken is answered 202 without a body.',
      ],
      [
        'legacy.http.post-refused',
        'Sending Messages to the Server',
        'A body that cannot be taken is answered with an error status.',
      ],
      [
        'legacy.http.answer-type',
        'Sending Messages to the Server',
        'A request is answered as JSON or as an event stream.',
        { servers: BOTH },
      ],
      [
        'legacy.http.stream-has-answer',
        'Sending Messages to the Server',
        'The stream of a POST holds the answer, and ends with it.',
        { servers: BOTH },
      ],
      [
        'legacy.http.stream-is-related',
        'Sending Messages to the Server',
        'What comes on the stream of a POST belongs to its request.',
        { servers: BOTH },
      ],
      [
        'legacy.http.priming',
        'Sending Messages to the Server',
        'To 2025-11-25 a stream begins with an event of an id and no data.',
        { revisions: ['2025-11-25'] },
      ],
      [
        'legacy.http.retry',
        'Sending Messages to the Server',
        'A stream says how long to wait before coming back.',
        { revisions: ['2025-11-25'] },
      ],
      [
        'legacy.http.disconnect-is-no-cancel',
        'Sending Messages to the Server',
        'A connection that breaks does not cancel the request.',
        { servers: BOTH },
      ],
      [
        'legacy.http.get-stream',
        'Listening for Messages from the Server',
        'GET opens an event stream.',
      ],
      [
        'legacy.http.get-accept',
        'Listening for Messages from the Server',
        'A GET that takes no event stream gets none.',
      ],
      [
        'legacy.http.get-has-no-answers',
        'Listening for Messages from the Server',
        'A GET stream that resumes nothing carries no responses, and nothing of a request under way.',
        { servers: BOTH },
      ],
      [
        'legacy.http.one-stream-each',
        'Multiple Connections',
        'A message goes to one stream, not to several.',
        { servers: BOTH },
      ],
      [
        'legacy.http.event-ids',
        'Resumability and Redelivery',
        'Event ids are unique over all streams of a session.',
        { servers: BOTH },
      ],
      [
        'legacy.http.resume',
        'Resumability and Redelivery',
        'Last-Event-ID brings what was missed on that stream, and nothing of another.',
      ],
      [
        'legacy.http.session-id',
        'Session Management',
        'A session id is unguessable and visible ASCII.',
      ],
      [
        'legacy.http.session-required',
        'Session Management',
        'A request without a session id, other than initialize, is answered 400.',
      ],
      [
        'legacy.http.session-404',
        'Session Management',
        'A session that ended or never was is answered 404.',
      ],
      ['legacy.http.session-delete', 'Session Management', 'DELETE ends a session.'],
      [
        'legacy.http.version-header',
        'Protocol Version Header',
        'A version header that is not spoken is answered 400.',
        { revisions: ['2025-06-18', '2025-11-25'] },
      ],
      [
        'legacy.http.version-header-absent',
        'Protocol Version Header',
        'Without the header the version of the session holds.',
        { revisions: STREAMABLE },
      ],
      [
        'legacy.http.old-endpoints',
        'Backwards Compatibility',
        'The two endpoints of HTTP+SSE are served beside the new one.',
      ],
      [
        'legacy.http.batch',
        'Sending Messages to the Server',
        'In 2025-03-26 a POST may hold a batch, and every request in it is answered.',
        { revisions: ['2025-03-26'] },
      ],
      [
        'legacy.http.no-batch',
        'Sending Messages to the Server',
        'In every other revision a POST holds a single message: a batch is refused.',
        { revisions: ['2024-11-05', '2025-06-18', '2025-11-25'] },
      ],
    ],
  ),
  ...rulesOf(
    {
      page: 'basic/transports: Streamable HTTP',
      binds: 'server',
      revisions: ALL,
      inbound: ['http', 'sse'],
    },
    [
      ['http.origin', 'Security Warning', 'A request with a foreign Origin is answered 403.'],
      ['http.loopback', 'Security Warning', 'Run locally, the gateway listens on loopback alone.'],
    ],
  ),
  ...rulesOf(
    {
      page: 'basic/transports: Streamable HTTP',
      binds: 'client',
      revisions: STREAMABLE,
      upstream: ['http'],
    },
    [
      [
        'legacy.http.client.post',
        'Sending Messages to the Server',
        'Every message is a POST of its own, with one message.',
        { clients: BOTH },
      ],
      [
        'legacy.http.client.accept',
        'Sending Messages to the Server',
        'Every POST accepts JSON and event streams, and a GET event streams.',
      ],
      [
        'legacy.http.client.both-answers',
        'Sending Messages to the Server',
        'An answer as JSON and one as an event stream are both read.',
      ],
      [
        'legacy.http.client.session',
        'Session Management',
        'The session id a server gave is in every later request.',
        { clients: BOTH },
      ],
      [
        'legacy.http.client.session-404',
        'Session Management',
        'A session that a server answers 404 to is replaced by a new one.',
      ],
      [
        'legacy.http.client.delete',
        'Session Management',
        'A session that is no longer needed is ended by DELETE.',
      ],
      [
        'legacy.http.client.version',
        'Protocol Version Header',
        'Every request after initialize has the agreed version in its header.',
        { clients: BOTH, revisions: ['2025-06-18', '2025-11-25'] },
      ],
      [
        'legacy.http.client.resume',
        'Resumability and Redelivery',
        'A stream that a server closed before its answer is taken up again with Last-Event-ID.',
      ],
      [
        'legacy.http.client.fallback',
        'Backwards Compatibility',
        'A server that refuses POST is tried by HTTP+SSE.',
        { revisions: STREAMABLE },
      ],
    ],
  ),
  ...rulesOf(
    {
      page: 'basic/transports: HTTP with SSE',
      binds: 'server',
      revisions: ['2024-11-05'],
      inbound: ['sse'],
    },
    [
      [
        'sse.endpoint-first',
        'HTTP with SSE',
        'The first event of a stream is endpoint, with where to send to.',
      ],
      [
        'sse.message-events',
        'HTTP with SSE',
        'Everything else comes as message events, JSON in their data.',
        { servers: BOTH },
      ],
      [
        'sse.post-accepted',
        'HTTP with SSE',
        'What is posted is acknowledged at once and answered on the stream.',
        { servers: BOTH },
      ],
    ],
  ),
  ...rulesOf(
    {
      page: 'basic/transports: HTTP with SSE',
      binds: 'client',
      revisions: ['2024-11-05'],
      upstream: ['sse'],
    },
    [
      [
        'sse.client.endpoint',
        'HTTP with SSE',
        'All messages are posted to where the endpoint event said.',
        { clients: BOTH },
      ],
      ['sse.client.same-origin', 'HTTP with SSE', 'An endpoint of another origin gets nothing.'],
    ],
  ),
];
