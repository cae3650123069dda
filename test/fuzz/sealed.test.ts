import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { Principal } from '../../src/kernel/principal.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { newSecret, Seal, type SealPurpose } from '../../src/seal/seal.ts';
import { Sealed } from '../../src/wiring/sealed.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { Random } from './random.ts';

const RUNS = { seed: 20_260_728, numRuns: 1500 };
const PURPOSES: readonly SealPurpose[] = ['session', 'request-state', 'task', 'cursor'];
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const seal = new Seal([
  { id: 3, secret: newSecret() },
  { id: 2, secret: newSecret() },
]);
const other = new Seal([{ id: 3, secret: newSecret() }]);
const purpose = fc.constantFrom(...PURPOSES);
const text = fc.string({ unit: 'binary', maxLength: 300 });

/** A sealed text with something else in it: another digit, a byte, an end, a part of a second one. */
function spoilt(sealed: string, second: string, seed: number): string {
  const random = new Random(seed);
  const at = random.below(sealed.length);
  switch (random.below(5)) {
    case 0:
      return (
        sealed.slice(0, at) + DIGITS.charAt(random.below(DIGITS.length)) + sealed.slice(at + 1)
      );
    case 1:
      return sealed.slice(0, at) + second.slice(at);
    case 2:
      return sealed + random.pick(['=', '==', ' ', '\n', 'A', '\0', '%3D']);
    case 3:
      return sealed.replaceAll('-', '+').replaceAll('_', '/');
    default:
      return mutateBytes(sealed, random, [second]);
  }
}

test('what was sealed opens again for its purpose, and for no other', () => {
  fc.assert(
    fc.property(text, purpose, purpose, (plain, of, asked) => {
      for (const sealed of [seal.seal(of, plain), seal.sealSame(of, plain)]) {
        assert.match(sealed, /^[\w-]+$/u);
        assert.equal(seal.open(asked, sealed), of === asked ? plain : undefined);
        assert.equal(other.open(of, sealed), undefined);
      }
    }),
    RUNS,
  );
});

test('a sealed text with any change in it is unknown, and never throws', () => {
  fc.assert(
    fc.property(text, text, purpose, fc.nat(), (plain, second, of, seed) => {
      const sealed = seal.seal(of, plain);
      const sealedSecond = seal.seal(of, second);
      const changed = spoilt(sealed, sealedSecond, seed);
      // A change may come to nothing, or to the whole of the second one.
      const known = new Map([
        [sealed, plain],
        [sealedSecond, second],
      ]);
      assert.equal(seal.open(of, changed), known.get(changed));
    }),
    RUNS,
  );
});

test('any text as an id or a state is unknown or refused, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (any) => {
      for (const of of PURPOSES) assert.equal(seal.open(of, any), undefined);
    }),
    RUNS,
  );
});

test('task ids and states of calls are refused with any change in them, for others, and for other calls (R11, R12)', () => {
  const clock = { ms: 1_000_000 };
  const sealed = new Sealed(seal, () => clock.ms, 'this run');
  const [alice, bob] = ['alice', 'bob'].map((credential) =>
    Principal.prove({ credential, proof: 'api-key' }),
  );
  assert.ok(alice !== undefined && bob !== undefined);
  const echo = { kind: 'upstream', callId: 'c', upstream: 's', state: 'inner' } as const;
  const refused = (binding: string, state: string): void => {
    assert.throws(
      () => sealed.openState(binding, state),
      (error) => error instanceof Refusal && error.code === 'PARAMS_INVALID',
    );
  };
  fc.assert(
    fc.property(text, text, fc.nat(), (name, binding, seed) => {
      const id = sealed.sealTask('s', alice, name);
      assert.deepEqual(sealed.openTask(id, alice), { upstream: 's', taskId: name });
      assert.equal(sealed.openTask(id, bob), undefined);
      const state = sealed.sealState(binding, echo);
      assert.deepEqual(sealed.openState(binding, state), echo);
      refused(`${binding}x`, state);
      const [wrongId, wrongState] = [spoilt(id, state, seed), spoilt(state, id, seed)];
      if (wrongId !== id) assert.equal(sealed.openTask(wrongId, alice), undefined);
      if (wrongState !== state) refused(binding, wrongState);
    }),
    { ...RUNS, numRuns: 700 },
  );
});
