import assert from 'node:assert/strict';
import test from 'node:test';
import { fingerprint } from '../../../src/config/fingerprint.ts';
import type { UpstreamLimits } from '../../../src/kernel/plan.ts';
import { serverOf } from './plan-from.ts';

const ENTRY = { command: 'x', args: ['a'], env: { A: '1', B: '${B:-2}' } };
const of = (entry: object, given = {}): string => serverOf(entry, given).fingerprint;

test('the fingerprint of an unchanged server is the same in every process (R14)', () => {
  const { endpoint, isolation } = serverOf(ENTRY);
  // A few limits stand for all, so that a new one changes nothing here.
  const limits = { callTimeoutMs: 1, progressResetsCallTimeout: true } as UpstreamLimits;
  assert.equal(
    fingerprint({ endpoint, isolation, limits }),
    'ezyCJFP9snmUrbTukeHBWS6mcTQhsA4SvjR9dpyQzkQ',
  );
});

test('neither the order of keys nor what says the same in other words changes it', () => {
  const same = [
    { env: { B: '2', A: '1' }, args: ['a'], command: 'x' },
    { ...ENTRY, type: 'stdio' },
    { ...ENTRY, isolation: 'auto', callTimeoutMs: 300_000 },
    { ...ENTRY, disabled: true },
  ];
  for (const entry of same) assert.equal(of(entry), of(ENTRY));
});

test('it changes with everything a restart must follow', () => {
  const others = [
    of({ ...ENTRY, command: 'y' }),
    of({ ...ENTRY, args: ['a', ''] }),
    of({ ...ENTRY, env: { A: '1' } }),
    of({ ...ENTRY, cwd: '.' }),
    of({ ...ENTRY, isolation: 'session' }),
    of({ ...ENTRY, maxInstances: 1 }),
    of(ENTRY, { env: { B: '3' } }),
    of(ENTRY, { app: 'upstreams: { callTimeoutMs: 1 }' }),
    of({ url: 'http://a' }),
    of({ url: 'http://a', headers: { A: 'b' } }),
  ];
  assert.equal(new Set([of(ENTRY), ...others]).size, others.length + 1);
});

test('it shows nothing of the values it covers', () => {
  assert.match(of({ command: 'x', env: { A: 'hunter2' } }), /^[\w-]{43}$/);
});
