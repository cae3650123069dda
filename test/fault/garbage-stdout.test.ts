import assert from 'node:assert/strict';
import test from 'node:test';
import { assertRefused, FaultyScene, stdioFaulty } from '../support/stdio-faults.ts';
import { RawSession, textOf } from '../support/gateway-session.ts';
import { eventually, ON_LINUX } from '../support/processes.ts';

const GARBAGE: Readonly<Record<string, Buffer>> = {
  'a banner': Buffer.from('  ___\n |odd|  v1.2.3\n\nListening on stdio...\r\n'),
  'a stack trace': Buffer.from('Error: no\n    at main (server.js:1:1)\n{\n  code: "E_NO"\n}\n'),
  'bytes of every value': Buffer.from([...Array.from({ length: 256 }, (_, byte) => byte), 0x0a]),
  'invalid UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x22, 0x7d, 0x0a]),
  'UTF-16': Buffer.from('\uFEFF{"jsonrpc":"2.0","method":"x"}\n\u0a0a', 'utf16le'),
  'a byte order mark before the answer': Buffer.from('\uFEFF'),
  'JSON that is no message': Buffer.from(
    '{}\n[]\n[{"jsonrpc":"2.0"}]\nnull\n1e999\n"x"\n{"id":1}\n',
  ),
  'a log line with an id of its own': Buffer.from('{"level":30,"id":1002,"error":"x"}\n'),
  'names of prototypes': Buffer.from(
    '{"jsonrpc":"2.0","id":"__proto__","result":{}}\n{"__proto__":{"jsonrpc":"2.0"}}\n',
  ),
  'notifications nobody knows': Buffer.from(
    '{"jsonrpc":"2.0","method":"notifications/none","params":{"a":1}}\n',
  ),
  'a long line': Buffer.from(`${'x'.repeat(300_000)}\n`),
  'brackets a million deep': Buffer.from(
    `{"jsonrpc":"2.0","method":"deep","params":{"x":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}}\n`,
  ),
};
const OTHER_IDS = [77_777, -1, 0.5, 1e300, '1002', '', 'toString', '__proto__'];
const NO_RESPONSES = [
  'no version',
  'another version',
  'a text for a result',
  'null for a result',
  'neither result nor error',
  'a text for an error',
];

test(
  'whatever a server prints on standard output besides its messages, its answers arrive and it is not started again',
  ON_LINUX,
  async (t) => {
    const scene = await FaultyScene.start(t, { odd: { ...stdioFaulty(), callTimeoutMs: 10_000 } });
    for (const [what, bytes] of Object.entries(GARBAGE)) {
      const answer = await scene.call('odd__garbage', { base64: bytes.toString('base64') });
      assert.equal(textOf(answer), 'after the garbage', what);
    }
    await scene.assertOthersGoOn();
    await eventually('a line of it was logged', 5_000, () =>
      scene.gateway.log('odd').some(({ msg }) => msg.startsWith('stdout: not JSON-RPC: Listening')),
    );
    const longest = Math.max(...scene.gateway.log('odd').map(({ msg }) => msg.length));
    assert.ok(longest < 1_000, `a log line of ${longest} characters`);
    await scene.assertWorks('odd');
    assert.equal((await scene.gateway.server('odd')).restarts, 0);
    await scene.assertNothingLeft();
  },
);

test('answers under ids that nobody has asked under, and second answers, reach nobody', async (t) => {
  const scene = await FaultyScene.start(t, { odd: { ...stdioFaulty(), callTimeoutMs: 10_000 } });
  const other = await RawSession.open(scene.gateway.url);
  for (const theirs of OTHER_IDS) {
    const [mine, echoed] = await Promise.all([
      scene.call('odd__another_id', { theirs }),
      other.call('odd__echo', { text: 'theirs' }),
    ]);
    assert.equal(textOf(mine), 'mine', `after an answer to ${theirs}`);
    assert.equal(textOf(echoed), 'theirs', `after an answer to ${theirs}`);
  }
  const twice = Array.from({ length: 20 }, () => scene.call('odd__twice'));
  const single = Array.from({ length: 20 }, (_, at) => other.call('odd__echo', { text: `${at}` }));
  for (const answer of await Promise.all(twice)) assert.equal(textOf(answer), 'first');
  for (const [at, answer] of (await Promise.all(single)).entries())
    assert.equal(textOf(answer), `${at}`);
  assert.equal((await scene.gateway.server('odd')).restarts, 0);
});

test('a call answered with what is no JSON-RPC response fails at once and says so, and no other call does', async (t) => {
  const scene = await FaultyScene.start(t, {
    odd: { ...stdioFaulty(), callTimeoutMs: 30_000, breakAfter: 0 },
  });
  const other = await RawSession.open(scene.gateway.url);
  const begin = performance.now();
  const hung = other.call('odd__half_then_rest', { ms: 1 });
  assert.equal(textOf(await hung), 'whole at last');
  for (const kind of NO_RESPONSES)
    assertRefused(
      await scene.call('odd__no_response', { kind }),
      'UPSTREAM_PROTOCOL',
      /"odd" answered with what is no JSON-RPC response/u,
    );
  assert.ok(performance.now() - begin < 10_000, 'told late');
  await scene.assertOthersGoOn();
  await scene.assertWorks('odd');
  assert.equal((await scene.gateway.server('odd')).restarts, 0);
});

for (const [what, words] of Object.entries({
  'a byte order mark': '\uFEFF',
  'a banner': '*** odd server v1 ***\nready\n',
}))
  test(`a server whose first words are ${what} starts all the same`, async (t) => {
    const scene = await FaultyScene.start(t, { odd: stdioFaulty(['--first-words', words]) });
    await scene.assertWorks('odd');
    assert.equal((await scene.gateway.server('odd')).restarts, 0);
  });

for (const words of ['x', '{x'])
  test(
    `standard output flooded with lines of "${words}" holds up nobody and is not all logged; when it ends, the server answers`,
    ON_LINUX,
    async (t) => {
      const scene = await FaultyScene.start(t, { odd: stdioFaulty() });
      assert.equal(textOf(await scene.call('odd__flood_stdout', { words })), 'flooding');
      const { peak } = await scene.peakDuring(async () => {
        for (let count = 0; count < 8; count += 1) await scene.assertOthersGoOn();
      });
      assert.ok(peak < 150, `took ${peak} MiB`);
      // Its answers come among the flood, as fast as that is read.
      assert.equal(textOf(await scene.call('odd__stop_flood')), 'stopped');
      await eventually('it was said that not all was logged', 10_000, () =>
        scene.gateway
          .log('odd')
          .some(({ msg }) => /stdout: too many lines at once: \d+ bytes/u.test(msg)),
      );
      await scene.assertWorks('odd');
      assert.equal((await scene.gateway.server('odd')).restarts, 0);
      await scene.assertNothingLeft();
    },
  );
