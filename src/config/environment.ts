import type { LunarPlan, Problem, Surroundings } from '../kernel/plan.ts';
import { LOG_LEVELS } from './log-levels.ts';
import { problemOf } from './problem.ts';

/** Looks up one environment variable. */
export type LookUp = (name: string) => string | undefined;

/** What `readEnvironment` found. */
export interface EnvironmentReading {
  readonly surroundings: Surroundings;
  readonly problems: readonly Problem[];
}

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
  LOG_LEVEL: {
    fallback: 'info',
    meaning: `How much is logged where app.yaml gives no logging.level: ${LOG_LEVELS.join(', ')}.`,
  },
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
  LUNAR_PROXY_HOST: {
    fallback: '',
    meaning:
      'The Lunar Gateway, as `host:port`: HTTP to remote servers goes through it, and stdio servers are told of it.',
  },
  LUNAR_ENTER_COOLDOWN_AFTER_ATTEMPTS: {
    fallback: '5',
    meaning: 'After this many failures in a row the Lunar Gateway is left alone for a while.',
  },
  LUNAR_EXIT_COOLDOWN_AFTER_SEC: {
    fallback: '10',
    meaning: 'For how long, in seconds.',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    fallback: '',
    meaning:
      'Address of the receiver of traces, without /v1/traces, where app.yaml gives no tracing.endpoint.',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    fallback: '',
    meaning:
      'Headers sent to that receiver, such as `api-key=abc,team=x`, where app.yaml gives no tracing.headers.',
  },
  OTEL_SERVICE_NAME: {
    fallback: '',
    meaning: 'Name of the gateway in traces, where app.yaml gives no tracing.serviceName.',
  },
} as const;

/** Variables known from elsewhere that nothing here obeys yet: silence would look like obedience. */
const NOT_OBEYED: Readonly<Record<string, string>> = {
  LUNAR_PROXY_SUPPORT_TLS: 'the Lunar Gateway is reached in plain HTTP.',
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
  accepts: `one of ${LOG_LEVELS.join(', ')}`,
  parse: (text) => LOG_LEVELS.find((level) => level === text.toLowerCase()),
};
const HOST: Kind<string> = {
  accepts: 'an address or host name alone, such as 127.0.0.1',
  parse: (text) => /^\[?([^\s/[\]]+)\]?$/.exec(text)?.[1],
};
const AUTHORITY: Kind<{ readonly host: string; readonly port: number } | null> = {
  accepts: 'host:port without a scheme, such as lunar.internal:8000',
  parse: (text) => {
    if (text === '') return null;
    const [, host, port] = /^(\[[\da-fA-F:.]+\]|[^\s/:@?#[\]\\]+):(\d{1,5})$/.exec(text) ?? [];
    const number = Number(port);
    return host !== undefined && number >= 1 && number <= 65_535
      ? { host, port: number }
      : undefined;
  },
};
const ATTEMPTS: Kind<number> = {
  accepts: 'a whole number from 1 to 1000000',
  parse: (text) => (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= 1e6 ? Number(text) : undefined),
};
const SECONDS: Kind<number> = {
  accepts: 'seconds, from 0.1 to 86400',
  parse: (text) =>
    /^\d{1,5}(?:\.\d+)?$/.test(text) && Number(text) >= 0.1 && Number(text) <= 86_400
      ? Number(text)
      : undefined,
};
const PATH: Kind<string> = { accepts: 'a path', parse: (text) => text };

/** Looks up a variable of this process. */
export const processVariable: LookUp = (name) => process.env[name];

/** Reads the settings that come from the environment alone; a bad value is a problem, and its default holds. */
export function readEnvironment(env: Environment = process.env): EnvironmentReading {
  const problems: Problem[] = [];
  const lookUp: LookUp = (name) => env[name];
  const read = readerOf(lookUp, problems);
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
  readLunar(read);
  for (const [name, advice] of Object.entries(NOT_OBEYED)) {
    if (!env[name]) continue;
    problems.push(problemOf('warning', name, `This variable has no effect yet: ${advice}`));
  }
  return { surroundings, problems };
}

/** The Lunar Gateway of these variables; undefined where none is named. What is wrong with them `readEnvironment` tells. */
export function lunarPlan(lookUp: LookUp): LunarPlan | undefined {
  return readLunar(readerOf(lookUp, []));
}

type Reader = <T>(name: keyof typeof VARIABLES, kind: Kind<T>) => T;

function readerOf(lookUp: LookUp, problems: Problem[]): Reader {
  return (name, kind) => {
    const text = lookUp(name)?.trim() || VARIABLES[name].fallback;
    const value = kind.parse(text);
    if (value !== undefined) return value;
    // Where a login may stand in it, it is not shown.
    const shown = text.includes('@') ? 'This value' : `"${text}"`;
    problems.push(problemOf('error', name, `${shown} is not usable; give ${kind.accepts}.`));
    return kind.parse(VARIABLES[name].fallback) as Exclude<typeof value, undefined>;
  };
}

function readLunar(read: Reader): LunarPlan | undefined {
  const authority = read('LUNAR_PROXY_HOST', AUTHORITY);
  const failuresToCooldown = read('LUNAR_ENTER_COOLDOWN_AFTER_ATTEMPTS', ATTEMPTS);
  const cooldownMs = read('LUNAR_EXIT_COOLDOWN_AFTER_SEC', SECONDS) * 1000;
  return authority === null ? undefined : { ...authority, failuresToCooldown, cooldownMs };
}

/** Variables a program needs to find its way on a machine, and that hold no secrets. */
const INHERITED =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TMP|TEMP|XDG_[A-Z_]+|SystemRoot|SystemDrive|windir|ComSpec|PATHEXT|APPDATA|LOCALAPPDATA|USERPROFILE|USERNAME|HOMEDRIVE|HOMEPATH|ProgramFiles|PROCESSOR_ARCHITECTURE|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|HTTP_PROXY|HTTPS_PROXY|NO_PROXY|http_proxy|https_proxy|no_proxy|LUNAR_(?:PROXY_HOST|HANDSHAKE_PORT|TENANT_ID|ALLOW_LIST|BLOCK_LIST|INTERCEPTOR_LOG_LEVEL|ENTER_COOLDOWN_AFTER_ATTEMPTS|EXIT_COOLDOWN_AFTER_SEC))$/;

/** Whether every child process gets a variable, which then holds no secret. */
export function isInherited(name: string): boolean {
  return INHERITED.test(name);
}

/** The part of the environment that every child process gets; all else must be named in its entry. */
export function inheritedEnvironment(env: Environment = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isInherited(name)) kept[name] = value;
  }
  return kept;
}
