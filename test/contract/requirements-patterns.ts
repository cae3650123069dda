import { ALL, LEGACY, MODERN, rulesOf, type Requirement } from './requirements-table.ts';

const BOTH = ['legacy', 'modern'] as const;

/** Rounds, subscriptions, cancellation, progress, ping and log messages. */
export const PATTERN_REQUIREMENTS: readonly Requirement[] = [
  ...rulesOf({ page: 'basic/patterns/mrtr', binds: 'server', revisions: MODERN, servers: BOTH }, [
    [
      'modern.mrtr.by-result',
      'Multi Round-Trip Requests',
      'What a server asks its client reaches a modern client as input_required, never as a request.',
    ],
    [
      'modern.mrtr.supported-requests',
      'Supported Requests',
      'Only tools/call, prompts/get and resources/read are answered input_required.',
    ],
    [
      'modern.mrtr.unique-keys',
      'Server Requirements (Basic Workflow)',
      'The keys of what is asked are unique within the request.',
    ],
    [
      'modern.mrtr.known-kinds',
      'Server Requirements (Basic Workflow)',
      'What is asked is an elicitation, a sampling or a list of roots.',
    ],
    [
      'modern.mrtr.state-verified',
      'Server Requirements (Basic Workflow)',
      'A state that was altered or made up is refused.',
    ],
    [
      'modern.mrtr.state-principal',
      'Server Requirements (Basic Workflow)',
      'A state is good for its caller alone.',
    ],
    [
      'modern.mrtr.state-expires',
      'Server Requirements (Basic Workflow)',
      'A state is good for a time.',
    ],
    [
      'modern.mrtr.state-request',
      'Server Requirements (Basic Workflow)',
      'A state is good for the very request it was made for.',
    ],
    [
      'modern.mrtr.state-once',
      'Server Requirements (Basic Workflow)',
      'Where a state stands for a call that is under way, it is used up by one retry.',
      { servers: ['legacy'] },
    ],
    [
      'modern.mrtr.something-asked',
      'Server Requirements (Basic Workflow)',
      'input_required always has something to ask, or a state.',
    ],
    [
      'modern.mrtr.undeclared',
      'Server Requirements (Basic Workflow)',
      'Nothing is asked that the client did not declare.',
    ],
    [
      'modern.mrtr.client-may-leave',
      'Server Requirements (Basic Workflow)',
      'A client that never comes back leaves nothing behind.',
      { servers: ['legacy'] },
    ],
    [
      'modern.mrtr.invalid-responses',
      'Error Handling',
      'Answers that are no map of objects are refused with an error.',
    ],
    [
      'modern.mrtr.unknown-responses',
      'Error Handling',
      'Answers to what nobody asked are ignored.',
    ],
    ['modern.mrtr.missing-responses', 'Error Handling', 'What was not answered is asked again.'],
  ]),
  ...rulesOf({ page: 'basic/patterns/mrtr', binds: 'client', revisions: MODERN, clients: BOTH }, [
    [
      'modern.mrtr.client.inputs',
      'Client Requirements (Basic Workflow)',
      'A server’s request is sent again only with the answers to what it asked.',
    ],
    [
      'modern.mrtr.client.state-only',
      'Client Requirements (Basic Workflow)',
      'Where only a state is given, the request is sent again with it.',
      { clients: ['legacy'] },
    ],
    [
      'modern.mrtr.client.echo-exact',
      'Client Requirements (Basic Workflow)',
      'A server gets its state back exactly as it gave it.',
    ],
    [
      'modern.mrtr.client.no-state',
      'Client Requirements (Basic Workflow)',
      'A server that gave no state gets none.',
    ],
    [
      'modern.mrtr.client.new-id',
      'Client Requirements (Basic Workflow)',
      'A retry has another id than the request before.',
    ],
    [
      'modern.mrtr.client.same-request',
      'Client Requirements (Basic Workflow)',
      'Answers and state go with the retry of that request alone, whose params stay the same.',
    ],
  ]),
  ...rulesOf(
    { page: 'basic/patterns/subscriptions', binds: 'server', revisions: MODERN, servers: BOTH },
    [
      [
        'modern.listen.acknowledged-first',
        'Acknowledgment',
        'The first message of a stream is its acknowledgement.',
        { servers: [] },
      ],
      [
        'modern.listen.granted',
        'Acknowledgment',
        'The acknowledgement names what will be told, and nothing that was not asked for.',
        { servers: [] },
      ],
      ['modern.listen.only-requested', 'Opening a Stream', 'Only what was asked for is told.'],
      ['modern.listen.tools', 'Notification Filter', 'A changed list of tools is told.'],
      ['modern.listen.prompts', 'Notification Filter', 'A changed list of prompts is told.'],
      [
        'modern.listen.resources',
        'Notification Filter',
        'A changed resource is told to those who named it.',
      ],
      [
        'modern.listen.several',
        'Multiple Concurrent Subscriptions',
        'Several streams of one client are told apart by their ids.',
      ],
      [
        'modern.listen.cancelled',
        'Cancellation',
        'A client ends a stream by closing it, on stdio by notifications/cancelled.',
        { servers: [] },
      ],
      [
        'modern.listen.torn-down',
        'Cancellation',
        'When the gateway ends, it ends the streams.',
        { servers: [] },
      ],
      [
        'modern.listen.nothing-else',
        'Receiving Notifications',
        'Progress and log messages never come on a listen stream.',
      ],
    ],
  ),
  ...rulesOf({ page: 'basic/patterns/subscriptions', binds: 'client', revisions: MODERN }, [
    [
      'modern.listen.client.one',
      'Opening a Stream',
      'A server is listened to once for all clients, with what they want.',
      { clients: BOTH },
    ],
    [
      'modern.listen.client.dropped',
      'Cancellation',
      'What no client wants any more is no longer asked of a server.',
    ],
  ]),
  ...rulesOf(
    { page: 'basic/patterns/cancellation', binds: 'server', revisions: ALL, servers: BOTH },
    [
      [
        'cancel.no-answer',
        'Behavior Requirements',
        'A request that its client cancelled is not answered.',
      ],
      ['cancel.stops-work', 'Behavior Requirements', 'The server behind is told to stop.'],
      [
        'cancel.unknown-ignored',
        'Error Handling',
        'Cancelling what is unknown, done or malformed does nothing.',
        { servers: [] },
      ],
      [
        'cancel.only-own',
        'Behavior Requirements',
        'A client cancels its own requests alone.',
        { servers: [] },
      ],
    ],
  ),
  ...rulesOf(
    { page: 'basic/patterns/cancellation', binds: 'server', revisions: MODERN, servers: BOTH },
    [
      [
        'modern.cancel.not-sent',
        'Behavior Requirements',
        'A client is sent notifications/cancelled for listen streams alone.',
        { inbound: ['stdio'] },
      ],
    ],
  ),
  ...rulesOf({ page: 'basic/utilities/cancellation', binds: 'client', revisions: ALL }, [
    [
      'cancel.client.own-requests',
      'Behavior Requirements',
      'A server is told to cancel only what it was asked on that link and has not answered.',
      { clients: BOTH },
    ],
    [
      'cancel.client.not-initialize',
      'Behavior Requirements',
      'initialize is never cancelled.',
      { revisions: LEGACY },
    ],
    [
      'cancel.client.late-answer',
      'Behavior Requirements',
      'An answer that comes after all is ignored.',
    ],
  ]),
  ...rulesOf({ page: 'basic/utilities/cancellation', binds: 'server', revisions: LEGACY }, [
    [
      'legacy.cancel.question',
      'Behavior Requirements',
      'A question whose call has ended is taken back from the client.',
      { servers: ['legacy'] },
    ],
  ]),
  ...rulesOf({ page: 'basic/patterns/progress', binds: 'server', revisions: ALL, servers: BOTH }, [
    [
      'progress.token',
      'Progress Flow',
      'Progress comes under the token of the client’s request, with its type.',
    ],
    ['progress.only-asked', 'Behavior Requirements', 'A request without a token gets no progress.'],
    ['progress.increases', 'Progress Flow', 'The values of a request’s progress rise.'],
    ['progress.stops', 'Implementation Notes', 'After the answer there is no more progress.'],
    ['progress.fields', 'Progress Flow', 'Progress, total and message are those of the server.'],
  ]),
  ...rulesOf({ page: 'basic/patterns/progress', binds: 'client', revisions: ALL }, [
    [
      'progress.client.unique',
      'Progress Flow',
      'The tokens of requests to a server are texts or whole numbers, and unique among those under way.',
      { clients: BOTH },
    ],
  ]),
  ...rulesOf({ page: 'basic/utilities/ping', binds: 'server', revisions: LEGACY }, [
    ['ping.answered', 'Behavior Requirements', 'ping is answered at once with an empty result.'],
    [
      'modern.ping.removed',
      'Changelog: ping',
      'ping is unknown in the modern era.',
      { revisions: MODERN },
    ],
  ]),
  ...rulesOf({ page: 'basic/utilities/ping', binds: 'client', revisions: LEGACY }, [
    ['ping.client.answered', 'Behavior Requirements', 'A ping of a server is answered.'],
  ]),
  ...rulesOf({ page: 'server/utilities/logging', binds: 'server', revisions: LEGACY }, [
    ['logging.capability', 'Capabilities', 'logging is declared where messages may come.'],
    [
      'logging.level',
      'Setting Log Level',
      'After logging/setLevel come messages from that level on, and no others.',
      { servers: BOTH },
    ],
    ['logging.invalid-level', 'Error Handling', 'A level that is none is refused with -32602.'],
    [
      'modern.logging.invalid-level',
      'Error Handling',
      'A level that is none is refused with -32602.',
      { revisions: MODERN },
    ],
    [
      'modern.logging.opt-in',
      'Per-request log level',
      'A request that sets no level gets no log messages.',
      { revisions: MODERN, servers: BOTH },
    ],
    [
      'modern.logging.level',
      'Per-request log level',
      'Messages come from the level of the request on.',
      { revisions: MODERN, servers: BOTH },
    ],
    [
      'modern.logging.own-stream',
      'Per-request log level',
      'Messages come before the answer, on its stream and no other.',
      { revisions: MODERN, servers: BOTH },
    ],
    [
      'modern.logging.removed',
      'Changelog: logging/setLevel',
      'logging/setLevel is unknown in the modern era.',
      { revisions: MODERN },
    ],
  ]),
  ...rulesOf({ page: 'server/utilities/logging', binds: 'client', revisions: ALL }, [
    [
      'logging.client.level',
      'Setting Log Level',
      'A server is told the level its clients want: by logging/setLevel, or in the _meta of requests.',
      { clients: ['legacy'] },
    ],
  ]),
];
