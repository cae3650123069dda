import { createHmac } from 'node:crypto';
import { after } from 'node:test';
import type { JWTPayload } from 'jose';
import { assertRefusal } from './attack-caller.ts';
import { attackedForFile, callWith, elsewhere, type AttackedGateway } from './attack-gateway.ts';
import { AUDIENCE, TestProvider } from './oidc.ts';
import type { Got } from './raw-http.ts';

/** A gateway that believes the tokens of a provider, and somebody who makes others. */
export interface TokenScene {
  readonly gateway: AttackedGateway;
  readonly provider: TestProvider;
  /** Claims that would be fine in a token that is. */
  claims(changes?: JWTPayload): JWTPayload;
  /** One call with a bearer token, from an address of its own, so that no attempt is slowed down for the others. */
  present(token: string): Promise<Got>;
  /** Expects that tokens are refused with 401 and recorded, each of them. */
  refused(...tokens: readonly string[]): Promise<void>;
}

/** What of the issuer's entry and of app.yaml is not as usual. */
export interface SceneTerms {
  readonly issuer?: object;
  readonly app?: object;
  readonly servers?: Record<string, object>;
  readonly env?: Record<string, string>;
}

/** Starts a provider and a gateway for all tests of a file. */
export async function tokenSceneForFile(terms: SceneTerms = {}): Promise<TokenScene> {
  const provider = await TestProvider.start();
  after(() => provider.stop());
  const gateway = await attackedForFile({
    app: {
      server: { publicUrl: new URL(AUDIENCE).origin },
      ...terms.app,
      auth: {
        ...authOf(terms.app),
        jwt: [{ issuer: provider.issuer, clockToleranceSec: 0, ...terms.issuer }],
      },
    },
    ...(terms.servers === undefined ? {} : { servers: terms.servers }),
    ...(terms.env === undefined ? {} : { env: terms.env }),
  });
  const presentFrom = (from: object, token: string): Promise<Got> =>
    callWith(gateway.port, { ...from, authorization: `Bearer ${token}` }, 'it__test_simple_text');
  return {
    gateway,
    provider,
    claims: (changes) => claimsOf(provider, changes),
    present: (token) => presentFrom(elsewhere(), token),
    refused: async (...tokens) => {
      const before = gateway.audit().length;
      const attempts = tokens.map((token) => ({ token, from: elsewhere() }));
      const answers = attempts.map(({ from, token }) => presentFrom(from, token));
      for (const got of await Promise.all(answers)) assertRefusal(got, 'UNAUTHENTICATED', 401);
      for (const { from } of attempts)
        await gateway.recorded(
          'the token',
          ({ code, address }) => code === 'UNAUTHENTICATED' && address === from['x-forwarded-for'],
          before,
        );
    },
  };
}

function claimsOf({ issuer }: TestProvider, changes: JWTPayload = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return { iss: issuer, aud: AUDIENCE, sub: 'alice', iat: now, exp: now + 600, ...changes };
}

/** A part of a JWT. */
export function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A token with a header and claims of anybody's choice, "signed" by any bytes. */
export function forged(
  header: object,
  claims: object,
  signature: Uint8Array | string = '',
): string {
  return `${encoded(header)}.${encoded(claims)}.${Buffer.from(signature).toString('base64url')}`;
}

/** A token signed with a secret. */
export function withSecret(header: object, claims: object, secret: string | Uint8Array): string {
  const text = `${encoded(header)}.${encoded(claims)}`;
  const bits = String((header as { alg?: string }).alg).slice(2);
  return `${text}.${createHmac(`sha${bits}`, secret).update(text).digest('base64url')}`;
}

function authOf(app: { readonly auth?: object } = {}): object {
  return app.auth ?? {};
}
