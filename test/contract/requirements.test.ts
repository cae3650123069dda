import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../support/conformance-processes.ts';
import { SCENARIO_TABLES } from '../support/scenario-tables.ts';
import { runsOf, type Scenario } from '../support/scenario.ts';
import { CITATIONS } from './requirements-citations.ts';
import { REVISIONS } from './requirements-table.ts';
import { REQUIREMENTS } from './requirements.ts';

const SCENARIOS: readonly Scenario[] = Object.values(SCENARIO_TABLES).flat();
const IDS = new Set(REQUIREMENTS.map(({ id }) => id));

/** The ids that tests name in a comment `requirement: <id>`. */
function commented(): string[] {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT, exclude: ['**/node_modules/**'] });
  return files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [...text.matchAll(/\brequirement: ([a-z0-9.-]+[a-z0-9])/gu)].map(([, id = '']) => id);
  });
}

const OUTSIDE = new Set([...CITATIONS.map(({ id }) => id), ...commented()]);

test('no id of a requirement is used twice, and each says what it is about', () => {
  assert.equal(IDS.size, REQUIREMENTS.length, 'an id is used twice');
  for (const { id, revisions, section, rule } of REQUIREMENTS) {
    assert.match(id, /^[a-z]+(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$/u);
    assert.ok(revisions.length > 0 && revisions.every((one) => REVISIONS.includes(one)), id);
    assert.match(section, /^[a-z-]+(?:\/[a-z-]+)*: \S/u, id);
    assert.match(rule, /^\S.{15,}\.$/u, id);
  }
});

test('every requirement is cited by a scenario or by a test', () => {
  const cited = new Set([...SCENARIOS.flatMap(({ cites }) => cites), ...OUTSIDE]);
  assert.deepEqual(
    [...IDS].filter((id) => !cited.has(id)),
    [],
  );
});

test('nothing is cited that is no requirement', () => {
  const cited = [...SCENARIOS.flatMap(({ cites }) => cites), ...OUTSIDE];
  assert.deepEqual(
    cited.filter((id) => !IDS.has(id)),
    [],
  );
});

test('a requirement that no other test holds is shown on every way where it applies', () => {
  const missing = REQUIREMENTS.filter(({ id }) => !OUTSIDE.has(id)).flatMap((requirement) => {
    const { id, binds, doors, servers } = requirement;
    const runs = SCENARIOS.filter(({ cites }) => cites.includes(id)).flatMap((one) => runsOf(one));
    const shown = {
      doors: new Set(runs.map(({ door }) => door)),
      servers: new Set(runs.map(({ server }) => server)),
    };
    return [
      ...doors
        .filter((way) => !shown.doors.has(way))
        .map((way) => `${id} (${binds}): client ${way}`),
      ...servers
        .filter((way) => !shown.servers.has(way))
        .map((way) => `${id} (${binds}): server ${way}`),
    ];
  });
  assert.deepEqual(missing, []);
});

test('every citation of another test names one that is there', () => {
  for (const { id, file, name } of CITATIONS) {
    const text = readFileSync(join(ROOT, 'test', file), 'utf8').replaceAll("\\'", "'");
    assert.ok(text.includes(name), `${id}: ${file} has no test "${name}"`);
  }
});

test('every scenario is run, by the file of its table and in at least one combination', () => {
  const names = SCENARIOS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'two scenarios have one name');
  for (const scenario of SCENARIOS) {
    assert.ok(runsOf(scenario).length > 0, `"${scenario.name}" runs nowhere`);
    assert.ok(scenario.cites.length > 0, `"${scenario.name}" cites nothing`);
  }
  const run = globSync('test/contract/scenarios-*.test.ts', { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .filter((text) => /^runScenarios\(/mu.test(text));
  for (const name of Object.keys(SCENARIO_TABLES))
    assert.ok(
      run.some((text) => text.includes(`/scenario-rows-${name}.ts`)),
      `no file runs ${name}`,
    );
});

test('what there is to run', (t) => {
  const runs = SCENARIOS.flatMap((scenario) => runsOf(scenario)).length;
  t.diagnostic(
    `${REQUIREMENTS.length} rules, ${SCENARIOS.length} scenarios, ${runs} runs of them, ${OUTSIDE.size} rules cited by other tests`,
  );
});
