import { z } from 'zod';
import type { AuthPlan } from '../kernel/access.ts';
import type { AppDraft } from './app-draft.ts';
import { compileIssuers, ISSUER } from './issuers.ts';
import { readSharedKey, type SharedKey } from './shared-key.ts';
import type { Variables } from './variables.ts';

const DEFAULT_HEADER = 'x-lunar-api-key';
// These mean something else already, so a key in them would be read as that, or cut off on the way.
const TAKEN =
  /^(?:authorization|proxy-.*|host|origin|cookie|accept.*|connection|content-.*|transfer-encoding|forwarded|x-forwarded-.*|mcp-.*|last-event-id|x-lunar-(?!api-key$).*)$/;

const name = z.string().min(1);

/** How callers prove themselves. */
export const AUTH = z.strictObject({
  enabled: z
    .boolean()
    .describe(
      'Whether callers must prove themselves. When absent they must as soon as `API_KEY` is set or `jwt` lists an issuer.',
    )
    .optional(),
  header: z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'Give the name of an HTTP header.')
    .refine(
      (header) => !TAKEN.test(header.toLowerCase()),
      'This header has another meaning; give a name of its own, such as x-api-key. "Authorization: Bearer <key>" is understood beside it.',
    )
    .describe('The header that carries an API key.')
    .default(DEFAULT_HEADER),
  admins: z
    .strictObject({
      consumers: z.array(name).describe('The consumers that may read the admin API.').default([]),
      groups: z
        .array(name)
        .describe('The groups whose members may read the admin API.')
        .default([]),
    })
    .describe('Who may read the admin API beside those with the shared key.')
    .prefault({}),
  jwt: z
    .array(ISSUER)
    .describe('The issuers of tokens (JWT) that are believed. They need `server.publicUrl`.')
    .default([]),
});

/** How callers prove themselves, from `auth` and the environment (docs/rules.md R19). */
export function compileAuth(draft: AppDraft, variables: Variables): AuthPlan {
  const auth = draft.app.auth ?? AUTH.parse({}, { jitless: true });
  const key = readSharedKey(variables);
  const isWanted = key !== undefined || auth.jwt.length > 0;
  checkSwitch(draft, key);
  return {
    isOn: auth.enabled ?? isWanted,
    header: auth.header.toLowerCase(),
    sharedKey: key?.key,
    issuers: compileIssuers(draft),
    admins: auth.admins,
    hasPublicMetrics: draft.app.metrics.public,
  };
}

function checkSwitch({ file, app }: AppDraft, key: SharedKey | undefined): void {
  const { enabled, jwt = [] } = app.auth ?? {};
  const place = ['auth', 'enabled'];
  if (enabled === false && key !== undefined) {
    const message = `Authentication is switched off here, but ${key.variable} is set, which asks for it; unset one of the two.`;
    file.error(place, message);
  } else if (enabled === false && jwt.length > 0) {
    file.warn(place, 'Authentication is switched off here, so no token is looked at.');
  } else if (enabled === true && key === undefined && jwt.length === 0) {
    const message =
      'No API_KEY is set and "jwt" lists no issuer, so only callers with a key made by "mcpx keys create" can call.';
    file.warn(place, message);
  }
}
