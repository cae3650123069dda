import type { JsonObject } from './raw-http.ts';

/** Makes a new secret for a place, in a text of some form. */
export type Plant = (place: string, form?: (core: string) => string) => string;

/** Names under which callers send secrets. */
export const TELLING_NAMES = [
  'password',
  'Password',
  'user_password',
  'passwd',
  'dbPwd',
  'passphrase',
  'secret',
  'clientSecret',
  'client-secret',
  'api_key',
  'apiKey',
  'X-API-Key',
  'accessKey',
  'access_token',
  'refreshToken',
  'token',
  'authToken',
  'authorization',
  'Authorization',
  'proxy-authorization',
  'cookie',
  'Set-Cookie',
  'private_key',
  'privateKey',
  'signing_key',
  'credentials',
  'connectionString',
  'dsn',
  'jwt',
  'bearer',
  'otp',
  'sessionId',
  'mnemonic',
] as const;

/** Those of them that are known in running text, too, where `otp: ` and the like are words. */
export const PRINTED_NAMES = TELLING_NAMES.filter(
  (name) => !/^(?:otp|dsn|sessionId|mnemonic|bearer)$/u.test(name),
);

/** Texts that are secrets by themselves, whatever name they stand under. */
export const TOKENS: Readonly<Record<string, (core: string) => string>> = {
  Bearer: (core) => `Bearer ${core}`,
  Basic: (core) => `Basic ${btoa(`user:${core}`)}`,
  JWT: (core) => `${jwtPart('{"alg":"none"}')}.${jwtPart(`{"sub":"${core}"}`)}.${core}`,
  'gateway key': (core) => `mcpx_${core}`,
  OpenAI: (core) => `sk-proj-${core}`,
  GitHub: (core) => `ghp_${core}`,
  GitLab: (core) => `glpat-${core}`,
  Slack: (core) => `xoxb-${core}`,
  AWS: (core) => `AKIA${core.slice(0, 16).toUpperCase()}`,
  Stripe: (core) => `sk_live_${core}`,
  npm: (core) => `npm_${core}${core}`,
  'private key': (core) => `-----BEGIN PRIVATE KEY-----\n${core}\n-----END PRIVATE KEY-----`,
};

/** Texts with a secret in them, marked by what stands before it. */
export const TEXTS: Readonly<Record<string, (core: string) => string>> = {
  'user of a URL': (core) => `see https://user:${core}@example.com/path`,
  'user alone': (core) => `git clone https://${core}@example.com/repo.git`,
  'query of a URL': (core) => `https://example.com/?a=1&access_token=${core}&b=2`,
  'key in a query': (core) => `https://example.com/?key=${core}`,
  'database URL': (core) => `connect to postgres://app:${core}@db.example.com:5432/x now`,
  'connection string': (core) => `Server=db;User Id=app;Password=${core};Encrypt=yes`,
  environment: (core) => `export DB_PASSWORD=${core}\nexport X=1`,
  'environment in quotes': (core) => `API_KEY="${core}" npm start`,
  YAML: (core) => `db:\n  password: ${core}\n  port: 1`,
  INI: (core) => `[db]\nsecret_key = ${core}`,
  JSON: (core) => JSON.stringify({ user: 'x', password: core }),
  'JSON, nested': (core) => JSON.stringify({ a: [{ config: { apiKey: core } }] }),
  'JSON in JSON': (core) => JSON.stringify({ body: JSON.stringify({ token: core }) }),
  'JSON in JSON in JSON': (core) =>
    JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ client_secret: core }) }) }),
  'header lines': (core) => `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${core}\r\n`,
  'cookie line': (core) => `curl -H 'Cookie: session=${core}; theme=dark' https://example.com`,
  'key header': (core) => `curl -H "X-API-Key: ${core}" https://example.com`,
  'command line': (core) => `deploy --token=${core} --verbose`,
  form: (core) => `grant_type=password&username=x&password=${core}`,
  words: (core) => `The password: ${core} is what you need.`,
};

function jwtPart(json: string): string {
  return Buffer.from(json).toString('base64url');
}

/** Arguments with secrets in them in every way that is known, each one in a place of its own. */
export function tellingArguments(plant: Plant): JsonObject[] {
  return [
    ...TELLING_NAMES.map((name) => underName(name, (place) => plant(`arguments: ${place}`))),
    ...Object.entries({ ...TOKENS, ...TEXTS }).map(([kind, form]) => ({
      note: plant(`arguments: ${kind}`, form),
      deep: { list: ['x', plant(`arguments: ${kind}, nested`, form)] },
    })),
    ...Object.entries(TOKENS).map(([kind, form]) => ({
      [plant(`arguments: ${kind} as a name`, form)]: 1,
    })),
    ...longTexts(plant),
    deepArguments(plant),
  ];
}

function underName(name: string, plant: (place: string) => string): JsonObject {
  return {
    [name]: plant(name),
    deep: { list: [{ [name]: plant(`${name}, nested`) }] },
    pairs: [
      { name, value: plant(`${name} in a pair`) },
      { key: name, value: plant(`${name} in a pair of key and value`) },
    ],
    whole: {
      [name]: { inner: plant(`object under ${name}`), list: [plant(`list under ${name}`)] },
    },
  };
}

/** Around the lengths at which texts are cut. */
function longTexts(plant: Plant): JsonObject[] {
  return [100, 1990, 2030, 2048, 4060, 4090, 5000, 70_000].map((before) => {
    const filling = 'lorem ipsum '.repeat(before).slice(0, before);
    const place = `arguments: after ${before} characters`;
    return {
      bearer: undefined,
      text: plant(place, (core) => `${filling} Authorization: Bearer ${core} ${filling}`),
      long: plant(`${place}, named`, (core) => `${filling} password=${core} ${filling}`),
      name: plant(`${place}, key`, (core) => `${filling} ghp_${core} ${filling}`),
    };
  });
}

function deepArguments(plant: Plant): JsonObject {
  let value: unknown = { password: plant('arguments: at a depth of 40') };
  for (let depth = 0; depth < 40; depth += 1) value = depth % 2 === 0 ? [value] : { a: value };
  const many = Array.from({ length: 3000 }, (_, index) => ({ index }));
  return { value, many, last: { token: plant('arguments: after 3000 others') } };
}
