import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { accessGateway, type AccessGateway } from './access-gateway.ts';
import { remoteServerWith, serverWith } from './access-servers.ts';
import { freePort } from './conformance-processes.ts';
import type { TokenWish } from './oidc.ts';
import { fixtureEntry } from './raw-gateway.ts';
import type { Got } from './raw-http.ts';

/** Whoever makes the tokens of these tests. */
export interface Issuing {
  readonly issuer: string;
  token(wish?: TokenWish): Promise<string>;
}

/** A gateway under its own address that believes the tokens of one issuer. */
export interface TokenScene {
  readonly gateway: AccessGateway;
  readonly port: number;
  /** `server.publicUrl`, without a slash at its end. */
  readonly base: string;
  /** What the server behind the recorder was sent, headers and bodies. */
  readonly received: readonly string[];
  /** Every token that `token` and `keep` have seen. */
  readonly issued: readonly string[];
  /** A token of the issuer for this gateway, with the scope every token must have. */
  token(wish?: TokenWish): Promise<string>;
  keep(token: string): string;
}

/** The scope every token must have. */
export const REQUIRED = 'read';
/** The scope that opens `work__write`. */
export const STEP = 'write';
export const CHANGED = 'notifications/tools/list_changed';

const SERVED = { tools: ['look', 'write', 'drop'], parts: ['control'] } as const;

/** Text of app.yaml: nothing is open but what groups, consumers and scopes open. */
export function appOf(base: string, issuer: string, more = ''): string {
  return `
server: { publicUrl: "${base}", trustedProxies: ["127.0.0.1"] }
list: { debounceMs: 20 }
auth:
  jwt:
    - issuer: "${issuer}"
      consumerClaim: team
      groupsClaim: org.groups
      requiredScopes: [${REQUIRED}]
      clockToleranceSec: 0
permissions:
  default: { allow: [] }
  consumers:
    developers: { allow: [reading] }
    admins: { block: [] }
    red: { allow: [dropping] }
    blue: { allow: [] }
toolGroups:
  - { name: reading, services: { work: [look], far: [look] } }
  - { name: dropping, services: { work: [drop] } }
  - { name: writing, services: { work: [write] } }
rules:
  - { id: writers, effect: allow, scopes: [${STEP}], tools: ["work/write"] }
${more}`;
}

/** Starts a gateway for all tests of a file. */
export async function tokenScene(provider: Issuing): Promise<TokenScene> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const { url, received } = await recorded(await remoteServerWith(SERVED));
  const gateway = await accessGateway({
    servers: {
      work: serverWith(SERVED),
      far: { url, type: 'streamable-http' },
      new: fixtureEntry('modern'),
    },
    env: { MCPX_PORT: String(port), LOG_LEVEL: 'trace' },
    app: appOf(base, provider.issuer),
  });
  const issued: string[] = [];
  const keep = (token: string): string => {
    issued.push(token);
    return token;
  };
  return {
    gateway,
    port,
    base,
    received,
    issued,
    keep,
    token: async (wish) =>
      keep(
        await provider.token({
          subject: 'somebody',
          audience: `${base}/mcp`,
          scope: REQUIRED,
          ...wish,
        }),
      ),
  };
}

/** Headers of a caller; changing them changes what the caller sends from then on. */
export interface Bearing extends Record<string, string> {
  authorization: string;
}

export function bearing(token: string, more: Record<string, string> = {}): Bearing {
  return { authorization: `Bearer ${token}`, ...more };
}

let addresses = 0;

/** A header that has a request come from an address of its own, so that no wrong token slows down what comes after it. */
export function elsewhere(): Record<string, string> {
  addresses += 1;
  return { 'x-forwarded-for': `198.51.100.${addresses}` };
}

/** The parameters of the one `Bearer` challenge of an answer (RFC 6750, section 3). */
export function challengeOf({ headers }: Pick<Got, 'headers'>): Record<string, string> {
  const text = headers['www-authenticate'] ?? '';
  assert.match(text, /^Bearer (?:[a-z_]+="[^"\\]*"(?:, |$))+$/u);
  return Object.fromEntries(
    [...text.matchAll(/([a-z_]+)="([^"]*)"/gu)].map(([, name = '', value = '']) => [name, value]),
  );
}

/** The words of a scope, in order of the alphabet. */
export function scopesIn(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').toSorted();
}

/** Seconds since the epoch. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Passes everything on to a server and remembers all it was sent. */
async function recorded(entry: object): Promise<{ url: string; received: string[] }> {
  const target = new URL((entry as { url: string }).url);
  const received: string[] = [];
  const recorder = createServer((request, response) => {
    received.push(request.rawHeaders.join('\n'));
    request.on('data', (chunk: Buffer) => received.push(chunk.toString()));
    const { method, url, headers } = request;
    const outgoing = httpRequest(
      { host: '127.0.0.1', port: target.port, method, path: url, headers },
      (answer: IncomingMessage) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
      },
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    request.pipe(outgoing);
  });
  recorder.listen(0, '127.0.0.1');
  await once(recorder, 'listening');
  after(() => {
    recorder.close();
    recorder.closeAllConnections();
  });
  const { port } = recorder.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${target.pathname}`, received };
}
