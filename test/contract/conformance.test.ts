import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { startGateway, type Era } from '../support/conformance-gateway.ts';
import { runSuite, type Suite } from '../support/conformance-suite.ts';

/**
 * The protocol's own conformance suites, run against a gateway with our fixture behind it. To run one
 * scenario by hand, start both and give the suite the version instead of the set:
 *
 *   node node_modules/conformance/dist/index.js server --url http://127.0.0.1:9000/mcp \
 *     --scenario server-stateless --spec-version 2026-07-28 --verbose
 */
interface Expected {
  readonly era: Era;
  readonly suite: Suite;
  readonly count: number;
}

const LIMIT = { timeout: 140_000 };

async function passes(t: TestContext, { era, suite, count }: Expected): Promise<void> {
  const gateway = await startGateway(era);
  try {
    const run = await runSuite(suite, gateway.url);
    for (const line of run.unscored) t.diagnostic(`not scored: ${line}`);
    assert.deepEqual(run.complaints, [], `\n${run.complaints.join('\n')}`);
    assert.equal(run.scored.length, count, run.scored.join(', '));
    assert.equal(run.exitCode, 0);
  } catch (failure) {
    t.diagnostic(`The gateway wrote:\n${gateway.output().slice(-4_000)}`);
    throw failure;
  } finally {
    await gateway.stop();
  }
}

test(
  'a legacy server behind the gateway passes all 30 server scenarios of 2025-11-25',
  LIMIT,
  (t) => passes(t, { era: 'legacy', suite: '2025-11-25', count: 30 }),
);

test(
  'a legacy server behind the gateway passes all 30 server scenarios of the stable suite',
  LIMIT,
  (t) => passes(t, { era: 'legacy', suite: 'stable', count: 30 }),
);

test(
  'a modern server behind the gateway passes all 37 server scenarios of 2026-07-28',
  LIMIT,
  (t) => passes(t, { era: 'modern', suite: '2026-07-28', count: 37 }),
);
