import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { Caller } from '../support/attack-caller.ts';
import {
  assertServes,
  attackedForFile,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';

/** What callers and servers write is shown to an operator as text: nothing of it moves a cursor, sets a title or hides a line. */

const ESC = '\u001b';
const TRICKS = [
  `${ESC}[2J${ESC}[H`,
  `${ESC}]0;pwned\u0007`,
  '\u009b31m',
  '\r\nok: everything is fine\r\n',
  '\u202e\u2066',
  '\u0008\u0008\u0008',
  '\u2028line',
].join('x');

/** Control characters but for the end of a line, and signs that turn the direction of a text. */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const HARMFUL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/u;

/** Those that JSON must not hold as they are: what reads it line by line would break, or obey. */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const RAW = /[\u0000-\u0009\u000b-\u001f]/u;

const { gateway, provider, claims } = await tokenSceneForFile({
  issuer: { consumerClaim: 'team', groupsClaim: 'groups', consumers: undefined },
  servers: { it: fixtureEntry('legacy') },
  env: { LOG_LEVEL: 'debug' },
  app: { permissions: { default: { block: [] } } },
});
const { port } = gateway;

async function attack(): Promise<void> {
  const token = await provider.sign(
    claims({ sub: `alice${TRICKS}`, team: `team${TRICKS}`, groups: [`group${TRICKS}`] }),
  );
  for (const headers of [{ authorization: `Bearer ${token}` }, { [KEY_HEADER]: SHARED_KEY }]) {
    const caller = new Caller(port, { headers, client: `client${TRICKS}` } as const);
    await caller.modernCall('it__test_simple_text', { [`key${TRICKS}`]: `value${TRICKS}` });
    await caller.modern('resources/read', { uri: 'test://static-text' });
    const session = await Caller.open(port, { headers, client: `client${TRICKS}` } as const);
    await session.ask('resources/read', {
      uri: `test://template/${encodeURIComponent(TRICKS)}/data`,
    });
    await session.ask('resources/read', {
      uri: `test://template/${TRICKS.replaceAll('/', '')}/data`,
    });
    await session.ask('tools/call', { name: `it__nothing${TRICKS}` });
    await session.ask(`method${TRICKS}`);
  }
}

test('an operator who replays the record sees text alone', async () => {
  await attack();
  await gateway.recorded(
    'the last of it',
    ({ method, code }) => method === 'other' && code !== undefined,
  );
  const strict = join(gateway.folder, 'strict.yaml');
  const issuer = { issuer: provider.issuer, consumerClaim: 'team', groupsClaim: 'groups' };
  await writeFile(
    strict,
    JSON.stringify({
      server: { publicUrl: 'https://mcpx.example' },
      auth: { jwt: [issuer] },
      permissions: { default: { allow: [] } },
      rules: [{ id: 'by-argument', effect: 'allow', tools: ['it/*'], when: 'has(args.nothing)' }],
    }),
  );
  const from = join(gateway.folder, 'data', 'audit');
  const shown = await gateway.mcpx('simulate', '--config', strict, '--from', from);
  assert.match(shown, /Newly denied/u);
  assert.doesNotMatch(shown, HARMFUL);
  assert.doesNotMatch(shown, /^ok: everything/mu);
  const json = await gateway.mcpx('simulate', '--config', strict, '--from', from, '--json');
  assert.doesNotMatch(json, RAW);
});

test('the log and the record hold one line for each of them, with nothing raw in it', async () => {
  for (const text of [gateway.output(), gateway.auditText()]) {
    assert.ok(text.includes('client'));
    assert.doesNotMatch(text, RAW);
    assert.doesNotMatch(text, /^ok: everything/mu);
  }
  await assertServes(gateway);
});

test('a server that is named, or describes its failure, with such signs shows text alone', async () => {
  const script = `console.error(${JSON.stringify(TRICKS)}); process.exit(3)`;
  const other = await attackedForFile({
    servers: {
      loud: {
        command: process.execPath,
        args: ['-e', script],
        restartMinMs: 50,
        restartMaxMs: 100,
      },
    },
  });
  const lines = other.output().split('\n');
  for (const line of lines) assert.doesNotMatch(line, line.startsWith('{') ? RAW : HARMFUL);
  assert.ok(!lines.some((line) => line.startsWith('ok: everything')));
});
