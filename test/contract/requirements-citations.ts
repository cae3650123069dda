/** A test outside the tables of scenarios that holds a requirement. */
export interface Citation {
  readonly id: string;
  /** Below test/. */
  readonly file: string;
  /** Its name, or the part of it that stands in the file. */
  readonly name: string;
}

type Held = readonly [id: string, name: string];

function heldBy(file: string, ...held: readonly Held[]): Citation[] {
  return held.map(([id, name]) => ({ id, file, name }));
}

/** What is held elsewhere: access, faults, and what needs a gateway or a server of its own kind. */
export const CITATIONS: readonly Citation[] = [
  ...heldBy(
    'fault/eras.test.ts',
    [
      'modern.era.fallback',
      'a stdio server of either era is recognised, whatever it does with a request it does not expect',
    ],
    [
      'modern.era.remembered',
      'what was found out is remembered, and asked about anew when the gateway was restarted, where that costs no process',
    ],
  ),
  ...heldBy(
    'fault/timeouts.test.ts',
    [
      'legacy.timeout.cancelled',
      'a call not answered within callTimeoutMs is refused, and the server is told to stop working on it',
    ],
    [
      'legacy.timeout.requests',
      'progress starts the wait for a call anew, unless the configuration says otherwise',
    ],
  ),
  ...heldBy(
    'fault/remote-servers.test.ts',
    [
      'legacy.http.client.session-404',
      'a session the server has ended by itself is replaced without the client noticing, and no call runs twice',
    ],
    [
      'sse.client.same-origin',
      'an HTTP+SSE server that names an endpoint of another origin gets nothing sent there',
    ],
  ),
  ...heldBy(
    'fault/stdio-framing.test.ts',
    [
      'stdio.server-chatter',
      'chatter on standard output that is no message is logged and skipped, blank lines are skipped, and the answer arrives',
    ],
    [
      'cancel.client.late-answer',
      'invalid UTF-8, answers nobody asked for and a second answer do no harm',
    ],
  ),
  ...heldBy('fault/orphans.test.ts', [
    'legacy.shutdown.stdio',
    'no child or grandchild is left, though both ignore end of input and SIGTERM',
  ]),
  ...heldBy('fault/crash.test.ts', [
    'modern.stdio.restart',
    'kill -9 of a modern server fails the calls of modern clients the same way, and it is back at once',
  ]),
  ...heldBy('contract/restart.test.ts', [
    'modern.stdio.listen-again',
    'a killed stdio server comes back with other tools: clients of all transports are told and see the new list',
  ]),
  ...heldBy('contract/stdio-client.test.ts', [
    'stdio.ends-with-input',
    'the end of input ends the gateway with code 0 and every server with it',
  ]),
  ...heldBy('contract/modern-http.test.ts', [
    'modern.http.keep-alive',
    'an answer not ready after sse.afterMs becomes a stream with keep-alives (R15)',
  ]),
  ...heldBy('contract/modern-http-listen.test.ts', [
    'modern.listen.torn-down',
    'when the gateway is told to end, a listen stream ends with its answer and does not delay the end',
  ]),
  ...heldBy('unit/guard/arguments.test.ts', [
    'base.schema.dialect-2020-12',
    'schemas are read as the version of JSON Schema they name',
  ]),
  ...heldBy(
    'attack/schema-bomb.test.ts',
    ['base.schema.bounded', 'are checked in bounded time, while others are served'],
    [
      'base.schema.ref-not-fetched',
      'nothing was fetched for any of them, and the lists are served',
    ],
  ),
  ...heldBy('attack/other-principal.test.ts', [
    'modern.mrtr.state-principal',
    'the state of one caller’s question continues no call of another (R11)',
  ]),
  ...heldBy('contract/keys.test.ts', [
    'base.auth.http',
    'each call is decided for the consumer of the key',
  ]),
  ...heldBy('contract/access-rules.test.ts', [
    'tools.access',
    'a deny wins over permissions and over every allow rule, before it or after it',
  ]),
  ...heldBy('fault/eras.test.ts', [
    'legacy.http.client.fallback',
    'a remote server of either era and transport is recognised from its URL alone',
  ]),
  ...heldBy(
    'contract/asking-ends.test.ts',
    [
      'modern.mrtr.state-expires',
      'has its call given up after parking.timeoutMs, and its state has expired',
    ],
    [
      'modern.mrtr.client-may-leave',
      'has its call given up after parking.timeoutMs, and its state has expired',
    ],
  ),
  ...heldBy('contract/asking-legacy-ends.test.ts', [
    'legacy.cancel.question',
    'a question that its server withdraws is taken back from the client',
  ]),
  ...heldBy('contract/fidelity-sampling.test.ts', [
    'sampling.whole',
    'sampling with tools and their results arrives whole, both ways, with progress',
  ]),
];
