import { ALL, LEGACY, MODERN, rulesOf, type Requirement } from './requirements-table.ts';

const BOTH = ['legacy', 'modern'] as const;
const WITH_STRUCTURE = ['2025-06-18', '2025-11-25', '2026-07-28'] as const;

/** Tools, resources, prompts, completion, pages, caching, elicitation, sampling, roots and tasks. */
export const FEATURE_REQUIREMENTS: readonly Requirement[] = [
  ...rulesOf({ page: 'server/tools', binds: 'server', revisions: ALL, servers: BOTH }, [
    [
      'tools.capability',
      'Capabilities',
      'The tools capability is declared, with listChanged.',
      { servers: [] },
    ],
    [
      'tools.list',
      'Listing Tools',
      'tools/list shows all tools, whole: every field as the server has it but for the name.',
    ],
    [
      'tools.call',
      'Calling Tools',
      'A call reaches its tool with its arguments, and the result comes back whole.',
    ],
    ['tools.unknown', 'Error Handling', 'A tool that does not exist is -32602.'],
    [
      'tools.malformed',
      'Error Handling',
      'A call without a name, or with arguments that are no object, is a protocol error.',
      { servers: [] },
    ],
    [
      'tools.execution-error',
      'Error Handling',
      'A tool that fails is a result with isError, not an error of the protocol.',
    ],
    ['tools.list-changed', 'List Changed Notification', 'A changed list is told to clients.'],
    [
      'tools.unique-names',
      'Tool Names',
      'Names of the list are unique, though servers have the same ones.',
      { servers: [] },
    ],
    [
      'tools.name-characters',
      'Tool Names',
      'Names have letters, digits, underscore, hyphen and dot, at most 128 of them.',
      { servers: [] },
    ],
    ['tools.case-sensitive', 'Tool Names', 'Names differ by case.'],
    ['tools.schema-object', 'Tool', 'Every inputSchema is an object.', { servers: [] }],
    [
      'tools.structured-content',
      'Structured Content',
      'Structured content passes as it is.',
      { revisions: WITH_STRUCTURE },
    ],
    [
      'tools.structured-text',
      'Structured Content',
      'The text beside structured content stays.',
      { revisions: WITH_STRUCTURE },
    ],
    [
      'tools.resource-link',
      'Resource Links',
      'A link in a result is a URI that this client can read.',
      { revisions: WITH_STRUCTURE },
    ],
    [
      'tools.content-kinds',
      'Tool Result',
      'Text, pictures, sounds and embedded resources pass as they are.',
    ],
    [
      'tools.access',
      'Security Considerations',
      'Access to tools can be controlled, and calls limited.',
      { servers: [] },
    ],
    [
      'modern.tools.deterministic',
      'Capabilities',
      'The order of the list is always the same.',
      { revisions: MODERN, servers: [] },
    ],
    [
      'modern.tools.not-by-connection',
      'Capabilities',
      'The list does not depend on the connection, nor on requests before.',
      { revisions: MODERN, servers: [] },
    ],
  ]),
  ...rulesOf({ page: 'server/resources', binds: 'server', revisions: ALL, servers: BOTH }, [
    [
      'resources.capability',
      'Capabilities',
      'The resources capability is declared, with subscribe and listChanged.',
      { servers: [] },
    ],
    ['resources.list', 'Listing Resources', 'resources/list shows all resources, whole.'],
    [
      'resources.templates',
      'Resource Templates',
      'resources/templates/list shows all templates, whole.',
    ],
    [
      'resources.read',
      'Reading Resources',
      'A resource is read by the URI it is listed under, and its contents name that URI.',
    ],
    [
      'resources.read-template',
      'Resource Templates',
      'A URI made from a template is read from the server whose template it is.',
    ],
    ['resources.binary', 'Binary Content', 'Binary contents pass as they are.'],
    [
      'resources.unique-uris',
      'Resource',
      'URIs of the list are unique, though servers have the same ones.',
      { servers: [] },
    ],
    [
      'resources.uri-valid',
      'Common URI Schemes',
      'URIs the gateway makes are valid by RFC 3986.',
      { servers: [] },
    ],
    [
      'legacy.resources.not-found',
      'Error Handling',
      'A resource that does not exist is -32002.',
      { revisions: LEGACY },
    ],
    [
      'modern.resources.not-found',
      'Error Handling',
      'A resource that does not exist is -32602.',
      { revisions: MODERN },
    ],
    [
      'legacy.resources.subscribe',
      'Subscriptions',
      'A client that subscribed is told of updates under the URI it named, until it unsubscribes.',
      { revisions: LEGACY },
    ],
    [
      'modern.resources.subscribe-removed',
      'Changelog: resources/subscribe',
      'resources/subscribe and unsubscribe are unknown in the modern era.',
      { revisions: MODERN, servers: [] },
    ],
  ]),
  ...rulesOf({ page: 'server/prompts', binds: 'server', revisions: ALL, servers: BOTH }, [
    [
      'prompts.capability',
      'Capabilities',
      'The prompts capability is declared, with listChanged.',
      { servers: [] },
    ],
    ['prompts.list', 'Listing Prompts', 'prompts/list shows all prompts, whole.'],
    ['prompts.get', 'Getting a Prompt', 'A prompt comes with its arguments filled in.'],
    ['prompts.unknown', 'Error Handling', 'A prompt that does not exist is -32602.'],
    ['prompts.list-changed', 'List Changed Notification', 'A changed list is told to clients.'],
    [
      'prompts.embedded',
      'Embedded Resources',
      'Pictures and embedded resources in prompts pass as they are.',
    ],
  ]),
  ...rulesOf(
    { page: 'server/utilities/completion', binds: 'server', revisions: ALL, servers: BOTH },
    [
      [
        'completion.capability',
        'Capabilities',
        'The completions capability is declared.',
        { servers: [] },
      ],
      [
        'completion.prompt',
        'Reference Types',
        'A prompt’s argument is completed under the prompt’s public name.',
      ],
      [
        'completion.resource',
        'Reference Types',
        'A template’s variable is completed under the template’s public URI.',
      ],
      [
        'completion.limit',
        'Completion Results',
        'At most 100 values come, with total and hasMore as the server says.',
      ],
      [
        'completion.unknown',
        'Error Handling',
        'Completion of a prompt that does not exist is -32602.',
      ],
      [
        'completion.malformed',
        'Error Handling',
        'Completion without a reference or argument is -32602.',
        { servers: [] },
      ],
    ],
  ),
  ...rulesOf({ page: 'server/utilities/pagination', binds: 'server', revisions: ALL }, [
    ['pagination.pages', 'Pagination Model', 'Following nextCursor brings every item once.'],
    [
      'pagination.stable',
      'Implementation Guidelines',
      'A cursor brings the same page again while nothing changes.',
    ],
    ['pagination.invalid', 'Error Handling', 'A cursor that is none is -32602.'],
  ]),
  ...rulesOf({ page: 'server/utilities/pagination', binds: 'client', revisions: ALL }, [
    [
      'pagination.client.followed',
      'Implementation Guidelines',
      'Pages of a server are followed to the end, which is a page without nextCursor.',
    ],
    [
      'pagination.client.opaque',
      'Implementation Guidelines',
      'A server gets its own cursors back as they are, and no others.',
    ],
  ]),
  ...rulesOf({ page: 'server/utilities/caching', binds: 'server', revisions: MODERN }, [
    [
      'modern.caching.hints',
      'Cacheable Results',
      'Lists, reads and discovery say how long and for whom they hold.',
    ],
    ['modern.caching.ttl', 'Time-to-Live (TTL) Field', 'ttlMs is a whole number, zero or more.'],
    ['modern.caching.scope', 'Cache Scope Field', 'cacheScope is public or private.'],
    [
      'modern.caching.private-kept',
      'Cache Scope Field',
      'What a server calls private is not made public, and does not hold longer than it says.',
      { servers: ['modern'] },
    ],
  ]),
  ...rulesOf(
    {
      page: 'client/elicitation',
      binds: 'server',
      revisions: ['2025-06-18', '2025-11-25', '2026-07-28'],
      servers: BOTH,
    },
    [
      [
        'elicitation.undeclared',
        'Capabilities',
        'A client that did not declare elicitation is not asked.',
      ],
      [
        'elicitation.mode',
        'Capabilities',
        'A client is asked in a mode it declared; declared as {} that is form alone.',
        { revisions: ['2025-11-25', '2026-07-28'] },
      ],
      [
        'elicitation.whole',
        'Elicitation Requests',
        'Message and schema reach the client whole, the server’s name with them.',
      ],
      [
        'elicitation.actions',
        'Response Actions',
        'accept with content, decline and cancel reach the server as they are.',
      ],
      [
        'elicitation.bound',
        'Security Considerations',
        'A question goes to the client in whose call it is asked, and to no other.',
        { servers: ['legacy'], inbound: ['http', 'sse'] },
      ],
    ],
  ),
  ...rulesOf({ page: 'client/elicitation', binds: 'server', revisions: ['2025-11-25'] }, [
    [
      'legacy.elicitation.url-required',
      'URL Elicitation Required Error',
      '-32042 reaches a client of the one revision that knows it, with its elicitations.',
      { servers: ['legacy'] },
    ],
    [
      'legacy.elicitation.complete',
      'Completion Notifications for URL Mode Elicitation',
      'That an elicitation is complete is told to the client that was asked, and to no other.',
      { servers: ['legacy'] },
    ],
  ]),
  ...rulesOf(
    { page: 'client/elicitation', binds: 'client', revisions: ['2025-06-18', '2025-11-25'] },
    [
      [
        'legacy.elicitation.client.undeclared',
        'Error Handling',
        'A server that asks what the client did not declare gets an error, and its call goes on.',
      ],
    ],
  ),
  ...rulesOf({ page: 'client/sampling', binds: 'server', revisions: ALL, servers: BOTH }, [
    ['sampling.undeclared', 'Capabilities', 'A client that did not declare sampling is not asked.'],
    [
      'sampling.whole',
      'Creating Messages',
      'Messages and preferences reach the client whole, its answer the server.',
    ],
    [
      'sampling.tools',
      'Tools in Sampling',
      'A sampling with tools goes only to a client that declared sampling.tools.',
      { revisions: ['2025-11-25', '2026-07-28'] },
    ],
  ]),
  ...rulesOf({ page: 'client/roots', binds: 'server', revisions: ALL, servers: BOTH }, [
    ['roots.undeclared', 'Capabilities', 'A client that did not declare roots is not asked.'],
    ['roots.whole', 'Listing Roots', 'The roots of a client reach the server as they are.'],
  ]),
  ...rulesOf({ page: 'client/roots', binds: 'client', revisions: LEGACY }, [
    [
      'legacy.roots.client.unsupported',
      'Error Handling',
      'A server that asks for roots of a client without them gets -32601.',
    ],
    [
      'legacy.roots.client.changed',
      'Root List Changes',
      'That roots changed is told to the servers to which listChanged was declared.',
      { clients: ['legacy'] },
    ],
  ]),
  ...rulesOf(
    {
      page: 'basic/utilities/tasks',
      binds: 'server',
      revisions: ['2025-11-25'],
      servers: ['legacy'],
    },
    [
      [
        'legacy.tasks.capability',
        'Capabilities',
        'tasks is declared with what can be augmented.',
        { servers: [] },
      ],
      [
        'legacy.tasks.created',
        'Creating Tasks',
        'An augmented call is answered with its task, a text as its id.',
      ],
      [
        'legacy.tasks.result',
        'Result Retrieval',
        'tasks/result waits for the end and is what the call would have been answered with, related-task with it.',
      ],
      [
        'legacy.tasks.get',
        'Getting Tasks',
        'tasks/get tells the state of the task whose id is given, whatever _meta says.',
      ],
      [
        'legacy.tasks.cancel',
        'Task Cancellation',
        'tasks/cancel ends a task; one that is over already is -32602.',
      ],
      [
        'legacy.tasks.unknown',
        'Protocol Errors',
        'A task that does not exist is -32602.',
        { servers: [] },
      ],
      [
        'legacy.tasks.listed',
        'Task Listing',
        'A task that can be had by tasks/get is in tasks/list.',
      ],
      [
        'legacy.tasks.forbidden',
        'Tool-Level Negotiation',
        'A tool that is no task is not run as one: -32601.',
      ],
      [
        'legacy.tasks.related',
        'Associating Task-Related Messages',
        'Questions of a task name it by the id the client knows.',
      ],
    ],
  ),
  ...rulesOf(
    { page: 'extensions/tasks', binds: 'server', revisions: MODERN, servers: ['modern'] },
    [
      [
        'modern.tasks.created',
        'Task Creation',
        'A call that becomes a task is answered resultType task, to a client that declared the extension.',
      ],
      [
        'modern.tasks.get',
        'Polling',
        'tasks/get tells the state, and the result once it is there.',
      ],
      ['modern.tasks.update', 'Input', 'tasks/update gives a task what it asks for.'],
      ['modern.tasks.cancel', 'Cancellation', 'tasks/cancel ends a task.'],
      ['modern.tasks.unknown', 'Errors', 'A task that does not exist is -32602.', { servers: [] }],
      [
        'modern.tasks.told',
        'Notifications',
        'The state of a task is told on the listen streams that named it.',
      ],
    ],
  ),
];
