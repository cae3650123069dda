import { z } from 'zod';
import { TESTS } from './access-tests.ts';
import { AUDIT } from './audit.ts';
import { AUTH } from './auth.ts';
import { TOOL_EXTENSIONS } from './extensions.ts';
import { LIMITING } from './limits.ts';
import { LOGGING } from './logging.ts';
import { METRICS } from './metrics.ts';
import { PERMISSIONS } from './permissions.ts';
import { RULES } from './rules.ts';
import { SERVER_ATTRIBUTES } from './server-attributes.ts';
import { ASKS, DOOR, LISTS, PARKING, SESSIONS, SHUTDOWN, SSE, UPSTREAMS } from './settings.ts';
import { TOKENS } from './tokens.ts';
import { TOOL_GROUPS } from './tool-groups.ts';
import { TRACING } from './tracing.ts';
import { USAGE } from './usage.ts';

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
  parking: PARKING.describe(
    'Calls of modern clients to servers that ask something in mid-call: they wait until the client comes back with the answer.',
  ).prefault({}),
  list: LISTS.describe('Lists answered to clients.').prefault({}),
  sse: SSE.describe('Streams to clients.').prefault({}),
  upstreams: UPSTREAMS.describe(
    'Servers behind the gateway: what holds for each unless its entry differs. A time of 0 switches that timer off.',
  ).prefault({}),
  shutdown: SHUTDOWN.describe('How the gateway stops.').prefault({}),
  auth: AUTH.describe('How callers prove themselves.').optional(),
  permissions: PERMISSIONS.describe(
    'Who may reach what, by tool group. The entry of the consumer applies, with those of the groups it belongs to; else the one of the client name; else the default. What is blocked by a group is never open, whatever else allows it; what is not allowed does not exist for the caller.',
  ).optional(),
  toolGroups: TOOL_GROUPS.describe('Named sets of tools, prompts and resources.').optional(),
  rules: RULES.describe(
    'Rules for what permissions cannot say. A rule applies to calls that all its selectors of callers, `servers`, `annotations` and one of `tools`, `prompts`, `resources`, `asks` and `toolGroups` select; without any of the five it is for everything on those servers.',
  ).optional(),
  tests: TESTS.describe(
    'Assertions about who may use what under this configuration. `mcpx check` runs them.',
  ).optional(),
  toolExtensions: TOOL_EXTENSIONS.describe(
    'Tools made from other tools, beside them or instead of them.',
  ).optional(),
  validateArguments: z
    .boolean()
    .describe(
      'Whether arguments of every tool are checked against its schema before the call; otherwise those of custom tools alone.',
    )
    .default(false),
  asks: ASKS.describe('Questions of servers to clients: elicitation, sampling and roots.').prefault(
    {},
  ),
  limits: LIMITING.describe(
    'Limits and budgets of calls. A limit counts the calls that all its selectors select; without any it counts every call. A call beyond one is refused with LIMITED, and told when to try again.',
  ).prefault({}),
  audit: AUDIT.describe('What is written about each exchange, and where it goes.').prefault({}),
  logging: LOGGING.describe('The log.').prefault({}),
  metrics: METRICS.describe('The metrics page.').prefault({}),
  tracing: TRACING.describe('Traces, sent over OTLP/HTTP.').prefault({}),
  tokens: TOKENS.describe(
    'Counting of tokens, as the model of the agent reads and writes them, and what they cost.',
  ).prefault({}),
  usage: USAGE.describe('The store of who used what, how much and how fast.').prefault({}),
  targetServerAttributes: SERVER_ATTRIBUTES.describe('Switches by server name.').optional(),
});

/** app.yaml as checked, defaults filled in. */
export type App = z.output<typeof APP>;
