import assert from 'node:assert/strict';
import test from 'node:test';
import { levelPasses, LOG_LEVELS } from '../../../src/kernel/era.ts';
import { Cancellation, isWanted, type Owner } from '../../../src/kernel/exchange.ts';
import { notification } from '../../../src/kernel/json-rpc.ts';
import { Permit } from '../../../src/kernel/permit.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';

function ownerWanting(logLevel: string | undefined): Owner {
  return { logLevel } as Owner;
}

test('a cancellation tells its listener once, with the first reason', () => {
  const heard: string[] = [];
  const cancellation = new Cancellation();
  cancellation.listen((reason) => heard.push(reason));
  assert.equal(cancellation.reason, undefined);
  cancellation.cancel('first');
  cancellation.cancel('second');
  assert.deepEqual(heard, ['first']);
  assert.equal(cancellation.reason, 'first');
});

test('whoever listens after a cancellation hears of it at once', () => {
  const heard: string[] = [];
  const cancellation = new Cancellation();
  cancellation.cancel('gone');
  cancellation.listen((reason) => heard.push(reason));
  assert.deepEqual(heard, ['gone']);
});

test('only the stage that now waits is told, and nobody when none does', () => {
  const heard: string[] = [];
  const cancellation = new Cancellation();
  cancellation.listen(() => heard.push('earlier'));
  cancellation.listen(() => heard.push('now'));
  cancellation.listen(undefined);
  cancellation.listen(() => heard.push('last'));
  cancellation.cancel('x');
  assert.deepEqual(heard, ['last']);
});

test('a level lets itself and all above it pass, no level all', () => {
  for (const [at, level] of LOG_LEVELS.entries()) {
    assert.equal(levelPasses(level, undefined), true);
    for (const [wantedAt, wanted] of LOG_LEVELS.entries())
      assert.equal(levelPasses(level, wanted), at >= wantedAt, `${level} for ${wanted}`);
  }
});

test('log messages go to clients as their level says, all other notifications always', () => {
  const log = notification('notifications/message', { level: 'info' });
  const other = notification('notifications/progress', { level: 'debug' });
  assert.equal(isWanted(log, ownerWanting(undefined), false), true);
  assert.equal(isWanted(log, ownerWanting(undefined), true), false, 'modern clients must ask');
  assert.equal(isWanted(log, ownerWanting('info'), true), true);
  assert.equal(isWanted(log, ownerWanting('error'), true), false);
  assert.equal(isWanted(log, ownerWanting('error'), false), false);
  assert.equal(isWanted(other, ownerWanting(undefined), true), true);
  assert.equal(isWanted(notification('notifications/message'), ownerWanting('error'), false), true);
});

test('a principal is who it was proven to be, and no object that looks like one passes for it', () => {
  const [one, same, other] = ['a', 'a', 'b'].map((key) =>
    Principal.prove({ credential: key, proof: 'local' }),
  );
  assert.ok(one !== undefined && same !== undefined && other !== undefined);
  assert.equal(one.is(same), true);
  assert.equal(one.is(other), false);
  const forged = { key: 'a', proof: 'local', consumer: undefined, is: () => true };
  assert.equal(one.is(forged as unknown as Principal), false);
});

test('a permit can be had from policy alone: nothing else compiles as one (R2)', () => {
  const principal = Principal.prove({ credential: 'a', proof: 'local' });
  const target: Target = { kind: 'tool', upstream: 'u', name: 'n', publicName: 'u__n' };
  const takes = ({ rule }: Permit): string => rule;
  assert.equal(takes(Permit.grant(principal, target, 'open')), 'open');
  // @ts-expect-error an object with the same fields is no permit
  assert.equal(takes({ principal, target, rule: 'forged' }), 'forged');
  // @ts-expect-error nobody but the class itself makes one
  assert.ok(new Permit(principal, target, 'forged') instanceof Permit);
});
