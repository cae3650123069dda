import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { selfSigned } from '../support/access-certificate.ts';
import { SECRET } from '../support/fault-scene.ts';
import { FaultyRemote, type Kind } from '../support/faulty-remote.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

const GOOD = selfSigned('good');
const EXPIRED = selfSigned('expired', { days: -1 });
const OTHER = selfSigned('another host', { host: 2 });
const UNKNOWN = selfSigned('unknown');

/** The environment of a gateway that trusts these certificates. */
async function trusting(t: TestContext): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'ca.pem');
  await writeFile(file, [GOOD, EXPIRED, OTHER].map(({ cert }) => cert).join(''));
  return { NODE_EXTRA_CA_CERTS: file };
}

/** Takes connections and ends them in the middle of the handshake. */
async function hangingUp(t: TestContext): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

const headers = { authorization: `Bearer ${SECRET}` };
const app = { upstreams: { restartMinMs: 100, restartMaxMs: 300, connectTimeoutMs: 3_000 } };

test('a server whose TLS is not right gets nothing sent, its state says what is wrong, and the others are served', async (t) => {
  const [good, expired, other, unknown] = await Promise.all([
    FaultyRemote.listen(t, 'legacy HTTP', { tls: GOOD }),
    FaultyRemote.listen(t, 'modern HTTP', { tls: EXPIRED }),
    FaultyRemote.listen(t, 'HTTP+SSE', { tls: OTHER }),
    FaultyRemote.listen(t, 'legacy HTTP', { tls: UNKNOWN }),
  ]);
  const plain = await FaultyRemote.listen(t);
  const said: Record<string, RegExp> = {
    expired: /cannot be reached: CERT_HAS_EXPIRED/u,
    other: /cannot be reached: ERR_TLS_CERT_ALTNAME_INVALID/u,
    unknown: /cannot be reached: DEPTH_ZERO_SELF_SIGNED_CERT/u,
    plain: /cannot be reached: \w*(SSL|TLS|EPROTO)\w*/u,
    encrypted: /broke the connection: \w+/u,
    abrupt: /cannot be reached: \w+/u,
  };
  const entries = {
    expired: expired.entry({ headers }),
    other: other.entry({ headers }),
    unknown: unknown.entry({ headers }),
    plain: plain.entry({ headers, url: plain.url.replace('http:', 'https:') }),
    encrypted: good.entry({ url: good.url.replace('https:', 'http:') }),
    abrupt: { url: await hangingUp(t), headers },
  };
  const gateway = await TestGateway.start(t, {
    servers: { ...entries, good: good.entry({ headers }), near: echoServer() },
    app,
    env: await trusting(t),
  });
  await gateway.whenReady('good', 'near');
  for (const [name, reason] of Object.entries(said)) {
    const state = await gateway.whenServer(name, ({ phase }) => phase === 'failed');
    assert.match(state.reason ?? '', reason, name);
  }
  const session = await RawSession.open(gateway.url);
  assert.deepEqual(await session.tools(), ['good__fine', 'near__echo']);
  assert.equal(textOf(await session.call('good__fine')), 'fine');
  for (const remote of [expired, other, unknown, plain]) assert.deepEqual(remote.seen, []);
  assert.ok(!gateway.output().includes(SECRET));
});

for (const kind of ['legacy HTTP', 'modern HTTP', 'HTTP+SSE'] satisfies Kind[])
  test(`a ${kind} server that comes back with a certificate that has ended is not spoken to, and is again when that is renewed`, async (t) => {
    const good = await FaultyRemote.listen(t, kind, { tls: GOOD });
    const gateway = await TestGateway.start(t, {
      servers: { far: good.entry({ headers }), near: echoServer() },
      app,
      env: await trusting(t),
    });
    await gateway.whenReady('far', 'near');
    const session = await RawSession.open(gateway.url);
    assert.equal(textOf(await session.call('far__fine')), 'fine');
    const { port } = good;
    await good.close();
    const ended = await FaultyRemote.listen(t, kind, { tls: EXPIRED, port });
    let refusal: unknown;
    await eventually(
      'a call was told',
      10_000,
      async () => {
        const { error } = await session.call('far__fine');
        refusal = error;
        return /CERT_HAS_EXPIRED/u.test(error?.message ?? '');
      },
      () => refusal,
    );
    assert.equal(
      (refusal as { data: Record<string, unknown> }).data['refusal'],
      'UPSTREAM_UNAVAILABLE',
    );
    assert.match(textOf(await session.call('near__echo', { text: 'fine' })), /^fine/u);
    await ended.close();
    assert.deepEqual(ended.seen, []);
    await FaultyRemote.listen(t, kind, { tls: GOOD, port });
    await gateway.whenReady('far');
    assert.equal(textOf(await session.call('far__fine')), 'fine');
  });
