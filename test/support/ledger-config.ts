import type { PricePlan } from '../../src/kernel/record-plan.ts';

/** What models cost here: numbers that no maker asks, so that none of them can come from a table. */
export const PRICES: readonly Omit<PricePlan, 'encoding'>[] = [
  { provider: 'openai', model: 'gpt-4o', input: 2.75, output: 11.5 },
  { provider: 'openai', model: 'gpt-4', input: 31.25, output: 62.125 },
  { provider: 'anthropic', model: 'claude-sonnet-*', input: 3.375, output: 16.5 },
];

/** Some 24 kB of text of the kind that people write, too long to be counted to the token. */
export const LONG_TEXT = Array.from(
  { length: 240 },
  (_, line) =>
    `${line + 1}. The quick brown fox (no. ${line * 37}) jumps over the lazy dog; "quality" matters, doesn't it?\n`,
).join('');

/** The tool a custom one is made from. */
export const FORECAST = {
  name: 'forecast',
  description: 'What the weather will be.',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city'],
  },
};

/** Files that can be read through the gateway, by name. */
export const FILE_TEXTS: Readonly<Record<string, string>> = {
  'note.txt': 'What is written here is read through the gateway.\n',
  'languages.txt': 'Grüße aus Köln. 東京へようこそ。 Привет, мир! مرحبا بالعالم 🐎🚀\n',
  'code.ts': 'export const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);\n',
  'long.txt': LONG_TEXT,
};

/** Where things are that the configuration names. */
export interface ConfigTerms {
  readonly publicUrl: string;
  readonly issuer: string;
  readonly otlp: string;
}

/** Limits that the script reaches at a known call. */
const LIMITS = [
  {
    id: 'three-an-hour',
    consumers: ['carol'],
    tools: ['far/weather'],
    rate: { calls: 3, per: '1h' },
  },
  {
    id: 'would-be-two',
    mode: 'shadow',
    consumers: ['bob'],
    tools: ['far/forecast'],
    rate: { calls: 2, per: '1h' },
  },
  {
    id: 'five-a-month',
    consumers: ['frank'],
    tools: ['new/test_simple_text'],
    budget: { window: 'month', calls: 5 },
    warnAt: 0.8,
  },
  { id: 'one-at-a-time', consumers: ['alice'], tools: ['it/fixture_slow'], concurrency: 1 },
  { id: 'short-answers', consumers: ['dave'], tools: ['*/fixture_big'], maxResultBytes: 2000 },
  {
    id: 'all-there-is',
    per: ['consumer'],
    budget: { window: 'month', calls: 1_000_000, tokens: 1_000_000_000, cost: 1_000_000 },
  },
];

const RULES = [
  {
    id: 'not-eve',
    effect: 'deny',
    consumers: ['alice', 'bob'],
    tools: ['it/fixture_echo'],
    when: "has(args.who) && args.who == 'eve'",
  },
  {
    id: 'scoped',
    effect: 'allow',
    consumers: ['dave'],
    scopes: ['write'],
    tools: ['memory/read_graph'],
  },
  { id: 'no-sampling', effect: 'deny', asks: ['sampling'] },
  {
    id: 'watched',
    mode: 'shadow',
    effect: 'deny',
    consumers: ['bob'],
    tools: ['everything/get-annotated-message'],
  },
];

/** What app.yaml says. */
export function appOf({ publicUrl, issuer, otlp }: ConfigTerms): object {
  return {
    server: { publicUrl, trustedProxies: ['127.0.0.1'] },
    list: { debounceMs: 20 },
    parking: { timeoutMs: 5000 },
    upstreams: { shutdownGraceMs: 100, restartMinMs: 20 },
    auth: {
      jwt: [{ issuer, consumerClaim: 'team', consumers: ['dave'], clockToleranceSec: 0 }],
    },
    permissions: {
      consumers: {
        alice: { block: [] },
        bob: { block: ['danger'] },
        carol: { block: [] },
        dave: { allow: ['most'] },
        frank: { allow: ['reading'] },
      },
    },
    toolGroups: [
      { name: 'danger', services: { it: ['fixture_exit'], files: ['write_file'] } },
      {
        name: 'most',
        services: {
          everything: '*',
          files: '*',
          it: '*',
          new: '*',
          far: '*',
          slow: '*',
          quiz: '*',
        },
      },
      {
        name: 'reading',
        services: {
          everything: ['echo', 'get-sum', 'simple-prompt'],
          files: ['read_text_file'],
          new: ['test_simple_text'],
        },
      },
    ],
    rules: RULES,
    toolExtensions: {
      services: {
        far: {
          forecast: {
            childTools: [
              {
                name: 'three_days',
                description: 'What the weather will be within three days.',
                overrideParams: { days: { value: 3 }, city: { maxLength: 12 } },
              },
            ],
          },
        },
      },
    },
    limits: { showState: true, rules: LIMITS },
    usage: { flushMs: 200 },
    tokens: {
      consumers: { dave: 'openai/gpt-4o', nora: 'anthropic/claude-sonnet-4-5' },
      prices: PRICES,
    },
    tracing: { enabled: true, endpoint: otlp, sampleRatio: 1 },
  };
}
