import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { selfSigned } from '../../support/access-certificate.ts';
import { lines, load, planOf } from './plan-from.ts';

const KEY = 'a-key-of-sixteen-or-more';

for (const host of ['0.0.0.0', '::', '192.168.1.5', 'mcp.example.com', '127.evil.example']) {
  test(`listening on ${host} without authentication is an error that shows the two lines that mend it (R19)`, () => {
    const { plan, problems } = load({ env: { MCPX_HOST: host } });
    assert.equal(plan, undefined);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.file, 'MCPX_HOST');
    const [sentence, ...fix] = problems[0]?.message.split('\n') ?? [];
    assert.match(sentence ?? '', /config\/app.yaml/);
    assert.equal(fix.length, 2);
    const [setting = '', variable = ''] = fix.map((text) => text.trim());
    const [name = '', value = ''] = variable.split('=');
    assert.ok(
      planOf({ app: setting, env: { MCPX_HOST: host, [name]: value.replaceAll(' ', '') } }),
    );
  });

  test(`listening on ${host} is fine once callers must prove themselves (R19)`, () => {
    assert.ok(planOf({ env: { MCPX_HOST: host, API_KEY: KEY } }));
    assert.ok(planOf({ env: { MCPX_HOST: host }, app: 'auth: { enabled: true }' }));
  });
}

for (const host of ['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost']) {
  test(`listening on ${host} is for this machine alone and needs no authentication (R19)`, () => {
    assert.ok(planOf({ env: { MCPX_HOST: host } }));
  });
}

test('with auth itself in error, the address is not called open', () => {
  const { problems } = load({ env: { MCPX_HOST: '0.0.0.0' }, app: 'auth: { enabled: 1 }' });
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['auth.enabled'],
  );
});

test('ALLOWED_IP_RANGES takes addresses and ranges of both kinds', () => {
  const ranges = '10.0.0.0/8, 192.168.1.5 fd00::/8,\n::1';
  const { server } = planOf({ env: { ALLOWED_IP_RANGES: ranges } });
  assert.deepEqual(server.allowedAddresses, ['10.0.0.0/8', '192.168.1.5', 'fd00::/8', '::1']);
  assert.deepEqual(planOf({ env: { ALLOWED_IP_RANGES: ' ' } }).server.allowedAddresses, []);
});

for (const entry of ['10.0.0.0/33', '10.0.0', 'office', '10.0.0.0-10.0.0.9', '*']) {
  test(`ALLOWED_IP_RANGES with ${entry} is an error that names it`, () => {
    const { plan, problems } = load({ env: { ALLOWED_IP_RANGES: `10.0.0.1,${entry}` } });
    assert.equal(plan, undefined);
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.file, 'ALLOWED_IP_RANGES');
    assert.ok(problems[0].message.startsWith(`"${entry}" is no address`));
  });
}

for (const name of ['ALLOWED_IP_RANGES', 'CORS_ORIGINS']) {
  test(`${name} that holds no more than commas is an error, not silence`, () => {
    const result = load({ env: { [name]: ' , ' } });
    assert.equal(result.plan, undefined);
    assert.match(lines(result).join('\n'), new RegExp(`^error ${name} : Nothing stands between`));
  });
}

test('CORS_ORIGINS joins server.allowedOrigins, each origin once', () => {
  const app = 'server: { allowedOrigins: ["https://a.example"] }';
  const env = { CORS_ORIGINS: 'https://b.example, https://a.example,http://localhost:5173' };
  assert.deepEqual(planOf({ app, env }).server.allowedOrigins, [
    'https://a.example',
    'https://b.example',
    'http://localhost:5173',
  ]);
});

test('CORS_ORIGINS may be * with authentication alone', () => {
  const env = { CORS_ORIGINS: '*' };
  assert.deepEqual(planOf({ env: { ...env, API_KEY: KEY } }).server.allowedOrigins, ['*']);
  const result = load({ env });
  assert.equal(result.plan, undefined);
  assert.match(lines(result).join('\n'), /^error CORS_ORIGINS : "\*" lets every web page/);
});

for (const entry of ['https://a.example/', 'a.example', 'null', 'https://*.example']) {
  test(`CORS_ORIGINS with ${entry} is an error that names it`, () => {
    const { plan, problems } = load({ env: { CORS_ORIGINS: entry, API_KEY: KEY } });
    assert.equal(plan, undefined);
    assert.ok(problems[0]?.message.startsWith(`"${entry}" is no origin`));
  });
}

test('TLS and proxies are taken over, and a certificate with the key of another one is an error', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-door-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pair = selfSigned('mcpx.test');
  const [cert, key, other] = ['cert.pem', 'key.pem', 'other.pem'].map((name) => join(folder, name));
  assert.ok(cert !== undefined && key !== undefined && other !== undefined);
  await writeFile(cert, pair.cert);
  await writeFile(key, pair.key);
  await writeFile(other, selfSigned('mcpx.test').key);
  const appWith = (file: string): string =>
    `server:\n  trustedProxies: [10.0.0.1, "fd00::/8"]\n  tls: { cert: ${cert}, key: ${file} }`;
  const { server } = planOf({ app: appWith(key) });
  assert.deepEqual(server.tls, { cert: pair.cert, key: pair.key });
  assert.deepEqual(server.trustedProxies, ['10.0.0.1', 'fd00::/8']);
  const [problem = ''] = lines(load({ app: appWith(other) }));
  assert.match(problem, /^error 3:3 server\.tls: The private key is not that of the certificate/);
});

test('TLS files that cannot be read are errors that name them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-door-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const missing = join(folder, 'no.pem');
  const app = `server:\n  tls:\n    cert: ${missing}\n    key: ${folder}`;
  const result = load({ app });
  assert.equal(result.plan, undefined);
  const [cert = '', key = ''] = lines(result);
  assert.ok(cert.startsWith(`error 3:11 server.tls.cert: "${missing}" does not exist;`), cert);
  assert.ok(key.startsWith(`error 4:10 server.tls.key: "${folder}" is no file;`), key);
});
