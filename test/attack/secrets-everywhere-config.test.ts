import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { startNode, stop } from '../support/conformance-processes.ts';
import { leakText, SecretBook, type Output } from '../support/secret-scan.ts';

/** A configuration that is wrong is told of with file and line, and without the secret that stands there. */

const book = new SecretBook();
const folder = mkdtempSync(join(tmpdir(), 'mcpx-scan-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A configuration with one mistake, and the secret beside it. */
interface Mistake {
  readonly env?: Record<string, string>;
  readonly servers?: string | object;
  readonly app?: string | object;
}

type Make = (secret: string) => Mistake;

const entry = (env: object): Mistake => ({ servers: { mcpServers: { x: { command: 'x', env } } } });
const remote = (url: string, headers: object = {}): Mistake => ({
  servers: { mcpServers: { x: { url, headers } } },
});

const MISTAKES: Readonly<Record<string, Make>> = {
  'key with a blank': (secret) => ({ env: { API_KEY: `a b ${secret}` } }),
  'two keys': (secret) => ({ env: { API_KEY: `a-${secret}`, AUTH_KEY: `b-${secret}` } }),
  'key while switched off': (secret) => ({
    env: { API_KEY: secret },
    app: { auth: { enabled: false } },
  }),
  'login in LUNAR_PROXY_HOST': (secret) => ({
    env: { LUNAR_PROXY_HOST: `http://user:${secret}@lunar:8000` },
  }),
  'headers of spans that are none': (secret) => ({
    env: { OTEL_EXPORTER_OTLP_HEADERS: `api-key ${secret}` },
    app: { tracing: { enabled: true } },
  }),
  'login in the address of spans': (secret) => ({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:${secret}@localhost:4318` },
    app: { tracing: { enabled: true } },
  }),
  'text that is not closed': (secret) => ({
    servers: `{"mcpServers":{"x":{"command":"x","env":{"TOKEN":"${secret}}}}}`,
  }),
  'comma too many': (secret) => ({
    servers: `{"mcpServers":{"x":{"command":"x","env":{"TOKEN":"${secret}",,}}}}`,
  }),
  'bare word': (secret) => ({
    servers: `{"mcpServers":{"x":{"command":"x","env":{"TOKEN":${secret}}}}}`,
  }),
  'list for a variable': (secret) => entry({ TOKEN: [secret] }),
  'mapping for a variable': (secret) => entry({ TOKEN: { value: secret } }),
  'NUL in a variable': (secret) => entry({ TOKEN: `${secret}\0` }),
  'odd reference': (secret) => entry({ TOKEN: `\${${secret}` }),
  'unknown key': (secret) => ({ servers: { mcpServers: { x: { command: 'x', tokne: secret } } } }),
  'login in a URL': (secret) => remote(`https://user:${secret}@example.com/mcp`),
  'URL that is none': (secret) => remote(`example.com/mcp?token=${secret}`),
  'other scheme': (secret) => remote(`ftp://example.com/?token=${secret}`),
  'line break in a header': (secret) =>
    remote('https://example.com', { authorization: `${secret}\n` }),
  'number for a header': (secret) =>
    remote('https://example.com', { authorization: { a: secret } }),
  'URL and command': (secret) => ({
    servers: { mcpServers: { x: { url: `https://x/?key=${secret}`, command: secret } } },
  }),
  'database that is none': (secret) => ({
    app: { usage: { database: `mysql://app:${secret}@db/x` } },
  }),
  'database without a scheme': (secret) => ({ app: { usage: { database: `app:${secret}@db` } } }),
  'login in the URL of the audit': (secret) => ({
    app: { audit: { http: { url: `https://app:${secret}@siem.example.com` } } },
  }),
  'line break in a header of the audit': (secret) => ({
    app: { audit: { http: { url: 'https://x.example', headers: { a: `${secret}\n` } } } },
  }),
  'host of syslog with a login': (secret) => ({
    app: { audit: { syslog: { host: `app:${secret}@siem` } } },
  }),
  'login in tracing.endpoint': (secret) => ({
    app: { tracing: { enabled: true, endpoint: `https://app:${secret}@otlp.example.com` } },
  }),
  'headers of tracing as a text': (secret) => ({
    app: { tracing: { enabled: true, headers: `api-key=${secret}` } },
  }),
  'login of an issuer': (secret) => ({
    app: { auth: { jwt: [{ issuer: `https://app:${secret}@login.example.com` }] } },
  }),
  'unknown key of auth': (secret) => ({ app: { auth: { apiKey: secret } } }),
  'YAML that is not closed': (secret) => ({ app: `auth:\n  header: "${secret}\n` }),
  'YAML with a tab': (secret) => ({ app: `usage:\n\tdatabase: ${secret}\n` }),
  'YAML that begins with a sign': (secret) => ({ app: `usage:\n  database: @${secret}\n` }),
  'YAML that begins with a star': (secret) => ({ app: `usage:\n  database: *${secret}\n` }),
  'YAML that begins with an exclamation mark': (secret) => ({
    app: `usage:\n  database: !${secret}\n`,
  }),
  'YAML with two colons': (secret) => ({ app: `usage:\n  database: a: ${secret}: b\n` }),
};

const outputs: Output[] = [];

for (const [name, make] of Object.entries(MISTAKES))
  test(`${name}: neither mcpx check nor mcpx serve tells the secret`, async () => {
    const { env = {}, servers = { mcpServers: {} }, app = {} } = make(book.plant(name));
    const write = (file: string, content: string | object): void =>
      writeFileSync(
        join(folder, file),
        typeof content === 'string' ? content : JSON.stringify(content),
      );
    write('mcp.json', servers);
    write('app.yaml', app);
    const all = {
      SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
      APP_CONFIG_PATH: join(folder, 'app.yaml'),
      MCPX_DATA_DIR: join(folder, 'data'),
      MCPX_PORT: '0',
      ENABLE_METRICS: 'false',
      ...env,
    };
    const checked = startNode(['bin/mcpx.js', 'check'], all);
    await checked.exited;
    const text = checked.output();
    assert.match(text, /(?:error|warning): /u);
    const found = [{ name: 'check', text }];
    if (/ error: /u.test(text)) {
      const served = startNode(['bin/mcpx.js', 'serve'], all);
      assert.equal(await served.exited, 1);
      found.push({ name: 'serve', text: served.output() });
      await stop(served);
    }
    outputs.push(...found);
    assert.equal(leakText(book.leaks(found)), '');
  });

test('every mistake was told of', () => {
  assert.ok(outputs.length > Object.keys(MISTAKES).length);
});
