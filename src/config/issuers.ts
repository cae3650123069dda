import { z } from 'zod';
import type { IssuerPlan } from '../kernel/access.ts';
import type { AppDraft } from './app-draft.ts';
import { isLoopback } from './loopback.ts';
import { SCOPE } from './scope.ts';

/** Algorithms that sign with a private key: whoever can verify cannot forge. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const SHARED =
  'This signs with a secret that the gateway would have to share with the issuer, and whoever has it can make tokens; use one that signs with a private key, such as RS256 or ES256.';
const UNSIGNED =
  'This is no signature: anybody could make such a token; use one that signs with a private key, such as RS256 or ES256.';

const name = z.string().min(1);

/** An address that nobody on the way can answer for: keys that come from it are believed. */
const SAFE_URL = z.string().superRefine((text, check) => {
  const message = urlFault(text);
  if (message !== undefined) check.addIssue({ code: 'custom', message });
});

const ALGORITHM = z
  .string()
  .superRefine((text, check) => {
    const message = algorithmFault(text);
    if (message !== undefined) check.addIssue({ code: 'custom', message });
  })
  .meta({ enum: ALGORITHMS });

/** One issuer of tokens that is believed. */
export const ISSUER = z.strictObject({
  issuer: SAFE_URL.describe(
    'The issuer, exactly as the `iss` claim of its tokens has it; https, or http on this machine.',
  ),
  audience: z
    .union([name, z.array(name).min(1)], 'Give a text or a list of texts.')
    .describe(
      'The values of the `aud` claim of which a token needs one; `server.publicUrl`, with and without a slash at its end, and the endpoints below it, when absent.',
    )
    .optional(),
  algorithms: z
    .array(ALGORITHM)
    .min(1)
    .describe('The signatures that are believed; all of them made with a private key.')
    .default(['RS256', 'ES256', 'EdDSA', 'PS256']),
  consumerClaim: name
    .describe(
      'The claim that names the consumer, as a name or a dotted path; tokens name none when absent.',
    )
    .optional(),
  groupsClaim: name
    .describe(
      'The claim that lists groups, as a name or a dotted path; for each, the entry of permissions.consumers with that name holds.',
    )
    .optional(),
  consumers: z
    .array(name)
    .min(1)
    .describe('The consumers its tokens may name; any when absent.')
    .optional(),
  requiredScopes: z.array(SCOPE).describe('The scopes that every token must have.').default([]),
  jwksUri: SAFE_URL.describe(
    'Where the keys of the issuer are; found by discovery when absent.',
  ).optional(),
  clockToleranceSec: z
    .int()
    .min(0)
    .max(300)
    .describe('How far the clocks of issuer and gateway may differ, in seconds.')
    .default(30),
});

type Issuer = z.output<typeof ISSUER>;

/** The issuers of `auth.jwt`; what would leave them without effect is reported. */
export function compileIssuers(draft: AppDraft): IssuerPlan[] {
  const { app, broken } = draft;
  const issuers = app.auth?.jwt ?? [];
  const { publicUrl } = app.server;
  if (issuers.length > 0 && publicUrl === undefined && !broken.has('server')) {
    draft.file.error(['auth', 'jwt'], PUBLIC_URL_MISSING, 'key');
  }
  checkRepetition(draft, issuers);
  const groups = (app.toolGroups ?? []).map(({ name: group }) => encodeURIComponent(group));
  return issuers.map((issuer) => ({
    issuer: issuer.issuer,
    audience: audienceOf(issuer, publicUrl, groups),
    algorithms: issuer.algorithms,
    consumerClaim: issuer.consumerClaim,
    groupsClaim: issuer.groupsClaim,
    consumers: issuer.consumers,
    requiredScopes: issuer.requiredScopes,
    jwksUri: issuer.jwksUri,
    clockToleranceSec: issuer.clockToleranceSec,
  }));
}

const PUBLIC_URL_MISSING = `Tokens are made for one address, under which clients also ask where to get them (RFC 9728). Add it under "server":
  publicUrl: https://mcp.example.com`;

function checkRepetition({ file }: AppDraft, issuers: readonly Issuer[]): void {
  const places = new Map<string, number>();
  for (const [index, { issuer }] of issuers.entries()) {
    const earlier = places.get(issuer);
    places.set(issuer, earlier ?? index);
    if (earlier === undefined) continue;
    const line = file.line(['auth', 'jwt', earlier, 'issuer']);
    const message = `This issuer stands in line ${line} too; keep one of the two, "audience" takes a list.`;
    file.error(['auth', 'jwt', index, 'issuer'], message);
  }
}

/** Every endpoint is a resource that clients may ask a token for (RFC 8707): what it may reach is for policy to say. */
function audienceOf(
  { audience }: Issuer,
  publicUrl: string | undefined,
  groups: readonly string[],
): string[] {
  if (audience !== undefined) return [audience].flat();
  if (publicUrl === undefined) return [];
  const plain = publicUrl.replace(/\/+$/, '');
  const doors = [`${plain}/mcp`, `${plain}/sse`];
  const ofGroups = doors.flatMap((door) => groups.map((group) => `${door}/${group}`));
  return [plain, `${plain}/`, ...doors, ...ofGroups];
}

function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'Give a whole address, such as https://login.example.com.';
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '') return 'There can be no login in this address.';
  if (search !== '' || hash !== '') return 'Give the address without "?" and "#".';
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined;
  return 'Give an https address: over http anybody on the way could put keys of their own in place of the true ones.';
}

function algorithmFault(text: string): string | undefined {
  if (ALGORITHMS.includes(text)) return undefined;
  if (/^none$/i.test(text)) return UNSIGNED;
  return /^HS\d+$/i.test(text) ? SHARED : `Give one of: ${ALGORITHMS.join(', ')}.`;
}
