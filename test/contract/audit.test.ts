import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { eventually } from '../support/processes.ts';
import { modernCall, modernSent } from '../support/raw-clients.ts';
import { send, type Got, type JsonObject } from '../support/raw-http.ts';

const APP = { audit: { flushMs: 20, arguments: 'full' } };

interface Page {
  readonly entries: readonly JsonObject[];
  readonly nextCursor: string | null;
}

function ask(audited: AuditedGateway, query: string): Promise<Got> {
  return send(audited.port, { method: 'GET', path: `/admin/audit${query}` });
}

async function page(audited: AuditedGateway, query: string): Promise<Page> {
  const { status, text } = await ask(audited, query);
  assert.equal(status, 200, text);
  return JSON.parse(text) as Page;
}

function numberOf(entry: JsonObject): number {
  return Number(String((entry['arguments'] as JsonObject)['text']).replace('number ', ''));
}

test('each exchange is one line with what it was, how long it took and how much it used', async (t) => {
  const audited = await AuditedGateway.start(t, { app: APP });
  await modernCall(audited.port, 'echo__echo', { text: 'number 1' });
  const line = await audited.line('it is recorded', ({ method }) => method === 'tools/call');
  const { outcome, server, target, era, transport, rule } = line;
  assert.deepEqual(
    [outcome, server, target, era, transport, rule],
    ['ok', 'echo', 'echo', 'modern', 'http', 'permissions.default'],
  );
  assert.match(String(line['id']), /^[\w-]+-[0-9a-z]+$/u);
  assert.ok(
    Number(line['durationMs']) >= Number(line['upstreamMs']) && Number(line['upstreamMs']) > 0,
  );
  assert.ok(Number(line['requestBytes']) > 100 && Number(line['resultChars']) > 10);
  const tokens = await audited.line(
    'its tokens are',
    ({ tokens: used, id }) => used !== undefined && id === line['id'],
  );
  assert.ok(Number((tokens['tokens'] as JsonObject)['result']) > 0);
  await audited.gateway.end('SIGTERM');
  const events = audited
    .lines()
    .map(({ event }) => event)
    .filter((event) => event !== undefined);
  assert.deepEqual(
    [
      events[0],
      events.includes('gateway-started'),
      events.includes('server-state'),
      events.includes('gateway-stopped'),
      events.at(-1),
    ],
    ['chain-begun', true, true, true, 'chain-ended'],
  );
});

test('what was recorded is found by what it is about, newest first, page by page while more is recorded', async (t) => {
  const audited = await AuditedGateway.start(t, { app: APP });
  const made = async (from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number += 1) await audited.call(number);
    await eventually('they are recorded', 20_000, () => audited.numbers().size >= to);
  };
  await made(0, 30);
  const found: number[] = [];
  let cursor = '';
  for (let count = 0; count < 20; count += 1) {
    const { entries, nextCursor } = await page(
      audited,
      `?method=tools/call&server=ECHO&limit=7${cursor}`,
    );
    found.push(...entries.map((entry) => numberOf(entry)));
    if (nextCursor === null) break;
    cursor = `&cursor=${nextCursor}`;
    await made(30 + count, 31 + count);
  }
  assert.deepEqual(
    found,
    Array.from({ length: 30 }, (_, index) => 29 - index),
  );
  const oldest = await page(audited, '?tool=echo&order=oldest&limit=3');
  assert.deepEqual(
    oldest.entries.map((entry) => numberOf(entry)),
    [0, 1, 2],
  );
  const [entry] = oldest.entries;
  const same = await page(audited, `?id=${String(entry?.['id'])}&tool=echo`);
  assert.deepEqual(same.entries, [entry]);
  assert.match(String(entry?.['chain']), /^[0-9a-f]{16}$/u);
  const none = await page(audited, '?consumer=nobody');
  assert.deepEqual(none, { entries: [], nextCursor: null });
  const { output, code } = await audited.mcpx('audit', 'query', '--tool', 'echo', '--limit', '2');
  assert.equal(code, 0, output);
  assert.match(
    output,
    /^AT \(UTC\) +OUTCOME +WHO +WHAT +MS +BECAUSE OF\n(?:2\d{3}-\d\d-\d\d [\d:.]+ +ok +\S+ +tools\/call echo\/echo +[\d.]+ +permissions\.default\n){2}There may be more: --cursor \S+\n$/u,
  );
});

test('a question that cannot be answered is refused, with what is wrong in it', async (t) => {
  const audited = await AuditedGateway.start(t, { app: APP });
  for (const [query, what] of [
    ['?limit=0', /query parameter limit: give a number from 1 to 1000/u],
    ['?from=yesterday', /query parameter from: give a day/u],
    ['?from=2026-11-02&to=2026-11-01', /query parameter from: this is not before/u],
    [
      '?consumers=x',
      /query parameter consumers: there is no such; there are query parameter consumer,/u,
    ],
    ['?outcome=ok&outcome=error', /query parameter outcome: give it once/u],
    ['?cursor=abc', /cursor: this is no cursor of an answer before/u],
    ['?order=up', /query parameter order: give newest or oldest/u],
  ] as const) {
    const { status, text } = await ask(audited, query);
    assert.equal(status, 400, query);
    assert.match(text, what);
  }
});

test('verifying tells the line that was altered, exports what proves it, and works beside a gateway that runs (R22)', async (t) => {
  const audited = await AuditedGateway.start(t, { app: APP });
  for (let number = 0; number < 5; number += 1) await audited.call(number);
  await audited.line('they are signed', ({ event }) => event === 'checkpoint');
  const running = await audited.mcpx('audit', 'verify');
  assert.equal(running.code, 0, running.output);
  assert.match(
    running.output,
    /Chain [0-9a-f]{16} is being written\..*\n1 chain, 1 file, \d+ lines: nothing was tampered with\.\n$/su,
  );
  await audited.gateway.end('SIGTERM');
  const [anchors, key] = [
    await audited.mcpx('audit', 'anchors'),
    await audited.mcpx('audit', 'key'),
  ];
  const anchorFile = join(audited.gateway.folder, 'anchors.jsonl');
  const keyFile = join(audited.gateway.folder, 'audit.pem');
  writeFileSync(anchorFile, anchors.output);
  writeFileSync(keyFile, key.output);
  const elsewhere = [
    'audit',
    'verify',
    audited.folder,
    '--anchors',
    anchorFile,
    '--public-key',
    keyFile,
  ];
  assert.equal((await audited.mcpx(...elsewhere)).code, 0);
  const [file = ''] = audited.files();
  const path = join(audited.folder, file);
  const lines = readFileSync(path, 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes('number 3'));
  writeFileSync(path, lines.with(at, (lines[at] ?? '').replace('number 3', 'number 4')).join('\n'));
  const { code, output } = await audited.mcpx(...elsewhere);
  assert.equal(code, 1);
  assert.ok(output.startsWith(`${path}:${at + 1}: altered: `), output);
  writeFileSync(path, lines.slice(0, at).concat('').join('\n'));
  assert.match((await audited.mcpx(...elsewhere)).output, /: truncated: The chain ends here/u);
  const { code: misused, output: why } = await audited.mcpx(
    'audit',
    'verify',
    '--public-key',
    path,
  );
  assert.equal(misused, 2);
  assert.match(why, /it holds no public key in PEM/u);
});

test('two gateways share a data folder: each has its chain, and both are verified and searched together (R22)', async (t) => {
  const one = await AuditedGateway.start(t, { app: APP });
  const two = await AuditedGateway.start(t, {
    app: APP,
    env: { MCPX_DATA_DIR: one.gateway.dataDir },
  });
  await Promise.all(
    Array.from({ length: 40 }, (_, number) => (number % 2 === 0 ? one : two).call(number)),
  );
  await eventually('all are recorded', 20_000, () => one.numbers().size === 40);
  const { entries } = await page(two, '?method=tools/call&limit=100');
  assert.equal(new Set(entries.map((entry) => numberOf(entry))).size, 40);
  assert.equal(new Set(entries.map(({ chain }) => chain)).size, 2);
  await two.gateway.end('SIGTERM');
  const { findings, chains } = await one.verify();
  assert.deepEqual(
    [findings, chains.map(({ state }) => state).toSorted()],
    [[], ['alive', 'ended']],
  );
});

test('what becomes of keys is recorded with who did it, also without a gateway', async (t) => {
  const app = { ...APP, auth: { enabled: true }, permissions: { default: { block: [] } } };
  const audited = await AuditedGateway.prepare(t, {
    app,
    env: { API_KEY: 'shared-key-0123456789' },
  });
  const made = await audited.mcpx('keys', 'create', '--name', 'ci', '--consumer', 'builds');
  const [key = ''] = /mcpx_\S+/u.exec(made.output) ?? [];
  await audited.gateway.launch();
  const sent = modernSent('tools/list', {}, { headers: { 'x-lunar-api-key': key } });
  assert.equal((await send(audited.port, sent)).status, 200);
  assert.equal((await send(audited.port, sent)).status, 200);
  await audited.mcpx('keys', 'revoke', 'ci');
  await audited.gateway.end('SIGTERM');
  const events = audited.lines().filter(({ event }) => String(event).startsWith('key-'));
  const told = events.map(
    ({ event, by, details }) =>
      `${String(event)} ${typeof by} ${String((details as JsonObject)['name'])}`,
  );
  assert.deepEqual(told.toSorted(), [
    'key-created string ci',
    'key-revoked string ci',
    'key-used-first undefined ci',
  ]);
  assert.ok(!JSON.stringify(audited.lines()).includes(key));
  assert.deepEqual((await audited.verify()).findings, []);
});

test('a changed configuration is recorded with what is different, secrets left out', async (t) => {
  const audited = await AuditedGateway.start(t, { app: APP });
  const secret = 'hush-hush-0123456789-abc';
  await audited.gateway.configure({
    other: { command: 'no-such-command', env: { API_TOKEN: secret } },
  });
  const { details } = await audited.line(
    'it is recorded',
    ({ event }) => event === 'config-changed',
  );
  assert.match(JSON.stringify(details), /"path":"servers/u);
  assert.ok(!JSON.stringify(audited.lines()).includes(secret));
});
