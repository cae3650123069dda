import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import type { AccessPlan, GrantPlan } from '../../../src/kernel/access.ts';
import type { JsonObject } from '../../../src/kernel/json.ts';
import { Denial } from '../../../src/kernel/permit.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import type { Target } from '../../../src/kernel/target.ts';
import { Policy } from '../../../src/policy/policy.ts';
import { isPermitted, NIGHT, rule } from './plans.ts';
import { argumentsOf, principals, provens, TARGETS, worlds, type World } from './worlds.ts';

const RUNS = { numRuns: 1_500 };
const targets = fc.constantFrom(...TARGETS);
const NOW = { now: () => NIGHT };

function policyOf({ isAuthOn }: World, access: AccessPlan): Policy {
  return new Policy(access, { isOn: isAuthOn }, NOW);
}

/** The decision in plain data. */
function plain(policy: Policy, by: Principal, target: Target, args: JsonObject): object {
  const decision = policy.decide(by, target, args);
  const isAllowed = !(decision instanceof Denial);
  return {
    isAllowed,
    rule: decision.rule,
    hidden: isAllowed ? false : decision.hidden,
    scopes: isAllowed ? [] : decision.scopes,
    shadows: decision.shadows,
  };
}

/** Some of the combinations of arguments, the same for a world each time. */
function sample(world: World): JsonObject[] {
  const all = argumentsOf(world);
  return all.filter((_, index) => index % Math.ceil(all.length / 8) === 0);
}

test('a target is seen if and only if some arguments are permitted (R5)', () => {
  fc.assert(
    fc.property(worlds, principals, targets, (world, by, target) => {
      const policy = policyOf(world, world.access);
      const sight = policy.sight(by, target);
      const some = argumentsOf(world).some((args) => isPermitted(policy.decide(by, target, args)));
      assert.equal(sight === 'seen', some);
      const refused = policy.decide(by, target);
      if (!(refused instanceof Denial)) return;
      assert.equal(refused.hidden, sight === 'hidden');
      assert.equal(refused.scopes.length > 0, sight === 'by-scope');
    }),
    RUNS,
  );
});

test('what is obtainable by scope is seen with those scopes, and only then called so (R6)', () => {
  let count = 0;
  fc.assert(
    fc.property(worlds, provens, targets, (given, { proven, client }, target) => {
      const shut = { id: 'permissions.default', base: 'block', allow: [], block: [] } as const;
      const rules = given.access.rules.map((each) =>
        each.effect === 'allow' ? { ...each, scopes: each.scopes ?? ['s0'] } : each,
      );
      const access = { ...given.access, default: shut, consumers: {}, rules };
      const policy = policyOf(given, access);
      const by = Principal.prove(proven).withClient(client);
      if (policy.sight(by, target) !== 'by-scope') return;
      count += 1;
      assert.equal(by.proof, 'token');
      const denial = policy.decide(by, target);
      assert.ok(denial instanceof Denial && !denial.hidden);
      const scopes = [...new Set([...(proven.scopes ?? []), ...denial.scopes])];
      const richer = Principal.prove({ ...proven, scopes }).withClient(client);
      assert.equal(policy.sight(richer, target), 'seen');
    }),
    RUNS,
  );
  assert.ok(count > 10, `${count} targets were obtainable by scope`);
});

test('an explanation is of the very decision', () => {
  fc.assert(
    fc.property(worlds, principals, targets, (world, by, target) => {
      const policy = policyOf(world, world.access);
      for (const args of sample(world)) {
        const { considered, ...decision } = policy.explain(by, target, args);
        assert.deepEqual(decision, plain(policy, by, target, args));
        const deciding = considered.filter(({ verdict }) => verdict === 'decides');
        const failed = considered.filter(({ verdict }) => verdict === 'condition failed');
        assert.ok(deciding.length <= 1);
        assert.ok([...deciding, ...failed].some(({ id }) => id === decision.rule));
        const rules = considered.filter(({ kind }) => kind === 'rule').map(({ id }) => id);
        assert.deepEqual(
          rules,
          world.access.rules.map(({ id }) => id),
        );
      }
    }),
    RUNS,
  );
});

function everyGrant(access: AccessPlan, change: (grant: GrantPlan) => GrantPlan): AccessPlan {
  const consumers = Object.entries(access.consumers).map(([name, { grant, memberOf }]) => [
    name,
    { memberOf, grant: grant === undefined ? undefined : change(grant) },
  ]);
  const clientNames = Object.entries(access.clientNames).map(([name, grant]) => [
    name,
    change(grant),
  ]);
  return {
    ...access,
    default: change(access.default),
    consumers: Object.fromEntries(consumers) as AccessPlan['consumers'],
    clientNames: Object.fromEntries(clientNames) as AccessPlan['clientNames'],
  };
}

interface Comparison {
  readonly world: World;
  readonly by: Principal;
  readonly target: Target;
}

/** Nothing is permitted or reached under the second plan that is not under the first. */
function assertStricter({ world, by, target }: Comparison, stricter: AccessPlan): void {
  const [before, after] = [policyOf(world, world.access), policyOf(world, stricter)];
  for (const args of sample(world)) {
    if (isPermitted(after.decide(by, target, args)))
      assert.ok(isPermitted(before.decide(by, target, args)), 'a call');
  }
  if (after.sight(by, target) === 'seen') assert.equal(before.sight(by, target), 'seen');
  if (after.reaches(by, target.upstream)) assert.ok(before.reaches(by, target.upstream));
}

test('another rule that denies never permits more', () => {
  const additions = fc.record({ other: worlds, at: fc.nat(3) });
  fc.assert(
    fc.property(worlds, additions, principals, targets, (world, { other, at }, by, target) => {
      const [first] = other.access.rules;
      const deny = rule('added', { ...first, id: 'added', effect: 'deny', mode: 'enforce' });
      const rules = world.access.rules.toSpliced(at, 0, deny);
      assertStricter({ world, by, target }, { ...world.access, rules });
    }),
    RUNS,
  );
});

test('another blocked group never permits more', () => {
  fc.assert(
    fc.property(
      worlds,
      fc.constantFrom('g0', 'g1', 'g2'),
      principals,
      targets,
      (world, group, by, target) => {
        const block = ({ block, ...grant }: GrantPlan): GrantPlan => ({
          ...grant,
          block: [...block, group],
        });
        assertStricter({ world, by, target }, everyGrant(world.access, block));
      },
    ),
    RUNS,
  );
});

test('with authentication on, no name a client gives itself permits more (R20)', () => {
  fc.assert(
    fc.property(worlds, provens, targets, (given, { proven, client }, target) => {
      // A rule that denies a client is one that any other client escapes: only what allows is compared.
      const rules = given.access.rules.filter(
        ({ effect, clients, when }) =>
          effect === 'allow' || (clients === undefined && when?.includes('client') !== true),
      );
      const world = { ...given, isAuthOn: true, access: { ...given.access, rules } };
      const policy = policyOf(world, world.access);
      const nameless = Principal.prove(proven);
      for (const args of sample(world)) {
        if (isPermitted(policy.decide(nameless.withClient(client), target, args)))
          assert.ok(isPermitted(policy.decide(nameless, target, args)));
      }
    }),
    RUNS,
  );
});

test('rules in shadow mode never change a decision', () => {
  fc.assert(
    fc.property(worlds, principals, targets, (world, by, target) => {
      const rules = world.access.rules.filter(({ mode }) => mode === 'enforce');
      const [all, enforced] = [
        policyOf(world, world.access),
        policyOf(world, { ...world.access, rules }),
      ];
      assert.equal(all.sight(by, target), enforced.sight(by, target));
      assert.equal(all.viewUntil(by), enforced.viewUntil(by));
      for (const args of sample(world)) {
        const decided = { ...plain(all, by, target, args), shadows: [] };
        assert.deepEqual(decided, plain(enforced, by, target, args));
      }
    }),
    RUNS,
  );
});

test('a rule in shadow mode is recorded if and only if putting it in force changes the decision', () => {
  fc.assert(
    fc.property(worlds, principals, targets, (world, by, target) => {
      const policy = policyOf(world, world.access);
      const inForce = world.access.rules
        .filter(({ mode }) => mode === 'shadow')
        .map(({ id }) => {
          const rules = world.access.rules.map((each) =>
            each.id === id ? { ...each, mode: 'enforce' as const } : each,
          );
          return { id, policy: policyOf(world, { ...world.access, rules }) };
        });
      // A rule that leads to a server opens its tasks with it, which is no matter of single rules.
      fc.pre(target.kind !== 'task' && target.kind !== 'ask');
      for (const args of sample(world)) {
        const decision = policy.decide(by, target, args);
        const different = inForce.filter(
          (each) => isPermitted(each.policy.decide(by, target, args)) !== isPermitted(decision),
        );
        assert.deepEqual(
          decision.shadows,
          different.map(({ id }) => id),
        );
      }
    }),
    RUNS,
  );
});

test('what is foreseen with everything known is the decision', () => {
  fc.assert(
    fc.property(worlds, principals, targets, (world, by, target) => {
      const policy = policyOf(world, world.access);
      for (const args of sample(world)) {
        const decision = policy.decide(by, target, args);
        const { decision: foreseen, rule: id } = policy.foresee(by, target, {
          args,
          hasClaims: true,
        });
        assert.equal(foreseen, isPermitted(decision) ? 'allow' : 'deny');
        assert.equal(id, decision.rule);
      }
    }),
    RUNS,
  );
});

test('what is foreseen with less known is the decision whatever the rest would be', () => {
  const seen = { allow: 0, deny: 0, undecidable: 0 };
  const claims: readonly JsonObject[] = [{}, { x: 1 }, { x: 2 }, { y: 1 }];
  fc.assert(
    fc.property(
      worlds,
      provens,
      targets,
      fc.boolean(),
      (world, { proven, client }, target, hasArgs) => {
        const policy = policyOf(world, world.access);
        const unknown = Principal.prove({ ...proven, claims: undefined }).withClient(client);
        const known = hasArgs ? sample(world).at(-1) : undefined;
        const { decision } = policy.foresee(unknown, target, { args: known, hasClaims: false });
        seen[decision] += 1;
        if (decision === 'undecidable') return;
        for (const each of claims) {
          const by = Principal.prove({ ...proven, claims: each }).withClient(client);
          for (const args of known === undefined ? sample(world) : [known])
            assert.equal(isPermitted(policy.decide(by, target, args)), decision === 'allow');
        }
      },
    ),
    RUNS,
  );
  assert.ok(
    Object.values(seen).every((count) => count > 0),
    JSON.stringify(seen),
  );
});

test('callers with equal keys see the same and are decided alike', () => {
  let equal = 0;
  let different = 0;
  fc.assert(
    fc.property(worlds, principals, principals, (world, one, other) => {
      const policy = policyOf(world, world.access);
      if (policy.viewKey(one) !== policy.viewKey(other)) {
        different += 1;
        return;
      }
      equal += 1;
      const [args = {}] = sample(world).slice(-1);
      // One policy keeps what it found for a class: the other caller is asked about under a fresh one.
      const fresh = policyOf(world, world.access);
      assert.equal(policy.viewUntil(one), fresh.viewUntil(other));
      for (const target of TARGETS) {
        assert.equal(policy.sight(one, target), fresh.sight(other, target));
        assert.deepEqual(plain(policy, one, target, args), plain(fresh, other, target, args));
        assert.equal(policy.reaches(one, target.upstream), fresh.reaches(other, target.upstream));
      }
    }),
    RUNS,
  );
  assert.ok(equal > 50 && different > 50, `${equal} equal, ${different} different`);
});

test('a decision does not depend on what was decided before', () => {
  fc.assert(
    fc.property(worlds, principals, principals, targets, (world, one, other, target) => {
      const policy = policyOf(world, world.access);
      const [args = {}] = sample(world).slice(-1);
      policy.sight(other, target);
      policy.decide(other, target, args);
      policy.decide(one, target, {});
      assert.deepEqual(
        plain(policy, one, target, args),
        plain(policyOf(world, world.access), one, target, args),
      );
    }),
    RUNS,
  );
});
