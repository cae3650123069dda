import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';
// @ts-expect-error: this package has no types.
import * as oidc from 'oidc-provider';

/** The audience tokens get when nothing else is asked for. */
export const AUDIENCE = 'https://mcpx.example/mcp';

const CLIENT = { id: 'agent', secret: 'agent-secret' };
const SCOPES = 'read write admin';

/** What a token is to say. */
export interface TokenWish {
  /** The subject; the client itself when absent. */
  readonly subject?: string;
  readonly audience?: string;
  /** Separated by spaces. */
  readonly scope?: string;
  readonly lifeSec?: number;
  /** Claims beyond those the provider makes. */
  readonly claims?: JWTPayload;
}

/** How a provider answers: as it should, not at all, by breaking the connection, or with an error. */
export type Mood = 'well' | 'silent' | 'breaking' | 'failing';

interface ProviderInstance {
  readonly Client: { find(id: string): Promise<unknown> };
  readonly AccessToken: new (terms: object) => object & { save(): Promise<string> };
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
}

const { Provider } = oidc as {
  readonly Provider: new (issuer: string, setup: object) => ProviderInstance;
};

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** A real OpenID provider (oidc-provider) on a loopback port, which counts what it is asked. */
export class TestProvider {
  readonly issuer: string;
  readonly port: number;
  /** Requests for discovery documents and for keys. */
  readonly counts = { discovery: 0, keys: 0 };
  mood: Mood = 'well';
  readonly #server: Server;
  readonly #claims = new WeakMap<object, JWTPayload>();
  #keyCount = 0;
  #keys: SigningKey[] = [];
  #provider: ProviderInstance | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.issuer = `http://127.0.0.1:${this.port}`;
  }

  /** Starts one on a free port, with one signing key. */
  static async start(): Promise<TestProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const provider = new TestProvider(server);
    server.on('request', (request, response) => provider.#answer(request, response));
    await provider.rotate();
    return provider;
  }

  /** Puts a new signing key in place of the old one; with `keepOld` the old one stays published. */
  async rotate({ keepOld = false } = {}): Promise<void> {
    this.#keyCount += 1;
    const pair = await generateKeyPair('RS256', { extractable: true });
    const fresh = { kid: `key-${this.#keyCount}`, ...pair };
    this.#keys = keepOld ? [fresh, ...this.#keys] : [fresh];
    const keys = await Promise.all(
      this.#keys.map(async ({ kid, privateKey }) => ({
        ...(await exportJWK(privateKey)),
        kid,
        alg: 'RS256',
        use: 'sig',
      })),
    );
    this.#provider = new Provider(this.issuer, this.#setup(keys));
  }

  /** The key tokens are signed with now. */
  get key(): SigningKey {
    return this.#keys[0]!;
  }

  /** A token of the provider's own making, as it would give it to a user's client. */
  async token(wish: TokenWish = {}): Promise<string> {
    const { subject, audience = AUDIENCE, scope, lifeSec = 3600, claims = {} } = wish;
    const provider = this.#provider!;
    const token = new provider.AccessToken({
      client: await provider.Client.find(CLIENT.id),
      accountId: subject,
      scope,
      expiresIn: lifeSec,
      resourceServer: { ...resourceServer(audience), identifier: () => audience },
    });
    this.#claims.set(token, claims);
    return token.save();
  }

  /** A token from the token endpoint, by client credentials (RFC 6749, section 4.4; RFC 8707). */
  async grant(scope = 'read', resource = AUDIENCE): Promise<string> {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${CLIENT.id}:${CLIENT.secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource }),
    });
    const { access_token: token } = (await response.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`no token was granted: status ${response.status}`);
    return token;
  }

  /** A token with just these claims, signed with the provider's key unless another is given. */
  sign(
    claims: JWTPayload,
    header: Partial<JWTHeaderParameters> = {},
    key?: CryptoKey,
  ): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: this.key.kid, typ: 'at+jwt', ...header })
      .sign(key ?? this.key.privateKey);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #setup(keys: readonly object[]): object {
    return {
      jwks: { keys },
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      scopes: SCOPES.split(' '),
      cookies: { keys: ['only for tests'] },
      ttl: { AccessToken: 3600, ClientCredentials: 3600 },
      extraTokenClaims: (_context: unknown, token: object) => this.#claims.get(token),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context: unknown, audience: string) => resourceServer(audience),
        },
      },
    };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    if (path.startsWith('/.well-known/')) this.counts.discovery += 1;
    if (path === '/jwks') this.counts.keys += 1;
    switch (this.mood) {
      case 'silent':
        return;
      case 'breaking':
        request.socket.destroy();
        return;
      case 'failing':
        response.writeHead(503).end();
        return;
      case 'well':
        this.#provider?.callback()(request, response);
    }
  }
}

function resourceServer(audience: string): object {
  return { audience, scope: SCOPES, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
}
