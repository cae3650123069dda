import assert from 'node:assert/strict';
import test from 'node:test';
import {
  assertServes,
  attackedForFile,
  callWith,
  elsewhere,
  KEY_HEADER,
  SHARED_KEY,
} from '../support/attack-gateway.ts';
import { eventually } from '../support/raw-eventually.ts';
import { residentMib } from '../support/raw-memory.ts';
import { initializeBody } from '../support/raw-clients.ts';
import { send } from '../support/raw-http.ts';

/** Callers nobody knows must not fill the record: they are counted by address and minute, and the record of all others goes on (R22). */

const gateway = await attackedForFile({ env: { LOG_LEVEL: 'debug' } });
const { port } = gateway;
/** What one minute may hold of callers nobody knows, and another one that begins meanwhile. */
const MOST = 2 * (1000 + 50);

async function times(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index += 50)
    await Promise.all(Array.from({ length: 50 }, (_, each) => act(index + each)));
}

function linesOfLog(): number {
  return gateway.output().split('\n').length;
}

test('thousands of requests without a key from one address are one line, and another when their minute ends (R22)', async () => {
  const place = elsewhere();
  const from = gateway.audit().length;
  const log = linesOfLog();
  await times(5000, () => callWith(port, place, 'it__test_simple_text'));
  await gateway.recorded('it', ({ address }) => address === place['x-forwarded-for'], from);
  const lines = gateway.audit().slice(from);
  const own = lines.filter(({ address }) => address === place['x-forwarded-for']);
  assert.ok(own.length <= 4, `${own.length} lines`);
  assert.ok(linesOfLog() - log < 100, 'the log grew');
});

test('thousands of addresses are bounded together, in the record, in the log and in memory (R22)', async () => {
  const before = residentMib(gateway.pid);
  const from = gateway.audit().length;
  const log = linesOfLog();
  await times(4000, () => send(port, { headers: elsewhere(), body: initializeBody() }));
  await eventually('they are recorded', () => gateway.audit().length > from + 500);
  // A good call comes after them in the record.
  const lines = gateway.audit().length;
  await assertServes(gateway);
  await gateway.recorded('a good call', ({ outcome }) => outcome === 'ok', lines);
  assert.ok(gateway.audit().length - from < MOST, `${gateway.audit().length - from} lines`);
  assert.ok(linesOfLog() - log < MOST + 100, `${linesOfLog() - log} lines of log`);
  assert.ok(residentMib(gateway.pid) - before < 100);
});

test('every way to be turned away counts, and none of them fills the record', async () => {
  const from = gateway.auditText().length;
  const wrong = { [KEY_HEADER]: 'wrong' };
  const ways: readonly (() => Promise<unknown>)[] = [
    () => callWith(port, elsewhere(), 'it__x'),
    () => callWith(port, { ...elsewhere(), ...wrong }, 'it__x'),
    () => send(port, { headers: { ...elsewhere(), host: 'attacker.example' }, body: '{}' }),
    () =>
      send(port, { headers: { ...elsewhere(), origin: 'https://attacker.example' }, body: '{}' }),
    () => send(port, { method: 'GET', path: '/nowhere', headers: elsewhere() }),
    () => send(port, { method: 'GET', path: '/sse', headers: elsewhere() }),
    () => send(port, { path: '/messages?sessionId=x', headers: elsewhere(), body: '{}' }),
    () => send(port, { method: 'GET', path: `/mcp/${'x'.repeat(5000)}`, headers: elsewhere() }),
    () => send(port, { method: 'PUT', headers: elsewhere() }),
    () =>
      send(port, {
        headers: { ...elsewhere(), 'x-lunar-consumer-tag': 'x'.repeat(5000) },
        body: '{}',
      }),
  ];
  await times(3000, (index) => (ways[index % ways.length] ?? (() => Promise.resolve()))());
  await assertServes(gateway);
  assert.ok(gateway.auditText().length - from < 1_000_000, 'the record grew');
});

test('an address that is no address, or is written at length, is no key to the record', async () => {
  const from = gateway.auditText().length;
  for (const text of [
    'x'.repeat(8000),
    '__proto__',
    '127.0.0.1, ::1, 10.0.0.1',
    `${'10.0.0.1, '.repeat(500)}10.0.0.2`,
    '\u00ff\u00fe',
    '"}\\n{"outcome":"ok"',
    '10.0.0.1%eth0',
    'unknown',
    '',
  ])
    await callWith(port, { 'x-forwarded-for': text }, 'it__x');
  await assertServes(gateway);
  const written = gateway.auditText().slice(from);
  assert.ok(written.length < 20_000, `${written.length} characters`);
  for (const line of gateway.audit()) assert.equal(typeof line.outcome, 'string');
});

test('the record of those who are known goes on line by line', async () => {
  const from = gateway.audit().length;
  for (let count = 0; count < 20; count += 1)
    await callWith(port, { [KEY_HEADER]: SHARED_KEY }, 'it__test_simple_text');
  const served = (): number =>
    gateway
      .audit()
      .slice(from)
      .filter(({ outcome, target }) => outcome === 'ok' && target === 'test_simple_text').length;
  await eventually('each is recorded', () => served() >= 20);
});
