import assert from 'node:assert/strict';
import test from 'node:test';
import type { LimitedCall } from '../../../../src/kernel/admission.ts';
import type { LimitKey, LimitPlan } from '../../../../src/kernel/limits-plan.ts';
import type { Principal } from '../../../../src/kernel/principal.ts';
import type { Target } from '../../../../src/kernel/target.ts';
import { budget, caller, limit, LimitScene, target } from './scene.ts';

const ONE = { budget: budget({ calls: 1 }) };

const ANNA = caller('anna');
const BERT = caller('bert');
const NOBODY = caller('', { consumer: undefined, proof: 'shared-key', credential: 'shared' });
const MEMBERS = { anna: { grant: undefined, memberOf: 'team' } };

function named(tool: string, custom?: string): Partial<LimitedCall> {
  const made: Target = target(tool);
  return { target: custom === undefined ? made : { ...made, shape: { name: custom, params: {} } } };
}

const PROMPT = { target: target('files/p', 'prompt'), method: 'prompts/get' };
const RESOURCE = { target: target('files/file:///x', 'resource'), method: 'resources/read' };

test('a limit is for the calls that all of its selectors select', (t) => {
  const cases: readonly [
    selectors: Partial<LimitPlan>,
    principal: Principal,
    call: Partial<LimitedCall>,
    isFor: boolean,
  ][] = [
    [{}, NOBODY, {}, true],
    [{ consumers: ['anna'] }, ANNA, {}, true],
    [{ consumers: ['anna'] }, BERT, {}, false],
    [{ consumers: ['*'] }, BERT, {}, true],
    [{ consumers: ['*'] }, NOBODY, {}, false],
    [{ consumers: ['team'] }, ANNA, {}, true],
    [{ consumers: ['team'] }, BERT, {}, false],
    [{ groups: ['team'] }, ANNA, {}, true],
    [{ groups: ['ops', 'dev'] }, caller('x', { groups: ['dev'] }), {}, true],
    [{ groups: ['ops'] }, caller('x', { groups: ['dev'] }), {}, false],
    [{ clients: ['Cursor'] }, ANNA.withClient('Cursor'), {}, true],
    [{ clients: ['Cursor'] }, ANNA.withClient('cursor'), {}, false],
    [{ clients: ['Cursor'] }, ANNA, {}, false],
    [{ servers: ['FILES'] }, ANNA, {}, true],
    [{ servers: ['f*s', 'web'] }, ANNA, {}, true],
    [{ servers: ['web'] }, ANNA, {}, false],
    [{ servers: ['files'] }, ANNA, PROMPT, true],
    [{ servers: ['files'] }, ANNA, RESOURCE, true],
    [{ tools: ['Files/re*'] }, ANNA, {}, true],
    [{ tools: ['files/Read'] }, ANNA, {}, false],
    [{ tools: ['*'] }, ANNA, {}, true],
    [{ tools: ['*'] }, ANNA, PROMPT, false],
    [{ tools: ['*/*'] }, ANNA, RESOURCE, false],
    [{ tools: ['files/read'] }, ANNA, named('files/read', 'read_notes'), true],
    [{ tools: ['files/read_notes'] }, ANNA, named('files/read', 'read_notes'), true],
    [{ tools: ['files/read_notes'] }, ANNA, {}, false],
    [{ consumers: ['anna'], servers: ['web'] }, ANNA, {}, false],
  ];
  for (const [selectors, principal, call, isFor] of cases) {
    const plan = limit('l', { ...ONE, ...selectors });
    const scene = new LimitScene(t, [plan], { consumers: MEMBERS });
    const words = `${JSON.stringify(selectors)} for ${principal.name}`;
    assert.equal(scene.run(principal, 2, call), isFor ? 1 : 2, words);
  }
});

test('what a limit is counted by has a count of its own, and nothing else has', (t) => {
  const cases: readonly [
    per: readonly LimitKey[],
    other: readonly [Principal, Partial<LimitedCall>],
    isApart: boolean,
  ][] = [
    [[], [BERT, named('web/get')], false],
    [['consumer'], [BERT, {}], true],
    [['consumer'], [caller('anna', { credential: 'key:2' }), named('web/get')], false],
    [['caller'], [caller('anna', { credential: 'key:2' }), {}], true],
    // Whoever shares a key and says another tag is the same caller still; so is who comes by another endpoint.
    [
      ['caller'],
      [caller('anna', { consumer: 'tag', isTagged: true, endpoint: 'reading' }), {}],
      false,
    ],
    [['client'], [ANNA.withClient('Cursor'), {}], true],
    [['client'], [BERT, {}], false],
    [['server'], [BERT, named('web/read')], true],
    [['server'], [BERT, named('files/write')], false],
    [['tool'], [BERT, {}], false],
    [['tool'], [ANNA, named('files/write')], true],
    [['tool'], [ANNA, named('files/read', 'read_notes')], false],
    [['tool'], [ANNA, PROMPT], true],
    [['consumer', 'server'], [BERT, {}], true],
    [['consumer', 'server'], [ANNA, named('web/read')], true],
    [['consumer', 'server'], [ANNA, named('files/write')], false],
  ];
  for (const [per, [principal, call], isApart] of cases) {
    const scene = new LimitScene(t, [limit('l', { ...ONE, per })]);
    assert.equal(scene.once(ANNA), undefined);
    const words = `${per.join(', ')}: ${principal.name} ${JSON.stringify(call)}`;
    assert.equal(scene.once(principal, call), isApart ? undefined : 'l', words);
  }
});

test('resources of a server share one count by tool, for callers name them as they like', (t) => {
  const scene = new LimitScene(t, [limit('l', { ...ONE, per: ['tool'] })]);
  assert.equal(scene.once(ANNA, RESOURCE), undefined);
  const other = { ...RESOURCE, target: target('files/file:///y', 'resource') };
  assert.equal(scene.once(ANNA, other), 'l');
});

test('combinations are kept apart however their parts are written', (t) => {
  const scene = new LimitScene(t, [limit('l', { ...ONE, per: ['consumer', 'client'] })]);
  const pairs = [
    ['a', 'b","c'],
    ['a","b', 'c'],
    ['', 'a'],
    ['a', ''],
  ] as const;
  for (const [consumer, client] of pairs)
    assert.equal(
      scene.once(caller(consumer).withClient(client)),
      undefined,
      `${consumer} ${client}`,
    );
});

test('a reload keeps the counts of limits that still mean the same, however much they allow now', (t) => {
  const rate = { calls: 1, perMs: 60_000, burst: 1 };
  const plans = (calls: number): LimitPlan[] => [
    limit('day', { consumers: ['anna', 'bert'], budget: budget({ calls }) }),
    limit('rate', { servers: ['web'], rate }),
  ];
  const scene = new LimitScene(t, plans(3));
  const web = { target: target('web/get') };
  assert.equal(scene.run(ANNA, 2), 2);
  assert.equal(scene.once(NOBODY, web), undefined);
  scene.apply(plans(3).toReversed());
  assert.equal(scene.once(NOBODY, web), 'rate');
  assert.equal(scene.run(ANNA, 5), 1);
  const [day, second] = plans(5);
  scene.apply([
    { ...day!, consumers: ['bert', 'anna'] },
    { ...second!, rate: { ...rate, burst: 2 } },
  ]);
  assert.equal(scene.run(ANNA, 5), 2, 'two more than before');
  assert.equal(scene.run(NOBODY, 5, web), 2, 'another rate begins with a full burst');
  scene.apply(plans(1));
  assert.equal(scene.once(ANNA), 'day');
  scene.apply([{ ...plans(5)[0]!, consumers: ['anna'] }]);
  assert.equal(scene.run(ANNA, 9), 5, 'what selects others counts others');
});

test('a reload holds on to what is in flight, and charges it where it was admitted', (t) => {
  const plans = (concurrency: number): LimitPlan[] => [
    limit('flight', { concurrency, budget: budget({ tokens: 10 }) }),
  ];
  const scene = new LimitScene(t, plans(2));
  const first = scene.call(ANNA, { id: 'first' });
  const gone = scene.call(ANNA, { id: 'gone' });
  scene.apply(plans(2));
  assert.equal(scene.once(ANNA), 'flight');
  assert.ok(first !== undefined && 'release' in first);
  first.release();
  assert.equal(scene.once(ANNA), undefined);
  scene.settle('first', { tokens: 10 });
  assert.equal(scene.once(ANNA), 'flight', 'its budget is used up');
  scene.apply([]);
  assert.equal(scene.call(ANNA), undefined);
  scene.settle('gone', { tokens: 10 });
  assert.ok(gone !== undefined && 'release' in gone);
  gone.release();
  scene.apply(plans(1));
  assert.equal(
    scene.limits.report(1)[0]?.top[0]?.inFlight ?? 0,
    0,
    'what was let go of begins anew',
  );
  const [used] = scene.limits.report(1)[0]?.top ?? [];
  assert.equal(used?.budget?.tokens?.used, 20, 'and the store has what all of them used');
});
