import { fileURLToPath } from 'node:url';
import { fixtureEntry } from './raw-gateway.ts';
import type { Plant } from './secret-scan-shapes.ts';

const LOUD = fileURLToPath(new URL('secret-scan-server.ts', import.meta.url));

/** Where things are that a configuration names. */
export interface Places {
  /** File of what the loud servers say of their own accord. */
  readonly says: string;
  /** Origin of the remote servers that tell what they were sent. */
  readonly echo: string;
  /** A port nobody listens on. */
  readonly closed: number;
  /** Origin of what takes audit lines by HTTP. */
  readonly sink: string;
  /** Port of what takes audit lines by syslog over TCP. */
  readonly syslog: number;
}

/** The environment of a gateway: all of it secrets. */
export function environmentWith(plant: Plant): Record<string, string> {
  return {
    API_KEY: plant('API_KEY', (core) => `shared-${core}`),
    SCAN_TOKEN: plant('variable that is referred to'),
    SCAN_PLAIN: plant('variable that is referred to under a plain name'),
    SCAN_FROM_ENV: plant('variable of fromEnv'),
    SCAN_HEADER: plant('variable of a header', (core) => `Bearer ${core}`),
    SCAN_QUERY: plant('variable in a URL'),
    SCAN_ARG: plant('variable on a command line'),
    SCAN_EXPORT: plant('variable of an export'),
    SCAN_UNUSED: plant('variable that nothing refers to'),
    GITHUB_TOKEN: plant(
      'variable that servers know, though nothing refers to it',
      (core) => `ghp_${core}`,
    ),
    OTEL_EXPORTER_OTLP_HEADERS: `api-key=${plant('header of spans, by the environment')}`,
  };
}

/** Entries of mcp.json with secrets wherever one can stand, of servers that tell them wherever they can, and of some that fail. */
export function serversWith(plant: Plant, places: Places): Record<string, object> {
  return {
    it: { ...fixtureEntry('legacy'), env: variables(plant, 'it') },
    new: { ...fixtureEntry('modern'), env: variables(plant, 'new') },
    loud: loud(plant, places, 'loud', 'legacy'),
    loudnew: loud(plant, places, 'loudnew', 'modern'),
    flaky: { ...loud(plant, places, 'flaky', 'legacy'), restartMinMs: 50, restartMaxMs: 50 },
    slow: { ...loud(plant, places, 'slow', 'legacy'), callTimeoutMs: 100 },
    quits: { ...loud(plant, places, 'quits', 'legacy', '--exits'), ...SELDOM },
    missing: {
      command: 'no-such-command',
      args: commandLine(plant, 'missing'),
      env: variables(plant, 'missing'),
      ...SELDOM,
    },
    waits: {
      command: 'x',
      env: { ...variables(plant, 'waits'), OTHER: '${NO_SUCH_VARIABLE}' },
    },
    far: remote(plant, 'far', `${places.echo}/legacy/good`),
    farnew: remote(plant, 'farnew', `${places.echo}/modern/good`),
    ...Object.fromEntries(
      FAILING.map((way) => {
        const name = `fails${way.replaceAll(/\W/gu, '')}`;
        return [name, { ...remote(plant, name, `${places.echo}/fails/${way}`), ...SELDOM }];
      }),
    ),
    oldsse: { ...remote(plant, 'oldsse', `${places.echo}/fails/endpoint`), type: 'sse', ...SELDOM },
    closed: { ...remote(plant, 'closed', `http://127.0.0.1:${places.closed}/mcp`), ...SELDOM },
    nowhere: { ...remote(plant, 'nowhere', 'http://nowhere.invalid/mcp'), ...SELDOM },
  };
}

/** Ways in which remote servers fail to begin. */
export const FAILING = ['500', '401', '404', 'html', 'rpc', 'rpc-ok', 'noise', 'redirect'] as const;

const SELDOM = { restartMinMs: 400, restartMaxMs: 400 };

function variables(plant: Plant, server: string): Record<string, unknown> {
  const secret = (name: string, form?: (core: string) => string): string =>
    plant(`env of ${server}: ${name}`, form);
  return {
    SCAN_A_TOKEN: '${SCAN_TOKEN}',
    SCAN_A_NAME: 'of-${SCAN_PLAIN}-x',
    SCAN_B_NAME: { fromEnv: 'SCAN_FROM_ENV' },
    SCAN_C_NAME: secret('default of a reference', (core) => `\${SCAN_NOT_SET:-${core}}`),
    SCAN_KEY_API_KEY: secret('API_KEY, written out'),
    SCAN_D_NAME: secret('a plain name'),
    SCAN_ODD_PASSWORD: secret(
      'with odd signs',
      (core) => `${core.slice(0, 12)}"/+ %&\\${core.slice(12)}`,
    ),
    DATABASE_URL: secret('DATABASE_URL', (core) => `postgres://app:${core}@db.example.com/x`),
    SCAN_HEADERS: secret('headers in JSON', (core) => JSON.stringify({ 'X-Api-Key': core })),
    SCAN_PEM: secret(
      'of several lines',
      (core) => `-----BEGIN KEY-----\n${core}\n-----END KEY-----`,
    ),
  };
}

function commandLine(plant: Plant, server: string): string[] {
  const secret = (name: string): string => plant(`args of ${server}: ${name}`);
  return [
    '--token',
    secret('--token'),
    `--api-key=${secret('--api-key=')}`,
    '--header',
    `Authorization: Bearer ${secret('--header')}`,
    '-e',
    `DB_PASSWORD=${secret('-e')}`,
    `postgres://app:${secret('URL')}@db.example.com/x`,
    `https://example.com/mcp?key=${secret('query')}`,
    '--variable',
    '${SCAN_ARG}',
  ];
}

function loud(
  plant: Plant,
  { says }: Places,
  server: string,
  ...[era, ...more]: readonly [era: string, ...more: string[]]
): object {
  return {
    command: process.execPath,
    args: [LOUD, '--era', era, '--says', says, ...more, ...commandLine(plant, server)],
    env: variables(plant, server),
  };
}

function remote(plant: Plant, server: string, url: string): object {
  const secret = (name: string, form?: (core: string) => string): string =>
    plant(`${name} of ${server}`, form);
  const query = [
    `access_token=${secret('access_token in the URL')}`,
    `key=${secret('key in the URL')}`,
    'plain=${SCAN_QUERY}',
  ].join('&');
  return {
    url: `${url}?${query}`,
    ...(server === 'oldsse' ? {} : { type: 'http' }),
    headers: {
      authorization: secret('authorization', (core) => `Bearer ${core}`),
      'x-api-key': secret('x-api-key'),
      cookie: secret('cookie', (core) => `session=${core}; a=b`),
      'x-anything': secret('unknown header'),
      'x-ref': '${SCAN_HEADER}',
    },
  };
}

/** What app.yaml says: everything on, with secrets wherever one can stand. */
export function appWith(plant: Plant, places: Places, changes: AppChanges = {}): object {
  const { audit = {}, usage = {}, tracing = {}, logging = {} } = changes;
  const everything = { block: [] };
  return {
    server: { trustedProxies: ['127.0.0.1'] },
    list: { debounceMs: 20 },
    upstreams: { shutdownGraceMs: 100 },
    auth: { enabled: true, admins: { consumers: ['operator'] } },
    permissions: {
      default: everything,
      consumers: { alice: everything, bob: everything, operator: everything },
    },
    rules: [
      {
        id: 'not-refused',
        effect: 'deny',
        tools: ['*/fixture_big'],
        when: 'has(args.password) || has(args.note)',
      },
      { id: 'watched', mode: 'shadow', effect: 'deny', tools: ['loud/echo'] },
    ],
    tests: [
      {
        name: 'fails, and is told of',
        consumer: 'alice',
        claims: { token: plant('claims of a test') },
        mayNot: [{ tool: 'loud/echo', args: { password: plant('arguments of a test') } }],
      },
    ],
    toolExtensions: { services: { loud: { echo: { childTools: customTools(plant) } } } },
    limits: {
      showState: true,
      rules: [
        {
          id: 'thrice',
          tools: ['loud/own_error'],
          per: ['caller', 'client'],
          rate: { calls: 3, per: '1h' },
        },
        {
          id: 'all-of-it',
          per: ['consumer', 'client', 'server', 'tool'],
          budget: { window: 'month', calls: 1_000_000 },
          warnAt: 0,
        },
        { id: 'short', tools: ['new/fixture_big'], maxResultBytes: 2000 },
      ],
    },
    audit: {
      flushMs: 20,
      onFailure: 'drop-and-count',
      http: {
        url: `${places.sink}/audit?token=${plant('URL of the audit export')}`,
        headers: {
          authorization: plant('header of the audit export', (core) => `Bearer ${core}`),
          'x-plain': '${SCAN_EXPORT}',
        },
      },
      syslog: { host: '127.0.0.1', port: places.syslog, protocol: 'tcp' },
      ...audit,
    },
    tracing: { enabled: true, followParent: false, ...tracing },
    tokens: { prices: [{ model: '*', input: 2, output: 10 }] },
    usage: { flushMs: 50, ...usage },
    metrics: { mainPort: true },
    logging: { level: 'trace', format: 'json', ...logging },
  };
}

/** What is not as usual in app.yaml, by section. */
export interface AppChanges {
  readonly audit?: object;
  readonly usage?: object;
  readonly tracing?: object;
  readonly logging?: object;
}

/** Parameters that are fixed to secrets: callers are not shown them. */
function customTools(plant: Plant): object[] {
  return [
    {
      name: 'with_fixed',
      description: 'Has a password of its own.',
      overrideParams: {
        password: { value: plant('fixed parameter') },
        options: {
          value: {
            headers: {
              Authorization: plant('fixed parameter, nested', (core) => `Bearer ${core}`),
            },
          },
        },
        apiKey: { default: plant('default of a parameter') },
        note: { value: plant('fixed parameter under a plain name', (core) => `sk-live-${core}`) },
        size: { maximum: 10 },
      },
    },
  ];
}
