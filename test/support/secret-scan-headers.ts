import { KEY_HEADER } from './secret-scan-scene.ts';
import { TOKENS, type Plant } from './secret-scan-shapes.ts';

const TAG_HEADER = 'x-lunar-consumer-tag';

type Headers = Record<string, string>;

/** Credentials that prove nobody, and secrets in other headers of who has none. */
export function strangeCredentials(secret: Plant): Headers[] {
  return [
    { [KEY_HEADER]: secret('wrong key') },
    { [KEY_HEADER]: secret('wrong key of our form', (core) => `mcpx_${core}_${'A'.repeat(43)}`) },
    { authorization: secret('wrong bearer', (core) => `Bearer ${core}`) },
    { authorization: secret('wrong JWT', TOKENS['JWT']).replace(/^/u, 'Bearer ') },
    { authorization: secret('Basic', TOKENS['Basic']) },
    { authorization: secret('Authorization without a scheme') },
    { cookie: secret('cookie of a stranger', (core) => `key=${core}`) },
    { [TAG_HEADER]: secret('tag of a stranger') },
    { 'mcp-session-id': secret('session of a stranger') },
    { host: secret('host', (core) => `${core}.example`) },
    { origin: secret('origin', (core) => `https://${core}.example`) },
    { 'x-lunar-llm-model-id': secret('model of a stranger') },
  ];
}

/** Secrets in every header of who may call, by a key of its own or by the one that all share. */
export function oddHeaders(
  secret: Plant,
  { named, shared }: Record<'named' | 'shared', Headers>,
): Headers[] {
  const hex = (core: string): string => Buffer.from(core).toString('hex').slice(0, 32);
  return [
    ...[
      'x-anything',
      'x-api-key',
      'x-forwarded-user',
      'x-amz-security-token',
      'x-request-id',
      'referer',
      'user-agent',
      'forwarded',
      'cookie',
      'proxy-authorization',
      'x-lunar-session',
      'last-event-id',
      'mcp-param-secret',
    ].map((name) => ({ ...named, [name]: secret(`header ${name}`) })),
    { ...named, authorization: secret('header authorization, Basic', TOKENS['Basic']) },
    { ...named, authorization: secret('header authorization, odd', (core) => `Digest ${core}`) },
    { ...named, [TAG_HEADER]: secret('tag that contradicts the key') },
    { ...named, 'mcp-session-id': secret('unknown session') },
    { ...named, traceparent: secret('traceparent that is none') },
    {
      ...named,
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
      baggage: secret('baggage', (core) => `userId=alice,token=${core}`),
    },
    { ...named, tracestate: secret('tracestate without traceparent', (core) => `v=${core}`) },
    {
      ...named,
      traceparent: `00-${hex('0123456789abcdef')}-${'3'.repeat(16)}-01`,
      baggage: secret('baggage that is none'),
    },
    ...Object.entries({
      GitHub: TOKENS['GitHub'],
      OpenAI: TOKENS['OpenAI'],
      'gateway key': TOKENS['gateway key'],
    }).flatMap(([kind, form]) => [
      { ...shared, [TAG_HEADER]: secret(`tag that is a token: ${kind}`, form) },
      { ...shared, 'x-lunar-llm-provider': secret(`provider that is a token: ${kind}`, form) },
      { ...shared, 'x-lunar-llm-model-id': secret(`model that is a token: ${kind}`, form) },
    ]),
    { ...shared, [TAG_HEADER]: secret('tag that is no name', (core) => `Bearer ${core}`) },
    {
      ...shared,
      'x-lunar-llm-model-id': secret('model that is a Bearer', (core) => `Bearer ${core}`),
    },
    {
      ...shared,
      'x-lunar-llm-model-id': secret('model that is an assignment', (core) => `api_key=${core}`),
    },
  ];
}
