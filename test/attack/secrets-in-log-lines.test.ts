import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { modernCall, modernSent, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, gatewayForFile } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';

/**
 * Every kind of line that a gateway logs, each with a secret planted in what it is made of: none is written, neither those
 * of the configuration nor those that only look like secrets, while the rest of the line is there for the operator.
 */

/** Every secret that was planted; each is looked for at the end. */
const secrets: string[] = [];

let last = 0;
function secret(more = ''): string {
  last += 1;
  const text = `hush${last}${'qX7'.repeat(4)}${more}${last}`;
  secrets.push(text);
  return text;
}

const script = (text: string): object => ({ command: process.execPath, args: ['-e', text] });
const RETRY = { restartMinMs: 50, restartMaxMs: 100 };

/** A server over HTTP that answers with all that it was sent. */
const telling = createServer((request, response) => {
  response.writeHead(500, { 'content-type': 'text/plain' });
  response.end(`MARK-HTTP you sent ${JSON.stringify(request.headers)} to ${request.url ?? ''}`);
}).listen(0, '127.0.0.1');
await once(telling, 'listening');
after(() => {
  telling.close();
  telling.closeAllConnections();
});
const { port: tellingPort } = telling.address() as AddressInfo;

const inEnvironment = secret();
const lines = [secret(), secret()];

const SERVERS = {
  it: {
    ...fixtureEntry('legacy'),
    env: { PLAIN_NAME: inEnvironment, FIXTURE_KEY: `${lines[0]}\n${lines[1]}` },
  },
  loud: {
    ...script(`
      // Put together here: what a server is started with is logged too.
      const mark = 'MA' + 'RK-';
      console.error(mark + 'STDERR ' + process.env.TOKEN);
      console.error(mark + 'JSON ' + JSON.stringify(process.env));
      console.error(mark + 'FORM ' + encodeURIComponent(process.env.TOKEN));
      console.log(mark + 'STDOUT ' + process.env.TOKEN);
      setTimeout(() => process.exit(3), 100);`),
    env: { TOKEN: secret(' "with" \\signs/') },
    ...RETRY,
  },
  refusing: {
    ...script(`
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { id } = JSON.parse(line);
        const error = { code: -32000, message: 'MA' + 'RK-RPC bad ' + process.env.KEY };
        if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, error }));
      });`),
    env: { KEY: secret() },
    ...RETRY,
  },
  missing: { command: 'mcpx-no-such-command', args: ['--token', secret()], ...RETRY },
  telling: {
    url: `http://127.0.0.1:${tellingPort}/mcp?api_key=${secret()}`,
    headers: { authorization: `Bearer ${secret()}`, 'x-plain': secret() },
    type: 'streamable-http',
    ...RETRY,
  },
};

const gateway = await gatewayForFile({
  servers: SERVERS,
  app: JSON.stringify({
    tracing: {
      enabled: true,
      endpoint: `http://127.0.0.1:${tellingPort}/v1/traces?key=${secret()}`,
      headers: { 'x-key': secret() },
    },
  }),
  env: { LOG_LEVEL: 'trace', NO_PROXY: '*' },
  isReady: false,
});
const { port } = gateway;

/** Waits until the log has this text. */
function logged(text: string): Promise<void> {
  return eventually(`the log has ${text}`, () => gateway.output().includes(text));
}

test('what servers write of themselves, on standard error and instead of messages, is logged without it', async () => {
  for (const mark of ['MARK-STDERR', 'MARK-JSON', 'MARK-FORM', 'MARK-STDOUT']) await logged(mark);
});

test('why servers cannot be used is told without it, in the log, on the screen and to operators', async () => {
  for (const server of ['loud', 'refusing', 'missing', 'telling'])
    await logged(`"server":"${server}"`);
  await eventually('all have failed', async () => {
    const states = await gateway.servers();
    return states.filter(({ phase }) => phase === 'failed' || phase === 'starting').length >= 4;
  });
  const { text } = await send(port, { method: 'GET', path: '/admin/servers' });
  assertSilent(text);
});

test('what a tool has its server write is logged without what looks like a secret', async () => {
  await eventually('it is ready', async () =>
    (await gateway.servers()).some(({ name, phase }) => name === 'it' && phase === 'ready'),
  );
  const written = [
    `password=${secret()}`,
    `credentials=${secret()}`,
    `connectionString=Server=db;Password=${secret()}`,
    `Authorization: Bearer ${secret()}`,
    `{"api_key":"${secret()}"}`,
    `postgres://app:${secret()}@db.example/main`,
    `https://example.com/?access_token=${secret()}`,
    `sk-${secret()}`,
    `${lines[1]}`,
    `${'x '.repeat(990)}${inEnvironment}`,
    `-----BEGIN PRIVATE KEY----- ${secret()}`,
  ];
  for (const [index, text] of written.entries()) {
    await modernCall(port, 'it__fixture_stderr', { text: `MARK-${index} ${text}` });
    // Of a private key the whole line goes, and those after it.
    await logged(text.startsWith('-----BEGIN') ? 'stderr: [redacted]' : `MARK-${index} `);
  }
});

test('the line of an exchange has what its caller chose without what looks like a secret', async () => {
  const clientInfo = { name: `client token=${secret()}`, version: '1' };
  const session = await RawSession.open(port, { clientInfo });
  await session.call('it__fixture_echo', { password: secret() });
  await session.request('resources/read', { uri: `test://template/1/data?token=${secret()}` });
  await session.call(`it__${secret()}`);
  const name = `https://user:${secret()}@example.com/`;
  await send(port, modernSent('tools/call', { name, arguments: {} }));
  const isThere = (): boolean => gateway.output().split('"msg":"exchange"').length > 8;
  await eventually('their lines are there', isThere);
});

test('a receiver of traces that cannot be used is told of without what it is sent', async () => {
  await logged('spans cannot be sent');
});

test('a configuration that cannot be used is told of without what stands in it', async () => {
  const app = `auth:\n  header: "x y"\nnaming: "password=${secret()}"\nserver: { publicUrl: "postgres://app:${secret()}@db" }\n`;
  await writeFile(join(gateway.folder, 'app.yaml'), app);
  await logged('the last good one stays in force');
});

test('callers who are turned away are counted without what they tried', async () => {
  for (const headers of [
    { host: `${secret().toLowerCase()}.example` },
    { origin: `https://${secret().toLowerCase()}.example` },
  ])
    await send(port, { ...modernSent('tools/list'), headers });
  await logged('callers were turned away');
});

test('none of it is in any line', async () => {
  await gateway.stop();
  const text = gateway.output();
  assertSilent(text);
  const shown = text.split('\n').filter((line) => line.includes('MARK-'));
  assert.ok(shown.length > 12, text);
});

function assertSilent(text: string): void {
  for (const planted of secrets)
    for (const form of formsOf(planted)) {
      const at = text.toLowerCase().indexOf(form.toLowerCase());
      assert.equal(at, -1, `${form} in: ${text.slice(Math.max(0, at - 300), at + 100)}`);
    }
}

/** A secret as it is, in JSON, in JSON of JSON, in a form, and most of it. */
function formsOf(planted: string): string[] {
  const json = JSON.stringify(planted).slice(1, -1);
  const again = JSON.stringify(json).slice(1, -1);
  return [planted, json, again, encodeURIComponent(planted), planted.slice(0, 13)];
}
