import { z } from 'zod';
import type { UpstreamLimits } from '../kernel/plan.ts';
import { LIMITS } from './settings.ts';
import { VALUE } from './value.ts';

const overrides = Object.fromEntries(
  Object.entries(LIMITS.shape).map(([key, limit]) => [key, limit.unwrap().optional()]),
) as { [K in keyof UpstreamLimits]: z.ZodOptional<ReturnType<(typeof LIMITS.shape)[K]['unwrap']>> };

/** One server of mcp.json. Keys of other programs may stand beside these. */
export const SERVER_ENTRY = z.looseObject({
  command: z
    .string()
    .min(1)
    .describe('Program to start; the server speaks over its standard input and output.')
    .optional(),
  args: z.array(z.string()).describe('Arguments of the program.').optional(),
  env: z.record(z.string(), VALUE).describe('Environment variables of the program.').optional(),
  cwd: z
    .string()
    .min(1)
    .describe('Folder the program starts in; the one the gateway runs in when absent.')
    .optional(),
  url: z.string().min(1).describe('Address of a remote server, http or https.').optional(),
  headers: z.record(z.string(), VALUE).describe('HTTP headers sent to a remote server.').optional(),
  type: z
    .enum(['stdio', 'streamable-http', 'http', 'sse'])
    .describe('Transport; found out when absent. http is another name for streamable-http.')
    .optional(),
  disabled: z.boolean().describe('Whether the server is switched off.').optional(),
  isolation: z
    .enum(['auto', 'shared', 'session'])
    .describe(
      'Whether clients share one process or upstream session; `auto` keeps them apart where the server needs it.',
    )
    .optional(),
  ...overrides,
});

/** One server of mcp.json as checked. */
export type ServerEntry = z.output<typeof SERVER_ENTRY>;

/** The whole of mcp.json. */
export const SERVERS = z.looseObject({
  $schema: z.string().describe('Where editors find the schema of this file.').optional(),
  mcpServers: z.record(z.string(), SERVER_ENTRY).describe('The servers by name.').optional(),
  servers: z
    .record(z.string(), SERVER_ENTRY)
    .describe('Another name for mcpServers, as some editors write it.')
    .optional(),
});
