import { z } from 'zod';
import { AUTH, PERMISSIONS, SERVER_ATTRIBUTES, TOOL_EXTENSIONS, TOOL_GROUPS } from './access.ts';
import { DOOR, LISTS, SESSIONS, SHUTDOWN, SSE, UPSTREAMS } from './settings.ts';

/** The whole of app.yaml. */
export const APP = z.strictObject({
  naming: z
    .enum(['prefix', 'flat'])
    .describe(
      '`prefix` offers tools and prompts as `<server>__<name>`, `flat` under their own names.',
    )
    .default('prefix'),
  server: DOOR.describe('Who may knock: addresses, names and sizes of the inbound side.').prefault(
    {},
  ),
  sessions: SESSIONS.describe('Sessions of legacy clients.').prefault({}),
  list: LISTS.describe('Lists answered to clients.').prefault({}),
  sse: SSE.describe('Streams to clients.').prefault({}),
  upstreams: UPSTREAMS.describe(
    'Servers behind the gateway: what holds for each unless its entry differs. A time of 0 switches that timer off.',
  ).prefault({}),
  shutdown: SHUTDOWN.describe('How the gateway stops.').prefault({}),
  permissions: PERMISSIONS.describe(
    'Who may reach what. Not enforced yet: with a rule here the gateway does not start.',
  ).optional(),
  toolGroups: TOOL_GROUPS.describe(
    'Named sets of tools. Not enforced yet: with a group here the gateway does not start.',
  ).optional(),
  auth: AUTH.describe(
    'How callers prove themselves. Not enforced yet: with `enabled: true` the gateway does not start.',
  ).optional(),
  toolExtensions: TOOL_EXTENSIONS.describe(
    'Tools made from other tools. Not enforced yet: with one here the gateway does not start.',
  ).optional(),
  targetServerAttributes: SERVER_ATTRIBUTES.describe('Switches by server name.').optional(),
});

/** app.yaml as checked, defaults filled in. */
export type App = z.output<typeof APP>;
