import { z } from 'zod';
import { age, bytes, count, timer } from './quantities.ts';

/** One IP address or range of addresses. */
export const ADDRESS = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'Give an IP address or a range such as 10.0.0.0/8.',
);

/** Who may knock: addresses, names and sizes of the inbound side. */
export const DOOR = z.strictObject({
  publicUrl: z
    .url({
      protocol: /^https?$/,
      error: 'Give the whole address, such as https://mcp.example.com.',
    })
    .refine(isPlainUrl, 'Give the address without a login, "?" and "#".')
    .describe(
      'Address under which clients reach the gateway, when it is not the one it listens on. Tokens must be made for it.',
    )
    .optional(),
  allowedHosts: z
    .array(z.string().regex(/^[^\s/@]+$/, 'Give a host name alone, or with its port.'))
    .describe('Further Host headers to accept, with or without a port.')
    .default([]),
  allowedOrigins: z
    .array(
      z
        .string()
        .refine(isOrigin, 'Give scheme, host and port alone, such as https://app.example.com.'),
    )
    .describe('Origins whose web pages may call the gateway.')
    .default([]),
  trustedProxies: z
    .array(ADDRESS)
    .describe(
      'Addresses and ranges of proxies whose forwarding headers are believed when they say where a caller is.',
    )
    .default([]),
  tls: z
    .strictObject({
      cert: z.string().min(1).describe('Path of the certificate chain, PEM.'),
      key: z.string().min(1).describe('Path of the private key, PEM.'),
    })
    .describe('Serves HTTPS instead of HTTP.')
    .optional(),
  maxBodyBytes: bytes(4_194_304, 'Longest request body accepted.', 1024),
  maxHeaderBytes: bytes(16_384, 'Longest block of request headers accepted.', 1024),
  maxInFlight: count(
    10_000,
    'Requests being answered at once; more are refused with OVERLOADED. Streams that stay open do not count.',
  ),
  maxInFlightBytes: bytes(
    268_435_456,
    'Bytes of request bodies held at once, never more than a sixteenth of the largest heap the process may have; beyond it requests are refused with OVERLOADED.',
    1024,
  ),
  maxConnections: count(
    20_000,
    'Connections open at once; on those beyond it every request is refused with OVERLOADED.',
  ),
  receiveTimeoutMs: timer(60_000, 'How long a client may take to send one request; 0 sets no end.'),
  stalledMs: timer(
    60_000,
    'A client that takes nothing of what waits for it for so long is cut off; 0 never.',
  ),
  maxUnreadBytes: bytes(
    268_435_456,
    'Bytes of answers and streams that wait for slow clients, all together; beyond it the client with most of them is cut off.',
    1024,
  ),
});

/** Legacy sessions: how long they live, how many there may be. */
export const SESSIONS = z.strictObject({
  idleMs: timer(1_800_000, 'A session unused for this long ends.'),
  maxAgeMs: age(2_592_000_000, 'A session ends at this age, used or not.'),
  maxCount: count(10_000, 'Sessions that may exist at once.'),
  maxPerPrincipal: count(
    5000,
    'Sessions of one caller that may exist at once, never more than maxCount.',
  ),
  detachedMs: timer(
    10_000,
    'How long a client whose stream broke keeps its private server instances.',
  ),
  askTimeoutMs: timer(300_000, "How long a server's question waits for the client's answer."),
});

/** Calls of modern clients that wait for an answer of their client: how long, how many. */
export const PARKING = z.strictObject({
  timeoutMs: timer(
    300_000,
    'How long a call waits for its client to come back; then it is given up.',
    1,
  ),
  gatherMs: timer(20, 'Questions of a server within this time are asked together.'),
  maxCount: count(1000, 'Calls that may wait at once.'),
  maxPerPrincipal: count(100, 'Calls of one caller that may wait at once.'),
  maxBytes: bytes(67_108_864, 'What all that wait may take.', 1024),
  maxBytesPerPrincipal: bytes(8_388_608, 'What those of one caller may take.', 1024),
});

/** Lists answered to clients. */
export const LISTS = z.strictObject({
  firstWaitMs: timer(2000, 'Longest wait of a first list for servers that are still starting.'),
  debounceMs: timer(100, 'Changes of lists within this time are announced once.'),
  pageSize: count(1000, 'Items on one page of a list.'),
  ttlMs: age(60_000, 'How long modern clients may keep a list when no server says less.'),
  maxInstructionsBytes: bytes(16_384, 'Longest instructions passed on, all servers together.'),
});

/** Streams to clients. */
export const SSE = z.strictObject({
  afterMs: timer(1000, 'An answer not ready after this time becomes a stream.'),
  keepAliveMs: timer(15_000, 'Time between keep-alive comments on a stream; 0 sends none.'),
  retryMs: timer(1000, 'How long a client should wait before it reconnects.'),
  resumableMs: timer(60_000, 'How long an ended stream can still be resumed.'),
  maxStoredMessages: count(
    1000,
    'Messages kept per session, all its streams together, for clients that resume.',
    0,
  ),
  maxStoredBytes: bytes(
    8_388_608,
    'Characters kept per session, all its streams together, for clients that resume.',
  ),
  maxTotalBytes: bytes(
    268_435_456,
    'Characters kept for clients that resume, all sessions together; beyond it the session with most of them loses its oldest.',
  ),
  maxStreams: count(
    20_000,
    'Streams open at once that no request is waiting for: those of GET and of subscriptions/listen.',
  ),
  maxStreamsPerPrincipal: count(5000, 'Such streams of one caller.'),
});

/** Times and bounds of one upstream. Defaults stand under `upstreams`; an entry of mcp.json may differ. */
export const LIMITS = z.strictObject({
  connectTimeoutMs: timer(
    30_000,
    'Longest start of a server, from the process or connection to its first answer.',
  ),
  probeTimeoutMs: timer(3000, 'How long a server has to show which protocol era it speaks.'),
  eraMaxAgeMs: age(
    86_400_000,
    'How long a server that was found to be legacy counts as such when it is restarted; after that, and when the gateway was restarted, it is asked again.',
  ),
  listTimeoutMs: timer(15_000, 'Longest wait for one page of a list.'),
  callTimeoutMs: timer(
    300_000,
    'Longest wait for the answer to a call, with all it waits for before it is sent.',
  ),
  progressResetsCallTimeout: z
    .boolean()
    .describe('Whether reported progress starts the wait for a call anew.')
    .default(true),
  pingIntervalMs: timer(30_000, 'Time between health checks of a silent server; 0 makes none.'),
  pingTimeoutMs: timer(10_000, 'Longest wait for the answer to a health check.'),
  restartMinMs: timer(250, 'Pause before the first restart of a failed server.'),
  restartMaxMs: timer(
    30_000,
    'Longest pause between restarts; each is longer than the one before.',
  ),
  restartWaitMs: timer(10_000, 'How long a call waits for a server that is being restarted.'),
  shutdownGraceMs: timer(2000, 'Time between asking a process to end and the next, harder way.'),
  maxMessageBytes: bytes(
    134_217_728,
    'Longest message accepted from a server; from a stdio server, of at most 4,000,000 values.',
    1024,
  ),
  maxStderrBytes: bytes(65_536, 'Bytes of error output kept per server.'),
  maxInstances: count(
    16,
    'Processes or upstream sessions of one server that serves clients apart.',
  ),
  instanceIdleMs: timer(300_000, 'A private instance unused for this long ends.'),
  maxConnections: count(
    64,
    'Requests under way at once to one remote server; those that wait for their client do not count.',
  ),
  maxInFlight: count(
    256,
    'Calls under way at once to one server, all its processes or sessions together; those that wait for their client do not count.',
  ),
  maxQueued: count(2048, 'Calls that may wait until one of those is answered.', 0),
  queueWaitMs: timer(30_000, 'Longest wait of such a call.'),
  breakAfter: count(
    5,
    'So many calls in a row that a server leaves unanswered, and it is not called for a while; 0 calls it always.',
    0,
  ),
  breakMs: timer(
    5000,
    'How long it is not called; twice as long each time it does not answer after that, up to `restartMaxMs`.',
    1,
  ),
  retries: count(
    1,
    'How often a call that got lost is sent again: where nothing was sent, or where the tool is marked read-only or idempotent.',
    0,
    10,
  ),
});

/** What holds for all upstreams together, and the defaults of each. */
export const UPSTREAMS = LIMITS.extend({
  startConcurrency: count(8, 'Servers started at the same time.'),
});

/** The way out. */
export const SHUTDOWN = z.strictObject({
  drainMs: timer(10_000, 'How long calls in flight may go on after the gateway was told to stop.'),
});

/** Questions of servers to clients. */
export const ASKS = z.strictObject({
  maxPerMinute: count(
    60,
    'Questions one server may ask one caller within a minute; 0 lets none ask.',
    0,
  ),
});

/** Whether a text is an origin: scheme, host and port alone. */
export function isOrigin(text: string): boolean {
  // A pattern parses as a host too, and would match no origin.
  return !text.includes('*') && URL.canParse(text) && new URL(text).origin === text;
}

function isPlainUrl(text: string): boolean {
  // That it is no URL is another check's to say.
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '' && !/[?#]/.test(text);
}
