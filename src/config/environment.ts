import type { Problem, Surroundings } from '../kernel/plan.ts';
import { problemOf } from './problem.ts';

/** Looks up one environment variable. */
export type LookUp = (name: string) => string | undefined;

/** What `readEnvironment` found. */
export interface EnvironmentReading {
  readonly surroundings: Surroundings;
  readonly problems: readonly Problem[];
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Variables the gateway reads for itself, with what holds when one is unset or empty. */
export const VARIABLES = {
  MCPX_HOST: { fallback: '127.0.0.1', meaning: 'Address to listen on.' },
  MCPX_PORT: { fallback: '9000', meaning: 'Port to listen on; 0 takes any free port.' },
  SERVE_METRICS_PORT: {
    fallback: '3000',
    meaning: 'Port that serves /metrics; 0 takes any free port.',
  },
  ENABLE_METRICS: { fallback: 'true', meaning: 'Whether metrics are kept: true or false.' },
  MCPX_DATA_DIR: {
    fallback: './.mcpx',
    meaning: 'Folder for keys, session records and remembered catalogs.',
  },
  APP_CONFIG_PATH: { fallback: 'config/app.yaml', meaning: 'The file of settings.' },
  SERVERS_CONFIG_PATH: { fallback: 'config/mcp.json', meaning: 'The file that lists the servers.' },
  LOG_LEVEL: { fallback: 'info', meaning: `How much is logged: ${LEVELS.join(', ')}.` },
  API_KEY: {
    fallback: '',
    meaning:
      'The key that many callers may share, at least 16 characters. When set, every caller must prove itself.',
  },
  AUTH_KEY: { fallback: '', meaning: 'Another name for API_KEY.' },
  ALLOWED_IP_RANGES: {
    fallback: '',
    meaning:
      'IP addresses and ranges such as 10.0.0.0/8, with commas between them, from which callers may connect; all when unset.',
  },
  CORS_ORIGINS: {
    fallback: '',
    meaning:
      'Origins whose web pages may call the gateway, with commas between them, beside those of server.allowedOrigins. `*` is every origin, and is for gateways with authentication alone.',
  },
} as const;

/** Variables known from elsewhere that nothing here obeys yet: silence would look like obedience. */
const NOT_OBEYED: Readonly<Record<string, string>> = {
  LUNAR_PROXY_HOST: 'servers are reached directly for now.',
};

/** A kind of value: how it is read, and how it is described to whoever wrote another. */
interface Kind<T> {
  readonly accepts: string;
  parse(text: string): T | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PORT: Kind<number> = {
  accepts: 'a number from 0 to 65535',
  parse: (text) => (/^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined),
};
const SWITCH: Kind<boolean> = {
  accepts: 'true or false',
  parse: (text) => (/^(true|1|false|0)$/i.test(text) ? /^(true|1)$/i.test(text) : undefined),
};
const LEVEL: Kind<string> = {
  accepts: `one of ${LEVELS.join(', ')}`,
  parse: (text) => LEVELS.find((level) => level === text.toLowerCase()),
};
const HOST: Kind<string> = {
  accepts: 'an address or host name alone, such as 127.0.0.1',
  parse: (text) => /^\[?([^\s/[\]]+)\]?$/.exec(text)?.[1],
};
const PATH: Kind<string> = { accepts: 'a path', parse: (text) => text };

/** Looks up a variable of this process. */
export const processVariable: LookUp = (name) => process.env[name];

/** Reads the settings that come from the environment alone; a bad value is a problem, and its default holds. */
export function readEnvironment(env: Environment = process.env): EnvironmentReading {
  const problems: Problem[] = [];
  const read = <T>(name: keyof typeof VARIABLES, kind: Kind<T>): T => {
    const text = env[name]?.trim() || VARIABLES[name].fallback;
    const value = kind.parse(text);
    if (value !== undefined) return value;
    problems.push(problemOf('error', name, `"${text}" is not usable; give ${kind.accepts}.`));
    return kind.parse(VARIABLES[name].fallback) as T;
  };
  const surroundings: Surroundings = {
    host: read('MCPX_HOST', HOST),
    port: read('MCPX_PORT', PORT),
    metricsPort: read('SERVE_METRICS_PORT', PORT),
    isMetricsEnabled: read('ENABLE_METRICS', SWITCH),
    dataDir: read('MCPX_DATA_DIR', PATH),
    serversPath: read('SERVERS_CONFIG_PATH', PATH),
    appPath: read('APP_CONFIG_PATH', PATH),
    logLevel: read('LOG_LEVEL', LEVEL),
  };
  for (const [name, advice] of Object.entries(NOT_OBEYED)) {
    if (!env[name]) continue;
    problems.push(problemOf('warning', name, `This variable has no effect yet: ${advice}`));
  }
  return { surroundings, problems };
}

/** Variables a program needs to find its way on a machine, and that hold no secrets. */
const INHERITED =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TMP|TEMP|XDG_[A-Z_]+|SystemRoot|SystemDrive|windir|ComSpec|PATHEXT|APPDATA|LOCALAPPDATA|USERPROFILE|USERNAME|HOMEDRIVE|HOMEPATH|ProgramFiles|PROCESSOR_ARCHITECTURE|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|HTTP_PROXY|HTTPS_PROXY|NO_PROXY|http_proxy|https_proxy|no_proxy)$/;

/** The part of the environment that every child process gets; all else must be named in its entry. */
export function inheritedEnvironment(env: Environment = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && INHERITED.test(name)) kept[name] = value;
  }
  return kept;
}
