import assert from 'node:assert/strict';
import test from 'node:test';
import { faulty } from '../support/faults.ts';
import { jsonOf, RawSession, textOf } from '../support/gateway-session.ts';
import { echoServer, fixture, TestGateway, type ServerEntry } from '../support/gateway.ts';
import { descendantsOf, eventually, ON_LINUX, residentMebibytes } from '../support/processes.ts';

const MEBIBYTE = 2 ** 20;
/** Every length a character can have in UTF-8, and what JSON or line framing could trip over. */
const ALL_LENGTHS =
  'a\u00e9\u20ac\u{1f30d}\u{1f469}\u200d\u{1f680} \u2028\u2029\u0085 \\ " \u0000 \u001f end';

async function open(
  t: test.TestContext,
  entry: ServerEntry,
): Promise<{ gateway: TestGateway; session: RawSession }> {
  const gateway = await TestGateway.start(t, { servers: { odd: entry, steady: echoServer() } });
  await gateway.whenReady('odd', 'steady');
  return { gateway, session: await RawSession.open(gateway.url) };
}

test('a result of 64 MiB arrives whole, and other servers are served meanwhile and after', async (t) => {
  const { gateway, session } = await open(t, fixture('legacy'));
  const bytes = 64 * MEBIBYTE;
  const begin = performance.now();
  const big = session.call('odd__fixture_big', { bytes });
  const other = await RawSession.open(gateway.url);
  assert.match(textOf(await other.call('steady__echo', { text: 'meanwhile' })), /^meanwhile/u);
  const text = textOf(await big);
  t.diagnostic(`64 MiB in ${(performance.now() - begin).toFixed(0)} ms`);
  assert.equal(text.length, bytes);
  assert.match(text, /^x+$/u);
  assert.match(textOf(await session.call('odd__fixture_echo', { text: 'after' })), /after/u);
  assert.equal((await gateway.server('odd')).restarts, 0);
});

test(
  '64 MiB results one after the other are not kept: memory stays within a few of them',
  ON_LINUX,
  async (t) => {
    const { gateway, session } = await open(t, fixture('legacy'));
    for (let round = 0; round < 8; round += 1) {
      const response = await session.post({
        id: `big-${round}`,
        method: 'tools/call',
        params: { name: 'odd__fixture_big', arguments: { bytes: 64 * MEBIBYTE } },
      });
      let received = 0;
      for await (const chunk of response.body ?? []) received += chunk.length;
      assert.ok(received > 64 * MEBIBYTE);
    }
    const resident = residentMebibytes(gateway.pid);
    t.diagnostic(`${resident.toFixed(0)} MiB resident`);
    assert.ok(resident < 1_000, `${resident} MiB resident after 8 results of 64 MiB`);
  },
);

test('a message above maxMessageBytes ends that server with a reason, and nothing else', async (t) => {
  const { gateway, session } = await open(t, { ...faulty(), maxMessageBytes: 100_000 });
  assert.equal(
    textOf(await session.call('odd__text', { text: 'x'.repeat(90_000) })).length,
    90_000,
  );
  const answer = await session.call('odd__too_long', { bytes: 200_000 });
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
  assert.match(answer.error?.message ?? '', /maxMessageBytes is 100000/u);
  assert.match(textOf(await session.call('steady__echo', { text: 'fine' })), /^fine/u);
  await gateway.whenServer('odd', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
});

test('chatter on standard output that is no message is logged and skipped, blank lines are skipped, and the answer arrives', async (t) => {
  const { gateway, session } = await open(t, faulty());
  assert.equal(textOf(await session.call('odd__chatter')), 'after the chatter');
  assert.equal(textOf(await session.call('odd__blank_lines')), 'after blank lines');
  const said = (): string[] => gateway.log('odd').map(({ msg }) => msg);
  for (const part of ['Starting the engines...', 'but no'])
    await eventually(
      `"${part}" was logged`,
      5_000,
      () => said().some((msg) => msg.startsWith('stdout: not JSON-RPC') && msg.includes(part)),
      said,
    );
  assert.equal((await gateway.server('odd')).restarts, 0);
  assert.equal((await gateway.server('odd')).phase, 'ready');
});

test('characters of several bytes survive being cut anywhere on their way', async (t) => {
  const { session } = await open(t, faulty());
  assert.equal(
    textOf(await session.call('odd__split_characters', { text: ALL_LENGTHS })),
    ALL_LENGTHS,
  );
  // Long enough to be cut by the pipe itself, at places nobody chose.
  const long = '\u{1f30d}\u20ac\u00e9a'.repeat(100_000);
  assert.equal(textOf(await session.call('odd__text', { text: long })), long);
});

test('invalid UTF-8, answers nobody asked for and a second answer do no harm', async (t) => {
  const { gateway, session } = await open(t, faulty());
  assert.equal(textOf(await session.call('odd__raw_characters')), 'after invalid UTF-8');
  assert.equal(textOf(await session.call('odd__two_at_once')), 'first');
  assert.equal(textOf(await session.call('odd__unknown_id')), 'mine');
  assert.equal(textOf(await session.call('odd__text', { text: 'next' })), 'next');
  assert.equal((await gateway.server('odd')).restarts, 0);
});

test('a server that closes its output but lives on is ended and replaced', ON_LINUX, async (t) => {
  const { gateway, session } = await open(t, faulty());
  const pid = Number(textOf(await session.call('odd__pid')));
  const answer = await session.call('odd__close_output');
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
  assert.match(answer.error?.message ?? '', /closed its output/u);
  await gateway.whenServer('odd', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
  assert.notEqual(Number(textOf(await session.call('odd__pid'))), pid);
  await eventually('the mute process was gone', 10_000, () =>
    descendantsOf(gateway.pid).every((each) => each.pid !== pid),
  );
});

test('half a line and then the end is no answer: the call fails with how the server ended', async (t) => {
  const { gateway, session } = await open(t, faulty());
  const answer = await session.call('odd__half_line');
  assert.equal(answer.error?.data?.['refusal'], 'UPSTREAM_LOST');
  assert.match(answer.error?.message ?? '', /exited with code 3/u);
  await gateway.whenServer('odd', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
});

test('what a server wrote last before it ended still counts', async (t) => {
  const { gateway, session } = await open(t, faulty());
  assert.equal(textOf(await session.call('odd__whole_line_then_exit')), 'last words');
  await gateway.whenServer('odd', ({ phase, restarts }) => phase === 'ready' && restarts === 1);
});

test('the operator is told what a server wrote last to standard error, the caller is not', async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: { odd: faulty() },
    app: { upstreams: { restartMinMs: 2_000 } },
  });
  await gateway.whenReady('odd');
  const session = await RawSession.open(gateway.url);
  const answer = await session.call('odd__stderr_then_exit');
  assert.match(answer.error?.message ?? '', /exited with code 7/u);
  assert.doesNotMatch(JSON.stringify(answer), /license/u);
  const { reason } = await gateway.whenServer('odd', ({ phase }) => phase === 'starting');
  assert.match(reason ?? '', /exited with code 7.*the license has expired/u);
});

test(
  '64 MiB on standard error are logged line by line, kept within bounds, and block nobody',
  ON_LINUX,
  async (t) => {
    const { gateway, session } = await open(t, faulty());
    // The thread that counts tokens reads its vocabulary, some 50 MiB, at the first call: that is none of the flood.
    await session.call('steady__echo', { text: 'first' });
    await gateway.whenRecorded('steady');
    const before = residentMebibytes(gateway.pid);
    const flood = session.call('odd__stderr', { lines: 64, length: MEBIBYTE });
    assert.match(textOf(await session.call('steady__echo', { text: 'meanwhile' })), /^meanwhile/u);
    assert.equal(textOf(await flood), 'complained');
    const many = await session.call('odd__stderr', { lines: 2_000, length: 30 });
    assert.equal(textOf(many), 'complained');
    await eventually(
      'the last line was logged',
      10_000,
      () =>
        gateway.log('odd').filter(({ msg }) => msg === `stderr: ${'e'.repeat(30)}`).length ===
        2_000,
    );
    const longest = Math.max(...gateway.log('odd').map(({ msg }) => msg.length));
    assert.ok(longest < 1_000, `a log line of ${longest} characters`);
    const grown = residentMebibytes(gateway.pid) - before;
    assert.ok(grown < 100, `grew by ${grown} MiB`);
  },
);

test("a child gets a short list of variables and what its entry names, never the gateway's own secrets", async (t) => {
  const gateway = await TestGateway.start(t, {
    servers: {
      odd: {
        ...faulty(),
        env: { FIXTURE_GIVEN: 'given', FIXTURE_TAKEN: '${MCPX_TEST_SECRET}-taken' },
      },
    },
    env: {
      MCPX_TEST_SECRET: 'hunter2',
      AWS_SECRET_ACCESS_KEY: 'hunter3',
      GITHUB_TOKEN: 'hunter4',
      FIXTURE_UNNAMED: 'unnamed',
      NODE_OPTIONS: '--no-warnings',
      LANG: 'C.UTF-8',
    },
  });
  await gateway.whenReady('odd');
  const session = await RawSession.open(gateway.url);
  const seen = jsonOf<Record<string, string>>(await session.call('odd__environment'));
  assert.equal(seen['FIXTURE_GIVEN'], 'given');
  assert.equal(seen['FIXTURE_TAKEN'], 'hunter2-taken');
  assert.equal(seen['LANG'], 'C.UTF-8');
  assert.ok(seen['PATH']);
  const allowed = ['FIXTURE_GIVEN', 'FIXTURE_TAKEN', 'HOME', 'LANG', 'PATH'];
  assert.deepEqual(Object.keys(seen).toSorted(), allowed);
  assert.doesNotMatch(gateway.output(), /hunter/u);
});

test(
  'a server that does not read gets no more kept for it than maxMessageBytes: further calls are refused, and what was taken is answered later',
  ON_LINUX,
  async (t) => {
    const { gateway, session } = await open(t, { ...faulty(), maxMessageBytes: 1_000_000 });
    const pid = Number(textOf(await session.call('odd__pid')));
    process.kill(pid, 'SIGSTOP');
    const text = 'x'.repeat(200_000);
    const answered: Awaited<ReturnType<RawSession['call']>>[] = [];
    const calls = Array.from({ length: 20 }, async () => {
      const answer = await session.call('odd__text', { text });
      answered.push(answer);
      return answer;
    });
    // A call that comes once the server reads again is taken as any other, so nearly all must have come before.
    await eventually('all but the first 7 calls were refused', 20_000, () => answered.length >= 13);
    const [refused] = answered;
    assert.ok(refused);
    assert.equal(refused.error?.data?.['refusal'], 'UPSTREAM_UNAVAILABLE');
    assert.match(refused.error?.message ?? '', /does not read its input/u);
    assert.match(textOf(await session.call('steady__echo', { text: 'fine' })), /^fine/u);
    process.kill(pid, 'SIGCONT');
    const answers = await Promise.all(calls);
    const taken = answers.filter(({ error }) => error === undefined);
    assert.ok(taken.length >= 4 && taken.length <= 7, `${taken.length} calls were taken`);
    for (const answer of taken) assert.equal(textOf(answer).length, text.length);
    assert.equal(Number(textOf(await session.call('odd__pid'))), pid);
    assert.equal((await gateway.server('odd')).restarts, 0);
  },
);
