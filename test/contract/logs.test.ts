import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { modernCall, RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { fixtureEntry, startRaw, type RawGateway } from '../support/raw-gateway.ts';
import type { JsonObject } from '../support/raw-http.ts';

/** The log of a running gateway: what is in it, and how much of it there is. */

async function gatewayWith(
  t: TestContext,
  app: object,
  env: Record<string, string> = {},
): Promise<RawGateway> {
  const servers = { it: fixtureEntry('legacy') };
  const gateway = await startRaw({ servers, app: JSON.stringify(app), env });
  t.after(() => gateway.stop());
  return gateway;
}

function linesOf(gateway: RawGateway): JsonObject[] {
  return gateway
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{"level"'))
    .map((line) => JSON.parse(line) as JsonObject);
}

function exchangesOf(gateway: RawGateway): JsonObject[] {
  return linesOf(gateway).filter(({ msg }) => msg === 'exchange');
}

function auditOf({ folder }: RawGateway): JsonObject[] {
  const audit = join(folder, 'data/audit');
  return readdirSync(audit)
    .map((name) => readFileSync(join(audit, name), 'utf8'))
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => JSON.parse(line) as JsonObject);
}

/** Replaces app.yaml and waits until the gateway has taken it over, which it says where it is asked to. */
async function reload(gateway: RawGateway, app: object): Promise<void> {
  const count = (): number =>
    linesOf(gateway).filter(({ msg }) => msg === 'the changed configuration is in force').length;
  const before = count();
  writeFileSync(join(gateway.folder, 'app.yaml'), JSON.stringify(app));
  await eventually('it was in force', () => count() > before);
}

test('every exchange is one line, which its id and its trace join to its audit line', async (t) => {
  const endpoint = 'http://127.0.0.1:9/v1/traces';
  const gateway = await gatewayWith(t, { tracing: { enabled: true, endpoint, sampleRatio: 0 } });
  const session = await RawSession.open(gateway.port);
  await session.call('it__fixture_echo', { text: 'hunter2' });
  await session.call('it__test_error_handling');
  await session.call('it__nothing_there');
  await session.request('tools/list');
  await modernCall(gateway.port, 'it__fixture_rpc_error', { code: -32_000 });
  const audited = (): JsonObject[] => auditOf(gateway).filter(({ method }) => method !== undefined);
  await eventually('all are recorded', () => audited().length >= 6);
  await eventually('all are logged', () => exchangesOf(gateway).length >= 6);
  const joined = (lines: readonly JsonObject[]): string[] =>
    lines
      .map(({ id, method, outcome, code }) => JSON.stringify([id, method, outcome, code]))
      .sort();
  assert.deepEqual(joined(exchangesOf(gateway)), joined(audited()));
  for (const { traceId } of exchangesOf(gateway)) assert.match(String(traceId), /^[\da-f]{32}$/u);
});

test('each line says what was asked, by whom, and how it ended', async (t) => {
  const gateway = await gatewayWith(t, {});
  const session = await RawSession.open(gateway.port);
  await session.call('it__fixture_echo', { text: 'hunter2' });
  await session.call('it__test_error_handling');
  await session.call('it__nothing_there');
  await eventually('all are written', () => exchangesOf(gateway).length >= 4);
  const all = exchangesOf(gateway);
  assert.deepEqual(
    all.map(({ method, outcome, code, server, target }) => [method, outcome, code, server, target]),
    [
      ['initialize', 'ok', undefined, undefined, undefined],
      ['tools/call', 'ok', undefined, 'it', 'fixture_echo'],
      ['tools/call', 'tool-error', undefined, 'it', 'test_error_handling'],
      ['tools/call', 'refused', 'TARGET_UNKNOWN', undefined, undefined],
    ],
  );
  const [, call] = all;
  assert.equal(call?.['level'], 30);
  assert.equal(call?.['client'], 'raw-test');
  assert.equal(typeof call?.['session'], 'string');
  assert.ok(Number(call?.['durationMs']) >= Number(call?.['upstreamMs']));
  assert.doesNotMatch(JSON.stringify(all), /hunter2|nothing_there/u);
});

test('levels of layers change while the gateway runs, and hold for their layers alone', async (t) => {
  const gateway = await gatewayWith(t, { logging: { layers: { exchange: 'silent' } } });
  const session = await RawSession.open(gateway.port);
  const logged = (target: string): boolean =>
    exchangesOf(gateway).some((line) => line['target'] === target);
  await session.call('it__fixture_stderr', { text: 'said first' });
  await eventually('its server is heard', () => gateway.output().includes('said first'));
  await reload(gateway, { logging: { layers: { upstream: 'warn' } } });
  await session.call('it__fixture_stderr', { text: 'said second' });
  await session.call('it__fixture_echo');
  await eventually('the exchange is heard', () => logged('fixture_echo'));
  await reload(gateway, {
    logging: { level: 'warn', layers: { config: 'info', upstream: 'info' } },
  });
  await session.call('it__fixture_stderr', { text: 'said third' });
  await session.call('it__test_simple_text');
  await eventually('its server is heard', () => gateway.output().includes('said third'));
  await gateway.stop();
  assert.equal(logged('test_simple_text'), false);
  assert.doesNotMatch(gateway.output(), /said second/u);
});

test('LOG_LEVEL holds where the file says nothing, and the file holds where it says something', async (t) => {
  const quiet = await gatewayWith(t, {}, { LOG_LEVEL: 'error' });
  await modernCall(quiet.port, 'it__fixture_echo');
  await quiet.stop();
  assert.deepEqual(linesOf(quiet), []);
  const loud = await gatewayWith(t, { logging: { level: 'info' } }, { LOG_LEVEL: 'error' });
  await modernCall(loud.port, 'it__fixture_echo');
  await loud.stop();
  assert.equal(exchangesOf(loud).length, 1);
});

test('what happened last is in the log when the process has ended', async (t) => {
  const gateway = await gatewayWith(t, {});
  for (let count = 0; count < 50; count += 1) await modernCall(gateway.port, 'it__fixture_echo');
  await gateway.stop();
  assert.equal(exchangesOf(gateway).length, 50);
});

test('lines are pretty where the file asks for that', async (t) => {
  const gateway = await gatewayWith(t, { logging: { format: 'pretty' } });
  await modernCall(gateway.port, 'it__fixture_echo');
  const line = /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: exchange \{.*"target":"fixture_echo"/mu;
  await eventually('the line is there', () => line.test(gateway.output()));
  assert.deepEqual(linesOf(gateway), []);
});
