import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { assertServes, attackedForFile, elsewhere } from '../support/attack-gateway.ts';
import { eventually } from '../support/raw-eventually.ts';
import { residentMib } from '../support/raw-memory.ts';
import { send } from '../support/raw-http.ts';

/** The body of a caller nobody knows is not read: however much is sent, nothing of it is kept, parsed or waited for. */

const gateway = await attackedForFile({ app: { server: { maxBodyBytes: 400_000_000 } } });
const { port } = gateway;
const CHUNK = Buffer.alloc(64 * 1024, 'x');

interface Upload {
  readonly socket: Socket;
  answer(): string;
  readonly closed: Promise<void>;
}

function upload(t: TestContext, head: readonly string[]): Promise<Upload> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      resolve({ socket, answer: () => answer, closed });
    });
    const closed = new Promise<void>((done) => {
      socket.on('close', () => done());
    });
    socket.on('data', (data: Buffer) => {
      answer += data.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    t.after(() => socket.destroy());
  });
}

function headOf(more: readonly string[], path = '/mcp'): readonly string[] {
  const place = elsewhere()['x-forwarded-for'];
  return [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `X-Forwarded-For: ${place}`,
    ...more,
  ];
}

/** Writes so many chunks as fast as they are taken, or until the other side has closed. */
async function pour(socket: Socket, chunks: number, isChunked: boolean): Promise<void> {
  for (let count = 0; count < chunks && !socket.destroyed; count += 1) {
    if (isChunked) socket.write(`${CHUNK.length.toString(16)}\r\n`);
    const isTaken = socket.write(CHUNK);
    if (isChunked) socket.write('\r\n');
    if (isTaken) continue;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        socket.off('drain', goOn).off('close', goOn);
        resolve();
      };
      socket.on('drain', goOn).on('close', goOn);
    });
  }
}

for (const [what, more, isChunked] of [
  ['a length', ['Content-Length: 300000000'], false],
  ['chunks', ['Transfer-Encoding: chunked'], true],
] as const) {
  test(`an unknown caller is answered before its body by ${what} is sent, and none of it is kept`, async (t) => {
    const flood = async (): Promise<void> => {
      const uploads = await Promise.all(Array.from({ length: 10 }, () => upload(t, headOf(more))));
      for (const each of uploads)
        await eventually('it is answered', () => each.answer().includes('UNAUTHENTICATED'));
      for (const { answer } of uploads) assert.match(answer(), /^HTTP\/1\.1 401 /u);
      await Promise.all(uploads.map(({ socket }) => pour(socket, 400, isChunked)));
      for (const { closed } of uploads) await closed;
    };
    // The first flood makes room for buffers that are used again; 250 MiB more would show if anything were kept.
    await flood();
    const before = residentMib(gateway.pid);
    await flood();
    const after = residentMib(gateway.pid);
    assert.ok(after - before < 120, `from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`);
    await assertServes(gateway);
  });
}

test('an unknown caller that never sends its body is answered, and its connection is not kept', async (t) => {
  const from = gateway.audit().length;
  const head = headOf(['Content-Length: 1000']);
  const { answer, closed } = await upload(t, head);
  await eventually('it is answered', () => answer().includes('UNAUTHENTICATED'));
  await closed;
  await gateway.recorded(
    'it',
    ({ code, address }) =>
      code === 'UNAUTHENTICATED' && head.includes(`X-Forwarded-For: ${address}`),
    from,
  );
});

test('an unknown caller learns nothing of whether its body could be read', async () => {
  const bodies = [
    '{',
    '',
    'null',
    '[]',
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    'x'.repeat(100_000),
  ];
  const texts = await Promise.all(
    bodies.map(async (body) => {
      const got = await send(port, {
        headers: { ...elsewhere(), 'content-type': 'application/json' },
        body,
      });
      return `${got.status} ${got.text}`;
    }),
  );
  const other = await send(port, {
    headers: { ...elsewhere(), 'content-type': 'text/plain' },
    body: 'x',
  });
  texts.push(`${other.status} ${other.text}`);
  assert.equal(new Set(texts).size, 1, texts.join('\n'));
});

test('a body sent to the road of messages, or to a path that is none, is not read either', async (t) => {
  const before = residentMib(gateway.pid);
  for (const path of ['/messages?sessionId=x', '/mcp/group', '/nowhere', '/admin/servers']) {
    const { socket, answer } = await upload(t, headOf(['Content-Length: 300000000'], path));
    await eventually('it is answered', () => /^HTTP\/1\.1 4\d\d /u.test(answer()));
    await pour(socket, 800, false);
    socket.destroy();
  }
  assert.ok(residentMib(gateway.pid) - before < 120);
  await assertServes(gateway);
});

test('hundreds of such callers at once keep nobody who is known waiting', async (t) => {
  const uploads = await Promise.all(
    Array.from({ length: 200 }, () => upload(t, headOf(['Content-Length: 300000000']))),
  );
  const startedAt = performance.now();
  await assertServes(gateway);
  assert.ok(performance.now() - startedAt < 5000);
  for (const { socket } of uploads) socket.destroy();
  await assertServes(gateway);
});
