/** A configuration of the gateway that is measured. */
export interface Configuration {
  /** The text of app.yaml, given where traces go. */
  readonly app: (tracesUrl: string) => string;
  readonly key?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly hasTraces?: boolean;
}

const KEY = 'bench-key-0123456789';
const OPEN = 'auth: { enabled: false }\n';

const QUIET = `audit: { enabled: false }
usage: { enabled: false }
tokens: { enabled: false }
logging: { level: error }
`;

const GROUP = `auth: { enabled: true }
permissions:
  default: { allow: [everyone] }
  consumers: { others: { allow: [everyone] } }
toolGroups:
  - { name: everyone, services: { SERVICES } }
rules:
`;

/** Of the 50 rules every second names the server and reads the arguments, so that each call has to weigh it. */
const RULES = Array.from({ length: 50 }, (_, index) =>
  index % 2 === 0
    ? `  - { id: no-${index}, effect: deny, tools: ["*/*"], when: "args.text.startsWith('secret-${index}')" }`
    : `  - { id: other-${index}, effect: deny, tools: ["other-${index}/*"] }`,
).join('\n');

const CONDITION =
  '  - { id: no-secrets, effect: deny, tools: ["bench/*"], when: "args.text.startsWith(\'secret\') || principal.name == \'nobody\'" }\n';

function recording(tracesUrl: string, isCounting: boolean): string {
  return `${OPEN}audit: { enabled: true, arguments: redacted }
usage: { enabled: true }
tokens: { enabled: ${isCounting} }
logging: { level: info }
tracing: { enabled: true, endpoint: "${tracesUrl}", sampleRatio: 0.01 }
limits:
  rules:
    - { id: rate, per: [caller], rate: { calls: 1000000, per: 1s } }
    - { id: day, per: [consumer, tool], concurrency: 100000, budget: { window: day, calls: 1000000000 } }
`;
}

/** The text of app.yaml for a gateway as a platform team runs it: a key, a policy of 50 rules, and all records as they are by default. */
export function managed(servers: readonly string[]): string {
  const services = servers.map((name) => `${name}: "*"`).join(', ');
  return `${GROUP.replace('SERVICES', services)}${RULES}\n`;
}

/** What the targets name alone: a key, a policy of 50 rules, metrics and audit. */
function essential(servers: readonly string[]): string {
  return `${managed(servers)}usage: { enabled: false }\ntokens: { enabled: false }\nlogging: { level: warn }\n`;
}

/** What each side of the gateway is configured with. */
export const CONFIGURATIONS = {
  /** A key and a policy of 50 rules, and as by default metrics, audit, usage, tokens and a line of log for every call. */
  gateway: { app: () => managed(['bench']), key: KEY },
  /** Of these only what the targets are about. */
  essential: { app: () => essential(['bench']), key: KEY },
  /** Nothing on that can be switched off. */
  off: { app: () => `${OPEN}${QUIET}`, environment: { ENABLE_METRICS: 'false' } },
  /** As it is without an app.yaml. */
  plain: { app: () => OPEN },
  /** One rule with a condition, and a key. */
  guarded: { app: () => `${GROUP.replace('SERVICES', 'bench: "*"')}${CONDITION}`, key: KEY },
  /** Every record and limits, traces of 1 %; tokens not counted. */
  recording: { app: (url) => recording(url, false), hasTraces: true },
  /** The same with tokens. */
  counting: { app: (url) => recording(url, true), hasTraces: true },
} as const satisfies Record<string, Configuration>;
