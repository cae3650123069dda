import assert from 'node:assert/strict';
import test from 'node:test';
import { FailSafe } from '../../../src/upstream/lunar/fail-safe.ts';
import { proxyError } from '../../../src/upstream/lunar/proxy-error.ts';

interface Scene {
  readonly safe: FailSafe;
  pass(ms: number): void;
  fail(times: number): boolean[];
}

function scene(failuresToCooldown = 3, cooldownMs = 1000): Scene {
  let now = 50_000;
  const safe = new FailSafe({ failuresToCooldown, cooldownMs }, () => now);
  return {
    safe,
    pass: (ms) => {
      now += ms;
    },
    fail: (times) =>
      Array.from({ length: times }, () => {
        safe.begin();
        return safe.failed();
      }),
  };
}

test('failures in a row begin a cool-down, and each cool-down is told once', () => {
  const { safe, fail, pass } = scene();
  assert.deepEqual(fail(2), [false, false]);
  assert.ok(safe.isOpen);
  assert.deepEqual(fail(1), [true]);
  assert.ok(!safe.isOpen);
  pass(999);
  assert.ok(!safe.isOpen);
  pass(1);
  assert.ok(safe.isOpen);
});

test('a success between failures starts the count anew', () => {
  const { safe, fail } = scene();
  fail(2);
  assert.equal(safe.succeeded(), false, 'there was nothing to come back from');
  assert.deepEqual(fail(2), [false, false]);
  assert.ok(safe.isOpen);
});

test('what was on its way when a cool-down began does not make it longer', () => {
  const { safe, fail, pass } = scene();
  fail(3);
  pass(900);
  assert.equal(safe.failed(), false);
  pass(100);
  assert.ok(safe.isOpen);
});

test('after a cool-down one request tries; the others follow once it has arrived, and one failure begins another cool-down', () => {
  const { safe, fail, pass } = scene();
  fail(3);
  pass(1000);
  safe.begin();
  assert.ok(!safe.isOpen, 'one is enough to find out');
  safe.arrived();
  assert.ok(safe.isOpen);
  assert.deepEqual(fail(1), [true]);
  assert.ok(!safe.isOpen);
  pass(1000);
  safe.begin();
  assert.equal(safe.failed(), true, 'the one that tries is failure enough');
  pass(1000);
  safe.begin();
  safe.ended();
  assert.ok(safe.isOpen, 'one that was given up lets the next one try');
  safe.begin();
  assert.equal(safe.succeeded(), true, 'the return is told');
  assert.equal(safe.succeeded(), false, 'once');
  assert.deepEqual(fail(2), [false, false]);
});

test('one failure can be enough, and arriving is no success yet', () => {
  const { safe, fail, pass } = scene(1);
  assert.deepEqual(fail(1), [true]);
  pass(1000);
  safe.begin();
  safe.arrived();
  assert.ok(safe.isOpen);
  assert.deepEqual(fail(1), [true]);
  assert.ok(!safe.isOpen);
});

/** Status and x-lunar-error, and what becomes of the request. */
const ANSWERS: readonly (readonly [number, string | string[] | undefined, string])[] = [
  [200, undefined, 'answered'],
  [404, undefined, 'answered'],
  [504, undefined, 'answered'],
  [200, '1', 'answered'],
  [302, '1', 'answered'],
  [401, '1', 'sent directly'],
  [404, '1', 'sent directly'],
  [503, '1', 'sent directly'],
  [503, '2', 'sent directly'],
  [404, '4', 'sent directly'],
  [503, '5', 'sent directly'],
  [503, '10', 'sent directly, all servers'],
  [504, '1', 'broken'],
  [504, '3', 'broken'],
  [503, '3', 'broken'],
  [502, '2', 'broken'],
  [403, '6', 'unauthorized'],
  [403, '7', 'unauthorized'],
  [500, '11', 'broken'],
  [503, '', 'broken'],
  [503, ['1', '3'], 'broken'],
];

test('only what the Lunar Gateway cannot have sent on is sent directly (R26)', () => {
  const found = ANSWERS.map(([status, code]) => {
    const error = proxyError(status, code === undefined ? {} : { 'x-lunar-error': code });
    if (error === undefined) return [status, code, 'answered'];
    if (error.kind === 'fatal') return [status, code, error.failure.kind];
    return [status, code, `sent directly${error.isAboutAll ? ', all servers' : ''}`];
  });
  assert.deepEqual(found, ANSWERS);
});

test('what stands in x-lunar-error is shown only where it is a code', () => {
  const error = proxyError(500, { 'x-lunar-error': '<b>\u001B[31m secret' });
  assert.equal(
    error?.kind === 'fatal' ? error.failure.message : '',
    'was not answered for by the Lunar Gateway (x-lunar-error ?, HTTP 500)',
  );
});
