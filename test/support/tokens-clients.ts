import {
  Client as ModernClient,
  ClientCredentialsProvider as ModernCredentials,
  StreamableHTTPClientTransport,
  type OAuthClientProvider as ModernProvider,
} from '@modelcontextprotocol/client';
import { ClientCredentialsProvider as LegacyCredentials } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import type { OAuthClientProvider as LegacyProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as LegacyHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from './raw-http.ts';
import { REQUIRED } from './tokens-scene.ts';
import { CALLBACK } from './tokens-users.ts';

/** What an OAuth client of either SDK must keep; the page it sends its user to is remembered, not opened. */
export class Agent {
  readonly redirectUrl = CALLBACK;
  page: URL | undefined;
  #client: JsonObject | undefined;
  #discovery: JsonObject | undefined;
  #tokens: JsonObject | undefined;
  #verifier = '';

  /** Registers itself with whoever it finds, unless it is known to an issuer already. */
  constructor(known?: { readonly client_id: string; readonly issuer: string }) {
    this.#client = known;
  }

  get clientMetadata(): JsonObject & { redirect_uris: string[] } {
    return {
      client_name: 'an agent',
      application_type: 'native',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  clientInformation(): JsonObject | undefined {
    return this.#client;
  }

  saveClientInformation(client: object): void {
    this.#client = { ...client };
  }

  tokens(): JsonObject | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: object): void {
    this.#tokens = { ...tokens };
  }

  discoveryState(): JsonObject | undefined {
    return this.#discovery;
  }

  saveDiscoveryState(state: object): void {
    this.#discovery = { ...state };
  }

  redirectToAuthorization(page: URL): void {
    this.page = page;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  invalidateCredentials(what: string): void {
    if (what === 'all' || what === 'tokens') this.#tokens = undefined;
  }
}

/** A client of an SDK with something that gets it tokens. */
export interface AuthorizedClient {
  connect(): Promise<void>;
  tools(): Promise<string[]>;
  call(name: string): Promise<JsonObject>;
  /** Takes what the provider sent the user back with. */
  finish(answer: URLSearchParams): Promise<void>;
  sessionId(): string | undefined;
  close(): Promise<void>;
}

/** Both an Agent and a provider of an SDK's own. */
export type Authorizer = Agent | LegacyProvider | ModernProvider;

/** How a client of an SDK is made, and its client-credentials provider. */
export interface Kind {
  readonly era: 'legacy' | 'modern';
  /** Whether it steps up by itself: any way there is, only where it has no refresh token and asks its user, or never. */
  readonly stepsUp: 'by-any-grant' | 'by-its-user' | 'never';
  open(url: URL, authorizer: Authorizer): AuthorizedClient;
  robot(issuer: string): Authorizer;
}

const INFO = { name: 'authorized-client', version: '1.0.0' };
const LIMIT = { timeout: 15_000 };
const ROBOT = { clientId: 'robot', clientSecret: 'robot-secret-0123456789' };

function namesIn(result: JsonObject): string[] {
  return (result['tools'] as { name: string }[]).map(({ name }) => name);
}

function openV1(url: URL, authorizer: Authorizer, isSse: boolean): AuthorizedClient {
  const authProvider = authorizer as LegacyProvider;
  const client = new LegacyClient(INFO);
  const http = new LegacyHttpTransport(url, { authProvider });
  const transport = isSse ? new SSEClientTransport(url, { authProvider }) : http;
  const request = (method: string, params: JsonObject): Promise<JsonObject> =>
    client.request({ method, params }, ResultSchema, LIMIT);
  return {
    connect: () => client.connect(transport, LIMIT),
    tools: async () => namesIn(await request('tools/list', {})),
    call: (name) => request('tools/call', { name, arguments: {} }),
    finish: (answer) => transport.finishAuth(answer.get('code') ?? ''),
    sessionId: () => http.sessionId,
    close: () => client.close(),
  };
}

function openV2(url: URL, authorizer: Authorizer, pin?: string): AuthorizedClient {
  const negotiation = pin === undefined ? {} : { versionNegotiation: { mode: { pin } } };
  const client = new ModernClient(INFO, negotiation);
  const transport = new StreamableHTTPClientTransport(url, {
    authProvider: authorizer as ModernProvider,
  });
  const request = (method: string, params: JsonObject): Promise<JsonObject> =>
    client.request({ method, params } as never, LIMIT);
  return {
    connect: () => client.connect(transport, LIMIT),
    tools: async () => namesIn(await request('tools/list', {})),
    call: (name) => request('tools/call', { name, arguments: {} }),
    finish: (answer) => transport.finishAuth(answer),
    sessionId: () => transport.sessionId,
    close: () => client.close(),
  };
}

function robotV1(expectedIssuer: string): Authorizer {
  // It asks for what it was told at first, whatever a challenge says.
  return new LegacyCredentials({ ...ROBOT, expectedIssuer, scope: REQUIRED });
}

function robotV2(expectedIssuer: string): Authorizer {
  return new ModernCredentials({ ...ROBOT, expectedIssuer });
}

/** The clients of both SDKs, by what they are. */
export const KINDS: Readonly<Record<string, Kind>> = {
  'SDK v1': {
    era: 'legacy',
    stepsUp: 'by-its-user',
    open: (url, authorizer) => openV1(url, authorizer, false),
    robot: robotV1,
  },
  'SDK v1 over HTTP+SSE': {
    era: 'legacy',
    stepsUp: 'never',
    open: (url, authorizer) =>
      openV1(new URL(url.pathname.replace('/mcp', '/sse'), url), authorizer, true),
    robot: robotV1,
  },
  'SDK v2, legacy': {
    era: 'legacy',
    stepsUp: 'by-any-grant',
    open: (url, authorizer) => openV2(url, authorizer),
    robot: robotV2,
  },
  'SDK v2, modern': {
    era: 'modern',
    stepsUp: 'by-any-grant',
    open: (url, authorizer) => openV2(url, authorizer, '2026-07-28'),
    robot: robotV2,
  },
};
