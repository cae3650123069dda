import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
// @ts-expect-error: this package has no types.
import * as oidc from 'oidc-provider';

/** A real OpenID provider at which users sign in by forms, and clients register themselves. */
export interface UserProvider {
  readonly issuer: string;
  /** How long access tokens are good, from the next one on. */
  lifeSec: number;
  /** The grant types and scopes of all requests for tokens, in order. */
  readonly asked: readonly { readonly grant: string; readonly scope: string | undefined }[];
}

const { Provider } = oidc as {
  readonly Provider: new (
    issuer: string,
    setup: object,
  ) => {
    on(event: string, listener: (...args: { oidc: { params: Params } }[]) => void): void;
    callback(): Parameters<typeof createServer>[1];
  };
};

type Params = Readonly<Record<string, string | undefined>>;

/** Where the provider sends the user back to; nobody listens there. */
export const CALLBACK = 'http://127.0.0.1:9/callback';

/** Starts one for all tests of a file; `groups` of a user go into the claim `org.groups`. */
export async function userProvider(
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<UserProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked: { grant: string; scope: string | undefined }[] = [];
  const state = { issuer, lifeSec: 3600, asked };
  const provider = new Provider(issuer, setupOf(state, groups));
  for (const event of ['grant.success', 'grant.error'])
    provider.on(event, ({ oidc: { params } }) =>
      asked.push({ grant: String(params['grant_type']), scope: params['scope'] }),
    );
  server.on('request', provider.callback()!);
  return state;
}

function setupOf(
  state: { readonly lifeSec: number },
  groups: Readonly<Record<string, readonly string[]>>,
): object {
  return {
    scopes: ['read', 'write', 'offline_access'],
    clients: [
      {
        client_id: 'robot',
        client_secret: 'robot-secret-0123456789',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: 'desktop',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [CALLBACK],
      },
      {
        client_id: 'terminal',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code'],
        redirect_uris: [CALLBACK],
      },
    ],
    cookies: { keys: ['only for tests'] },
    ttl: { Session: 3600, Grant: 3600, Interaction: 3600, RefreshToken: 3600 },
    findAccount: (_ctx: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId }),
    }),
    extraTokenClaims: (_ctx: unknown, { accountId = '' }: { readonly accountId?: string }) => ({
      org: { groups: groups[accountId] ?? [] },
    }),
    issueRefreshToken: (_ctx: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    features: {
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx: unknown, audience: string) => ({
          audience,
          scope: 'read write',
          accessTokenFormat: 'jwt',
          accessTokenTTL: state.lifeSec,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}

/** Goes to the page of an authorization request as a user with a browser would, signs in and agrees; what comes back to the client. */
export async function signIn(page: URL, user: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let next = await visit(page, cookies);
  for (let steps = 0; steps < 12; steps += 1) {
    if (next.href.startsWith(CALLBACK)) return next.searchParams;
    next = next.pathname.startsWith('/interaction/')
      ? await fillIn(next, cookies, user)
      : await visit(next, cookies);
  }
  throw new Error(`signing in does not end; the last page was ${next.href}`);
}

async function fillIn(form: URL, cookies: Map<string, string>, user: string): Promise<URL> {
  const html = await (await request(form, cookies)).text();
  const prompt = /name="prompt" value="(\w+)"/u.exec(html)?.[1] ?? '';
  const action = /action="([^"]+)"/u.exec(html)?.[1] ?? form.href;
  const body = new URLSearchParams({ prompt, login: user, password: 'any' });
  return visit(new URL(action, form), cookies, { method: 'POST', body });
}

/** Where a page leads to. */
async function visit(
  page: URL,
  cookies: Map<string, string>,
  init: RequestInit = {},
): Promise<URL> {
  const response = await request(page, cookies, init);
  const text = await response.text();
  const location = response.headers.get('location');
  if (location === null)
    throw new Error(`${page.href} leads nowhere: ${response.status} ${text.slice(0, 500)}`);
  return new URL(location, page);
}

async function request(
  page: URL,
  cookies: Map<string, string>,
  init: RequestInit = {},
): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(page, { ...init, redirect: 'manual', headers: { cookie } });
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/u.exec(line) ?? [];
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
  return response;
}
