import assert from 'node:assert/strict';
import test from 'node:test';
import {
  requiredOfClients,
  runClientScenario,
  type ClientCase,
} from '../support/conformance-client-suite.ts';

/**
 * The protocol's own client suite, with the gateway as the client under test: the scenario's server stands behind a
 * gateway, and a client of each era drives it. What the server judges is what the gateway sends.
 */
const LIMIT = { timeout: 50_000 };

/** Added after the revisions were frozen, and so not scored; a gateway that loses part of a schema is useless all the same. */
const LATER = 'json-schema-2020-12-preservation';

async function casesOf(revision: string): Promise<readonly ClientCase[]> {
  const scenarios = [...(await requiredOfClients(revision)), LATER];
  return (['legacy', 'modern'] as const).flatMap((era) =>
    scenarios.map((scenario) => ({ scenario, revision, era })),
  );
}

const CASES = [...(await casesOf('2025-11-25')), ...(await casesOf('2026-07-28'))];

test('the client suite has 4 and 7 scenarios that are not about authorization', () => {
  const scored = CASES.filter(({ scenario, era }) => scenario !== LATER && era === 'legacy');
  const counts = ['2025-11-25', '2026-07-28'].map(
    (revision) => scored.filter((one) => one.revision === revision).length,
  );
  assert.deepEqual(counts, [4, 7]);
});

test('the gateway passes the client suite', { concurrency: 2 }, async (t) => {
  const runs = CASES.map((which) => {
    const { scenario, revision, era } = which;
    return t.test(`${scenario} of ${revision}, for a ${era} client`, LIMIT, async (inner) => {
      const { complaints, output } = await runClientScenario(which);
      if (complaints.length > 0) inner.diagnostic(output.slice(-6_000));
      assert.deepEqual(complaints, []);
    });
  });
  await Promise.all(runs);
});
