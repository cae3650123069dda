import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from '../support/raw-eventually.ts';
import { freePort } from '../support/conformance-processes.ts';
import { Drive } from '../support/secret-scan-drive.ts';
import { refusingDatabase } from '../support/secret-scan-remote.ts';
import { ScanScene } from '../support/secret-scan-scene.ts';
import { leakText, type Output } from '../support/secret-scan.ts';

/**
 * Secrets are planted wherever one can stand, each another one: in arguments, headers, environments, command lines, URLs, names,
 * ids, `_meta`, results and answers of users, in what servers print and in how they fail. A real gateway is driven with them in
 * both eras, over HTTP and stdio. Then every byte it has put out is searched: log, audit, traces, metrics, pages, files, answers,
 * and what its commands print. test/support/secret-scan.ts says what counts as a secret.
 */

const scene = await ScanScene.make();
for (const consumer of ['alice', 'bob', 'operator']) {
  scene.configure('first');
  await scene.createKey(consumer);
}

/** Outputs that must tell of the last call of a round, so that what is searched is what is meant. */
const TOLD_OF = [
  'log of',
  'file audit/',
  'metrics',
  'page usage',
  'page limits',
  'page audit',
  'traces',
  'audit by HTTP',
  'audit by syslog',
];

/** All there is once a round is written down everywhere. */
async function outputsOf(drive: Drive, prefixes: readonly string[] = TOLD_OF): Promise<Output[]> {
  let outputs: Output[] = [];
  const lacking = (): string[] =>
    prefixes.filter(
      (prefix) =>
        !outputs.some(({ name, text }) => name.startsWith(prefix) && text.includes(drive.mark)),
    );
  await eventually(`all outputs tell of ${drive.mark}`, async () => {
    outputs = await scene.outputs();
    return lacking().length === 0;
  }).catch((error: unknown) => {
    throw new Error(`Without the last call: ${lacking().join(', ')}`, { cause: error });
  });
  return outputs;
}

function assertNoLeaks(outputs: readonly Output[]): void {
  const leaks = scene.book.leaks(outputs);
  assert.equal(
    leakText(leaks),
    '',
    `${leaks.length} leaks of ${scene.book.secrets.length} secrets`,
  );
}

test('with arguments redacted, which is the default, no secret is told anywhere', async () => {
  scene.configure('redacted');
  const drive = new Drive(scene, 'redacted');
  drive.prepare();
  await scene.start();
  await drive.run();
  assert.ok(scene.book.secrets.length > 700);
  assertNoLeaks(await outputsOf(drive));
});

for (const mode of ['hash', 'none'] as const)
  test(`after a reload to the mode ${mode}, with all secrets replaced, none is told, neither the old nor the new`, async () => {
    const drive = new Drive(scene, mode);
    drive.prepare();
    await scene.reload(mode, { audit: { arguments: mode } });
    await drive.run();
    const outputs = await outputsOf(drive);
    const audit = outputs.filter(({ name }) => name.startsWith('file audit/'));
    assert.ok(audit.some(({ text }) => text.includes('"event":"config-changed"')));
    assertNoLeaks(outputs);
  });

test('commands tell no secret', async () => {
  const { port } = scene;
  const own = scene.operators('command line');
  for (const args of [
    ['check'],
    [
      'explain',
      '--tool',
      'loud/echo',
      '--consumer',
      'alice',
      '--args',
      JSON.stringify({ password: own('arguments') }),
      '--claims',
      JSON.stringify({ token: own('claims') }),
    ],
    ['explain', '--tool', 'loud__with_fixed', '--consumer', 'alice', '--json'],
    ['explain', '--resource', 'test://watched-resource'],
    ['simulate', '--config', `${scene.folder}/app.yaml`, '--from', `${scene.folder}/data/audit`],
    [
      'simulate',
      '--config',
      `${scene.folder}/app.yaml`,
      '--from',
      `${scene.folder}/data/audit`,
      '--json',
    ],
    ['usage'],
    ['context'],
    ['context', '--consumer', 'alice'],
    ['audit', 'query', '--limit', '1000'],
    ['audit', 'verify'],
    ['audit', 'anchors'],
    ['keys', 'list'],
    ['keys', 'list', '--json'],
    ['serve'],
  ]) {
    const text = await scene.mcpx(args, args[0] === 'serve' ? { MCPX_PORT: String(port) } : {});
    assert.notEqual(text, '', args.join(' '));
  }
  assertNoLeaks(await scene.outputs());
});

test('the search finds what is really told: arguments in the mode full, in the audit alone', async () => {
  const told = ['file audit/', 'audit by', 'page audit'];
  const drive = new Drive(scene, 'full', told);
  drive.prepare();
  await scene.reload('full', { audit: { arguments: 'full' } }, told);
  await drive.run();
  const outputs = await outputsOf(drive);
  for (const prefix of told) {
    const texts = outputs.filter(({ name }) => name.startsWith(prefix)).map(({ text }) => text);
    const places = scene.book.placesIn(texts.join('\n'));
    for (const place of SOME_PLACES) assert.ok(places.has(`full: arguments: ${place}`), place);
  }
  assertNoLeaks(outputs);
});

/** Some of the places in arguments, each of another kind. */
const SOME_PLACES = [
  'password',
  'authorization, nested',
  'JSON in JSON in JSON',
  'AWS as a name',
  'after 2048 characters, named',
];

test('a pretty log, and places that records are sent to which cannot be reached, tell no secret', async () => {
  await scene.stop();
  const own = scene.operators('out of reach');
  const database = await refusingDatabase(scene.scope);
  const nobody = await freePort();
  scene.configure('pretty', {
    logging: { format: 'pretty' },
    usage: {
      database: `postgres://app:${own('password of the database')}@127.0.0.1:${database}/usage?application_name=x`,
    },
    tracing: {
      endpoint: `http://127.0.0.1:${nobody}/v1/traces?key=${own('key in the URL of traces')}`,
      headers: { authorization: own('header of traces', (core) => `Bearer ${core}`) },
      timeoutMs: 500,
    },
    audit: {
      http: {
        timeoutMs: 1000,
        url: `http://127.0.0.1:${nobody}/audit?token=${own('token in the URL of the audit')}`,
        headers: { 'x-api-key': own('header of the audit') },
      },
    },
  });
  const drive = new Drive(scene, 'pretty');
  drive.prepare();
  await scene.start();
  await drive.run();
  for (const told of [
    /usage cannot be kept now/u,
    /spans cannot be sent/u,
    /cannot be sent to http/u,
  ])
    await eventually(String(told), () => told.test(scene.log()));
  const outputs = await outputsOf(drive, ['log of', 'file audit/', 'metrics', 'page audit']);
  assert.match(scene.log(), /INFO.*exchange/u);
  assertNoLeaks(outputs);
});

test('a client on stdio is told of no secret, and neither is whoever started it', async () => {
  const drive = new Drive(scene, 'stdio');
  await drive.overStdio();
  await scene.stop();
  assertNoLeaks(await scene.outputs());
});
